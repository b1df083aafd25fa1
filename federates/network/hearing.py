"""What one agent hears of what is sent to it: the network, at the receiver's end of all its lines.

HELICS hands over all frames at once; here they are lost, held or passed on (docs/decisions/0600). Two kinds of messages:

- *Questions and answers* of a negotiation are sent once. One that is lost or late is missing in its round.
- *All others* (openings, commands, commits, dispatch, observations) are repeated until they are acknowledged. They are always
  heard; what that took is written down. The session is told before the network is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from federates.boundary.exchange import COMMAND
from federates.boundary.messages import Frame, Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Recorder
from federates.boundary.topics import Command
from federates.boundary.world import world_of
from federates.network.channel import Channel, Heard
from federates.network.fate import Fate, Message, question_fate, repeated_fate
from federates.network.places import Places

NETWORK = "network"
"""Name of the table."""
QUESTIONS = (Command.SOLVE, Command.RELAX, Command.EVALUATE)
ANSWER = "answer"
_COORDINATOR = Role.COORDINATOR.value
Frames = dict[str, Frame]


class Hearing:
    """The network at the end of one agent.

    Parameters
    ----------
    session : public agreement as the agent sees it, with a network.
    agent : its name.
    recorder : where the table ``network`` goes: one row a message.
    """

    def __init__(self, session: Any, agent: str, recorder: Recorder) -> None:
        self._session, self._settings, self._agent = session, session.network, agent
        self._recorder = recorder
        self._world = world_of(session.world)
        self._places = Places(session)
        self._channels: dict[str, Channel[Frames]] = {}
        self._command = COMMAND.key(_COORDINATOR, "")

    def hear(self, frames: Frames) -> Frames:
        """Return what is heard of ``frames``, which have come; with a question, the newest one only.

        The coordinator's answers pass: its loop gives them to `answered`, for it alone knows the round at hand.
        """
        parts: dict[tuple[str, int, int], Frames] = {}
        for key, frame in frames.items():
            parts.setdefault((key.split("/", 1)[0], frame.period, frame.round), {})[key] = frame
        heard: Frames = {}
        for (sender, period, round_), part in parts.items():
            command = Command(int(part[self._command].values[0])) if self._command in part else None
            if command in QUESTIONS:
                heard |= self._question(period, round_, command, part)
            elif self._agent == _COORDINATOR and round_ > 0:
                heard |= part
            else:
                self._repeated(sender, period, round_, command, part)
                heard |= part
        return heard

    def _question(self, period: int, round_: int, command: Command, part: Frames) -> Frames:
        """Return the newest question that is heard by now: its own, a late one, or none."""
        fate = self._fate(_COORDINATOR, period, round_, command.name.lower())
        channel = self._channel(_COORDINATOR)
        channel.send(period, round_, round_, fate, part)
        due = channel.take(period, round_)
        return due[-1].item if due else {}

    def _repeated(self, sender: str, period: int, round_: int, command: Command | None, part: Frames) -> None:
        kind = min(part).rsplit("/", 1)[1] if command is None else command.name.lower()
        message = Message(sender, self._agent, period, round_, kind)
        ends = [self._settings.class_of(agent) for agent in (sender, self._agent)]
        links = [self._settings.known[name] for name in ends]
        self._write(message, ends, repeated_fate(self._session.seed, message, links, self._settings))
        if command is Command.COMMIT:
            own = {e.name: part[key] for e in self._world.exchanges if (key := e.given.key(_COORDINATOR, self._agent)) in part}
            self.committed(self._agent, {name: frame.values for name, frame in own.items()})

    def answered(self, agent: str, period: int, round_: int, now: int, frames: Frames) -> None:
        """Take an agent's answer to the question of ``round_``, which has come in round ``now``."""
        self._channel(agent).send(period, round_, now, self._fate(agent, period, round_, ANSWER), frames)

    def answers(self, agent: str, period: int, now: int) -> list[Heard[Frames]]:
        """Return the answers of an agent that are heard in round ``now``, oldest question first."""
        return self._channel(agent).take(period, now)

    def committed(self, agent: str, given: Quantities | Mapping[str, Any]) -> None:
        """Take what an agent was given, which says what of its vehicles is under way next."""
        self._places.committed(agent, given)

    def state(self) -> dict[str, Any]:
        """Return what crosses periods, as plain values: nobody waits for what was late for another one."""
        return dict(self._places.trips)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self._places.trips = dict(state)

    def _fate(self, sender: str, period: int, round_: int, kind: str) -> Fate:
        # The kind is left out of what is drawn: in the same place, a round's question is lost whatever is asked.
        message = Message(sender, self._agent, period, round_)
        ends = [self._places.link(self._session.seed, agent, message) for agent in (sender, self._agent)]
        fate = question_fate(self._session.seed, message, [link for _, link in ends], self._settings)
        self._write(message._replace(kind=kind), [name for name, _ in ends], fate)
        return fate

    def _write(self, message: Message, ends: list[str], fate: Fate) -> None:
        self._recorder.record(
            NETWORK,
            period=message.period,
            round=message.round,
            sender=message.sender,
            message=message.kind,
            links=" > ".join(ends),
            fate=fate.word,
            rounds_late=fate.delay_rounds or 0,
            latency_s=fate.latency_s if math.isfinite(fate.latency_s) else math.nan,
            sent=fate.attempts,
            copies=fate.copies,
        )

    def _channel(self, sender: str) -> Channel[Frames]:
        return self._channels.setdefault(sender, Channel())
