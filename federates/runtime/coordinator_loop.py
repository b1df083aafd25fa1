"""The coordinator's loop: it owns the clock. One or two micro-steps of HELICS time are one round of negotiation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.exchange import COMMAND, Exchange, Message, Moment, cost_topic
from federates.boundary.messages import Answer, Frame, Quantities
from federates.boundary.names import Role
from federates.boundary.negotiation import Problem
from federates.boundary.roles import (
    Commit,
    CoordinationAlgorithm,
    Decision,
    Evaluate,
    LateAnswer,
    Openings,
    RoundResult,
    Solve,
)
from federates.boundary.topics import Command
from federates.runtime.federate import Federate
from federates.runtime.hold import is_held, wait_while_held
from federates.runtime.inbox import Inbox
from federates.runtime.lossy_rounds import Came, LossyRounds, OutOfRoundsError, nothing_moves
from federates.runtime.negotiation_record import NegotiationRecord, word
from federates.runtime.real_time import Pace
from federates.runtime.results import ResultWriter

if TYPE_CHECKING:  # without a private sum a run is ready sooner
    from federates.runtime.summed_group import SummedGroup

_MARGIN_S = 3.0
"""An agent that is too slow notices it first, and can say so by name; the coordinator's own limit comes after."""
MOST_STEPS = 4
_ALL_STEPS = 2
"""After so many micro-steps every answer that is given has come (docs/decisions/0002); over a network nobody knows whose is."""


def run_coordinator(federate: Federate, session: Any, algorithm: CoordinationAlgorithm, writer: ResultWriter) -> None:
    """Negotiate every period, then close the day and tell everyone to stop."""
    record = NegotiationRecord(session, writer, federate.identity.broker.agreed_gap)
    wait, real_time, pace = partial(wait_while_held, writer.folder), federate.identity.real_time, None
    if real_time is not None:
        pace = Pace(real_time, session.period_s, writer, wait, partial(is_held, writer.folder))
    loop = NegotiationLoop(federate, session, writer, record, wait, pace)
    first, state = federate.begin()
    if state is not None:
        loop.restore(state)
    for period in range(first, session.periods):
        openings = loop.open(period)
        started = time.perf_counter()
        rounds = loop.negotiate(algorithm, openings)
        writer.record("timings", period=period, round=rounds, activity="negotiation", wall_s=time.perf_counter() - started)
        writer.flush()
        federate.carried_out(period + 1, loop.state())
    loop.open(session.periods)
    # One step later the operators have taken in the last observation.
    loop.command(Command.STOP, 0)
    loop.step(federate.identity.broker.limits.answer_s, "the operators to stop")


