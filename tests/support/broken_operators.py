"""Operators that break one rule each: a good one, changed in one place."""

import itertools
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from good_agents import RAIL_WORTH, GoodPower, GoodRailPower, GoodRailTransport, GoodTransport, only, the

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
    def evaluate(self, given, openings):
        time.sleep(0.4 if self.period == 1 else 0.0)
        return super().evaluate(given, openings)


class Hanging(GoodPower):
    def evaluate(self, given, openings):
        time.sleep(5.0)
        return super().evaluate(given, openings)


class RefusesFreeVehicles(GoodPower):
    def solve(self, prices, openings):
        if not the(prices).any():
            raise ZeroDivisionError("no prices")
        return super().solve(prices, openings)


class Exits(GoodPower):
    def solve(self, prices, openings):
        raise SystemExit(0)


class Transposed(GoodPower):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        return only(answer, the(answer.quantities).transpose(2, 0, 1))


class TextCost(GoodPower):
    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return replace(answer, cost_usd=f"{answer.cost_usd} usd")


class NotANumber(GoodPower):
    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return replace(answer, cost_usd=float("nan")) if not the(given).any() else answer


class SendsBack(GoodPower):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        return only(answer, np.where(the(prices) > 1e3, -1.0, the(answer.quantities)))


class Forgetful(GoodPower):
    """Wants less with every question."""

    asked = 0

    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        self.asked += 1
        return replace(answer, cost_usd=answer.cost_usd + self.asked, bound_usd=answer.bound_usd + self.asked)


class Unseeded(GoodPower):
    """Every instance has a level of its own."""

    lives = itertools.count()

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.level = 1.0 + next(Unseeded.lives)

    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return replace(answer, cost_usd=answer.cost_usd + self.level)


class OverwritesPrices(GoodPower):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        the(prices)[...] = 0.0
        return answer


class KeepsArrays(GoodPower):
    """Opens a period with what was committed in the last one, which it has not copied."""

    kept = None

    def open_period(self, period, observation):
        gate = super().open_period(period, observation)
        return gate if self.kept is None else replace(gate, spots=gate.spots + self.kept.sum())

    def commit(self, given):
        super().commit(given)
        self.kept = the(given)


class CountsThePrices(GoodPower):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        paid = float((the(prices) * the(answer.quantities)).sum())
        return replace(answer, cost_usd=answer.cost_usd + paid)


class WrongWay(GoodPower):
    """Wants vehicles where they are dear."""

    def solve(self, prices, openings):
        wanted = np.where(the(prices) > self.settings.worth, self.settings.need, 0.0)
        cost = float(self.settings.worth * (self.settings.need - wanted).sum())
        return Answer({"delivery": wanted}, cost, cost + float((the(prices) * wanted).sum()))


class BoastsOfItsBound(GoodPower):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        return replace(answer, bound_usd=1.01 * answer.bound_usd)


class TakesMore(GoodPower):
    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return only(answer, the(answer.quantities) + np.where(the(given) > 0, 1.0, 0.0))


class DislikesPlenty(GoodPower):
    """Pays for vehicles that it is offered and does not need."""

    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return replace(answer, cost_usd=answer.cost_usd + float(np.maximum(the(given) - self.settings.need, 0.0).sum()))


class GivesUp(GoodPower):
    def evaluate(self, given, openings):
        if the(given).max() > 1e5:
            raise ModelError("infeasible")
        return super().evaluate(given, openings)


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
    def commit(self, given):
        super().commit(given)
        with (Path(self.folder).parent / "notes.txt").open("a") as notes:
            notes.write("committed\n")


class IgnoresPrices(GoodPower):
    """Knows what would be best, says so in its bound, and wants the same at any price."""

    def solve(self, prices, openings):
        best = super().solve(prices, openings)
        return replace(self.evaluate({"delivery": np.full(self.shape, self.settings.need)}, openings), bound_usd=best.bound_usd)


class Remembers(GoodPower):
    """Opens a period by how much was asked in the last one."""

    questions = 0

    def open_period(self, period, observation):
        gate = super().open_period(period, observation)
        self.questions, before = 0, self.questions
        return replace(gate, spots=gate.spots + before)

    def evaluate(self, given, openings):
        self.questions += 1
        return super().evaluate(given, openings)


class Hoards(GoodPower):
    """Keeps a megabyte of every question."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.kept = []

    def evaluate(self, given, openings):
        self.kept.append(np.zeros(125_000))
        return super().evaluate(given, openings)


class SilencesNumpy(GoodPower):
    def begin(self, session, recorder):
        super().begin(session, recorder)
        np.seterr(all="ignore")


class LosesAVehicle(GoodTransport):
    def commit(self, given):
        departures = super().commit(given)
        return [replace(departure, vehicles=departure.vehicles - 1) for departure in departures if departure.vehicles > 1]


class UnknownRoad(GoodTransport):
    def commit(self, given):
        return [replace(departure, links=("shortcut",)) for departure in super().commit(given)]


class SendsMore(GoodTransport):
    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        return only(answer, the(answer.quantities) + 1.0)


class PaidByPower(GoodTransport):
    """Takes the prices for costs: sends where they are low."""

    def solve(self, prices, openings):
        z = np.clip(20.0 - the(prices), 0.0, self.FLEET_VEH)
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer({"delivery": z}, cost, cost - float((the(prices) * z).sum()))


class NegativeTime(GoodTransport):
    def open_period(self, period, observation):
        return super().open_period(period, observation) - (1000.0 if period == 2 else 0.0)


class TwoPlacesAtOnce(GoodRailTransport):
    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        connection = the(answer.quantities).copy()
        connection[0, :2] = 1.0
        return only(answer, connection)


class FasterThanTheTimetable(GoodRailTransport):
    """Offers to be at the other end of the line in the next period."""

    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        connection = the(answer.quantities).copy()
        if self.period + 1 < self.session.periods:
            connection[0] = 0.0
            connection[0, 0, 0] = connection[0, 2, 1] = 1.0
        return only(answer, connection)


class EndsElsewhere(GoodRailTransport):
    """Announces that its trains end at home, and offers that one does not."""

    def evaluate(self, given, openings):
        answer = super().evaluate(given, openings)
        connection = the(answer.quantities).copy()
        if self.period + 2 < self.session.periods and connection[0, 0, -3]:
            connection[0, :, -2:] = 0.0
            connection[0, 1, -1] = 1.0
        return only(answer, connection)


class NeverLeaves(GoodRailTransport):
    """Promises routes, and lets its trains stand at home."""

    def commit(self, given):
        return []


class LosesLateTrains(GoodRailPower):
    """Expects every train where it was planned to be."""

    def evaluate(self, given, openings):
        if (openings["train_ready"][:, 1] > self.period).any() and not the(given)[:, :, 0].any(axis=1).all():
            raise ModelError("a train is missing")
        return super().evaluate(given, openings)


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
