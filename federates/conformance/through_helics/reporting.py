"""An agent that reports behind HELICS: coordinator and model are the kit's, and tell what it is to hear of a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from federates.boundary.exchange import Message, Moment
from federates.boundary.layout import Layout
from federates.boundary.names import Role
from federates.boundary.parts import places
from federates.boundary.roles import Recorder, Reporter
from federates.boundary.topics import Command
from federates.conformance.through_helics.asked import Asked
from federates.conformance.through_helics.partner_stubs import ScriptedModel, seen_in_part

__all__ = ["ReporterStandIn"]

_ARRIVE_STEPS = 2
"""What is said directly has been read by its hearers so many micro-steps after the coordinator knows the rest."""


class ReporterStandIn(Asked, Reporter):
    """An agent behind HELICS that takes part in no exchange."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.join(self.idle() | self.reporters() | self.models(wait=True))
        self.view = self.session.view(self.subject.agent)
        self.get_ready()

    def open_period(self, period: int, heard: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Carry out the period before, of which it hears this, and open the next; return what it says then."""
        messages = self.world.says(self.subject.role, Moment.OPENING)
        asked = f"to open period {period}"
        with self.line.asking(asked, timed=False):
            if heard is not None:
                self.line.log.expect((), self.period, 0)
                self._carry_out(heard)
        hearers = [agent.name for agent in self.session.agents]
        keys = {topic.key(self.subject.agent, name) for m in messages for topic in m.sent() for name in hearers}
        self.line.log.expect(keys, period, 0)
        with self.line.asking(asked):
            self.open(period)
            for _ in range(_ARRIVE_STEPS):
                self.loop.step(self.loop.answer_limit_s, "what is said to arrive")
                self.line.coordinator.updates()
            return {message.name: self._said(message, period) for message in messages}

    def _carry_out(self, heard: Mapping[str, Any]) -> None:
        """Commit nothing, but tell the executable what it is to hear of it, and let the model tell what it has seen."""
        seen = {m.name: heard[m.name] for m in self.world.told(self.subject.role, Moment.OBSERVATION)}
        for name in self.others(*self.world.models):
            cast(ScriptedModel, self.line.partners[name]).observations.put(seen_in_part(self.session, self.view, seen))
        layout = Layout(self.session, self.period)
        nothing = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
        self.loop.give(Command.COMMIT, 1, nothing)
        for message in self.world.says(Role.COORDINATOR, Moment.DISPATCH):
            self.line.coordinator.tell(message, self.period, 1, self._whole(message, heard[message.name]))
        self.loop.step(self.loop.answer_limit_s, "the commit")
        self.committed = True

    def _whole(self, message: Message, own: Any) -> Any:
        """Return a message to all of which this agent hears ``own``, all others nothing."""
        sizes, arrays = self.session.sizes(self.period), []
        for topic, part in zip(message.rows, message.packed(self.view, own), strict=True):
            whole = np.zeros([sizes[d] if isinstance(d, str) else d for d in topic.shape])
            whole[places(topic.shape, whole.shape, self.session, self.view)] = part
            arrays.append(whole)
        return message.unpacked(self.session, tuple(arrays))

    def _said(self, message: Message, period: int) -> Any:
        """Return what it said in one message, to all its hearers together."""
        own, arrays = self.view.sizes(period), []
        for topic in message.sent():
            whole = np.zeros([own[d] if isinstance(d, str) else d for d in topic.shape])
            if not topic.addressed:
                whole[...] = self.line.log.values(topic.key(self.subject.agent, ""), period, 0).reshape(whole.shape)
            for agent in self.session.of_role(*message.hearers) if topic.addressed else ():
                both = self.view.view(agent.name)
                values = self.line.log.values(topic.key(self.subject.agent, agent.name), period, 0)
                at = places(topic.shape, whole.shape, self.view, both)
                whole[at] = values.reshape(whole[at].shape)
            arrays.append(whole)
        return message.unpacked(self.view, tuple(arrays))

    def stop(self) -> int | None:
        """Let it end by itself behind the last period; before that nothing but a partner's failure ends it."""
        if self.period < self.session.periods:
            self.line.fail("the conformance check is over")
            return None
        return super().stop()
