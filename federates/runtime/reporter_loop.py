"""The loop of an agent that takes part in no exchange: woken once a period, when it opens, never in a negotiation."""

from __future__ import annotations

import time
from typing import Any

from federates.boundary.exchange import Moment
from federates.boundary.roles import Reporter
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter


def run_reporter(federate: Federate, session: Any, reporter: Reporter, writer: ResultWriter) -> None:
    """Open every period, and once more behind the last.

    It speaks in the first micro-step, as operators do when the coordinator opens a period; what it says is there when the
    coordinator asks its first question (docs/decisions/0002).

    Raises
    ------
    FederationError : the federation ended early, or a message that is needed has not come.
    """
    broker, world, role = federate.identity.broker, federate.world, federate.role
    patience_s = (
        broker.limits.begin_s
        + broker.limits.period_s
        + broker.max_rounds * broker.limits.answer_s
        + federate.identity.most_rest_s(session.period_s)
    )
    heard = [message for moment in (Moment.DISPATCH, Moment.OBSERVATION) for message in world.told(role, moment)]
    openings = world.says(role, Moment.OPENING)
    inbox = Inbox(federate.agent)
    first, _ = federate.begin()
    for period in range(first, session.periods + 1):
        start_s = period * session.period_s
        federate.advance(start_s + broker.round_step_s, patience_s, f"period {period} to open")
        inbox.add(federate.updates())
        seen = {message.name: federate.hear(message, inbox, period - 1) for message in heard} if period else None
        started = time.perf_counter()
        with federate.watchdog.limit(broker.limits.answer_s, f"{federate.agent}: opening period {period}"):
            opening = reporter.open_period(period, seen)
        for message in openings:
            federate.tell(message, period, 0, opening[message.name])
        writer.record("timings", period=period, round=0, activity="open", wall_s=time.perf_counter() - started)
        writer.flush()
        federate.carried_out(period + 1)
    # What is said last needs a grant behind it to arrive before this federate leaves.
    federate.advance(session.periods * session.period_s + 2 * broker.round_step_s, patience_s, "the end of the run")
