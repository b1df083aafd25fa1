"""The single calls that a coordinator makes of an operator, the partner's side of them, and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer, Array
from federates.boundary.names import Role
from federates.boundary.topics import topic
from federates.conformance import partners
from federates.conformance.life import Failure, Kind, Life
from federates.conformance.target import Target
from federates.conformance.trains import excursion, home_all_day, next_places, timetable_breach
from federates.conformance.values import answer_fault, opening_fault
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["Answered", "Day", "MalformedError", "OperatorCalls", "range_fault", "whole"]

_TRY_VEH, _MOST_PLANNED_VEH = 10.0, 50.0
_FIRST_PRICE_USD = 10.0
_PRICES_USD = (1.0, 20.0)
"""Prices are about what a vehicle is worth to the operator, but within these."""
_RANGE_TOLERANCE = 1e-6
_MOST_VEH_PER_H = 100_000.0
"""The widest motorways have 26 lanes, of at most about 2 400 veh/h each: nobody sends more from one station to another."""
_DELAY_UNTIL = 3
"""On a delayed day, what the first periods should bring is late."""


@dataclass(frozen=True)
class Answered:
    """One answer to a question. ``asked`` is the multipliers or the connection; ``places``: where the trains are (rail)."""

    kind: Kind
    period: int
    words: str
    asked: Array
    answer: Answer
    places: Array | None


@dataclass
class Day:
    """What was said on a day, as far as it got."""

    life: Life
    answers: list[Answered] = field(default_factory=list)
    openings: list[tuple[int, Any]] = field(default_factory=list)
    commits: list[tuple[int, Array, Any]] = field(default_factory=list)
    asked: int = 0
    failure: Failure | None = None
    malformed: str | None = None
    """Why the day was broken off although everything was answered: an answer that cannot be used."""

    @property
    def complete(self) -> bool:
        """Whether the day went on to its end."""
        return self.failure is None and self.malformed is None


class MalformedError(Exception):
    """An answer came that cannot be used, so nothing can be asked that builds on it."""


class OperatorCalls:
    """Calls the methods of one operator, in the place of coordinator and partners, and keeps what was said.

    Attributes
    ----------
    plan : the connection that is carried out.
    sent : vehicles that set out in the last committed period, (R, Q).
    places : by rail, where the trains are when the period opens, and where they end the day, (K, 3).
    scale : about what a vehicle is worth to the operator, usd.
    """

    def __init__(self, target: Target) -> None:
        self.role, self.session = target.role, target.session
        self.life = Life(target)
        self.day = Day(self.life)
        self.late = False
        self.plan: Array = np.zeros(self.session.connection_shape)
        self.sent: Array = np.zeros(self.session.connection_shape[:2])
        self.places: Array | None = None
        self.scale = _FIRST_PRICE_USD

    def open(self, period: int) -> None:
        """Open a period with what was seen in the last one; by rail a plan that lateness broke is asked for anew."""
        self.life.period = period
        opening = self.life.ask(Kind.OPEN, "open_period", period, self._seen(period))
        self.day.openings.append((period, opening))
        fault = opening_fault(self.role, self.session, period, opening)
        if fault is not None:
            raise MalformedError(fault)
        if not isinstance(self.session, RailSession):
            return
        before = self.places
        self.places = opening if self.role == Role.TRANSPORT_OPERATOR else self._train_places(period)
        if self.role == Role.TRANSPORT_OPERATOR and 0 < period < self.session.periods and before is not None:
            expected = next_places(self.session, self.plan, period)
            if not np.array_equal(expected[:, :2], self.places[:, :2]):
                self.adopt(self.evaluate("the plan, after a delay", self.plan))

    def solve(self, words: str, multipliers: Array) -> Answer:
        """Ask for the best connection at these prices."""
        return self._ask(Kind.SOLVE, f"solve ({words})", self._ahead(multipliers))

    def relax(self, words: str, multipliers: Array) -> Answer:
        """Ask for the same in the linear relaxation."""
        return self._ask(Kind.RELAX, f"relax ({words})", self._ahead(multipliers))

    def evaluate(self, words: str, connection: Array) -> Answer:
        """Ask what a connection costs."""
        on_wire = to_grid(connection, topic(f"{Role.COORDINATOR}/power_connection_veh").decimals)
        return self._ask(Kind.EVALUATE, f"evaluate ({words})", on_wire)

    def commit(self) -> None:
        """Commit the plan, whole in the opened period."""
        plan = self.plan.copy()
        if isinstance(self.session, RoadSession):
            plan[:, :, 0] = np.floor(plan[:, :, 0] + 1e-9)
            self.sent = plan[:, :, 0]
        returned = self.life.ask(Kind.COMMIT, "commit", plan)
        self.day.commits.append((self.life.period, plan, returned))

    def _ask(self, kind: Kind, words: str, asked: Array) -> Answer:
        self.day.asked += 1
        answer = self.life.ask(kind, words, asked, self._opening())
        places = None if self.places is None else self.places.copy()
        heard = Answered(kind, self.life.period, words, asked, answer, places)
        self.day.answers.append(heard)
        fault = answer_fault(self.session, answer) or range_fault(self.role, self.session, heard)
        if fault is not None:
            raise MalformedError(f"{words}: {fault}")
        return cast(Answer, answer)

    def _opening(self) -> Any:
        """Return what the partner opened the period with."""
        if isinstance(self.session, RailSession):
            return self.places if self.role == Role.POWER_OPERATOR else None
        period = self.life.period
        return (partners.road_times_s if self.role == Role.POWER_OPERATOR else partners.gate)(self.session, period)

    def _seen(self, period: int) -> Any:
        if period == 0 or isinstance(self.session, RailSession):
            return None
        if self.role == Role.POWER_OPERATOR:
            return partners.station_observation(self.session, period - 1, self.sent, late=self.late and period < _DELAY_UNTIL)
        return partners.link_observation(self.session, period - 1, jammed=self.late and period < _DELAY_UNTIL)

    def _train_places(self, period: int) -> Array:
        """Return where the trains are by the plan; on a delayed day the first that moves comes a period late."""
        session = cast(RailSession, self.session)
        places = next_places(session, self.plan, period) if period else next_places(session, home_all_day(session), 0)
        if self.late and period and period < session.periods:
            moving = np.flatnonzero((places[:, 1] == period) & ~(self.plan[:, :, period - 1] > 0.5).any(axis=1))
            if len(moving):
                places[moving[0], 1] += 1
                self.plan[moving[0], :, period] = 0.0
        return places

    def price(self, number: int, size: float, *, alike: bool = True) -> Array:
        """Return prices of the pattern of that number, about ``size`` times what a vehicle is worth."""
        return size * self.scale * partners.price_pattern(self.session, number, alike=alike)

    def scale_of(self, nothing: Answer, some: Answer) -> float:
        """Return about what a vehicle is worth to this operator, or costs it, usd."""
        amount = np.abs(some.connection_veh - nothing.connection_veh).sum()
        worth = abs(some.cost_usd - nothing.cost_usd) / amount if amount > 0 else 0.0
        return float(np.clip(worth, *_PRICES_USD)) if worth > 0 else _FIRST_PRICE_USD

    def modest(self, period: int = 0) -> Array:
        """Return a connection that any operator should be able to deal with."""
        if isinstance(self.session, RoadSession):
            return np.full(self.session.connection_shape, _TRY_VEH)
        return self.with_past(home_all_day(self.session), period)

    def with_past(self, connection: Array, period: int) -> Array:
        """Return ``connection`` with the past of the day as it was carried out."""
        whole = connection.copy()
        whole[:, :, :period] = self.plan[:, :, :period]
        return whole

    def _ahead(self, multipliers: Array) -> Array:
        """Return the multipliers as they come over the wire; by rail without prices for what is past."""
        ahead = to_grid(multipliers, topic(f"{Role.COORDINATOR}/multipliers_usd_per_veh").decimals)
        if isinstance(self.session, RoadSession) or self.life.period == 0:
            return ahead
        ahead[:, :, : self.life.period] = 0.0
        return ahead

    def part(self, connection: Array) -> Array:
        """Return half of a connection, by rail one train's part of it."""
        if isinstance(self.session, RoadSession):
            return 0.5 * connection
        part = connection.copy()
        part[1:, :, self.life.period :] = 0.0
        return part

    def wanted_plan(self, period: int, answered: Answer | None) -> Array:
        """Return what is to be carried out: on the road what was answered to prices, by rail a train's excursion."""
        if isinstance(self.session, RailSession):
            return self.with_past(excursion(self.session, period), period)
        if answered is None or not answered.connection_veh[:, :, 0].any():
            return self.modest()
        return np.clip(np.floor(answered.connection_veh + 1e-9), 0.0, _MOST_PLANNED_VEH)

    def adopt(self, answer: Answer) -> None:
        """Take a plan: what a transport operator offers, or what a power operator was offered."""
        own = self.role == Role.TRANSPORT_OPERATOR
        plan = answer.connection_veh if own else self.day.answers[-1].asked
        self.plan = whole(plan) if isinstance(self.session, RailSession) else plan.copy()


