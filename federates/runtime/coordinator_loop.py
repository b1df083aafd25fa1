"""The coordinator's loop: it owns the clock. One or two micro-steps of HELICS time are one round of negotiation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.exchange import COMMAND, Exchange, Message, Moment, cost_topic
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Openings, RoundResult, Solve
from federates.boundary.topics import Command
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.negotiation_record import NegotiationRecord, word
from federates.runtime.results import ResultWriter

_MARGIN_S = 3.0
"""An agent that is too slow notices it first, and can say so by name; the coordinator's own limit comes after."""
MOST_STEPS = 4


def run_coordinator(federate: Federate, session: Any, algorithm: CoordinationAlgorithm, writer: ResultWriter) -> None:
    """Negotiate every period, then close the day and tell everyone to stop."""
    record = NegotiationRecord(session, writer, federate.identity.broker.agreed_gap)
    loop = NegotiationLoop(federate, session, writer, record)
    for period in range(session.periods):
        openings = loop.open(period)
        started = time.perf_counter()
        rounds = loop.negotiate(algorithm, openings)
        writer.record("timings", period=period, round=rounds, activity="negotiation", wall_s=time.perf_counter() - started)
        writer.flush()
    loop.open(session.periods)
    # One step later the operators have taken in the last observation.
    loop.command(Command.STOP, 0)
    loop.step(federate.identity.broker.limits.answer_s, "the operators to stop")


class NegotiationLoop:
    """One period after the other: HELICS time is the period's start plus a number of micro-steps."""

    def __init__(self, federate: Federate, session: Any, writer: ResultWriter, tables: NegotiationRecord) -> None:
        self.federate, self.session, self.writer, self.tables = federate, session, writer, tables
        self.world, self.partners = federate.world, federate.partners
        self.period = self.steps = 0
        self._exchanges: dict[str, list[Exchange]] = {
            agent: [e for e in self.world.exchanges if federate.identity.agents[agent] in e.roles] for agent in self.partners
        }
        self._openings = [message for message in self.world.messages if message.passed_on]

    def open(self, period: int) -> Openings:
        """Let the operators open ``period``: each hears what the others say; return what they say."""
        self.period, self.steps = period, 0
        wait_s = self._begin()
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
        most = self.federate.identity.broker.max_rounds
        self.tables.open(self.period, openings)
        started = time.perf_counter()
        decision = algorithm.start(self.period, openings)
        thinking_s = time.perf_counter() - started
        round_ = 0
        while not isinstance(decision, Commit):
            round_ += 1
            if round_ > most:
                raise FederationError(f"coordinator: no decision after {most} rounds (max_rounds in broker.yaml)")
            self.ask(decision, round_)
            result = self.answers(round_)
            # Before the algorithm sees the answers, whose arrays it might change.
            self.tables.answered(decision, result)
            started = time.perf_counter()
            decision = algorithm.next(result)
            thinking_s += time.perf_counter() - started
        self.commit(decision.given, round_ + 1)
        self.step(self.answer_limit_s, f"all operators to commit period {self.period}")
        self.tables.committed(decision)
        self._tell(decision)
        self.writer.record("timings", period=self.period, round=round_, activity="algorithm", wall_s=thinking_s)
        return round_

    def _begin(self) -> float:
        """Wait for the period's start; return how long its opening may take."""
        limits = self.federate.identity.broker.limits
        models = self.federate.models
        if self.period == 0:
            if models:
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
        if self.world.takes_long:
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

    def ask(self, decision: Solve | Evaluate, round_: int) -> None:
        """Ask all operators what the algorithm wants to know."""
        if self.world.plan_lasts(self.session):
            self.writer.progress(asked_period=self.period, asked_round=round_, asked=word(decision))
        if isinstance(decision, Evaluate):
            self.give(Command.EVALUATE, round_, decision.given)
            return
        for exchange in self.world.exchanges:
            self.federate.tell_topic(exchange.price, self.period, round_, np.asarray(decision.prices[exchange.name]))
        self.command(Command.RELAX if decision.relaxed else Command.SOLVE, round_)

    def give(self, command: Command, round_: int, given: Mapping[str, Quantities]) -> None:
        """Send each operator its quantities and what to do with them."""
        for agent in self.partners:
            for exchange in self._exchanges[agent]:
                self.federate.publish(exchange.given, self.period, round_, given[agent][exchange.name], agent)
        self.command(command, round_)

    def commit(self, given: Mapping[str, Quantities], round_: int) -> None:
        """Give each operator what is committed, and tell what follows from it to those who hear of it."""
        self.give(Command.COMMIT, round_, given)
        for message in self.world.says(Role.COORDINATOR, Moment.DISPATCH):
            self.federate.tell(message, self.period, round_, self.world.dispatch(self.session, message, given))

    def answers(self, round_: int) -> RoundResult:
        """Return all answers of a round."""
        keys = [
            topic.key(agent, "")
            for agent in self.partners
            for topic in (cost_topic(""), *(t for e in self._exchanges[agent] for t in (e.quantity, e.slope)))
        ]
        inbox = self.collect(keys, round_, self.answer_limit_s)
        return RoundResult({agent: self._answer(agent, inbox, round_) for agent in self.partners})

    def _answer(self, agent: str, inbox: Inbox, round_: int) -> Answer:
        def take(topic: Any) -> Any:
            return inbox.take(topic.key(agent, ""), self.period, round_)

        exchanges = self._exchanges[agent]
        rows = {exchange.name: take(exchange.slope) for exchange in exchanges}
        slopes = {name: row[0] for name, row in rows.items()} if all(len(row) for row in rows.values()) else None
        return Answer.from_wire({exchange.name: take(exchange.quantity) for exchange in exchanges}, take(cost_topic("")), slopes)
