"""The loop of an operator: it looks for the coordinator's command in every micro-step, calls the operator, and answers."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from federates.boundary.exchange import COMMAND, Moment, cost_topic
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Openings, Operator
from federates.boundary.topics import Command
from federates.lp.bound_misses import take_misses
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter

if TYPE_CHECKING:  # without a private sum an agent is ready sooner
    from federates.runtime.summed_member import SummedMember

_COORDINATOR = Role.COORDINATOR.value


def run_operator(federate: Federate, session: Any, operator: Operator, writer: ResultWriter) -> None:
    """Answer commands until `stop`.

    In a negotiation every micro-step is requested; a commit ends it, and the next request is the first micro-step of the
    next period. What the others said in one micro-step is there in the next, whoever was faster (docs/decisions/0002).

    Raises
    ------
    FederationError : the federation ended before `stop`, or a partner did not answer in time.
    """
    broker = federate.identity.broker
    adapter = _OperatorAdapter(federate, operator)
    patience_s = (
        broker.limits.period_s + broker.limits.answer_s + broker.limits.begin_s + federate.identity.most_rest_s(session.period_s)
    )
    first, _ = federate.begin()
    start_s, step, key = first * session.period_s, 0, COMMAND.key(_COORDINATOR, "")
    while True:
        step += 1
        # Not by adding up steps: as the coordinator does, so that both mean the same nanosecond.
        federate.advance(start_s + step * broker.round_step_s, patience_s, "the coordinator's next command")
        frames = federate.updates()
        adapter.inbox.add(frames)
        if key not in frames:
            continue
        period, round_ = frames[key].period, frames[key].round
        command = Command(int(frames[key].values[0]))
        if command is Command.STOP:
            return
        _timed(federate, adapter, writer, command, period, round_)
        if command is Command.COMMIT:
            writer.flush()
            federate.carried_out(period + 1)
            start_s, step = (period + 1) * session.period_s, 0


def _timed(
    federate: Federate, adapter: _OperatorAdapter, writer: ResultWriter, command: Command, period: int, round_: int
) -> None:
    started = time.perf_counter()
    activity = command.name.lower()
    what = f"{federate.agent}: {activity} in period {period}, round {round_}"
    with federate.watchdog.limit(federate.identity.broker.limits.answer_s, what):
        adapter.handle(command, period, round_)
    writer.record("timings", period=period, round=round_, activity=activity, wall_s=time.perf_counter() - started)
    for miss in take_misses():
        writer.record("bound_misses", period=period, round=round_, activity=activity, **asdict(miss))


class _OperatorAdapter:
    """Between an operator's methods and the messages of its role."""

    def __init__(self, federate: Federate, operator: Operator) -> None:
        self.federate, self.operator = federate, operator
        self.inbox = Inbox(federate.agent)
        world, role = federate.world, federate.role
        self._exchanges = [exchange for exchange in world.exchanges if role in exchange.roles]
        self._observed = world.told(role, Moment.OBSERVATION)
        self._opened = world.told(role, Moment.OPENING)
        self._opening = world.said(role, Moment.OPENING)
        self._dispatch = world.said(role, Moment.DISPATCH)
        self._cost = cost_topic(role)
        self._member = self._summed()

    def _summed(self) -> SummedMember | None:
        """Return what masks the answers, where the world sums those of this role."""
        summed = self.federate.world.summed
        if summed is None or summed.role != self.federate.role:
            return None
        from federates.runtime.summed_member import SummedMember

        return SummedMember(self.federate, summed)

    def handle(self, command: Command, period: int, round_: int) -> None:
        """Do what the coordinator says."""
        if command is Command.OPEN:
            self._open(period)
        elif command is Command.COMMIT:
            given, _ = self._given(period, round_)
            dispatch = self.operator.commit(given)
            if self._dispatch is not None:
                self.federate.tell(self._dispatch, period, round_, self._dispatched(given, dispatch))
        elif command is Command.EVALUATE:
            given, whole = self._given(period, round_)
            self._answer(period, round_, self.operator.evaluate(given, self._openings(period)), whole)
        else:
            solve = self.operator.relax if command is Command.RELAX else self.operator.solve
            prices = {e.name: self._take(e.price, period, round_) for e in self._exchanges}
            self._answer(period, round_, solve(prices, self._openings(period)))

    def _dispatched(self, given: Quantities, dispatch: Any) -> Any:
        """Return what is told of a commitment: a private sum's member tells what the coordinator does not know."""
        if self._member is None or self._dispatch is None:
            return dispatch
        return self.federate.world.dispatch(self.federate.session, self._dispatch, {self.federate.agent: given})

    def _open(self, period: int) -> None:
        if self._member is not None:
            self._member.open(period)
        seen = None
        if period > 0 and self._observed:
            seen = self.federate.hear(self._observed[0], self.inbox, period - 1)
        opening = self.operator.open_period(period, seen)
        if self._opening is None:
            return
        if opening is None:
            raise TypeError(f"{type(self.operator).__name__}.open_period must return its {self._opening.name}, but returned None")
        self.federate.tell(self._opening, period, 0, opening)

    def _openings(self, period: int) -> Openings:
        """Return what the partners opened the period with."""
        return {message.name: self.federate.hear(message, self.inbox, period) for message in self._opened}

    def _given(self, period: int, round_: int) -> tuple[Quantities, bool]:
        """Return what the coordinator has sent, to evaluate or as committed, and whether a member answers in whole numbers."""
        if self._member is not None:
            return self._member.given(self.inbox, period, round_)
        return {e.name: self._take(e.given, period, round_) for e in self._exchanges}, False

    def _take(self, topic: Any, period: int, round_: int) -> Any:
        return self.inbox.take(topic.key(_COORDINATOR, self.federate.agent), period, round_)

    def _answer(self, period: int, round_: int, answer: Answer, whole: bool = False) -> None:
        if self._member is not None:
            self._member.tell(self.inbox, period, round_, answer, whole)
            return
        for exchange in self._exchanges:
            values = answer.quantities[exchange.name]
            slope = None if answer.slopes is None else answer.slopes[exchange.name]
            # Of an empty exchange a row has no values, so that nobody could tell it from none.
            rows = np.zeros((0, *np.shape(values))) if slope is None or slope.size == 0 else slope[np.newaxis]
            self.federate.publish(exchange.quantity, period, round_, values)
            self.federate.publish(exchange.slope, period, round_, rows)
        self.federate.publish(self._cost, period, round_, answer.cost_values)
