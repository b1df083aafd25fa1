"""A whole day with an operator under test: everything that a coordinator may ask, in an order that it may be asked in.

Whole answers to prices may take an operator by rail seconds, early in a long day minutes. So of a day with more than
`_LONG_PERIODS` periods these are asked late, when little of the day is left; linear relaxations are asked early too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from federates.boundary.messages import Answer, Array
from federates.boundary.names import Role
from federates.conformance.life import Kind, LifeOverError
from federates.conformance.operator_calls import Day, MalformedError, OperatorCalls, whole
from federates.conformance.trains import exchanged, excursion
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["EXCHANGED", "OperatorDay"]

EXCHANGED = "with two interchangeable trains exchanged"
"""Ends the words of a question that follows the same one without the exchange."""

_LONG_PERIODS, _LATE_PERIODS = 12, 6
_DELAYED_PERIODS = 6
_SILENT, _LONG_NEGOTIATION = 2, 3
"""So many periods after the first negotiation nothing is asked, or as many questions as on a real day."""
_EVERY_PERIOD = 6
"""So many later periods are negotiated one by one, then every one in so many."""
_MANY_ROUNDS, _MANY_S = 22, 1.5
"""Real days have up to 44 questions a period; they may take about so long, s."""
_HUGE_USD, _ABSURD_VEH = 1e6, 1e6


class OperatorDay(OperatorCalls):
    """Leads one life of an operator through a day."""

    @staticmethod
    def is_long(session: RoadSession | RailSession) -> bool:
        """Return whether a day is so long that whole answers to prices are asked late in it."""
        return isinstance(session, RailSession) and session.periods > _LONG_PERIODS

    @property
    def negotiated_late(self) -> int:
        """Return the period in which whole answers to prices are asked: 0, or on a long day by rail a late one."""
        return self.session.periods - _LATE_PERIODS if self.is_long(self.session) else 0

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

    def _held(self, script: Callable[[], None]) -> Day:
        with self.life:
            try:
                self.life.begin()
                script()
            except LifeOverError as end:
                self.day.failure = end.failure
            except MalformedError as end:
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
            later = period - late
            if later != _SILENT:
                self._negotiate_again(period, later)
            elif isinstance(session, RoadSession):
                self.plan = np.zeros(session.connection_shape)  # nothing was asked: nothing can be sent
            self.commit()
        self.open(session.periods)

    def _stay_home_until(self, late: int) -> None:
        """On a long day, let the trains stay at home for the first periods: then little of the day is left to plan."""
        if late:
            self.adopt(self.evaluate("a day at home", self.modest()))
        for period in range(late):
            self.commit()
            self.open(period + 1)

    def _first_questions(self) -> None:
        """Before any price: connections; then relaxations, and on a short day nothing else."""
        zero = np.zeros(self.session.connection_shape)
        nothing = self.evaluate("nothing, before any prices", zero)
        some = self.evaluate("a modest connection", self.modest())
        self.scale = self.scale_of(nothing, some)
        self.relax("no prices", zero)
        for number, size in enumerate((1.0, 0.3, 3.0)):
            self.relax(f"prices about {size * self.scale:.3g} usd", self.price(number, size, alike=number != 1))
        if isinstance(self.session, RailSession):
            self._exchange(self.session)

    def _exchange(self, session: RailSession) -> None:
        """Ask the same of two trains that are interchangeable: first of the one, then of the other."""
        assert self.places is not None
        trip, prices = excursion(session, 0), self.price(1, 1.0, alike=False)
        for ask, asked, words in ((self.evaluate, trip, "an excursion"), (self.relax, prices, "prices that differ by train")):
            twin = exchanged(session, asked, self.places)
            if twin is not None and not np.array_equal(twin, asked):
                ask(words, asked)
                ask(f"{words}, {EXCHANGED}", twin)

    def _negotiate(self, period: int) -> None:
        """All that a negotiation may ask for, most of all whole answers to prices."""
        zero = np.zeros(self.session.connection_shape)
        free = self._free = self.solve("no prices", zero)
        self.evaluate("the answer to no prices", _rounded(self.session, free))
        mild = self.price(3, 1.0)
        answered = self.solve("mild prices", mild)
        self.evaluate("the answer to mild prices", _rounded(self.session, answered))
        self.evaluate("half of it, or one train's part", self.part(_rounded(self.session, answered)))
        self._evaluate_sensible("mild prices", mild, free)
        double = self.solve("the same prices doubled", 2.0 * mild)
        self.evaluate("the answer to doubled prices", _rounded(self.session, double))
        self.solve("steep prices", self.price(4, 6.0))
        self.solve("tiny prices", self.price(5, 1e-6))
        some = self.price(8, 1.0)
        answered_some = self.solve("prices of which half are zero", np.where(some > np.median(some), some, 0.0))
        self.evaluate("the answer to prices of which half are zero", _rounded(self.session, answered_some))
        self.solve("huge prices", np.full(self.session.connection_shape, _HUGE_USD))
        if isinstance(self.session, RailSession):
            self.solve("negative prices", -self.price(6, 1.0))
        self._evaluate_more(period)
        self.solve("mild prices, again", mild)
        plan = self.evaluate("the plan", self.wanted_plan(period, answered))
        self.adopt(plan)

    def _negotiate_again(self, period: int, later: int) -> None:
        """Negotiate briefly ``later`` periods after the first time; once in as many rounds as there are on a real day.

        On a long day by rail whole answers are asked in one of these periods only.
        """
        mild = self.price(10 + later, 1.0)
        if later > _EVERY_PERIOD and later % _EVERY_PERIOD:
            self.evaluate("what is carried out", self.plan)
            return
        self.relax("prices of a later period", mild)
        if later == 1 or not self.is_long(self.session):
            answered = self.solve("prices of a later period", mild)
            self.evaluate("the answer to them", _rounded(self.session, answered))
            self._evaluate_sensible("prices of a later period", mild, self._free)
            if later == _LONG_NEGOTIATION:
                self._many_rounds(period)
            self.solve("prices of a later period, again", mild)
        else:
            answered = None
        self.evaluate("a connection of another period", self.modest(period))
        if isinstance(self.session, RailSession):
            self.evaluate("what is carried out", self.plan)
        else:
            self.adopt(self.evaluate("the plan", self.wanted_plan(period, answered)))

    def _evaluate_sensible(self, words: str, prices: Array, free: Answer) -> None:
        """On the road ask for what anybody would want at these prices: all where it is cheaper than it is worth."""
        if isinstance(self.session, RoadSession):
            asks = self.role == Role.POWER_OPERATOR
            much = np.maximum(free.connection_veh, 0.0) if asks else self.modest()
            self.evaluate(f"what seems best at {words}", np.where((prices < self.scale) == asks, much, 0.0))

    def _many_rounds(self, period: int) -> None:
        """Ask on, with other prices every time, and for what was answered; a slow operator is asked less often."""
        usual_s = float(np.median([call.wall_s for call in self.life.calls if call.kind in (Kind.SOLVE, Kind.EVALUATE)]))
        for number in range(int(np.clip(_MANY_S / max(2 * usual_s, 1e-9), 1, _MANY_ROUNDS))):
            prices = self.price(100 + number, 1.5 / (1 + number % 5))
            if number % 3 == 0:
                prices = np.where(prices > np.median(prices), prices, 0.0)
            answer = self.solve(f"round {number + 1} of many", prices)
            self.evaluate(f"its answer in round {number + 1} of many", _rounded(self.session, answer))

    def _evaluate_more(self, period: int) -> None:
        """Ask for connections that grow: what is known of one bounds the next."""
        modest = self.modest(period)
        self.evaluate("a modest connection", modest)
        if isinstance(self.session, RoadSession):
            self.evaluate("twice as much", 2.0 * modest)
            self.evaluate("ten times as much", 10.0 * modest)
            much = self.evaluate("a thousand times as much", 1000.0 * modest)
            self.evaluate("what it said to a thousand times as much", np.maximum(much.connection_veh, 0.0))
            return
        ahead = np.zeros(self.session.connection_shape)
        ahead[:, :, period:] = 1.0
        self.evaluate("no train anywhere from now on", modest * (1.0 - ahead))
        self.evaluate("an excursion", self.with_past(excursion(self.session, period), period))

    def _rough(self) -> None:
        self.open(0)
        late = self.negotiated_late
        self._stay_home_until(late)
        shape = self.session.connection_shape
        road = isinstance(self.session, RoadSession)
        modest = self.modest(late)
        self.evaluate("a modest connection", modest)
        absurd = self.with_past(np.full(shape, _ABSURD_VEH if road else 1.0), late)
        self.evaluate("a million vehicles" if road else "every train everywhere all day", absurd)
        if not road:
            self.evaluate(
                "trains at another station every period", self.with_past(_hopping(cast(RailSession, self.session)), late)
            )
        self.evaluate("a modest connection, again", modest)

    def _delayed(self) -> None:
        """Let the first periods come late, and go on until the delay is over."""
        session = self.session
        self.open(0)
        self.adopt(self.evaluate("the plan", self.wanted_plan(0, None)))
        for period in range(1, min(session.periods, _DELAYED_PERIODS)):
            self.commit()
            before = self.plan.copy()
            self.open(period)
            if isinstance(session, RoadSession) or not np.array_equal(before, self.plan):
                self.relax("mild prices, after a delay", self.price(3, 1.0))
                self.adopt(self.evaluate("the rest of the plan, after a delay", self.plan))
        self.commit()


def _rounded(session: RoadSession | RailSession, answer: Answer) -> Array:
    """Return an answer's connection to be evaluated: by rail without what rounding in a solver has left."""
    return whole(answer.connection_veh) if isinstance(session, RailSession) else answer.connection_veh


def _hopping(session: RailSession) -> Array:
    """Return a day on which every train is at another station in every period, which no timetable allows."""
    connection = np.zeros(session.connection_shape)
    _, stations, periods = session.connection_shape
    for period in range(periods):
        connection[:, period % stations, period] = 1.0
    return connection
