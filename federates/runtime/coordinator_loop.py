"""The coordinator's loop: it owns the clock. One or two micro-steps of HELICS time are one round of negotiation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, RoundResult, Solve
from federates.boundary.session import Session
from federates.boundary.topics import PASSED_ON, Command, Role
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter

__all__ = ["run_coordinator"]

_MARGIN_S = 3.0
"""An agent that is too slow notices it first, and can say so by name; the coordinator's own limit comes after."""
_MOST_STEPS = 4
_P, _T = f"{Role.POWER_OPERATOR}/", f"{Role.TRANSPORT_OPERATOR}/"
_ANSWERS = (f"{_P}asked_connection_veh", f"{_P}power_cost_usd", f"{_T}offered_connection_veh", f"{_T}transport_cost_usd")


@dataclass
class _Clock:
    """HELICS time of the negotiation of one period: its start plus a number of micro-steps."""

    start_s: float
    step_s: float
    steps: int = 0

    def tick(self) -> float:
        self.steps += 1
        return self.start_s + self.steps * self.step_s


def run_coordinator(federate: Federate, session: Session, algorithm: CoordinationAlgorithm, writer: ResultWriter) -> None:
    """Negotiate every period, then close the day and tell everyone to stop."""
    limits = federate.identity.broker.limits
    first_wait_s = limits.begin_s
    for period in range(session.periods):
        clock = _open(federate, session, period, first_wait_s if period == 0 else limits.period_s)
        started = time.perf_counter()
        rounds = _negotiate(federate, session, algorithm, writer, clock, period)
        wall_s = time.perf_counter() - started
        writer.record("timings", period=period, round=rounds, activity="negotiation", wall_s=wall_s)
        writer.flush()
    clock = _open(federate, session, session.periods, limits.period_s)
    # One step later the operators have taken in the last observation.
    _command(federate, Command.STOP, session.periods, 0)
    federate.advance(clock.tick(), limits.answer_s, "the operators to stop")


def _open(federate: Federate, session: Session, period: int, wait_s: float) -> _Clock:
    """Wait for the period's start, and let the operators open it: each hears what the other says at the gate."""
    clock = _Clock(period * session.period_s, federate.identity.broker.round_step_s)
    if period > 0:
        federate.advance(clock.start_s, wait_s, f"period {period} to start")
        federate.wait_until(Role.TRAFFIC, clock.start_s, wait_s, f"the traffic model to finish period {period - 1}")
    _command(federate, Command.OPEN, period, 0)
    keys = [f"{sender}/{name}" for sender, name in PASSED_ON]
    inbox = _collect(federate, clock, keys, period, 0, wait_s)
    for key, (_, name) in zip(keys, PASSED_ON, strict=True):
        federate.publish(name, period, 0, inbox.take(key, period, 0))
    return clock


def _collect(federate: Federate, clock: _Clock, keys: Sequence[str], period: int, round_: int, wait_s: float) -> Inbox:
    """Advance in micro-steps until every message of ``keys`` has come for this round; one or two steps are enough.

    What has not come by then, `Inbox.take` reports.
    """
    inbox = Inbox(federate.role)
    what = "both operators to open" if round_ == 0 else "both operators' answers in"
    for _ in range(_MOST_STEPS):
        federate.advance(clock.tick(), wait_s, f"{what} period {period}, round {round_}")
        inbox.add(federate.updates())
        if all(inbox.has(key, period, round_) for key in keys):
            break
    return inbox


def _negotiate(
    federate: Federate,
    session: Session,
    algorithm: CoordinationAlgorithm,
    writer: ResultWriter,
    clock: _Clock,
    period: int,
) -> int:
    """Carry out the algorithm's decisions until it commits; return the number of rounds."""
    broker = federate.identity.broker
    started = time.perf_counter()
    decision = algorithm.start(period)
    thinking_s = time.perf_counter() - started
    round_ = 0
    while not isinstance(decision, Commit):
        round_ += 1
        if round_ > broker.max_rounds:
            raise FederationError(f"coordinator: no decision after {broker.max_rounds} rounds (max_rounds in broker.yaml)")
        _ask(federate, decision, period, round_)
        inbox = _collect(federate, clock, _ANSWERS, period, round_, broker.limits.answer_s + _MARGIN_S)
        started = time.perf_counter()
        decision = algorithm.next(_answers(inbox, period, round_))
        thinking_s += time.perf_counter() - started
    _show(federate, Command.COMMIT, period, round_ + 1, decision.connection_veh, decision.connection_veh)
    federate.advance(clock.tick(), broker.limits.answer_s + _MARGIN_S, f"both operators to commit period {period}")
    _record(session, writer, decision, period)
    writer.record("timings", period=period, round=round_, activity="algorithm", wall_s=thinking_s)
    return round_


def _command(federate: Federate, command: Command, period: int, round_: int) -> None:
    federate.publish("command", period, round_, np.array([float(command)]))


def _ask(federate: Federate, decision: Solve | Evaluate, period: int, round_: int) -> None:
    if isinstance(decision, Solve):
        federate.publish("multipliers_usd_per_veh", period, round_, decision.multipliers_usd_per_veh)
        _command(federate, Command.SOLVE, period, round_)
        return
    _show(federate, Command.EVALUATE, period, round_, decision.power_connection_veh, decision.transport_connection_veh)


def _show(federate: Federate, command: Command, period: int, round_: int, power: Array, transport: Array) -> None:
    """Send each operator a connection and what to do with it."""
    federate.publish("power_connection_veh", period, round_, power)
    federate.publish("transport_connection_veh", period, round_, transport)
    _command(federate, command, period, round_)


def _answers(inbox: Inbox, period: int, round_: int) -> RoundResult:
    def answer(prefix: str, connection: str, cost: str) -> ConnectionAnswer:
        cost_usd, bound_usd = inbox.take(prefix + cost, period, round_)
        return ConnectionAnswer(inbox.take(prefix + connection, period, round_), float(cost_usd), float(bound_usd))

    return RoundResult(
        asked=answer(_P, "asked_connection_veh", "power_cost_usd"),
        offered=answer(_T, "offered_connection_veh", "transport_cost_usd"),
    )


def _record(session: Session, writer: ResultWriter, decision: Commit, period: int) -> None:
    for r, origin in enumerate(session.resourceful_stations):
        for q, destination in enumerate(session.limited_stations):
            writer.record(
                "schedule",
                period=period,
                origin=origin,
                destination=destination,
                vehicles=round(float(decision.connection_veh[r, q, 0])),
                agreed=decision.agreed,
                reason=decision.reason,
            )
    vehicles = round(float(decision.connection_veh[:, :, 0].sum()))
    hour = session.hour_of_day(period)
    writer.progress(committed=period, hour=hour, vehicles_sent=vehicles, agreed=decision.agreed)
