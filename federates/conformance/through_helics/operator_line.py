"""The coordinator's side of the line to an operator under test: one partner plays the coordinator and the traffic model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from federates.boundary.messages import Array, Frame
from federates.boundary.names import Role
from federates.boundary.topics import Command, Topic, topic
from federates.conformance.through_helics.federation import Federation, Subject
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["ANSWERS", "OPENINGS", "OperatorLine", "Question"]

_MOST_STEPS = 4
"""An answer is there after one or two micro-steps; the coordinator's own loop gives it as many as this."""
_CRASH_S = 1.0
"""Who leaves without an answer may have crashed: its process then ends within this time."""
_P, _T = Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR
_OWN_CONNECTION = {_P: "power_connection_veh", _T: "transport_connection_veh"}

ANSWERS: dict[Role, tuple[Topic, ...]] = {
    _P: tuple(topic(f"{_P}/{name}") for name in ("asked_connection_veh", "power_cost_usd", "power_slope_usd_per_veh")),
    _T: tuple(topic(f"{_T}/{name}") for name in ("offered_connection_veh", "transport_cost_usd")),
}
"""Topics that answer `solve`, `relax` and `evaluate`."""
OPENINGS: dict[Role, tuple[Topic, ...]] = {
    _P: tuple(topic(f"{_P}/{name}") for name in ("gate_time_s", "gate_spots")),
    _T: tuple(topic(f"{_T}/{name}") for name in ("station_travel_time_s", "train_ready")),
}
"""Topics that answer `open`, where the world has them."""
_DEPARTURES = topic(f"{_T}/departures")


@dataclass(frozen=True)
class Question:
    """One command with what belongs to it, and the topics that must answer it.

    ``messages`` go out with the command, by the name of the coordinator's topic. Their ``stamp`` is the command's own, unless
    another one is to be tried.
    """

    command: Command
    period: int
    round: int
    messages: Mapping[str, Array]
    expects: tuple[Topic, ...]
    stamp: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"{self.command.name.lower()} in period {self.period}, round {self.round}"


