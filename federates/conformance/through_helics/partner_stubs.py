"""The executable's partners: ordinary classes in the loops of the runtime, and a federate that can also do what none may."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.exchange import COMMAND, Message, Moment
from federates.boundary.lines import lines_to
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.parts import cut, places
from federates.boundary.roles import Openings, Operator, Recorder, Reporter, WorldModel
from federates.boundary.topics import Topic
from federates.boundary.world import world_of
from federates.conformance.entries import Entries
from federates.conformance.kit import model_kit_of
from federates.runtime.federate import Federate
from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity
from federates.runtime.outbox import Outbox
from federates.runtime.results import ResultWriter
from federates.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from federates.integrity.seal import Seal

__all__ = [
    "IdleOperator",
    "IdleReporter",
    "PartnerFederate",
    "QuietWriter",
    "RelayOperator",
    "ScriptedModel",
    "idle_dispatch",
    "seen_in_part",
    "told_in_part",
]


class _SpoiltOutbox(Outbox):
    """Puts a wrong signature before what goes to the agent that `PartnerFederate.tampers` names, but for commands."""

    def __init__(self, federate: PartnerFederate, publications: dict[str, Any], seal: Seal | None) -> None:
        super().__init__(publications, seal)
        self._federate = federate

    def hand_over(self, key: str, message: bytes) -> None:
        agent = self._federate.tampers
        if (
            agent
            and not key.endswith(f"/{COMMAND.name}")
            and key in {line.key for line in lines_to(agent, self._federate.identity)}
        ):
            message = bytes([message[0] ^ 1]) + message[1:]
        super().hand_over(key, message)


class PartnerFederate(Federate):
    """A federate of the runtime that may be made to say everything late, and to listen where nothing may come.

    Attributes
    ----------
    stale : name of the agent to whom everything that belongs to a question bears the stamp of the one before; empty: nobody.
    tampers : the same, for signatures that are wrong.
    look_s : HELICS time at which to listen on the way to a later one; nothing of the executable may have come by then.
    """

    stale = tampers = ""
    look_s: float | None = None

    def __init__(self, agent: str, identity: RunIdentity, watchdog: Watchdog) -> None:
        super().__init__(agent, identity, watchdog)
        self.outbox = _SpoiltOutbox(self, self._publications, self.seal)
        # What is wrong, a breach says.
        h.helicsFederateSetIntegerProperty(self._fed, h.HELICS_PROPERTY_INT_LOG_LEVEL, h.HELICS_LOG_LEVEL_NO_PRINT)

    def has_left(self, agent: str) -> bool:
        """Return whether an agent is in the federation no more, or nobody is."""
        try:
            return self.progress.of(agent) is None
        except (FederationError, h.HelicsException):
            return True

    def publish(self, topic: Topic, period: int, round_: int, values: Array, receiver: str = "") -> None:  # noqa: D102
        hears = bool(self.stale) and self.identity.agents[self.stale] in topic.receivers
        if hears and receiver in ("", self.stale) and topic.name != COMMAND.name:
            dispatched = world_of(self.identity.world).said(self.role, Moment.DISPATCH)
            is_dispatch = dispatched is not None and topic.name in [row.name for row in dispatched.rows]
            period, round_ = (period - 1, round_) if is_dispatch else (period, round_ - 1)
        super().publish(topic, period, round_, values, receiver)

    def advance(self, time_s: float, limit_s: float, waiting_for: str) -> None:  # noqa: D102
        if self.look_s is not None and self.look_s < time_s:
            look_s, self.look_s = self.look_s, None
            super().advance(look_s, limit_s, waiting_for)
            self.updates()
        super().advance(time_s, limit_s, waiting_for)


class QuietWriter(ResultWriter):
    """Writes nothing."""

    def __init__(self) -> None:
        return

    def record(self, table: str, **row: Any) -> None:  # noqa: D102
        return

    def progress(self, **fields: Any) -> None:  # noqa: D102
        return

    def flush(self) -> None:  # noqa: D102
        return


def idle_dispatch(session: Any, role: str) -> Any:
    """Return what an operator commits to whom nothing is given; None where it says nothing then."""
    if world_of(session.world).said(role, Moment.DISPATCH) is None:
        return None
    return next(iter(model_kit_of(session).dispatches(session, (), 1, flooded=False)))[1]


class IdleOperator(Operator):
    """Says what it was told to, and that nothing costs nothing.

    Attributes
    ----------
    opening : what it opens the next period with.
    dispatch : what it commits next.
    seen : what it was told of the last period.
    """

    opening: Any = None
    dispatch: Any = None
    seen: Any = None

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self.session, self.period = session, 0
        self.role = session.role_of(session.viewer)

    def open_period(self, period: int, observation: Any) -> Any:  # noqa: D102
        self.period, self.seen = period, observation
        return self.opening

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        zero = Entries(self.session, self.role, self.period)
        return Answer(zero.shaped(np.zeros_like(zero.sign)), 0.0, 0.0)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.solve(given, openings)

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        return self.dispatch


class IdleReporter(Reporter):
    """Says what it was told to, once it is told to or at once, and keeps what it hears.

    Attributes
    ----------
    opening : what it opens the next period with, by message.
    """

    def __init__(self, opening: Mapping[str, Any], *, waits: bool) -> None:
        self.opening, self._waits = opening, waits
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        return

    def open_period(self, period: int, heard: Mapping[str, Any] | None) -> Mapping[str, Any]:  # noqa: D102
        self.heard.put(heard)
        return self._told.get() if self._waits else self.opening

    def open(self, more: Mapping[str, Any]) -> None:
        """Let it open the period with other messages than in the last one."""
        self.opening = {**self.opening, **more}
        self._told.put(self.opening)


class RelayOperator(Operator):
    """Hands every call to another thread, which answers it; see `calls` and `answers`."""

    def __init__(self, dispatch: Any) -> None:
        self.calls: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.session: Any = None
        self._dispatch = dispatch

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self.session = session

    def open_period(self, period: int, observation: Any) -> Any:  # noqa: D102
        return self._ask("open", period)

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        answer: Answer = self._ask("solve", prices)
        return answer

    def relax(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        answer: Answer = self._ask("relax", prices)
        return answer

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        answer: Answer = self._ask("evaluate", given)
        return answer

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        self.calls.put(("commit", given))
        return self._dispatch

    def _ask(self, what: str, about: Any) -> Any:
        self.calls.put((what, about))
        return self.answers.get()


class ScriptedModel(WorldModel):
    """Tells what it is given to tell, or at once an example; keeps what it was told."""

    def __init__(self, session: Any, *, waits: bool) -> None:
        self.dispatches: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.observations: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._session, self._waits = session, waits

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        return

    def run(self, period: int, dispatch: Any) -> Any:  # noqa: D102
        self.dispatches.put(dispatch)
        return self.observations.get() if self._waits else model_kit_of(self._session).example(self._session, period)

    def close(self) -> None:
        """Let nobody wait for an observation."""
        self.observations.put(model_kit_of(self._session).example(self._session, 0))


def _embedded(message: Message, session: Any, view: Any, example: Any, own: Any) -> tuple[Any, ...]:
    """Return the arrays of a message to everybody, in which what ``view`` sees is that of ``own``."""
    whole, parts = [np.array(a, dtype=float) for a in message.packed(session, example)], message.packed(view, own)
    for number, (topic, part) in enumerate(zip(message.rows, parts, strict=True)):
        if whole[number].shape == np.shape(part):
            whole[number] = np.asarray(part, dtype=float)
        else:
            whole[number][places(topic.shape, whole[number].shape, session, view)] = part
    return tuple(whole)


def told_in_part(session: Any, view: Any, sender: str, message: Message, example: Any, told: Any) -> Any:
    """Return what ``sender`` must open with, so that the agent of ``view`` hears ``told``; all else is as in ``example``."""
    arrays, own = _embedded(message, session, view, example, told), session.view(sender)
    rows = zip(message.heard(), arrays, strict=True)
    return message.unpacked(own, tuple(cut(topic, session, own, array) for topic, array in rows))


def seen_in_part(session: Any, view: Any, seen: Mapping[str, Any]) -> SimpleNamespace:
    """Return what a model must tell so that the agent of ``view`` hears ``seen``, by name of the message."""
    example, told = model_kit_of(session).example(session, 0), {}
    for message in world_of(session.world).messages:
        if message.moment is not Moment.OBSERVATION:
            continue
        told[message.name] = getattr(example, message.name)
        if message.name in seen:
            arrays = _embedded(message, session, view, told[message.name], seen[message.name])
            told[message.name] = message.unpacked(session, arrays)
    return SimpleNamespace(**told)