def whole(connection: Array) -> Array:
    """Return a connection by rail without what rounding in a solver has left."""
    return np.asarray(np.rint(np.clip(connection, 0.0, 1.0)), dtype=np.float64)


def range_fault(role: Role, session: RoadSession | RailSession, heard: Answered) -> str | None:
    """Return how a connection leaves the range of what it can mean; None if it does not."""
    connection = heard.answer.connection_veh
    least, most = float(connection.min(initial=0.0)), float(connection.max(initial=0.0))
    if least < -_RANGE_TOLERANCE:
        return f"connection_veh has {least:.6g}, must not be negative"
    if not isinstance(session, RailSession):
        fits = _MOST_VEH_PER_H * session.period_s / 3600.0
        if role == Role.TRANSPORT_OPERATOR and most > fits:
            return f"connection_veh has {most:.6g}, but no road carries more than {fits:.6g} in a period"
        return None
    if most > 1.0 + _RANGE_TOLERANCE:
        return f"connection_veh has {most:.6g}, must be at most 1 by rail"
    offers_routes = role == Role.TRANSPORT_OPERATOR and heard.kind is not Kind.RELAX
    if heard.kind is Kind.SOLVE or offers_routes:
        apart = float(np.abs(connection - np.rint(connection)).max(initial=0.0))
        if apart > _RANGE_TOLERANCE:
            return f"connection_veh has a value {apart:.3g} from a whole number, must be 0 or 1"
    if offers_routes and heard.places is not None:
        return timetable_breach(session, connection, heard.places, heard.period)
    return None
