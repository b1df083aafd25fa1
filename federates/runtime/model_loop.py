"""The loop of the world's model: woken twice a period, at dispatch and at the period's end, never in a negotiation."""

from __future__ import annotations

import time
from typing import Any

from federates.boundary.exchange import Message, Moment
from federates.boundary.messages import Array
from federates.boundary.roles import WorldModel
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter


def run_model(federate: Federate, session: Any, model: WorldModel, writer: ResultWriter) -> None:
    """Move the model through every period of the session."""
    broker, world, role = federate.identity.broker, federate.world, federate.role
    patience_s = (
        broker.limits.begin_s + broker.max_rounds * broker.limits.answer_s + federate.identity.most_rest_s(session.period_s)
    )
    dispatch = world.told(role, Moment.DISPATCH)
    observations = _observations(federate)
    inbox = Inbox(federate.agent)
    writer.flush()  # the map, for whoever watches the first period
    first, told = federate.begin()
    if told is not None:
        _tell_at_the_end(federate, session, first - 1, told)
    for period in range(first, session.periods):
        begin_s = period * session.period_s
        federate.advance(begin_s + broker.dispatch_offset_s, patience_s, f"the dispatch of period {period}")
        inbox.add(federate.updates())
        heard = federate.hear(dispatch[0], inbox, period) if dispatch else None
        started = time.perf_counter()
        with federate.watchdog.limit(broker.limits.period_s, f"{federate.agent}: moving through period {period}"):
            seen = model.run(period, heard)
        writer.record("timings", period=period, round=0, activity="run", wall_s=time.perf_counter() - started)
        writer.flush()
        told = [values for message in observations for values in message.packed(session, getattr(seen, message.name))]
        federate.carried_out(period + 1, told)
        _tell_at_the_end(federate, session, period, told)
    # The last observation needs a grant behind it to reach the operators before this federate leaves.
    federate.advance(session.periods * session.period_s + broker.dispatch_offset_s, patience_s, "the end of the run")


def _tell_at_the_end(federate: Federate, session: Any, period: int, told: list[Array]) -> None:
    """Wait for the period's end, and tell what was seen in it: an array for each topic of each observation."""
    broker = federate.identity.broker
    patience_s = broker.limits.begin_s + broker.max_rounds * broker.limits.answer_s + federate.identity.most_hold_s
    federate.advance((period + 1) * session.period_s, patience_s, f"the end of period {period}")
    topics = [topic for message in _observations(federate) for topic in message.sent()]
    for topic, values in zip(topics, told, strict=True):
        federate.tell_topic(topic, period, 0, values)


def _observations(federate: Federate) -> list[Message]:
    return [m for m in federate.world.messages if m.sender == federate.role and m.moment is Moment.OBSERVATION]
