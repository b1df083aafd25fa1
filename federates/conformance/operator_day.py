"""A whole day with an operator under test: everything that a coordinator may ask, in an order that it may be asked in.

Whole answers to prices may take an operator by rail seconds, early in a long day minutes. So of a day with more than
`_LONG_PERIODS` periods these are asked late, when little of the day is left; linear relaxations are asked early too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.session import RailSession, RoadSession
from federates.boundary.topics import Role
from federates.conformance import partners
from federates.conformance.life import Failure, Kind, Life, LifeOverError
from federates.conformance.target import Target
from federates.conformance.trains import excursion, home_all_day, next_places
from federates.conformance.values import answer_fault, opening_fault

__all__ = ["Answered", "Day", "OperatorDay"]

_LONG_PERIODS, _LATE_PERIODS = 12, 6
_DELAYED_PERIODS = 6
HUGE_USD = 1e6
_TRY_VEH = 10.0
_FIRST_PRICE_USD = 10.0


@dataclass(frozen=True)
class Answered:
    """One answer to a question. ``asked`` is the multipliers or the connection; ``places``: where the trains are (rail)."""

    kind: Kind
    period: int
    words: str
    asked: Array
    answer: ConnectionAnswer
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


class _Malformed(Exception):  # noqa: N818
    pass


class OperatorDay:
    """Leads one life of an operator through a day."""

    def __init__(self, target: Target, *, scribble: bool = False) -> None:
        self.role, self.session = target.role, target.session
        self.life = Life(target, scribble=scribble)
        self.day = Day(self.life)
        self.late = False
        self._plan: Array = np.zeros(self.session.connection_shape)
        self._sent: Array = np.zeros(self.session.connection_shape[:2])
        self._places: Array | None = None
        self._scale = _FIRST_PRICE_USD

    # --- the days that checks ask for -------------------------------------------------------------------------------------

    def whole(self) -> Day:
        """Hold a day with every kind of question."""
        return self._held(self._whole)

    def rough(self) -> Day:
        """Open the day and ask for what nobody can do; then ask an ordinary question again."""
        return self._held(self._rough)

    def delayed(self) -> Day:
        """Hold a day on which vehicles, traffic or a train come late."""
        self.late = True
        return self._held(self._delayed)

    def _held(self, script: Any) -> Day:
        with self.life:
            try:
                self.life.begin()
                script()
            except LifeOverError as end:
                self.day.failure = end.failure
            except _Malformed as end:
                self.day.malformed = str(end)
        return self.day

    def _whole(self) -> None:
        session = self.session
        late = self.negotiated_late
        self.open(0)
        self._first_questions()
        self._stay_home_until(late)
        self._negotiate(late)
        self.commit()
        for period in range(late + 1, session.periods):
            self.open(period)
            if period == late + 1:
                self.solve("a second period's prices", self._price(7, 1.0))
                self.evaluate("what is carried out", self._plan)
            elif period == late + 2 and isinstance(session, RoadSession):
                self._plan = np.zeros(session.connection_shape)  # nothing was asked: nothing can be sent
            elif period == late + 3:
                self.evaluate("a connection of another period", self._modest())
            self.commit()
        self.open(session.periods)

    def _stay_home_until(self, late: int) -> None:
        """On a long day, let the trains stay at home for the first periods: then little of the day is left to plan."""
        if late:
            self._adopt(self.evaluate("a day at home", self._modest()))
        for period in range(late):
            self.commit()
            self.open(period + 1)

    def _first_questions(self) -> None:
        """Before any price: connections; then relaxations, and on a short day nothing else."""
        zero = np.zeros(self.session.connection_shape)
        nothing = self.evaluate("nothing, before any prices", zero)
        some = self.evaluate("a modest connection", self._modest())
        self._scale = self._scale_of(nothing, some)
        self.relax("no prices", zero)
        for number, size in enumerate((1.0, 0.3, 3.0)):
            self.relax(f"prices about {size * self._scale:.3g} usd", self._price(number, size, alike=number != 1))

    def _negotiate(self, period: int) -> None:
        """All that a negotiation may ask for, most of all whole answers to prices."""
        zero = np.zeros(self.session.connection_shape)
        free = self.solve("no prices", zero)
        self.evaluate("the answer to no prices", _rounded(self.session, free))
        mild = self._price(3, 1.0)
        answered = self.solve("mild prices", mild)
        self.evaluate("the answer to mild prices", _rounded(self.session, answered))
        self.evaluate("half of it, or one train's part", self._part(_rounded(self.session, answered)))
        double = self.solve("the same prices doubled", 2.0 * mild)
        self.evaluate("the answer to doubled prices", _rounded(self.session, double))
        self.solve("steep prices", self._price(4, 6.0))
        self.solve("tiny prices", self._price(5, 1e-6))
        self.solve("huge prices", np.full(self.session.connection_shape, HUGE_USD))
        if isinstance(self.session, RailSession):
            self.solve("negative prices", -self._price(6, 1.0))
        self._evaluate_more(period)
        self.solve("mild prices, again", mild)
        plan = self.evaluate("the plan", self._wanted_plan(period, answered))
        self._adopt(plan)

    def _evaluate_more(self, period: int) -> None:
        """Connections that grow: what is known of one bounds the next."""
        modest = self._modest(period)
        self.evaluate("a modest connection", modest)
        if isinstance(self.session, RoadSession):
            self.evaluate("twice as much", 2.0 * modest)
            self.evaluate("ten times as much", 10.0 * modest)
            return
        ahead = np.zeros(self.session.connection_shape)
        ahead[:, :, period:] = 1.0
        self.evaluate("no train anywhere from now on", modest * (1.0 - ahead))
        self.evaluate("an excursion", self._with_past(excursion(self.session, period), period))

    def _rough(self) -> None:
        self.open(0)
        late = self.negotiated_late
        self._stay_home_until(late)
        shape = self.session.connection_shape
        road = isinstance(self.session, RoadSession)
        modest = self._modest(late)
        self.evaluate("a modest connection", modest)
        absurd = self._with_past(np.full(shape, 1e6 if road else 1.0), late)
        self.evaluate("a million vehicles" if road else "every train everywhere all day", absurd)
        if not road:
            self.evaluate("trains at another station every period", self._with_past(_hopping(cast(RailSession, self.session)), late))
        self.evaluate("a modest connection, again", modest)

    def _delayed(self) -> None:
        """Let the first periods come late, and go on until the delay is over."""
        session = self.session
        self.open(0)
        self._adopt(self.evaluate("the plan", self._wanted_plan(0, None)))
        for period in range(1, min(session.periods, _DELAYED_PERIODS)):
            self.commit()
            before = self._plan.copy()
            self.open(period)
            if isinstance(session, RoadSession) or not np.array_equal(before, self._plan):
                self.relax("mild prices, after a delay", self._price(3, 1.0))
                self._adopt(self.evaluate("the rest of the plan, after a delay", self._plan))
        self.commit()

    # --- single calls -----------------------------------------------------------------------------------------------------

    @staticmethod
    def is_long(session: RoadSession | RailSession) -> bool:
        """Return whether a day is so long that whole answers to prices are asked late in it."""
        return isinstance(session, RailSession) and session.periods > _LONG_PERIODS

    @property
    def negotiated_late(self) -> int:
        """Return the period in which whole answers to prices are asked: 0, or on a long day by rail a late one."""
        return self.session.periods - _LATE_PERIODS if self.is_long(self.session) else 0

    def open(self, period: int) -> None:
        """Open a period with what was seen in the last one; by rail a plan that lateness broke is asked for anew."""
        self.life.period = period
        opening = self.life.ask(Kind.OPEN, "open_period", period, self._seen(period))
        self.day.openings.append((period, opening))
        fault = opening_fault(self.role, self.session, period, opening)
        if fault is not None:
            raise _Malformed(fault)
        if not isinstance(self.session, RailSession):
            return
        before = self._places
        self._places = opening if self.role is Role.TRANSPORT_OPERATOR else self._train_places(period)
        if self.role is Role.TRANSPORT_OPERATOR and 0 < period < self.session.periods and before is not None:
            expected = next_places(self.session, self._plan, period)
            if not np.array_equal(expected, self._places):
                self._adopt(self.evaluate("the plan, after a delay", self._plan))

    def solve(self, words: str, multipliers: Array) -> ConnectionAnswer:
        """Ask for the best connection at these prices."""
        return self._ask(Kind.SOLVE, f"solve ({words})", self._ahead(multipliers))

    def relax(self, words: str, multipliers: Array) -> ConnectionAnswer:
        """Ask for the same in the linear relaxation."""
        return self._ask(Kind.RELAX, f"relax ({words})", self._ahead(multipliers))

    def evaluate(self, words: str, connection: Array) -> ConnectionAnswer:
        """Ask what a connection costs."""
        return self._ask(Kind.EVALUATE, f"evaluate ({words})", connection)

    def commit(self) -> None:
        """Commit the plan, whole in the opened period."""
        plan = self._plan.copy()
        if isinstance(self.session, RoadSession):
            plan[:, :, 0] = np.floor(plan[:, :, 0] + 1e-9)
            self._sent = plan[:, :, 0]
        returned = self.life.ask(Kind.COMMIT, "commit", plan)
        self.day.commits.append((self.life.period, plan, returned))

    def _ask(self, kind: Kind, words: str, asked: Array) -> ConnectionAnswer:
        self.day.asked += 1
        answer = self.life.ask(kind, words, asked, self._opening())
        places = None if self._places is None else self._places.copy()
        self.day.answers.append(Answered(kind, self.life.period, words, asked, answer, places))
        fault = answer_fault(self.session, answer)
        if fault is not None:
            raise _Malformed(f"{words}: {fault}")
        return cast(ConnectionAnswer, answer)

    def _opening(self) -> Any:
        """Return what the partner opened the period with."""
        if isinstance(self.session, RailSession):
            return self._places if self.role is Role.POWER_OPERATOR else None
        period = self.life.period
        return (partners.road_times_s if self.role is Role.POWER_OPERATOR else partners.gate)(self.session, period)

    def _seen(self, period: int) -> Any:
        if period == 0 or isinstance(self.session, RailSession):
            return None
        if self.role is Role.POWER_OPERATOR:
            return partners.station_observation(self.session, period - 1, self._sent, late=self.late and period < 3)
        return partners.link_observation(self.session, period - 1, jammed=self.late and period < 3)

    def _train_places(self, period: int) -> Array:
        """Return where the trains are by the plan; on a delayed day the first that moves comes a period late."""
        session = cast(RailSession, self.session)
        places = next_places(session, self._plan, period) if period else next_places(session, home_all_day(session), 0)
        if self.late and period and period < session.periods:
            moving = np.flatnonzero((places[:, 1] == period) & ~(self._plan[:, :, period - 1] > 0.5).any(axis=1))
            if len(moving):
                places[moving[0], 1] += 1
                self._plan[moving[0], :, period] = 0.0
        return places

    # --- what is asked for ------------------------------------------------------------------------------------------------

    def _price(self, number: int, size: float, *, alike: bool = True) -> Array:
        return size * self._scale * partners.price_pattern(self.session, number, alike=alike)

    def _scale_of(self, nothing: ConnectionAnswer, some: ConnectionAnswer) -> float:
        """Return about what a vehicle is worth to, or costs, this operator, usd; on a long day prices stay modest."""
        amount = np.abs(some.connection_veh - nothing.connection_veh).sum()
        worth = abs(some.cost_usd - nothing.cost_usd) / amount if amount > 0 else 0.0
        return float(np.clip(worth, 1.0, 20.0)) if worth > 0 else _FIRST_PRICE_USD

    def _modest(self, period: int = 0) -> Array:
        """Return a connection that any operator should be able to deal with."""
        if isinstance(self.session, RoadSession):
            return np.full(self.session.connection_shape, _TRY_VEH)
        return self._with_past(home_all_day(self.session), period)

    def _with_past(self, connection: Array, period: int) -> Array:
        """Return ``connection`` with the past of the day as it was carried out."""
        whole = connection.copy()
        whole[:, :, :period] = self._plan[:, :, :period]
        return whole

    def _ahead(self, multipliers: Array) -> Array:
        """Return the multipliers; by rail without prices for what is past, as a coordinator sends them."""
        if isinstance(self.session, RoadSession) or self.life.period == 0:
            return multipliers
        ahead = multipliers.copy()
        ahead[:, :, : self.life.period] = 0.0
        return ahead

    def _part(self, connection: Array) -> Array:
        if isinstance(self.session, RoadSession):
            return 0.5 * connection
        part = connection.copy()
        part[1:, :, self.life.period :] = 0.0
        return part

    def _wanted_plan(self, period: int, answered: ConnectionAnswer | None) -> Array:
        """Return what is to be carried out: on the road what was answered to prices, by rail a train's excursion."""
        if isinstance(self.session, RailSession):
            return self._with_past(excursion(self.session, period), period)
        if answered is None or not answered.connection_veh[:, :, 0].any():
            return self._modest()
        return np.minimum(np.floor(answered.connection_veh), 50.0)

    def _adopt(self, answer: ConnectionAnswer) -> None:
        """Take a plan: what a transport operator offers, or what a power operator was offered."""
        own = self.role is Role.TRANSPORT_OPERATOR
        plan = answer.connection_veh if own else self.day.answers[-1].asked
        self._plan = _whole(plan) if isinstance(self.session, RailSession) else plan.copy()


def _whole(connection: Array) -> Array:
    return np.asarray(np.rint(np.clip(connection, 0.0, 1.0)), dtype=np.float64)


def _rounded(session: RoadSession | RailSession, answer: ConnectionAnswer) -> Array:
    """Return an answer's connection to be evaluated: by rail without what rounding in a solver has left."""
    return _whole(answer.connection_veh) if isinstance(session, RailSession) else answer.connection_veh


def _hopping(session: RailSession) -> Array:
    """Return a day on which every train is at another station in every period, which no timetable allows."""
    connection = np.zeros(session.connection_shape)
    _, stations, periods = session.connection_shape
    for period in range(periods):
        connection[:, period % stations, period] = 1.0
    return connection
