"""Traffic models and coordinator algorithms that break one rule each: a good one, changed in one place."""

import itertools
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
from good_agents import GoodAlgorithm, GoodTraffic, the

from federates.boundary.errors import ModelError
from federates.boundary.roles import Commit, Evaluate, Solve
from federates.worlds.rail.conformance import home_all_day
from federates.worlds.road.messages import TrafficObservation


class NeedsVehicles(GoodTraffic):
    def run(self, period, departures):
        if not departures:
            raise ModelError("nobody sets out")
        return super().run(period, departures)


class SlowTraffic(GoodTraffic):
    def run(self, period, departures):
        time.sleep(0.4)
        return super().run(period, departures)


class ForgetsALink(GoodTraffic):
    def run(self, period, departures):
        seen = super().run(period, departures)
        return replace(seen, links=replace(seen.links, speed_m_per_s=seen.links.speed_m_per_s[1:]))


class NegativeDensity(GoodTraffic):
    def run(self, period, departures):
        seen = super().run(period, departures)
        density = np.where(seen.links.flow_veh_per_h > 1000.0, -1.0, seen.links.density_veh_per_km)
        return replace(seen, links=replace(seen.links, density_veh_per_km=density))


class Duplicates(GoodTraffic):
    def run(self, period, departures):
        seen = super().run(period, departures)
        return TrafficObservation(seen.links, replace(seen.stations, arrivals_veh=2.0 * seen.stations.arrivals_veh))


class Swallows(GoodTraffic):
    def run(self, period, departures):
        seen = super().run(period, departures)
        return TrafficObservation(seen.links, replace(seen.stations, arrivals_veh=0.0 * seen.stations.arrivals_veh))


class KmPerHour(GoodTraffic):
    """Takes speeds in km/h for m/s."""

    def run(self, period, departures):
        seen = super().run(period, departures)
        return replace(seen, links=replace(seen.links, speed_m_per_s=3.6 * seen.links.speed_m_per_s))


class Overwhelmed(GoodTraffic):
    def run(self, period, departures):
        if sum(departure.vehicles for departure in departures) > 1000:
            raise ModelError("too many vehicles")
        return super().run(period, departures)


class UnseededTraffic(GoodTraffic):
    lives = itertools.count()

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.level = next(UnseededTraffic.lives)

    def run(self, period, departures):
        seen = super().run(period, departures)
        return replace(seen, links=replace(seen.links, travel_time_s=seen.links.travel_time_s + self.level))


class LeavesAProcess(GoodTraffic):
    def begin(self, session, recorder):
        super().begin(session, recorder)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(6)"])


class Endless(GoodAlgorithm):
    def next(self, result):
        decision = super().next(result)
        return self.solve(self.zero) if isinstance(decision, Commit) else decision


class InfinitePrices(GoodAlgorithm):
    def next(self, result):
        decision = super().next(result)
        return self.solve(the(decision.prices) / 0.0) if isinstance(decision, Solve) else decision


class ForgetsToDecide(GoodAlgorithm):
    def next(self, result):
        decision = super().next(result)
        return None if isinstance(decision, Commit) else decision


class Stumbles(GoodAlgorithm):
    def next(self, result):
        decision = super().next(result)
        if isinstance(decision, Commit):
            raise ModelError("the master problem is infeasible")
        return decision


class Ponders(GoodAlgorithm):
    def start(self, period, openings):
        time.sleep(0.4)
        return super().start(period, openings)


class HalfAVehicle(GoodAlgorithm):
    def commit(self, agreed, reason):
        return self.carry_out(self.plan + 0.5, agreed, reason)


class ClaimsAgreement(GoodAlgorithm):
    """Commits nothing, and says that this is agreed."""

    def commit(self, agreed, reason):
        self.plan = self.zero
        return self.carry_out(self.zero, True, reason)


class ProvesTooMuch(GoodAlgorithm):
    """Names a lower bound above what the best plan costs."""

    def commit(self, agreed, reason):
        return replace(super().commit(False, reason), lower_bound_usd=1.5 * abs(self.upper) + 1.0)


class Silent(GoodAlgorithm):
    def commit(self, agreed, reason):
        return self.carry_out(self.plan, agreed, "")


class UnseededAlgorithm(GoodAlgorithm):
    lives = itertools.count()

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.level = next(UnseededAlgorithm.lives)

    def commit(self, agreed, reason):
        return self.carry_out(self.plan, agreed, f"{reason}, seen by number {self.level}")


class OverwritesAnswers(GoodAlgorithm):
    def next_road(self, asked, offered):
        decision = super().next_road(asked, offered)
        the(asked)[...] = 0.0
        return decision


class TrustsTheAsked(GoodAlgorithm):
    """Waits until everything that is asked is offered, and commits it at last whether or not it is."""

    def next_road(self, asked, offered):
        if isinstance(decision := super().next_road(asked, offered), Evaluate) and self.round == 1:
            self.wish = np.floor(the(asked))
        refused = self.round > 1 and not the(offered).any()
        return self.carry_out(self.wish, False, "as asked") if isinstance(decision, Commit) and refused else decision


class ChangesItsMind(GoodAlgorithm):
    """From the third period on every train is to stay where it is, though nothing is late."""

    def start(self, period, openings):
        decision = super().start(period, openings)
        if period == 6 and isinstance(decision, Commit):
            other = self.plan.copy()
            other[:, :, 7 - period] = 0.0
            return self.carry_out(other, True, "another plan")
        return decision


class IgnoresLateTrains(GoodAlgorithm):
    def holds(self, ready):
        return True


class StaysHome(GoodAlgorithm):
    """By rail it never moves a train, and says that nothing better can be had."""

    def next_rail(self, asked, offered):
        decision = super().next_rail(asked, offered)
        if isinstance(decision, Commit):
            self.plan = home_all_day(self.session, self.period)
            return self.carry_out(self.plan, True, decision.reason)
        return decision


TRAFFIC = [
    (NeedsVehicles, "traffic.every_period"),
    (SlowTraffic, "traffic.in_time"),
    (ForgetsALink, "traffic.shape"),
    (NegativeDensity, "traffic.finite"),
    (Duplicates, "traffic.arrivals"),
    (Swallows, "traffic.delivers"),
    (KmPerHour, "traffic.consistent"),
    (Overwhelmed, "traffic.flooded"),
    (UnseededTraffic, "traffic.deterministic"),
    (LeavesAProcess, "end.clean"),
]
ROAD_ALGORITHMS = [
    (Endless, "decisions.end"),
    (InfinitePrices, "decisions.valid"),
    (ForgetsToDecide, "decisions.valid"),
    (Stumbles, "decisions.every_round"),
    (Ponders, "decisions.in_time"),
    (HalfAVehicle, "plan.feasible"),
    (ClaimsAgreement, "plan.agreed"),
    (ProvesTooMuch, "plan.bound"),
    (Silent, "decisions.reason"),
    (UnseededAlgorithm, "decisions.deterministic"),
    (OverwritesAnswers, "decisions.read_only"),
    (TrustsTheAsked, "decisions.stubborn"),
]
RAIL_ALGORITHMS = [(ChangesItsMind, "day.goes_on"), (IgnoresLateTrains, "day.late_train"), (StaysHome, "plan.agreed")]
