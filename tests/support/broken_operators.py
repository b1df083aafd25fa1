"""Operators that break one rule each: a good one, changed in one place."""

import itertools
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from good_agents import RAIL_WORTH, GoodPower, GoodRailPower, GoodRailTransport, GoodTransport

from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer
from federates.boundary.roles import PowerOperator
from federates.worlds.road.messages import Gate


class NotAnOperator:
    """Derived from nothing."""

    def __init__(self, settings, folder):
        pass


class MissingArgument(GoodPower):
    def commit(self):
        pass


class NeverReady(GoodPower):
    def begin(self, session, recorder):
        raise ModelError("no data for this session")


class FewGates(GoodPower):
    def open_period(self, period, observation):
        gate = super().open_period(period, observation)
        return Gate(gate.time_s[:2], gate.spots[:2])


class Slow(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        time.sleep(0.4 if self.period == 1 else 0.0)
        return super().evaluate(connection_veh, travel_time_s)


class Hanging(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        time.sleep(5.0)
        return super().evaluate(connection_veh, travel_time_s)


class RefusesFreeVehicles(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        if not multipliers_usd_per_veh.any():
            raise ZeroDivisionError("no prices")
        return super().solve(multipliers_usd_per_veh, travel_time_s)


class Exits(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        raise SystemExit(0)


class Transposed(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        return replace(answer, connection_veh=answer.connection_veh.transpose(2, 0, 1))


class TextCost(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        answer = super().evaluate(connection_veh, travel_time_s)
        return replace(answer, cost_usd=f"{answer.cost_usd} usd")


class NotANumber(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        answer = super().evaluate(connection_veh, travel_time_s)
        return replace(answer, cost_usd=float("nan")) if not connection_veh.any() else answer


class SendsBack(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        return replace(answer, connection_veh=np.where(multipliers_usd_per_veh > 1e3, -1.0, answer.connection_veh))


class Forgetful(GoodPower):
    """Wants less with every question."""

    asked = 0

    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        self.asked += 1
        return replace(answer, cost_usd=answer.cost_usd + self.asked, bound_usd=answer.bound_usd + self.asked)


class Unseeded(GoodPower):
    """Every instance has a level of its own."""

    lives = itertools.count()

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.level = 1.0 + next(Unseeded.lives)

    def evaluate(self, connection_veh, travel_time_s):
        answer = super().evaluate(connection_veh, travel_time_s)
        return replace(answer, cost_usd=answer.cost_usd + self.level)


class OverwritesPrices(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        multipliers_usd_per_veh *= 0.0
        return answer


class KeepsArrays(GoodPower):
    """Opens a period with what was committed in the last one, which it has not copied."""

    kept = None

    def open_period(self, period, observation):
        gate = super().open_period(period, observation)
        return gate if self.kept is None else replace(gate, spots=gate.spots + self.kept.sum())

    def commit(self, connection_veh):
        super().commit(connection_veh)
        self.kept = connection_veh


class CountsThePrices(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        paid = float((multipliers_usd_per_veh * answer.connection_veh).sum())
        return replace(answer, cost_usd=answer.cost_usd + paid)


class WrongWay(GoodPower):
    """Wants vehicles where they are dear."""

    def solve(self, multipliers_usd_per_veh, travel_time_s):
        wanted = np.where(multipliers_usd_per_veh > self.settings.worth, self.settings.need, 0.0)
        cost = float(self.settings.worth * (self.settings.need - wanted).sum())
        return Answer(wanted, cost, cost + float((multipliers_usd_per_veh * wanted).sum()))


class BoastsOfItsBound(GoodPower):
    def solve(self, multipliers_usd_per_veh, travel_time_s):
        answer = super().solve(multipliers_usd_per_veh, travel_time_s)
        return replace(answer, bound_usd=1.01 * answer.bound_usd)


class TakesMore(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        answer = super().evaluate(connection_veh, travel_time_s)
        return replace(answer, connection_veh=answer.connection_veh + np.where(connection_veh > 0, 1.0, 0.0))


class DislikesPlenty(GoodPower):
    """Pays for vehicles that it is offered and does not need."""

    def evaluate(self, connection_veh, travel_time_s):
        answer = super().evaluate(connection_veh, travel_time_s)
        return replace(answer, cost_usd=answer.cost_usd + float(np.maximum(connection_veh - self.settings.need, 0.0).sum()))


class GivesUp(GoodPower):
    def evaluate(self, connection_veh, travel_time_s):
        if connection_veh.max() > 1e5:
            raise ModelError("infeasible")
        return super().evaluate(connection_veh, travel_time_s)


class Impatient(GoodPower):
    """Cannot bear that vehicles are still on the road."""

    def open_period(self, period, observation):
        if observation is not None and observation.arrivals_veh[:2].sum() > observation.arrivals_veh[2:].sum():
            raise ModelError("vehicles are missing")
        return super().open_period(period, observation)


class LeavesAThread(GoodPower):
    def begin(self, session, recorder):
        super().begin(session, recorder)
        threading.Thread(target=time.sleep, args=(6.0,), daemon=True, name="ticker").start()


class LeavesAFile(GoodPower):
    def begin(self, session, recorder):
        super().begin(session, recorder)
        tempfile.NamedTemporaryFile(delete=False, suffix=".lp").close()


class WritesElsewhere(GoodPower):
    def commit(self, connection_veh):
        super().commit(connection_veh)
        with (Path(self.folder).parent / "notes.txt").open("a") as notes:
            notes.write("committed\n")


class IgnoresPrices(GoodPower):
    """Knows what would be best, says so in its bound, and wants the same at any price."""

    def solve(self, multipliers_usd_per_veh, travel_time_s):
        best = super().solve(multipliers_usd_per_veh, travel_time_s)
        return replace(self.evaluate(np.full(self.shape, self.settings.need), travel_time_s), bound_usd=best.bound_usd)


class Remembers(GoodPower):
    """Opens a period by how much was asked in the last one."""

    questions = 0

    def open_period(self, period, observation):
        gate = super().open_period(period, observation)
        self.questions, before = 0, self.questions
        return replace(gate, spots=gate.spots + before)

    def evaluate(self, connection_veh, travel_time_s):
        self.questions += 1
        return super().evaluate(connection_veh, travel_time_s)


class Hoards(GoodPower):
    """Keeps a megabyte of every question."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.kept = []

    def evaluate(self, connection_veh, travel_time_s):
        self.kept.append(np.zeros(125_000))
        return super().evaluate(connection_veh, travel_time_s)


class SilencesNumpy(GoodPower):
    def begin(self, session, recorder):
        super().begin(session, recorder)
        np.seterr(all="ignore")


class LosesAVehicle(GoodTransport):
    def commit(self, connection_veh):
        departures = super().commit(connection_veh)
        return [replace(departure, vehicles=departure.vehicles - 1) for departure in departures if departure.vehicles > 1]


class UnknownRoad(GoodTransport):
    def commit(self, connection_veh):
        return [replace(departure, links=("shortcut",)) for departure in super().commit(connection_veh)]


class SendsMore(GoodTransport):
    def evaluate(self, connection_veh, gate):
        answer = super().evaluate(connection_veh, gate)
        return replace(answer, connection_veh=answer.connection_veh + 1.0)


class PaidByPower(GoodTransport):
    """Takes the prices for costs: sends where they are low."""

    def solve(self, multipliers_usd_per_veh, gate):
        z = np.clip(20.0 - multipliers_usd_per_veh, 0.0, self.FLEET_VEH)
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer(z, cost, cost - float((multipliers_usd_per_veh * z).sum()))


class NegativeTime(GoodTransport):
    def open_period(self, period, observation):
        return super().open_period(period, observation) - (1000.0 if period == 2 else 0.0)


class TwoPlacesAtOnce(GoodRailTransport):
    def solve(self, multipliers_usd_per_veh, opening):
        answer = super().solve(multipliers_usd_per_veh, opening)
        connection = answer.connection_veh.copy()
        connection[0, :2, self.period :] = 1.0
        return replace(answer, connection_veh=connection)


class FasterThanTheTimetable(GoodRailTransport):
    """Offers to be at the other end of the line in the next period."""

    def evaluate(self, connection_veh, opening):
        answer = super().evaluate(connection_veh, opening)
        connection = answer.connection_veh.copy()
        if self.period + 1 < self.session.periods:
            connection[0, :, self.period :] = 0.0
            connection[0, 0, self.period] = connection[0, 2, self.period + 1] = 1.0
        return replace(answer, connection_veh=connection)


class EndsElsewhere(GoodRailTransport):
    """Announces that its trains end at home, and offers that one does not."""

    def evaluate(self, connection_veh, opening):
        answer = super().evaluate(connection_veh, opening)
        connection = answer.connection_veh.copy()
        if self.period + 2 < self.session.periods and connection[0, 0, -3]:
            connection[0, :, -2:] = 0.0
            connection[0, 1, -1] = 1.0
        return replace(answer, connection_veh=connection)


class NeverLeaves(GoodRailTransport):
    """Promises routes, and lets its trains stand at home."""

    def commit(self, connection_veh):
        return []


class LosesLateTrains(GoodRailPower):
    """Expects every train where it was planned to be."""

    def evaluate(self, connection_veh, opening):
        if (opening[:, 1] > self.period).any() and not connection_veh[:, :, self.period].any(axis=1).all():
            raise ModelError("a train is missing")
        return super().evaluate(connection_veh, opening)


class KnowsItsTrains(GoodRailPower):
    """Values one of two trains that everybody takes for alike."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.worth = self.worth * np.array([1.0, 1.5, 1.0])[:, None, None]


class DearTwin(GoodRailTransport):
    """Pays more for one of two trains that everybody takes for alike."""

    def _cost(self, moved, k):
        return super()._cost(moved, k) * (1.5 if k == 1 else 1.0)


class Abstract(PowerOperator):
    def begin(self, session, recorder):
        pass


ROAD_POWER = [
    (NotAnOperator, "interface.role"),
    (Abstract, "interface.role"),
    (MissingArgument, "interface.role"),
    (NeverReady, "interface.begin"),
    (FewGates, "opening.shape"),
    (Slow, "answers.in_time"),
    (Hanging, "answers.in_time"),
    (RefusesFreeVehicles, "answers.every_round"),
    (Exits, "answers.every_round"),
    (Transposed, "answers.shape"),
    (TextCost, "answers.shape"),
    (NotANumber, "answers.finite"),
    (SendsBack, "answers.range"),
    (Forgetful, "answers.repeatable"),
    (Unseeded, "answers.deterministic"),
    (OverwritesPrices, "answers.independent"),
    (KeepsArrays, "answers.independent"),
    (CountsThePrices, "answers.own_cost"),
    (WrongWay, "prices.monotone"),
    (IgnoresPrices, "prices.best"),
    (Remembers, "answers.forgetful"),
    (Hoards, "answers.memory"),
    (SilencesNumpy, "end.unchanged"),
    (BoastsOfItsBound, "bound.proven"),
    (TakesMore, "evaluate.within"),
    (DislikesPlenty, "evaluate.falling"),
    (GivesUp, "evaluate.infeasible"),
    (Impatient, "day.late"),
    (LeavesAThread, "end.clean"),
    (LeavesAFile, "end.clean"),
    (WritesElsewhere, "end.clean"),
]
ROAD_TRANSPORT = [
    (NegativeTime, "opening.shape"),
    (PaidByPower, "prices.monotone"),
    (SendsMore, "evaluate.within"),
    (LosesAVehicle, "commit.feasible"),
    (UnknownRoad, "commit.feasible"),
]
RAIL_POWER = [
    (LosesLateTrains, "day.late"),
    (KnowsItsTrains, "alike.exchanged"),
]
RAIL_TRANSPORT = [
    (TwoPlacesAtOnce, "answers.range"),
    (FasterThanTheTimetable, "answers.range"),
    (EndsElsewhere, "answers.range"),
    (NeverLeaves, "commit.feasible"),
    (DearTwin, "alike.exchanged"),
]
RAIL_SETTINGS = RAIL_WORTH
