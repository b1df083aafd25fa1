"""A whole day with an operator under test: everything that a coordinator may ask, in an order that it may be asked in.

Where one plan lasts all day and whole answers to prices take long (`World.takes_long`), early in it even minutes, these are asked
late on a day of more than `_LONG_PERIODS` periods, when little of it is left; linear relaxations are asked early too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from federates.boundary.exchange import Moment
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.world import world_of
from federates.conformance.call_recorder import CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.entries import Answered, Entries
from federates.conformance.kit import SEED, kit_of
from federates.conformance.target import Target
from federates.conformance.values import answer_fault, opening_fault, range_fault

__all__ = ["EXCHANGED", "Day", "OperatorDay", "is_long"]

EXCHANGED = "with two interchangeable ones exchanged"
"""Ends the words of a question that follows the same one without the exchange."""

_LONG_PERIODS, _LATE_PERIODS = 12, 6
_DELAYED_PERIODS = 6
_SILENT, _LONG_NEGOTIATION = 2, 3
"""So many periods after the first negotiation nothing is asked, or as many questions as on a real day."""
_EVERY_PERIOD = 6
"""So many later periods are negotiated one by one, then every one in so many."""
_MANY_ROUNDS, _MANY_S = 22, 1.5
"""Real days have up to 44 questions a period; they may take about so long, s."""
_HUGE_USD, _FIRST_PRICE_USD = 1e6, 10.0
_PRICES_USD = (1.0, 20.0)
"""Prices are about what a unit is worth to the operator, but within these."""


@dataclass
class Day:
    """What was said on a day, as far as it got."""

    caller: CallRecorder
    answers: list[Answered] = field(default_factory=list)
    openings: list[tuple[int, Any]] = field(default_factory=list)
    commits: list[tuple[int, Quantities, Any]] = field(default_factory=list)
    failure: Failure | None = None


class MalformedError(Exception):
    """An answer came that cannot be used, so nothing can be asked that builds on it."""


def is_long(session: Any) -> bool:
    """Return whether a day is so long that whole answers to prices are asked late in it: one plan lasts until then."""
    world = world_of(session.world)
    return world.takes_long and world.plan_lasts(session) and session.periods > _LONG_PERIODS


class OperatorDay:
    """Leads one life of an operator through a day, in the place of coordinator and partners, and keeps what was said."""

    def __init__(self, target: Target) -> None:
        self.role, self.session, self.rounded = target.role, target.view, target.executable
        self.world, self.kit = world_of(self.session.world), kit_of(self.session)
        self.caller = CallRecorder(target)
        self.day = Day(self.caller)
        self.stage = self.kit.stage(self.session, self.role)
        self.lasts = self.world.plan_lasts(self.session)
        self.plan: dict[str, Array] = {}
        """What is carried out."""
        self.openings: dict[str, Any] = {}
        """By what messages the period was opened."""
        self.scale = _FIRST_PRICE_USD
        """About what a unit is worth to the operator, usd."""
        self.negotiated_late = self.session.periods - _LATE_PERIODS if is_long(self.session) else 0

    def whole(self) -> Day:
        """Hold a day with every kind of question."""
        return self._held(self._whole)

    def rough(self) -> Day:
        """Open the day and ask for what nobody can do; then ask an ordinary question again."""
        return self._held(self._rough)

    def delayed(self) -> Day:
        """Hold a day on which something comes late."""
        self.stage.late = True
        return self._held(self._delayed)

    def _held(self, script: Callable[[], None]) -> Day:
        with self.caller:
            try:
                self.caller.begin()
                script()
            except CallFailedError as end:
                self.day.failure = end.failure
            except MalformedError:
                pass  # A check says what is wrong with it.
        return self.day

    # Single calls.

    def open(self, period: int) -> None:
        """Open a period with what was seen in the last one; a plan that the operator itself cannot follow is asked for anew."""
        self.caller.period = period
        self.entries = Entries(self.session, self.role, period, rounded=self.rounded)
        if self.lasts and period:
            self.plan = {name: values[..., 1:].copy() for name, values in self.plan.items()}
        told = self.stage.openings(period, self.plan)
        opening = self.caller.ask(Kind.OPEN, "open_period", period, self.stage.observation(period), told=told)
        self.day.openings.append((period, opening))
        fault = opening_fault(self.role, self.session, period, opening)
        if fault is not None:
            raise MalformedError(fault)
        said = self.world.said(self.role, Moment.OPENING)
        self.told, self.openings = told, told if said is None else told | {said.name: opening}
        if 0 < period < self.session.periods and self.stage.is_broken(period, opening):
            self.adopt(self.evaluate("the plan, after a delay", self.plan))

    def solve(self, words: str, prices: Array) -> Answer:
        """Ask for the best quantities at these prices."""
        return self._ask(Kind.SOLVE, f"solve ({words})", self.entries.as_sent(prices, prices=True))

    def relax(self, words: str, prices: Array) -> Answer:
        """Ask for the same in the linear relaxation."""
        return self._ask(Kind.RELAX, f"relax ({words})", self.entries.as_sent(prices, prices=True))

    def evaluate(self, words: str, given: Quantities) -> Answer:
        """Ask what quantities cost."""
        return self._ask(Kind.EVALUATE, f"evaluate ({words})", self.entries.as_sent(self.entries.flat(given), prices=False))

    def commit(self) -> None:
        """Commit the plan, whole in the opened period."""
        plan = self.stage.committed(self.plan)
        returned = self.caller.ask(Kind.COMMIT, "commit", plan)
        self.day.commits.append((self.caller.period, plan, returned))

    def _ask(self, kind: Kind, words: str, asked: Array) -> Answer:
        answer = self.caller.ask(kind, words, self.entries.shaped(asked), self.told)
        heard = Answered(kind, self.caller.period, words, asked, answer, self.entries, self.openings)
        self.day.answers.append(heard)
        fault = answer_fault(self.entries, answer) or range_fault(self.session, heard)
        if fault is not None:
            raise MalformedError(f"{words}: {fault}")
        return cast(Answer, answer)

    def price(self, number: int, size: float, *, alike: bool = True) -> Array:
        """Return prices of the pattern of that number, about ``size`` times what a unit is worth."""
        draw = np.random.default_rng((SEED, number, 5))
        shapes, worth = self.entries.shapes, self.kit.worth_usd
        pattern = {name: worth.get(name, 1.0) * draw.uniform(0.4, 1.6, shape) for name, shape in shapes.items()}
        return size * self.scale * self.entries.flat(self.kit.alike(self.session, pattern) if alike else pattern)

    def adopt(self, answer: Answer) -> None:
        """Take a plan: what is offered of it, and what was given where the operator asks."""
        heard = self.day.answers[-1]
        plan = np.where(self.entries.asks, heard.asked, self.entries.flat(self._rounded(answer)))
        self.plan = self.entries.shaped(plan)

    def _rounded(self, answer: Answer) -> dict[str, Array]:
        """Return what was answered, to be evaluated: where it must be whole without what rounding in a solver has left."""
        z = self.entries.flat(answer.quantities)
        return self.entries.shaped(np.where(self.entries.whole, np.rint(np.clip(z, 0.0, 1.0)), z))

    def _part(self, quantities: Quantities) -> dict[str, Array]:
        """Return half of quantities; of what is whole the first one's."""
        parts = {}
        for exchange in self.entries.exchanges:
            parts[exchange.name] = part = np.array(quantities[exchange.name])
            if exchange.whole:
                part[1:] = 0.0
            else:
                part *= 0.5
        return parts

    def _scale_of(self, nothing: Answer, some: Answer) -> float:
        """Return about what a unit is worth to this operator, or costs it, usd."""
        apart = np.abs(self.entries.flat(some.quantities) - self.entries.flat(nothing.quantities))
        amount = float((self._worth() * apart).sum())
        worth = abs(some.cost_usd - nothing.cost_usd) / amount if amount > 0 else 0.0
        return float(np.clip(worth, *_PRICES_USD)) if worth > 0 else _FIRST_PRICE_USD

    def _worth(self) -> Array:
        """Return what a unit is worth where one of another is worth 1 usd, (n,)."""
        worth = {name: np.full(shape, self.kit.worth_usd.get(name, 1.0)) for name, shape in self.entries.shapes.items()}
        return self.entries.flat(worth)

    def _zero(self) -> Array:
        return np.zeros_like(self.entries.sign)

    # The whole day.

    def _whole(self) -> None:
        late = self.negotiated_late
        self.open(0)
        self._first_questions()
        self._stay_until(late)
        self._negotiate(late)
        self.commit()
        for period in range(late + 1, self.session.periods):
            self.open(period)
            later = period - late
            if later != _SILENT:
                self._negotiate_again(period, later)
            elif not self.lasts:
                self.plan = self.entries.shaped(self._zero())  # nothing was asked: nothing can be sent
            self.commit()
        self.open(self.session.periods)

    def _stay_until(self, late: int) -> None:
        """On a long day, let the first periods be modest: then little of the day is left to plan."""
        if late:
            self.adopt(self.evaluate("a modest day", self.stage.modest(0)))
        for period in range(late):
            self.commit()
            self.open(period + 1)

    def _first_questions(self) -> None:
        """Before any price: quantities; then relaxations, and on a short day nothing else."""
        nothing = self.evaluate("nothing, before any prices", self.entries.shaped(self._zero()))
        some = self.evaluate(f"a modest {self.kit.thing}", self.stage.modest(0))
        self.scale = self._scale_of(nothing, some)
        self.relax("no prices", self._zero())
        for number, size in enumerate((1.0, 0.3, 3.0)):
            self.relax(f"prices about {size * self.scale:.3g} usd", self.price(number, size, alike=number != 1))
        self._exchange()

    def _exchange(self) -> None:
        """Ask the same of two things that are interchangeable: first of the one, then of the other."""
        wanted, prices = self.stage.wanted(0, None), self.price(1, 1.0, alike=False)
        for asked, words in ((wanted, "what is wanted"), (self.entries.shaped(prices), "prices that differ")):
            twin = self.kit.twin(self.session, self.openings, asked)
            if twin is None or all(np.array_equal(twin[name], asked[name]) for name in asked):
                continue
            for values, more in ((asked, ""), (twin, f", {EXCHANGED}")):
                if asked is wanted:
                    self.evaluate(words + more, values)
                else:
                    self.relax(words + more, self.entries.flat(values))

    def _negotiate(self, period: int) -> None:
        """All that a negotiation may ask for, most of all whole answers to prices."""
        zero = self._zero()
        free = self._free = self.solve("no prices", zero)
        self.evaluate("the answer to no prices", self._rounded(free))
        mild = self.price(3, 1.0)
        answered = self.solve("mild prices", mild)
        self.evaluate("the answer to mild prices", self._rounded(answered))
        self.evaluate("a part of it", self._part(self._rounded(answered)))
        self._evaluate_sensible("mild prices", mild, period)
        double = self.solve("the same prices doubled", 2.0 * mild)
        self.evaluate("the answer to doubled prices", self._rounded(double))
        self.solve("steep prices", self.price(4, 6.0))
        self.solve("tiny prices", self.price(5, 1e-6))
        some = self.price(8, 1.0)
        answered_some = self.solve("prices of which half are zero", np.where(some > np.median(some), some, 0.0))
        self.evaluate("the answer to prices of which half are zero", self._rounded(answered_some))
        self.solve("huge prices", np.full_like(zero, _HUGE_USD))
        least = self._least_prices(period)
        if (least < 0.0).any():
            self.solve("negative prices", np.maximum(-self.price(6, 1.0), least))
        self._evaluate_more(period)
        self.solve("mild prices, again", mild)
        self.adopt(self.evaluate("the plan", self.stage.wanted(period, answered.quantities)))

    def _least_prices(self, period: int) -> Array:
        least = self.world.least_prices(self.session, period, self.openings)
        return self.entries.flat({name: np.broadcast_to(least[name], shape) for name, shape in self.entries.shapes.items()})

    def _negotiate_again(self, period: int, later: int) -> None:
        """Negotiate briefly ``later`` periods after the first time; once in as many rounds as there are on a real day.

        On a long day whole answers are asked in one of these periods only.
        """
        if later > _EVERY_PERIOD and later % _EVERY_PERIOD:
            self.evaluate("what is carried out", self.plan)
            return
        mild, answered = self.price(10 + later, 1.0), None
        self.relax("prices of a later period", mild)
        if later == 1 or not is_long(self.session):
            answered = self.solve("prices of a later period", mild)
            self.evaluate("the answer to them", self._rounded(answered))
            self._evaluate_sensible("prices of a later period", mild, period)
            if later == _LONG_NEGOTIATION:
                self._many_rounds()
            self.solve("prices of a later period, again", mild)
        self.evaluate("what suits another period", self.stage.modest(period))
        if self.lasts:
            self.evaluate("what is carried out", self.plan)
        else:
            wanted = self.stage.wanted(period, None if answered is None else answered.quantities)
            self.adopt(self.evaluate("the plan", wanted))

    def _evaluate_sensible(self, words: str, prices: Array, period: int) -> None:
        """Ask for what anybody would want at these prices, where it can be divided: all where it is cheaper than it is worth."""
        if self.entries.whole.any():
            return
        asks, free = self.entries.asks, np.maximum(self.entries.flat(self._free.quantities), 0.0)
        much = np.where(asks, free, self.entries.flat(self.stage.modest(period)))
        wanted = (prices < self.scale * self._worth()) == asks
        self.evaluate(f"what seems best at {words}", self.entries.shaped(np.where(wanted, much, 0.0)))

    def _many_rounds(self) -> None:
        """Ask on, with other prices every time, and for what was answered; a slow operator is asked less often."""
        usual_s = float(np.median([call.wall_s for call in self.caller.calls if call.kind in (Kind.SOLVE, Kind.EVALUATE)]))
        for number in range(int(np.clip(_MANY_S / max(2 * usual_s, 1e-9), 1, _MANY_ROUNDS))):
            prices = self.price(100 + number, 1.5 / (1 + number % 5))
            if number % 3 == 0:
                prices = np.where(prices > np.median(prices), prices, 0.0)
            answer = self.solve(f"round {number + 1} of many", prices)
            self.evaluate(f"its answer in round {number + 1} of many", self._rounded(answer))

    def _evaluate_more(self, period: int) -> None:
        """Ask for quantities that grow: what is known of one bounds the next."""
        last = self.evaluate(f"a modest {self.kit.thing}", self.stage.modest(period))
        for words, given in self.stage.trials(period):
            last = self.evaluate(words, given)
        if not self.entries.whole.any():
            answered = self.entries.flat(last.quantities)
            self.evaluate("what it said to the most", self.entries.shaped(np.maximum(answered, 0.0)))

    def _rough(self) -> None:
        self.open(0)
        late = self.negotiated_late
        self._stay_until(late)
        modest = self.stage.modest(late)
        self.evaluate(f"a modest {self.kit.thing}", modest)
        for words, given in self.stage.impossible(late):
            self.evaluate(words, given)
        self.evaluate(f"a modest {self.kit.thing}, again", modest)

    def _delayed(self) -> None:
        """Let the first periods come late, and go on until the delay is over."""
        self.open(0)
        self.adopt(self.evaluate("the plan", self.stage.wanted(0, None)))
        for period in range(1, min(self.session.periods, _DELAYED_PERIODS)):
            self.commit()
            before = {name: values[..., 1:] for name, values in self.plan.items()}
            self.open(period)
            if not self.lasts or any(not np.array_equal(before[name], self.plan[name]) for name in before):
                self.relax("mild prices, after a delay", self.price(3, 1.0))
                self.adopt(self.evaluate("the rest of the plan, after a delay", self.plan))
        self.commit()
