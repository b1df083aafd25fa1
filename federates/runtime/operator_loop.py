"""The loop of an operator: it looks for the coordinator's command in every micro-step, and answers."""

from __future__ import annotations

import time
from dataclasses import asdict

from federates.boundary.topics import Command, Role
from federates.lp.safe_bound import take_misses
from federates.runtime.desks import AnyDesk
from federates.runtime.federate import Federate

__all__ = ["run_operator"]

_COMMAND = f"{Role.COORDINATOR}/command"


def run_operator(federate: Federate, desk: AnyDesk) -> None:
    """Answer commands until `stop`.

    In a negotiation every micro-step is requested; a commit ends it, and the next request is the first micro-step of the
    next period. What the others said in one micro-step is there in the next, whoever was faster (docs/decisions/0002).

    Raises
    ------
    FederationError : the federation ended before `stop`, or a partner did not answer in time.
    """
    broker = federate.identity.broker
    patience_s = broker.limits.period_s + broker.limits.answer_s + broker.limits.begin_s
    time_s = broker.round_step_s
    while True:
        federate.advance(time_s, patience_s, "the coordinator's next command")
        frames = federate.updates()
        desk.inbox.add(frames)
        time_s += broker.round_step_s
        if _COMMAND not in frames:
            continue
        period, round_ = frames[_COMMAND].period, frames[_COMMAND].round
        command = Command(int(frames[_COMMAND].values[0]))
        if command is Command.STOP:
            return
        _timed(federate, desk, command, period, round_)
        if command is Command.COMMIT:
            time_s = (period + 1) * desk.session.period_s + broker.round_step_s


def _timed(federate: Federate, desk: AnyDesk, command: Command, period: int, round_: int) -> None:
    started = time.perf_counter()
    what = f"{federate.role}: {command.name.lower()} in period {period}, round {round_}"
    with federate.watchdog.limit(federate.identity.broker.limits.answer_s, what):
        desk.handle(command, period, round_)
    wall_s = time.perf_counter() - started
    activity = command.name.lower()
    desk.writer.record("timings", period=period, round=round_, activity=activity, wall_s=wall_s)
    for miss in take_misses():
        desk.writer.record("bound_misses", period=period, round=round_, activity=activity, **asdict(miss))