class NegotiationLoop:
    """One period after the other: HELICS time is the period's start plus a number of micro-steps.

    Before each question ``wait`` is called, which returns when it may be asked. In real time ``pace`` opens the periods.
    """

    def __init__(
        self,
        federate: Federate,
        session: Any,
        writer: ResultWriter,
        tables: NegotiationRecord,
        wait: Callable[[], None] = lambda: None,
        pace: Pace | None = None,
    ) -> None:
        self._wait, self._pace = wait if pace is None else pace.stand, pace
        self.federate, self.session, self.writer, self.tables = federate, session, writer, tables
        self.world, self.partners = federate.world, federate.partners
        self.period = self.steps = 0
        self._told = Command.OPEN
        self._thinking_s = 0.0
        self._group = self._summed()
        members = () if self._group is None else self._group.members
        self._singles = tuple(agent for agent in self.partners if agent not in members)
        """Partners that answer for themselves."""
        self._exchanges: dict[str, list[Exchange]] = {
            agent: [e for e in self.world.exchanges if federate.identity.agents[agent] in e.roles] for agent in self.partners
        }
        self._openings = [message for message in self.world.messages if message.passed_on]
        self._questions: dict[int, Solve | Evaluate] = {}
        most = federate.identity.broker.max_rounds
        self._lossy = LossyRounds(session, tables, writer, self._came, most) if session.network is not None else None

    def _wait_while_held(self) -> None:
        if not self.federate.replaying:
            self._wait()

    def state(self) -> dict[str, Any]:
        """Return what crosses periods, as plain values and arrays."""
        return {"tables": self.tables.state(), "lossy": None if self._lossy is None else self._lossy.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self.tables.restore(state["tables"])
        if self._lossy is not None:
            self._lossy.restore(state["lossy"])

    def _summed(self) -> SummedGroup | None:
        if self.world.summed is None:
            return None
        from federates.runtime.summed_group import SummedGroup

        return SummedGroup(self.federate, self.session, self.world.summed)

    def open(self, period: int) -> Openings:
        """Let the operators open ``period``: each hears what the others say; return what they say."""
        self._wait_while_held()
        self.period, self.steps = period, 0
        if self._group is not None:
            self._group.open(period)
        wait_s = self._begin()
        if self._pace is not None:
            self._pace.open(period)
        self.command(Command.OPEN, 0)
        keys = [key for message in self._openings for key in self._keys(message)]
        inbox = self.collect(keys, 0, wait_s)
        openings = {}
        for message in self._openings:
            arrays = self.federate.hear_topics(message, inbox, period, 0)
            for topic, values in zip(message.heard(), arrays, strict=True):
                self.federate.tell_topic(topic, period, 0, values)
            openings[message.name] = message.unpacked(self.session, arrays)
        return openings

    def _keys(self, message: Message) -> Iterable[str]:
        senders = self.federate.senders(message)
        return (topic.key(agent, "") for topic in message.sent() for agent in senders)

    def negotiate(self, algorithm: CoordinationAlgorithm, openings: Openings) -> int:
        """Carry out the algorithm's decisions until it commits; return the number of rounds."""
        self.tables.open(self.period, openings)
        if self._lossy is not None:
            self._lossy.open(self.period, openings)
        self._round, self._questions = 0, {}
        started = time.perf_counter()
        decision = algorithm.start(self.period, openings)
        self._thinking_s = time.perf_counter() - started
        given_up = False
        try:
            agreed = self._decide(algorithm, decision)
        except OutOfRoundsError as error:
            given_up = True
            agreed = self._give_up(openings, str(error))
        self._carry_out(agreed)
        self.writer.record("timings", period=self.period, round=self._round, activity="algorithm", wall_s=self._thinking_s)
        if self._pace is not None:
            self._pace.committed(given_up=given_up)
        return self._round

    def _decide(self, algorithm: CoordinationAlgorithm, decision: Decision) -> Commit:
        """Ask what the algorithm wants to know until it commits; return what all carry out.

        Raises
        ------
        OutOfRoundsError : a network has left no rounds for that, or the period is over in strict real time.
        """
        while not isinstance(decision, Commit):
            result = self._result(algorithm, decision)
            started = time.perf_counter()
            decision = algorithm.next(result)
            self._thinking_s += time.perf_counter() - started
        self._check_time()
        return decision if self._lossy is None else self._lossy.agree(decision)

    def _give_up(self, openings: Openings, why: str) -> Commit:
        """Return that nothing moves; where plans last the run cannot go on without one."""
        if self._lossy is not None:
            return self._lossy.give_up(why)
        return nothing_moves(self.session, Problem.of(self.session, self.period, openings), why)

    def _check_time(self) -> None:
        if self._pace is not None and (why := self._pace.too_late()):
            raise OutOfRoundsError(why)

    def _result(self, algorithm: CoordinationAlgorithm, decision: Solve | Evaluate) -> RoundResult:
        """Return the answers to a decision, which are written down before the algorithm sees them: it might change the arrays."""
        if self._lossy is not None:
            return self._lossy.result(algorithm, decision)
        most = self.federate.identity.broker.max_rounds
        self._round += 1
        if self._round > most:
            raise FederationError(f"coordinator: no decision after {most} rounds (max_rounds in broker.yaml)")
        self.ask(decision, self._round)
        result = self.answers(self._round, decision)
        self._check_answers()
        self.tables.answered(decision, result)
        return result

    def _check_answers(self) -> None:
        """Count a round whose answers came too late, and have no row."""
        try:
            self._check_time()
        except OutOfRoundsError:
            self.tables.repeated()
            raise

    def _carry_out(self, decision: Commit) -> None:
        self.commit(decision.given, self._round + 1)
        self.step(self.answer_limit_s, f"all operators to commit period {self.period}")
        self.tables.committed(decision)
        self._tell(decision)

    def _came(self, question: Solve | Evaluate, round_: int) -> Came:
        """Ask once over the network; return the answers that are heard in this round."""
        network = self.federate.network
        assert network is not None, "who starts an agent gives it the network of the agreement"
        self._round, self._questions[round_] = round_, question
        self.ask(question, round_)
        parts: dict[tuple[str, int], dict[str, Frame]] = {}
        for _ in range(_ALL_STEPS):
            self.step(self.answer_limit_s, f"all operators' answers in period {self.period}, round {round_}")
            for key, frame in self.federate.updates().items():
                parts.setdefault((key.split("/", 1)[0], frame.round), {})[key] = frame
        for agent, asked in sorted(parts):
            network.answered(agent, self.period, asked, round_, parts[agent, asked])
        answers, late = {}, []
        for agent in self.partners:
            for asked, frames in network.answers(agent, self.period, round_):
                inbox = Inbox(self.federate.agent)
                inbox.add(frames)
                answer = self._answer(agent, inbox, asked)
                if asked == round_:
                    answers[agent] = answer
                else:
                    late.append(LateAnswer(agent, self._questions[asked], answer))
        self._check_answers()
        return Came(answers, tuple(late))

    def _begin(self) -> float:
        """Wait for the period's start; return how long its opening may take."""
        limits = self.federate.identity.broker.limits
        models = self.federate.models
        if self.period and self.period == self.federate.resumed_at:
            everyone = (*self.partners, *self.federate.reporters, *models)
            self._wait_for(everyone, self.federate.resume_wait_s, f"everyone to come to period {self.period} again")
        if self.period == 0:
            if models or self._pace is not None:
                everyone = (*self.partners, *self.federate.reporters, *models)
                self._wait_for(everyone, limits.begin_s, "everyone to get ready")
                return limits.begin_s
            return limits.begin_s + self.answer_limit_s
        if not models:
            self._advance(self.start_s, self.answer_limit_s, f"all operators to carry out period {self.period - 1}")
            return self.answer_limit_s
        self._advance(self.start_s, limits.period_s, f"period {self.period} to start")
        for model in models:
            what = f"{model} to finish period {self.period - 1}"
            self.federate.wait_until_granted(model, self.start_s, limits.period_s, what)
            if self._pace is not None:
                self._pace.ran(model, self.period - 1)
        return limits.period_s

    def _tell(self, decision: Commit) -> None:
        """Tell whoever watches what is committed."""
        layout = self.tables.proof.layout
        copies = {agent: layout.own(agent, quantities) for agent, quantities in decision.given.items()}
        moved = self.world.progress(self.session, self.period, layout.shaped(layout.offered(copies)))
        hour = self.session.hour_of_day(self.period)
        self.writer.progress(committed=self.period, hour=hour, **moved, agreed=decision.agreed)

    @property
    def answer_limit_s(self) -> float:
        """Return how long the operators' answers may take, s."""
        return self.federate.identity.broker.limits.answer_s + _MARGIN_S

    @property
    def start_s(self) -> float:
        """Return the period's start, s."""
        return float(self.period * self.session.period_s)

    def _advance(self, time_s: float, wait_s: float, what: str) -> None:
        if self._pace is not None:
            agents = (*self.partners, *self.federate.reporters) if self._told is Command.OPEN else self.partners
            self._pace.watch(self.federate, agents, wait_s, what)
        elif self.world.takes_long or self.federate.identity.seats:
            self._wait_for(self.partners, wait_s, what)
        self.federate.advance(time_s, wait_s, what)

    def _wait_for(self, partners: Sequence[str], wait_s: float, what: str) -> None:
        """Wait until all ``partners`` ask for a time after this one.

        A partner that works for long would find others waiting in time requests, which keeps their cores busy
        (docs/decisions/0007 and 0008).
        """
        for partner in partners:
            if not self.federate.wait_until_requested(partner, wait_s, what):
                return  # Once one is lost nothing is waited for: each of many would be silent for as long.

    def step(self, wait_s: float, what: str) -> None:
        """Go one micro-step on."""
        self.steps += 1
        self._advance(self.start_s + self.steps * self.federate.identity.broker.round_step_s, wait_s, what)

    def collect(self, keys: Sequence[str], round_: int, wait_s: float) -> Inbox:
        """Go on in micro-steps until every message of ``keys`` has come for this round; one or two steps are enough.

        What has not come by then, `Inbox.take` reports.
        """
        inbox = Inbox(self.federate.agent)
        what = "all operators to open" if round_ == 0 else "all operators' answers in"
        for _ in range(MOST_STEPS):
            self.step(wait_s, f"{what} period {self.period}, round {round_}")
            inbox.add(self.federate.updates())
            if all(inbox.has(key, self.period, round_) for key in keys):
                break
        return inbox

    def command(self, command: Command, round_: int) -> None:
        """Tell the operators what to do."""
        self.federate.publish(COMMAND, self.period, round_, np.array([float(command)]))
        if self._pace is not None:
            self._pace.asked(round_, command.name.lower())
        self._told = command

    def ask(self, decision: Solve | Evaluate, round_: int) -> None:
        """Ask all operators what the algorithm wants to know."""
        self._wait_while_held()
        self._check_time()
        if self.world.plan_lasts(self.session):
            self.writer.progress(asked_period=self.period, asked_round=round_, asked=word(decision))
        if isinstance(decision, Evaluate):
            self.give(Command.EVALUATE, round_, decision.given, whole=decision.whole)
            return
        for exchange in self.world.exchanges:
            self.federate.tell_topic(exchange.price, self.period, round_, np.asarray(decision.prices[exchange.name]))
        self.command(Command.RELAX if decision.relaxed else Command.SOLVE, round_)

    def give(self, command: Command, round_: int, given: Mapping[str, Quantities], *, whole: bool = False) -> None:
        """Send each operator its quantities and what to do with them."""
        for agent in self._singles:
            for exchange in self._exchanges[agent]:
                self.federate.publish(exchange.given, self.period, round_, given[agent][exchange.name], agent)
        if self._group is not None:
            self._group.give(given[self._group.name], whole, self.period, round_)
        self.command(command, round_)

    def commit(self, given: Mapping[str, Quantities], round_: int) -> None:
        """Give each operator what is committed, and tell what follows from it to those who hear of it."""
        self.give(Command.COMMIT, round_, given, whole=True)
        if self.federate.network is not None:
            for agent in self.partners:
                self.federate.network.committed(agent, given[agent])
        for message in self.world.says(Role.COORDINATOR, Moment.DISPATCH):
            self.federate.tell(message, self.period, round_, self.world.dispatch(self.session, message, given))

    def answers(self, round_: int, question: Solve | Evaluate) -> RoundResult:
        """Return all answers of a round."""
        keys = [
            topic.key(agent, "")
            for agent in self._singles
            for topic in (cost_topic(""), *(t for e in self._exchanges[agent] for t in (e.quantity, e.slope)))
        ]
        group = self._group
        inbox = self.collect(keys + ([] if group is None else group.keys()), round_, self.answer_limit_s)
        answers = {agent: self._answer(agent, inbox, round_) for agent in self._singles}
        if group is not None:
            answers[group.name] = group.answer(inbox, self.period, round_, question)
        return RoundResult(answers)

    def _answer(self, agent: str, inbox: Inbox, round_: int) -> Answer:
        def take(topic: Any) -> Any:
            return inbox.take(topic.key(agent, ""), self.period, round_)

        exchanges = self._exchanges[agent]
        rows = {exchange.name: take(exchange.slope) for exchange in exchanges}
        slopes = {name: row[0] for name, row in rows.items()} if all(len(row) for row in rows.values()) else None
        return Answer.from_wire({exchange.name: take(exchange.quantity) for exchange in exchanges}, take(cost_topic("")), slopes)
