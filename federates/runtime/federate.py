"""An agent's place in the federation: HELICS interfaces made from the topic table, checked messages, limited waits."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from federates.boundary.errors import BoundaryError, FederationEndedError, FederationError, IntegrityError
from federates.boundary.exchange import SESSION, Message
from federates.boundary.lines import Line, lines_from, lines_to, session_key
from federates.boundary.messages import Array, Frame, decode, encode, values_in
from federates.boundary.names import Role
from federates.boundary.parts import cut, merged
from federates.boundary.session import Session
from federates.boundary.topics import Topic
from federates.boundary.world import parse_session, world_of
from federates.runtime.helics_api import h
from federates.runtime.helics_core import check_agents, federate_info, silence_s
from federates.runtime.identity import RunIdentity
from federates.runtime.inbox import Inbox
from federates.runtime.journal import Journal, Way
from federates.runtime.ledger import Ledger
from federates.runtime.outbox import Outbox, seal_of
from federates.runtime.progress import TIME_TOLERANCE_S, Progress, ProgressQueries
from federates.runtime.watchdog import Watchdog

if TYPE_CHECKING:  # what a run does without is not loaded
    from federates.network.hearing import Hearing
    from federates.runtime.checkpoints import Checkpoints
    from federates.runtime.replay import Replay

_ERROR_CODE = re.compile(r"^\[-?\d+\] ")
"""HELICS puts its error code before the message."""


class Federate:
    """One HELICS value federate that can send and read what the topic table allows its role, and nothing else.

    A call that fails because the federation has ended raises `FederationError` with HELICS's own reason, which names the
    federate at fault.
    """

    def __init__(self, agent: str, identity: RunIdentity, watchdog: Watchdog) -> None:
        self.agent, self.role = agent, identity.agents[agent]
        self.identity = identity
        self.watchdog = watchdog
        self.world = world_of(identity.world)
        self.session: Any = None
        self.ledger: Ledger | None = None
        """Where every message is counted; set by whoever makes the federate, or None."""
        self.journal: Journal | None = None
        """Where every message is written down with its values; the same."""
        self.network: Hearing | None = None
        """What becomes of messages on their way; the same. None: all are heard at once."""
        self.checkpoints: Checkpoints | None = None
        """Where the agent keeps what it needs to go on after a crash, and which may be in place of the federation; the same."""
        self.grants = 0
        """How often this agent has been granted time."""
        self.resumed_at = 0
        """With which period it has gone on in the federation; 0: with none."""
        self._heard_before: Replay | None = None
        self._extra_wait_s = 0.0
        self.seal = seal_of(agent, identity)
        """Signs its messages and checks those of others; None: they cross without signatures."""
        self._views: dict[str, Session] = {}
        self._now_s = 0.0
        with self._helics(), watchdog.limit(identity.broker.limits.join_s, f"{agent}: reaching the broker"):
            self._fed = h.helicsCreateValueFederate(agent, federate_info(agent, identity))
            self.progress = ProgressQueries(agent, self._fed, watchdog, self._helics)
            self._publications = {line.key: self._register_publication(line) for line in lines_from(agent, identity)}
            self.outbox = Outbox(self._publications, self.seal)
            self._inputs = {line.key: (line, self._register_input(line)) for line in lines_to(agent, identity)}

    @property
    def partners(self) -> tuple[str, ...]:
        """Return the names of all agents that take part in an exchange, in order."""
        return tuple(agent for agent, role in self.identity.agents.items() if role in self.world.operators)

    @property
    def reporters(self) -> tuple[str, ...]:
        """Return the names of the agents that open periods and take part in no exchange."""
        return tuple(agent for agent, role in self.identity.agents.items() if role in self.world.reporters)

    @property
    def models(self) -> tuple[str, ...]:
        """Return the names of the agents that model the world."""
        return tuple(agent for agent, role in self.identity.agents.items() if role in self.world.models)

    def start(self, session: Any = None) -> Any:
        """Enter execution and return the public agreement; only the coordinator brings its own ``session``.

        Raises
        ------
        ConfigError : the session is of another world, or of other agents, than those that take part.
        """
        if session is not None:
            check_agents(session, self.identity, "scenario.yaml")
        limit_s = self.identity.broker.limits.join_s
        with self._helics(), self.watchdog.limit(limit_s, f"{self.agent}: waiting for every federate to join"):
            h.helicsFederateEnterInitializingMode(self._fed)
            if self.seal is not None:
                self.seal.meet()
            for agent in self.identity.agents if session is not None else ():
                if agent != self.agent:
                    text = session.view(agent).model_dump_json().encode()
                    self._note_session("sent", session_key(agent), text)
                    self.outbox.put(session_key(agent), text)
            self.outbox.flush()
            h.helicsFederateEnterExecutingMode(self._fed)
            if session is None:
                key = session_key(self.agent)
                text = self._opened(key, h.helicsInputGetBytes(self._inputs[key][1]))
                self._note_session("received", key, text)
                session = parse_session(json.loads(text), key)
        self.session = session
        return session

    def publish(self, topic: Topic, period: int, round_: int, values: Array, receiver: str = "") -> None:
        """Send one topic of this agent's role; ``receiver`` is needed where it is addressed."""
        key = topic.key(self.agent, receiver)
        if key not in self._publications or topic.name == SESSION.name:
            raise BoundaryError(f"{self.agent} may not publish {key!r}: it is not in the topic table")
        array = np.asarray(values, dtype=np.float64)
        payload = encode(topic, key, period, round_, array, self.seen_by(receiver or self.agent))
        if self.ledger is not None:
            self.ledger.sent(key, period, round_, array.shape, payload)
        if self.journal is not None:
            self.journal.note("sent", key, period, round_, values_in(payload, array.shape))
        if (replay := self._replay) is None:
            self._publish(key, payload)
        elif not topic.drawn and self.checkpoints is not None and not replay.compare(key, period, round_, payload):
            self.checkpoints.differs()

    def _publish(self, key: str, payload: bytes) -> None:
        with self._helics():
            self.outbox.put(key, payload)

    @property
    def replaying(self) -> bool:
        """Whether this agent lives through its journal."""
        return self._replay is not None

    @property
    def resume_wait_s(self) -> float:
        """Return how long others may take to come to the period with which the run goes on, s: they live through those before."""
        return self.identity.broker.limits.begin_s * (1 + self.identity.from_period)

    @property
    def _replay(self) -> Replay | None:
        return None if self.checkpoints is None else self.checkpoints.replay

    def go_on(self, replay: Replay, again: list[tuple[str, bytes]]) -> None:
        """Go over from ``replay`` to the federation, in which what stands in ``again`` was not said yet."""
        self._heard_before, self.resumed_at, self._extra_wait_s = replay, replay.period, self.resume_wait_s
        for key, payload in again:
            self._publish(key, payload)

    def carried_out(self, periods: int, loop: Any = None) -> None:
        """Keep that so many periods are carried out, with the ``loop``'s own state: plain values and arrays."""
        if self.checkpoints is not None:
            self.checkpoints.passed(self, periods, loop)

    def begin(self) -> tuple[int, Any]:
        """Return the period with which the loop begins, and the loop's own state there; None: it begins as ever."""
        return (0, None) if self.checkpoints is None else self.checkpoints.begin(self)

    def tell(self, message: Message, period: int, round_: int, content: Any) -> None:
        """Send a message: its topics, to each receiver what is of the receiver's part."""
        for topic, values in zip(message.sent(), message.packed(self._agreed(), content), strict=True):
            self.tell_topic(topic, period, round_, values)

    def tell_topic(self, topic: Topic, period: int, round_: int, values: Array) -> None:
        """Send one topic to all its receivers, to each what is of the receiver's part."""
        if not topic.addressed:
            self.publish(topic, period, round_, values)
            return
        for agent, role in self.identity.agents.items():
            if role in topic.receivers:
                part = cut(topic, self._agreed(), self.seen_by(agent), values)
                self.publish(topic, period, round_, part, agent)

    def hear(self, message: Message, inbox: Inbox, period: int, round_: int | None = None) -> Any:
        """Return a message that has come: what all its senders tell, as one."""
        return message.unpacked(self._agreed(), self.hear_topics(message, inbox, period, round_))

    def hear_topics(self, message: Message, inbox: Inbox, period: int, round_: int | None = None) -> tuple[Array, ...]:
        """Return the topics of a message that has come, one array each."""
        arrays = []
        for topic in message.heard() if self.role in message.hearers else message.sent():
            told = {agent: inbox.take(topic.key(agent, self.agent), period, round_) for agent in self.senders(message)}
            arrays.append(merged(topic, self._agreed(), told, period))
        return tuple(arrays)

    def senders(self, message: Message) -> list[str]:
        """Return from whom this agent hears a message: what is passed on, all but the coordinator hear from that."""
        passed_on = message.passed_on and self.role != Role.COORDINATOR
        sender = Role.COORDINATOR if passed_on else message.sender
        return [agent for agent, role in self.identity.agents.items() if role == sender]

    def seen_by(self, agent: str) -> Session:
        """Return what both this agent and another see of the session."""
        session: Session = self._agreed()
        if agent == self.agent:
            return session
        if agent not in self._views:
            self._views[agent] = session.view(agent) if session.part_of(agent) else session
        return self._views[agent]

    def advance(self, time_s: float, limit_s: float, waiting_for: str) -> None:
        """Ask for ``time_s`` and wait for it; ``waiting_for`` says in words what may take too long.

        Raises
        ------
        FederationError : another time is granted (the federation has ended early), or nothing within ``limit_s``.
        """
        self.grants += 1
        if self.journal is not None:
            self.journal.grant = self.grants
        if self.replaying:
            return
        limit_s, self._extra_wait_s = limit_s + self._extra_wait_s, 0.0
        with self._helics(), self.watchdog.limit(limit_s, f"{self.agent}: waiting for {waiting_for}", self._who_works):
            self.outbox.flush()
            granted_s = self._now_s = float(h.helicsFederateRequestTime(self._fed, time_s))
        if abs(granted_s - time_s) > TIME_TOLERANCE_S:
            raise FederationEndedError(
                f"{self.agent}: asked for t = {time_s} s, was granted {granted_s} s: the federation has ended early"
            )

    def wait_until_granted(self, partner: str, time_s: float, limit_s: float, waiting_for: str) -> None:
        """Wait, without asking for time, until ``partner`` has been granted ``time_s``."""
        self._wait(partner, lambda seen: seen.has_been_granted(time_s), limit_s, waiting_for)

    def wait_until_requested(self, partner: str, limit_s: float, waiting_for: str) -> bool:
        """Wait, without asking for time, until ``partner`` asks for a time after this agent's own: until then it is at work.

        Which time it asks for does not matter: one that adds up its steps is some nanoseconds late after a hundred of them, and
        then waits for this agent, as all others do. Return False if it gives no answer: it has left or is lost, and the next time
        request says which.
        """
        return self._wait(partner, lambda seen: seen.waits_beyond(self._now_s), limit_s, waiting_for)

    def asks_for_time(self, partner: str) -> bool | None:
        """Return whether ``partner`` asks for a time after this agent's own now; None if it gives no answer."""
        seen = self.progress.of(partner)
        return None if seen is None else seen.waits_beyond(self._now_s)

    def _wait(self, partner: str, done: Callable[[Progress], bool], limit_s: float, waiting_for: str) -> bool:
        if self.replaying:
            return True
        with self._helics():
            self.outbox.flush()
        return self.progress.wait(partner, done, limit_s, waiting_for)

    def _who_works(self) -> str:
        return self.progress.who_works(name for name in self.identity.agents if name != self.agent)

    def updates(self) -> dict[str, Frame]:
        """Return every message that came with the last grant and is heard (`Hearing`), by topic key.

        Raises
        ------
        BoundaryError : a message breaks the topic table; the error names the sender, and the ledger has it.
        IntegrityError : a message is not what its sender said to this agent; the same.
        """
        came = {key: self._read(self._inputs[key][0], payload) for key, payload in self._came().items()}
        return came if self.network is None else self.network.hear(came)

    def _came(self) -> dict[str, bytes]:
        """Return what came with the last grant, by topic key, without its signature: a journal has none."""
        if self._replay is not None:
            return self._replay.heard(self.grants)
        with self._helics():
            came = {
                key: self._opened(key, h.helicsInputGetBytes(handle))
                for key, (line, handle) in self._inputs.items()
                if line.topic.name != SESSION.name and h.helicsInputIsUpdated(handle)
            }
        if (before := self._heard_before) is not None:
            return {key: payload for key, payload in came.items() if not before.knows(key, payload)}
        return came

    def _opened(self, key: str, message: bytes) -> bytes:
        """Return what a message carries; one that is refused is written down."""
        if self.seal is None:
            return message
        try:
            return self.seal.open(key, message)
        except IntegrityError as error:
            if self.ledger is not None:
                self.ledger.refused(key, message, str(error))
            raise

    def _read(self, line: Line, payload: bytes) -> Frame:
        """Return the message in ``payload``, and write it down whether it can be read or not."""
        try:
            frame = decode(line.topic, line.key, payload, self.seen_by(line.sender))
        except BoundaryError as error:
            if self.ledger is not None:
                self.ledger.unreadable(line.key, payload, str(error))
            raise BoundaryError(f"{line.sender} sent what the topic table does not allow: {error}") from error
        if self.ledger is not None:
            self.ledger.received(line.key, frame.period, frame.round, frame.values.shape, payload)
        if self.journal is not None:
            self.journal.note("received", line.key, frame.period, frame.round, frame.values)
        return frame

    def _note_session(self, way: Way, key: str, text: bytes) -> None:
        if self.ledger is not None:
            self.ledger.session(way, key, text)
        if self.journal is not None:
            self.journal.session(way, key, text)

    def finish(self) -> None:
        """Leave the federation in good order."""
        with self._helics(), self.watchdog.limit(self.identity.broker.limits.join_s, f"{self.agent}: leaving the federation"):
            self.outbox.flush()
            h.helicsFederateDisconnect(self._fed)

    def fail(self, message: str) -> None:
        """Tell the whole federation that this agent failed; every other agent stops with this message."""
        with contextlib.suppress(Exception):
            h.helicsFederateGlobalError(self._fed, 1, message)

    def close(self) -> None:
        """Let go of the HELICS objects. pyhelics frees each with its last reference; a second time would free somebody else's."""
        self._fed = None
        del self.progress
        self._publications.clear()
        self._inputs.clear()

    def _register_publication(self, line: Line) -> Any:
        """Register a topic of which HELICS itself lets exactly its receivers be connected when the run starts."""
        handle = h.helicsFederateRegisterTypePublication(self._fed, line.key.partition("/")[2], line.topic.type_name, "")
        h.helicsPublicationSetOption(handle, h.HELICS_HANDLE_OPTION_CONNECTIONS, len(line.receivers))
        return handle

    def _register_input(self, line: Line) -> Any:
        handle = h.helicsFederateRegisterTypeInput(self._fed, f"in/{line.key}", line.topic.type_name, "")
        h.helicsInputAddTarget(handle, line.key)
        h.helicsInputSetOption(handle, h.HELICS_HANDLE_OPTION_CONNECTION_REQUIRED, 1)
        return handle

    def _agreed(self) -> Any:
        if self.session is None:
            raise FederationError(f"{self.agent}: no message may cross before the session is known")
        return self.session

    @contextlib.contextmanager
    def _helics(self) -> Iterator[None]:
        """Turn a HELICS error into one of ours."""
        try:
            yield
        except h.HelicsException as error:
            reason = self.watchdog.reason or self._in_words(_ERROR_CODE.sub("", str(error)))
            raise FederationEndedError(f"{self.agent}: {reason}") from error

    def _in_words(self, said: str) -> str:
        """Return an error of HELICS in the words of the run, where HELICS's own say nothing to its user."""
        known = {
            "core lost connection with broker": f"the broker has given no answer for {silence_s(self.identity)} s",
            "duplicate federate name detected": "a program that is no agent of this run has come under the name of one",
            "unable to register": "it could not join: no port, no file or no memory is left, or the broker has refused it",
        }
        words = next((words for key, words in known.items() if key in said), "")
        return f"{words} (HELICS: {said})" if words else said
