"""The coordinator's loop: it owns the clock. One or two micro-steps of HELICS time are one round of negotiation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, RoundResult, Solve
from federates.boundary.session import RoadSession, Session
from federates.boundary.topics import Command, Role, passed_on
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.negotiation_record import NegotiationRecord, word
from federates.runtime.results import ResultWriter

__all__ = ["run_coordinator"]

_MARGIN_S = 3.0
"""An agent that is too slow notices it first, and can say so by name; the coordinator's own limit comes after."""
_MOST_STEPS = 4
_P, _T = f"{Role.POWER_OPERATOR}/", f"{Role.TRANSPORT_OPERATOR}/"
_SLOPE = f"{_P}power_slope_usd_per_veh"
_ANSWERS = (
    f"{_P}asked_connection_veh",
    f"{_P}power_cost_usd",
    _SLOPE,
    f"{_T}offered_connection_veh",
    f"{_T}transport_cost_usd",
)
_OPERATORS = (Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
_TRAIN_READY = f"{_T}train_ready"


def run_coordinator(federate: Federate, session: Session, algorithm: CoordinationAlgorithm, writer: ResultWriter) -> None:
    """Negotiate every period, then close the day and tell everyone to stop."""
    record = NegotiationRecord(session, writer, federate.identity.broker.agreed_gap)
    chair = (_RoadChair if isinstance(session, RoadSession) else _RailChair)(federate, session, writer, record)
    for period in range(session.periods):
        train_ready = chair.open(period)
        started = time.perf_counter()
        rounds = chair.negotiate(algorithm, train_ready)
        writer.record("timings", period=period, round=rounds, activity="negotiation", wall_s=time.perf_counter() - started)
        writer.flush()
    chair.open(session.periods)
    # One step later the operators have taken in the last observation.
    chair.command(Command.STOP, 0)
    chair.step(federate.identity.broker.limits.answer_s, "the operators to stop")


@dataclass
class _Chair:
    """The coordinator in the chair of one period: HELICS time is its start plus a number of micro-steps."""

    federate: Federate
    session: Session
    writer: ResultWriter
    tables: NegotiationRecord
    period: int = 0
    steps: int = 0

    def open(self, period: int) -> Array | None:
        """Let the operators open ``period``: each hears what the other says; return where the trains are (rail)."""
        self.period, self.steps = period, 0
        wait_s = self.begin()
        self.command(Command.OPEN, 0)
        sources = passed_on(self.session.world)
        inbox = self.collect([f"{sender}/{name}" for sender, name in sources], 0, wait_s)
        for sender, name in sources:
            self.federate.publish(name, period, 0, inbox.take(f"{sender}/{name}", period, 0))
        return inbox.take(_TRAIN_READY, period, 0) if inbox.has(_TRAIN_READY, period, 0) else None

    def negotiate(self, algorithm: CoordinationAlgorithm, train_ready: Array | None) -> int:
        """Carry out the algorithm's decisions until it commits; return the number of rounds."""
        most = self.federate.identity.broker.max_rounds
        self.tables.open(self.period, train_ready)
        started = time.perf_counter()
        decision = algorithm.start(self.period, train_ready)
        thinking_s = time.perf_counter() - started
        round_ = 0
        while not isinstance(decision, Commit):
            round_ += 1
            if round_ > most:
                raise FederationError(f"coordinator: no decision after {most} rounds (max_rounds in broker.yaml)")
            self.ask(decision, round_)
            inbox = self.collect(_ANSWERS, round_, self.answer_limit_s)
            result = _answers(inbox, self.period, round_)
            # Before the algorithm sees the answers, whose arrays it might change.
            self.tables.answered(decision, result)
            started = time.perf_counter()
            decision = algorithm.next(result)
            thinking_s += time.perf_counter() - started
        self.show(Command.COMMIT, round_ + 1, decision.connection_veh, decision.connection_veh)
        self.step(self.answer_limit_s, f"both operators to commit period {self.period}")
        self.tables.committed(decision)
        self.tell(decision)
        self.writer.record("timings", period=self.period, round=round_, activity="algorithm", wall_s=thinking_s)
        return round_

    def begin(self) -> float:
        """Wait for the period's start; return how long its opening may take."""
        raise NotImplementedError

    def tell(self, decision: Commit) -> None:
        """Tell whoever watches what is committed."""
        raise NotImplementedError

    @property
    def answer_limit_s(self) -> float:
        """Return how long the operators' answers may take, s."""
        return self.federate.identity.broker.limits.answer_s + _MARGIN_S

    @property
    def start_s(self) -> float:
        """Return the period's start, s."""
        return self.period * self.session.period_s

    def advance(self, time_s: float, wait_s: float, what: str) -> None:
        """Go on to ``time_s``."""
        self.federate.advance(time_s, wait_s, what)

    def wait_for(self, partners: Sequence[Role], time_s: float, wait_s: float, what: str) -> None:
        """Wait until all ``partners`` ask for ``time_s``.

        A partner that works for long would find two others waiting in time requests, which keeps their cores busy
        (docs/decisions/0007 and 0008).
        """
        for partner in partners:
            self.federate.wait_until_requested(partner, time_s, wait_s, what)

    def step(self, wait_s: float, what: str) -> None:
        """Go one micro-step on."""
        self.steps += 1
        self.advance(self.start_s + self.steps * self.federate.identity.broker.round_step_s, wait_s, what)

    def collect(self, keys: Sequence[str], round_: int, wait_s: float) -> Inbox:
        """Go on in micro-steps until every message of ``keys`` has come for this round; one or two steps are enough.

        What has not come by then, `Inbox.take` reports.
        """
        inbox = Inbox(self.federate.role)
        what = "both operators to open" if round_ == 0 else "both operators' answers in"
        for _ in range(_MOST_STEPS):
            self.step(wait_s, f"{what} period {self.period}, round {round_}")
            inbox.add(self.federate.updates())
            if all(inbox.has(key, self.period, round_) for key in keys):
                break
        return inbox

    def command(self, command: Command, round_: int) -> None:
        """Tell the operators what to do."""
        self.federate.publish("command", self.period, round_, np.array([float(command)]))

    def ask(self, decision: Solve | Evaluate, round_: int) -> None:
        """Ask both operators what the algorithm wants to know."""
        if isinstance(decision, Evaluate):
            self.show(Command.EVALUATE, round_, decision.power_connection_veh, decision.transport_connection_veh)
            return
        self.federate.publish("multipliers_usd_per_veh", self.period, round_, decision.multipliers_usd_per_veh)
        self.command(Command.RELAX if decision.relaxed else Command.SOLVE, round_)

    def show(self, command: Command, round_: int, power: Array, transport: Array) -> None:
        """Send each operator a connection and what to do with it."""
        self.federate.publish("power_connection_veh", self.period, round_, power)
        self.federate.publish("transport_connection_veh", self.period, round_, transport)
        self.command(command, round_)


class _RoadChair(_Chair):
    """On the road every period waits for the traffic model, and the operators answer within milliseconds."""

    def begin(self) -> float:
        broker, limits = self.federate.identity.broker, self.federate.identity.broker.limits
        if self.period == 0:
            self.wait_for((*_OPERATORS, Role.TRAFFIC), broker.round_step_s, limits.begin_s, "everyone to get ready")
            return limits.begin_s
        self.advance(self.start_s, limits.period_s, f"period {self.period} to start")
        what = f"the traffic model to finish period {self.period - 1}"
        self.federate.wait_until_granted(Role.TRAFFIC, self.start_s, limits.period_s, what)
        return limits.period_s

    def tell(self, decision: Commit) -> None:
        vehicles = round(float(decision.connection_veh[:, :, 0].sum()))
        hour = self.session.hour_of_day(self.period)
        self.writer.progress(committed=self.period, hour=hour, vehicles_sent=vehicles, agreed=decision.agreed)


class _RailChair(_Chair):
    """By rail an answer may take minutes: the coordinator asks for time only once both operators wait for it."""

    def begin(self) -> float:
        limits = self.federate.identity.broker.limits
        if self.period == 0:
            return limits.begin_s + self.answer_limit_s
        self.advance(self.start_s, self.answer_limit_s, f"both operators to carry out period {self.period - 1}")
        return self.answer_limit_s

    def advance(self, time_s: float, wait_s: float, what: str) -> None:
        self.wait_for(_OPERATORS, time_s, wait_s, what)
        self.federate.advance(time_s, wait_s, what)

    def ask(self, decision: Solve | Evaluate, round_: int) -> None:
        super().ask(decision, round_)
        self.writer.progress(asked_period=self.period, asked_round=round_, asked=word(decision))

    def tell(self, decision: Commit) -> None:
        standing = round(float(decision.connection_veh[:, :, self.period].sum()))
        hour = self.session.hour_of_day(self.period)
        self.writer.progress(committed=self.period, hour=hour, trains_standing=standing, agreed=decision.agreed)


def _answers(inbox: Inbox, period: int, round_: int) -> RoundResult:
    def answer(prefix: str, connection: str, cost: str, slope: Array | None) -> ConnectionAnswer:
        given = inbox.take(prefix + connection, period, round_)
        return ConnectionAnswer.from_wire(given, inbox.take(prefix + cost, period, round_), slope)

    slopes = inbox.take(_SLOPE, period, round_)
    return RoundResult(
        asked=answer(_P, "asked_connection_veh", "power_cost_usd", slopes[0] if len(slopes) else None),
        offered=answer(_T, "offered_connection_veh", "transport_cost_usd", None),
    )
