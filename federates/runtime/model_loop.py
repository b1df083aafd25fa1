"""The loop of the world's model: woken twice a period, at dispatch and at the period's end, never in a negotiation."""

from __future__ import annotations

import time
from typing import Any

from federates.boundary.exchange import Moment
from federates.boundary.roles import WorldModel
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter


def run_model(federate: Federate, session: Any, model: WorldModel, writer: ResultWriter) -> None:
    """Move the model through every period of the session."""
    broker, world, role = federate.identity.broker, federate.world, federate.role
    patience_s = broker.limits.begin_s + broker.max_rounds * broker.limits.answer_s
    dispatch = world.told(role, Moment.DISPATCH)
    observations = [m for m in world.messages if m.sender == role and m.moment is Moment.OBSERVATION]
    inbox = Inbox(federate.agent)
    for period in range(session.periods):
        begin_s = period * session.period_s
        federate.advance(begin_s + broker.dispatch_offset_s, patience_s, f"the dispatch of period {period}")
        inbox.add(federate.updates())
        heard = federate.hear(dispatch[0], inbox, period) if dispatch else None
        started = time.perf_counter()
        with federate.watchdog.limit(broker.limits.period_s, f"{federate.agent}: moving through period {period}"):
            seen = model.run(period, heard)
        federate.advance(begin_s + session.period_s, patience_s, f"the end of period {period}")
        for message in observations:
            federate.tell(message, period, 0, getattr(seen, message.name))
        writer.record("timings", period=period, round=0, activity="run", wall_s=time.perf_counter() - started)
        writer.flush()
    # The last observation needs a grant behind it to reach the operators before this federate leaves.
    federate.advance(session.periods * session.period_s + broker.dispatch_offset_s, patience_s, "the end of the run")
