"""Agents that keep every rule, small enough to break in one place: `tests/conformance` does so.

The operators on the road are those of `small_agents`, the transport operator by rail that of `small_rail_agents`.
"""

from dataclasses import replace

import numpy as np
from small_agents import SmallPower, SmallTransport
from small_rail_agents import SmallRailPower, SmallRailTransport

from federates.boundary.messages import Answer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Solve, TrafficModel
from federates.worlds.road.messages import LinkObservation, StationObservation, TrafficObservation

RAIL_WORTH = {
    "worth_usd": (
        (3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0),
        (0.5, 0.5, 4.0, 6.0, 6.0, 4.0, 0.5, 0.5),
        (0.5, 0.5, 2.0, 8.0, 8.0, 2.0, 0.5, 0.5),
    )
}
"""Settings of `GoodRailPower` for the small session by rail: what stands are worth, per station and period."""

__all__ = ["RAIL_WORTH", "GoodAlgorithm", "GoodPower", "GoodRailPower", "GoodRailTransport", "GoodTraffic", "GoodTransport"]

GoodPower = SmallPower
GoodRailPower, GoodRailTransport = SmallRailPower, SmallRailTransport


class GoodTransport(SmallTransport):
    """The small one with a fleet, and with the routes of the built-in session."""

    FLEET_VEH = 2000.0

    def solve(self, multipliers_usd_per_veh, gate):
        z = np.clip(multipliers_usd_per_veh / self.settings.slope, 0.0, self.FLEET_VEH)
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer(z, cost, cost - float((multipliers_usd_per_veh * z).sum()))

    def evaluate(self, connection_veh, gate):
        return super().evaluate(np.minimum(connection_veh, self.FLEET_VEH), gate)

    def commit(self, connection_veh):
        return [replace(d, links=(f"{d.origin}-hub", f"hub-{d.destination}")) for d in super().commit(connection_veh)]


class GoodTraffic(TrafficModel):
    """A road on which everyone drives freely; storages arrive in the last bin, as many as a lane lets through, the rest later."""

    LANE_VEH_PER_H = 1800.0

    def begin(self, session, recorder):
        self.session = session
        self.waiting = np.zeros(len(session.limited_stations))

    def run(self, period, departures):
        sizes, session = self.session.sizes, self.session
        arrivals = np.zeros((sizes["S"], sizes["B"]))
        flow = np.full(sizes["L"], 1000.0)
        for departure in departures:
            arrivals[session.stations.index(departure.origin), 0] += departure.vehicles
            self.waiting[session.limited_stations.index(departure.destination)] += departure.vehicles
            for link in departure.links:
                flow[session.links.index(link)] += departure.vehicles
        through = np.minimum(self.waiting, self.LANE_VEH_PER_H * session.period_s / 3600.0)
        self.waiting -= through
        arrivals[sizes["N"] :, -1] = through
        speed = np.full(sizes["L"], 25.0)
        links = LinkObservation(flow, flow / (speed * 3.6), speed, np.full(sizes["L"], 300.0))
        return TrafficObservation(links, StationObservation(np.full((sizes["S"], sizes["B"]), 100.0), arrivals))

    def close(self):
        pass


class GoodAlgorithm(CoordinationAlgorithm):
    """By subgradient steps on the road; by rail the plan that the transport operator has for the power operator's slope."""

    STEPS = 30

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.zero = np.zeros(session.connection_shape)
        self.plan = None

    def start(self, period, train_ready=None):
        self.period, self.round, self.prices = period, 0, self.zero.copy()
        self.lower, self.upper = -np.inf, np.inf
        self.ready = train_ready
        if train_ready is None:
            return Solve(self.prices)
        if self.plan is not None and self.holds(train_ready):
            return self.commit(True, "the plan holds")
        return Evaluate(self.zero, self.zero)

    def next(self, result):
        self.round += 1
        return self.next_road(result) if self.ready is None else self.next_rail(result)

    def next_road(self, result):
        if self.round % 2:
            self.lower = max(self.lower, result.asked.bound_usd + result.offered.bound_usd)
            self.tried = np.minimum(result.asked.connection_veh, result.offered.connection_veh)
            self.tried[:, :, 0] = np.floor(self.tried[:, :, 0] + 1e-6)
            self.prices = np.maximum(0.0, self.prices + 0.7 * (result.asked.connection_veh - result.offered.connection_veh))
            return Evaluate(self.tried, self.tried)
        cost = result.asked.cost_usd + result.offered.cost_usd
        if cost < self.upper and (result.offered.connection_veh >= self.tried - 1e-6).all():
            self.upper, self.plan = cost, self.tried
        if self.round < self.STEPS:
            return Solve(self.prices)
        if self.plan is None or not np.isfinite(self.upper):
            self.plan, self.upper = self.zero, np.inf
        gap = (self.upper - self.lower) / abs(self.upper) if np.isfinite(self.upper) else 1.0
        return self.commit(bool(gap < 0.01), f"gap {gap:.2%}")

    def next_rail(self, result):
        if self.round == 1:
            return Solve(-result.asked.slope_usd_per_veh)
        if self.round == 2:
            self.lower = result.asked.bound_usd + result.offered.bound_usd
            self.plan = result.offered.connection_veh
            return Evaluate(self.plan, self.plan)
        self.upper = result.asked.cost_usd + result.offered.cost_usd
        gap = (self.upper - self.lower) / abs(self.upper)
        return self.commit(bool(gap < 0.01), f"gap {gap:.2%}")

    def holds(self, ready):
        """Whether every train can be where the plan has it next."""
        for k, (station, since) in enumerate(ready[:, :2].astype(int)):
            ahead = np.argwhere(self.plan[k, :, self.period :].T > 0.5)
            if len(ahead) and self.session.trip_periods[station][ahead[0][1]] + since > ahead[0][0] + self.period:
                return False
        return True

    def commit(self, agreed, reason):
        return Commit(self.plan, agreed, reason, self.lower)
