"""An operator whose answers a person gives; its class computes what they cost, and answers where the person does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, Operator, Recorder
from federates.boundary.world import World, world_of
from federates.seat.asking import Refused, hear
from federates.seat.entries import Field, fields, plain, read_cost, read_quantities
from federates.seat.mailbox import Mailbox
from federates.seat.sheet import Loaded, sheet

_SAME = 1e-9
"""Quantities no further apart than this are the same."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked: prices or what is given, and the class's own answer to it."""

    prices: Quantities | None
    given: Quantities | None
    openings: Openings
    best: Answer


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer as it is told, and the class's own cost of it, usd."""

    answer: Answer
    used: Quantities
    own_cost_usd: float


class OperatorSeat(Operator):
    """The person is asked for every answer to prices and to given quantities; relaxations are the class's own.

    What is told obeys the boundary whatever the person types: quantities are of the agent's shape, finite and in range; of what
    is offered no more is told than the class can send; the bound is the class's own, which no claim makes invalid.

    Parameters
    ----------
    operator : the class that is asked in the person's place.
    seconds : for one answer; 0: nobody is asked, and only the account of what is committed is kept.
    """

    def __init__(self, operator: Operator, mailbox: Mailbox, seconds: float, loaded: Loaded) -> None:
        super().__init__(operator.settings, operator.folder)
        self._operator, self._mailbox, self._seconds, self._loaded = operator, mailbox, seconds, loaded
        self._period = self._round = 0
        self._openings: Openings | None = None
        self._told: dict[tuple[Any, ...], Answer] = {}
        """The person's answers in this period, by question."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Let the class begin, and write what the person may know."""
        self._operator.begin(session, recorder)
        self._session = session
        self._world: World = world_of(session.world)
        self._mailbox.sheet(sheet(self._loaded, self.folder, session, self._seconds))

    def open_period(self, period: int, observation: Any) -> Any:
        """Let the class open the period: the opening is a fact, and nobody is asked for it."""
        opening = self._operator.open_period(period, observation)
        if period < self._session.periods:
            self._period, self._round, self._openings = period, 0, None
            self._told.clear()
            self._fields: dict[str, Field] = fields(self._world, self._session, self._loaded.role, period)
            self._say("open", outlook=plain(self._operator.outlook()))
        return opening

    def relax(self, prices: Quantities, openings: Openings) -> Answer:
        """Answer as the class does: parts of vehicles or trains are no plan, and nobody is asked for them."""
        self._round += 1
        return self._operator.relax(prices, openings)

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Answer what the person wants at these prices."""
        self._round += 1
        best = self._operator.solve(prices, openings)
        return self._asked("solve", _Question(prices, None, openings, best))

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Answer what the person would use, or send, of what is given."""
        self._round += 1
        best = self._operator.evaluate(given, openings)
        return self._asked("evaluate", _Question(None, given, openings, best))

    def commit(self, given: Quantities) -> Any:
        """Carry out what is agreed, and keep account of what it costs this agent."""
        carried_out = given if self._world.plan_lasts(self._session) else {n: _opened(values) for n, values in given.items()}
        nothing = {name: np.zeros_like(values) for name, values in given.items()}
        costs = {"own_cost_usd": self._cost_usd(carried_out), "idle_cost_usd": self._cost_usd(nothing)}
        self._say("commit", given=plain(given), **plain(costs))
        return self._operator.commit(given)

    def _cost_usd(self, quantities: Quantities) -> float | None:
        """Return the class's own cost; None where nobody was asked in this period, so that it has not heard the openings."""
        return None if self._openings is None else self._operator.evaluate(quantities, self._openings).cost_usd

    def outlook(self) -> Mapping[str, Any]:  # noqa: D102
        return self._operator.outlook()

    def _say(self, kind: str, seconds: float | None = None, **fields_: Any) -> int:
        hour = self._session.hour_of_day(self._period)
        return self._mailbox.ask(kind, seconds, period=self._period, hour=hour, round=self._round, **fields_)

    def _asked(self, kind: str, question: _Question) -> Answer:
        """Return the class's own answer, or the person's where the person is asked."""
        self._openings = question.openings
        world, session = self._world, self._session
        if not (self._seconds > 0 and world.negotiates(session) and not world.moves_nothing(session)):
            return question.best
        asked = (question.prices or {}) if question.given is None else question.given
        key = (kind, *(values.tobytes() for values in asked.values()))
        if key not in self._told:
            answer, by_person = self._ask(kind, question)
            if not by_person:
                return answer
            self._told[key] = answer  # The same question has the same answer, and nobody is asked it twice.
        return self._told[key]

    def _ask(self, kind: str, question: _Question) -> tuple[Answer, bool]:
        """Return the answer, and whether it is the person's."""
        asked = {"prices": question.prices} if question.given is None else {"given": question.given}
        own = _Told(question.best, question.best.quantities, question.best.cost_usd)
        best = self._in_numbers(own, question)
        n = self._say(
            kind, self._seconds, **plain(asked), openings=plain(question.openings), outlook=plain(self.outlook()), best=best
        )
        heard = hear(
            self._mailbox,
            n,
            self._seconds,
            lambda given: self._read(given, question),
            lambda told: self._in_numbers(told, question),
        )
        told = heard.answer or own
        numbers, answer = self._in_numbers(told, question), told.answer
        said = {"quantities": answer.quantities, "cost_usd": answer.cost_usd, "bound_usd": answer.bound_usd}
        self._mailbox.answered(
            n,
            {
                "kind": kind,
                "period": self._period,
                "round": self._round,
                "by": "class" if heard.answer is None else "person",
                "why": heard.why,
                "told": plain(said),
                "own_cost_usd": numbers["cost_usd"],
                "payment_usd": numbers["payment_usd"],
                "own_total_usd": numbers["total_usd"],
                "best": best,
            },
        )
        return answer, heard.answer is not None

    def _in_numbers(self, told: _Told, question: _Question) -> dict[str, Any]:
        """Return what an answer costs, for the person."""
        payment_usd = self._payment(told.answer, question)
        total_usd = told.own_cost_usd + payment_usd
        numbers = {"cost_usd": told.own_cost_usd, "payment_usd": payment_usd, "total_usd": total_usd}
        found: dict[str, Any] = plain({"quantities": told.answer.quantities, "used": told.used, **numbers})
        return found

    def _asks(self, name: str) -> bool:
        return self._loaded.role in self._fields[name].exchange.asks

    def _read(self, given: Any, question: _Question) -> _Told:
        """Return what a person's answer tells; raise `Refused` if nothing can be told."""
        if not isinstance(given, dict):
            raise Refused("An answer has the keys quantities and, if you like, claimed_cost_usd.")
        if unknown := [str(key) for key in given if key not in ("quantities", "claimed_cost_usd", "best")]:
            raise Refused(f"An answer has no {unknown[0][:40]}.")
        best, claimed_usd = question.best, read_cost(given.get("claimed_cost_usd"))
        if given.get("best") is True:
            wanted: Mapping[str, Array] = best.quantities
        else:
            wanted = read_quantities(given.get("quantities"), self._fields)
        self._check_given(wanted, question)
        if all(np.allclose(wanted[name], best.quantities[name], rtol=0.0, atol=_SAME) for name in wanted):
            # The class's own answer: what it told of it holds, to the bit.
            told = _Told(best, best.quantities, best.cost_usd)
            return told if claimed_usd is None else replace(told, answer=self._claimed(best, claimed_usd, question))
        own = self._operator.evaluate(wanted, question.openings)
        sent = {n: values if self._asks(n) else np.minimum(values, own.quantities[n]) for n, values in wanted.items()}
        cost_usd = own.cost_usd if claimed_usd is None else claimed_usd
        return _Told(self._claimed(replace(best, quantities=sent), cost_usd, question), own.quantities, own.cost_usd)

    def _claimed(self, answer: Answer, cost_usd: float, question: _Question) -> Answer:
        """Return an answer at this cost. Its bound is the class's, or lower where the answer itself says that it is."""
        return replace(answer, cost_usd=cost_usd, bound_usd=min(answer.bound_usd, cost_usd + self._payment(answer, question)))

    def _payment(self, answer: Answer, question: _Question) -> float:
        """Return price times what is asked minus price times what is offered, usd; without prices nothing is paid."""
        if question.prices is None:
            return 0.0
        sums = {name: float((question.prices[name] * values).sum()) for name, values in answer.quantities.items()}
        return sum(usd if self._asks(name) else -usd for name, usd in sums.items())

    def _check_given(self, wanted: Quantities, question: _Question) -> None:
        """Raise `Refused` for more than what is given."""
        if question.given is None:
            return
        for name, values in wanted.items():
            if (at := np.argwhere(values > question.given[name] + 1e-9)).size:
                index = tuple(at[0].tolist())
                most = question.given[name][index]
                place = f"{name} {self._fields[name].place(index)}"
                raise Refused(f"{place}: {values[index]:g} is more than the {most:g} that is given.")


def _opened(values: Array) -> Array:
    """Return what is carried out now of quantities whose last axis is the horizon."""
    return np.where(np.arange(values.shape[-1]) == 0, values, 0.0)