@dataclass
class OperatorLine:
    """Asks an operator under test by the protocol of the coordinator's loop, and checks every message that comes back.

    ``waits_s`` has one entry per question: how long its answer took, s.
    """

    subject: Subject
    agreed: RoadSession | RailSession
    period: int = 0
    round: int = 0
    committed: bool = False
    messages: int = 0
    waits_s: list[tuple[str, float]] = field(default_factory=list)
    _steps: int = 0

    def __post_init__(self) -> None:
        self.federation = Federation(self.subject, self.agreed, [Role.COORDINATOR])
        self.session = self.federation.session
        self.role = self.subject.role

    def get_ready(self) -> None:
        """Wait until the operator has prepared itself, as the coordinator does before the first period."""
        self.federation.wait_until_ready(self._step_s)

    def open(self, period: int, seen: Mapping[str, Array]) -> dict[str, Array]:
        """Open ``period``; ``seen`` are the traffic model's topics of the period before, by key."""
        if period > 0:
            self._next_period(period)
        for key, values in seen.items():
            self.federation.send(key, period - 1, 0, values)
        self.round = 0
        expects = tuple(entry for entry in OPENINGS[self.role] if entry.world in (None, self.session.world))
        return self.put(Question(Command.OPEN, period, 0, {}, expects))

    def pass_on(self, name: str, values: Array) -> None:
        """Pass on what the other operator has opened the period with."""
        self.federation.send(f"{Role.COORDINATOR}/{name}", self.period, 0, values)

    def ask(self, command: Command, values: Array) -> dict[str, Array]:
        """Ask `solve`, `relax` or `evaluate` in a new round."""
        return self.put(self.question(command, values))

    def question(self, command: Command, values: Array) -> Question:
        """Return the question of a new round without sending it."""
        self.round += 1
        name = _OWN_CONNECTION[self.role] if command is Command.EVALUATE else "multipliers_usd_per_veh"
        return Question(command, self.period, self.round, {name: values}, ANSWERS[self.role])

    def commit(self, connection_veh: Array) -> dict[str, Array]:
        """Commit the opened period."""
        self.round += 1
        on_road = self.role is _T and isinstance(self.session, RoadSession)
        messages = {_OWN_CONNECTION[self.role]: connection_veh}
        answers = self.put(Question(Command.COMMIT, self.period, self.round, messages, (_DEPARTURES,) if on_road else ()))
        # Two steps later it has requested a later time, so it has carried the commit out.
        self.idle(2, f"commit in period {self.period}")
        self.committed = True
        return answers

    def stop(self) -> int:
        """Say that the run is over, and return the exit code."""
        if self.committed:
            self._next_period(self.period + 1)
        self._command(Command.STOP, self.period, 0)
        # The command arrives because this partner asks for a later step; that is granted once the operator has left.
        self.federation.partner.request(self.period * self.session.period_s + (self._steps + 2) * self._step_s)
        return self.federation.await_end("stop", "wire.stop")

    def put(self, question: Question) -> dict[str, Array]:
        """Send a question and return the values of the topics that answer it, by their names."""
        self.send(question)
        started = time.perf_counter()
        frames = self.collect(question)
        self.waits_s.append((str(question), time.perf_counter() - started))
        missing = [entry.key for entry in question.expects if entry.key not in frames]
        if missing:
            heard = f"nothing on {' and '.join(missing)} within {_MOST_STEPS} micro-steps"
            heard += f", only {', '.join(sorted(frames))}" if frames else ""
            raise self.federation.breach("wire.answers", self.federation.ended_or(heard, _CRASH_S), str(question))
        return {key.partition("/")[2]: frame.values for key, frame in frames.items()}

    def send(self, question: Question) -> None:
        """Send a question without waiting for an answer."""
        period, round_ = question.stamp or (question.period, question.round)
        for name, values in question.messages.items():
            self.federation.send(f"{Role.COORDINATOR}/{name}", period, round_, values)
        self._command(question.command, question.period, question.round)

    def collect(self, question: Question) -> dict[str, Frame]:
        """Take micro-steps until every topic that answers ``question`` has come, at most four."""
        frames: dict[str, Frame] = {}
        for _ in range(_MOST_STEPS if question.expects else 1):
            frames |= self.step(question)
            if question.expects and len(frames) == len(question.expects):
                break
        return frames

    def step(self, question: Question) -> dict[str, Frame]:
        """Take one micro-step and return what came, checked against ``question``."""
        self._steps += 1
        self._advance(self.period * self.session.period_s + self._steps * self._step_s, str(question))
        return {key: self._checked(key, payload, question) for key, payload in self.federation.partner.updates().items()}

    def overhear(self, asked: str) -> list[tuple[str, int, int]]:
        """Take micro-steps as if for an answer; return key, period and round of what comes, whatever it is."""
        found = []
        for _ in range(_MOST_STEPS):
            self._steps += 1
            self._advance(self.period * self.session.period_s + self._steps * self._step_s, asked)
            for key, payload in self.federation.partner.updates().items():
                frame = self.federation.decode(topic(key), payload, asked)
                found.append((key, frame.period, frame.round))
        return found

    def idle(self, steps: int, after: str) -> None:
        """Take micro-steps in which nothing is asked, so that nothing may come."""
        question = Question(Command.OPEN, self.period, self.round, {}, ())
        for _ in range(steps):
            self._steps += 1
            self._advance(self.period * self.session.period_s + self._steps * self._step_s, f"to wait after {after}")
            for key, payload in self.federation.partner.updates().items():
                self._checked(key, payload, question, f"nothing, after {after}")

    def _checked(self, key: str, payload: bytes, question: Question, asked: str = "") -> Frame:
        asked = asked or str(question)
        frame = self.federation.decode(topic(key), payload, asked)
        self.messages += 1
        if key not in {entry.key for entry in question.expects}:
            raise self.federation.breach(
                "wire.silence", f"{key} came unasked, of period {frame.period}, round {frame.round}", asked
            )
        if (frame.period, frame.round) != (question.period, question.round):
            seen = f"{key} is stamped period {frame.period}, round {frame.round}"
            raise self.federation.breach("wire.stamp", seen, asked)
        return frame

    def _command(self, command: Command, period: int, round_: int) -> None:
        self.federation.send(f"{Role.COORDINATOR}/command", period, round_, np.array([float(command)]))

    def _next_period(self, period: int) -> None:
        if not self.committed or period != self.period + 1:
            raise RuntimeError(
                f"period {period} cannot be opened: period {self.period} was opened last, committed: {self.committed}"
            )
        asked = f"after the commit of period {self.period}, to request the first micro-step of period {period}"
        self._advance(period * self.session.period_s, asked)
        self.period, self._steps, self.committed = period, 0, False

    def _advance(self, time_s: float, asked: str) -> None:
        self.federation.advance(self.federation.partner, time_s, self.subject.answer_s, asked)

    @property
    def _step_s(self) -> float:
        return self.subject.broker.round_step_s
