"""An agent's place in the federation: HELICS interfaces made from the topic table, checked messages, limited waits."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from federates.boundary.errors import BoundaryError, ConfigError, FederationEndedError, FederationError, Problem
from federates.boundary.exchange import SESSION, Message
from federates.boundary.lines import Line, lines_from, lines_to, session_key
from federates.boundary.messages import Array, Frame, decode, encode
from federates.boundary.names import Role
from federates.boundary.parts import cut, merged
from federates.boundary.session import Session
from federates.boundary.topics import Topic
from federates.boundary.world import parse_session, world_of
from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity
from federates.runtime.inbox import Inbox
from federates.runtime.ledger import Ledger
from federates.runtime.watchdog import Watchdog

_TIME_TOLERANCE_S = 1e-7
_RESOLUTION_S = 1e-9
"""HELICS counts time in nanoseconds."""
_NOT_ASKED_YET_S = 1e9
"""HELICS shows its largest time as the requested one until a federate has made its first request."""
_ASK_AFTER_S, _ASK_EVERY_S = 0.001, 0.02
"""A partner is asked how far it is at intervals that grow from the first to the second."""
_SILENCE_S = 2.0
_ERROR_CODE = re.compile(r"^\[-?\d+\] ")
"""HELICS puts its error code before the message."""


class _Progress(NamedTuple):
    """How far a federate is in HELICS time: while it works, it has been granted what it requested last."""

    granted_s: float
    requested_s: float


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
        """Where every message is written down; set by whoever makes the federate, or None."""
        self._views: dict[str, Session] = {}
        self._now_s = 0.0
        with self._helics(), watchdog.limit(identity.broker.limits.join_s, f"{agent}: reaching the broker"):
            self._fed = h.helicsCreateValueFederate(agent, federate_info(agent, identity))
            self._publications = {line.key: self._register_publication(line) for line in lines_from(agent, identity)}
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
            for agent in self.identity.agents if session is not None else ():
                if agent != self.agent:
                    text = session.view(agent).model_dump_json().encode()
                    self._note_session("sent", session_key(agent), text)
                    h.helicsPublicationPublishBytes(self._publications[session_key(agent)], text)
            h.helicsFederateEnterExecutingMode(self._fed)
            if session is None:
                key = session_key(self.agent)
                text = h.helicsInputGetBytes(self._inputs[key][1])
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
        with self._helics():
            h.helicsPublicationPublishBytes(self._publications[key], payload)

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
        with self._helics(), self.watchdog.limit(limit_s, f"{self.agent}: waiting for {waiting_for}", self._who_works):
            granted_s = self._now_s = float(h.helicsFederateRequestTime(self._fed, time_s))
        if abs(granted_s - time_s) > _TIME_TOLERANCE_S:
            raise FederationEndedError(
                f"{self.agent}: asked for t = {time_s} s, was granted {granted_s} s: the federation has ended early"
            )

    def wait_until_granted(self, partner: str, time_s: float, limit_s: float, waiting_for: str) -> None:
        """Wait, without asking for time, until ``partner`` has been granted ``time_s``."""
        self._poll(partner, lambda seen: seen.granted_s >= time_s - _TIME_TOLERANCE_S, limit_s, waiting_for)

    def wait_until_requested(self, partner: str, limit_s: float, waiting_for: str) -> bool:
        """Wait, without asking for time, until ``partner`` asks for a time after this agent's own: until then it is at work.

        Which time it asks for does not matter: one that adds up its steps is some nanoseconds late after a hundred of them, and
        then waits for this agent, as all others do. Return False if it gives no answer: it has left or is lost, and the next time
        request says which.
        """

        def asks(seen: _Progress) -> bool:
            waits = seen.requested_s > seen.granted_s + _RESOLUTION_S / 2
            return waits and self._now_s + _RESOLUTION_S / 2 < seen.requested_s < _NOT_ASKED_YET_S

        return self._poll(partner, asks, limit_s, waiting_for)

    def _poll(self, partner: str, done: Callable[[_Progress], bool], limit_s: float, waiting_for: str) -> bool:
        """Ask HELICS how far ``partner`` is until it is ``done``; return False if it does not answer any more.

        Two federates that hear each other and both wait for a third in a time request exchange messages without end
        (HELICS 3.6.1, docs/decisions/0007). Where a wait is long, the coordinator therefore asks how far the third one is.
        """
        # pyhelics frees a query with its Python object; freeing it here as well would free what is there by then.
        query = h.helicsCreateQuery(partner, "current_time")
        started_s = answered_s = self.watchdog.now_s
        while True:
            seen, now_s = self._progress(query), self.watchdog.now_s
            if seen is not None and done(seen):
                return True
            if seen is not None:
                answered_s = now_s
            elif now_s > answered_s + _SILENCE_S:
                return False
            if now_s > started_s + limit_s:
                raise FederationError(
                    f"{self.agent}: waiting for {waiting_for} took longer than {limit_s:g} s: {partner} is still at work"
                )
            time.sleep(min(_ASK_EVERY_S, max(_ASK_AFTER_S, (now_s - started_s) / 10)))

    def _progress(self, query: Any) -> _Progress | None:
        """Return how far the federate is that ``query`` asks; None if it does not answer."""
        with self._helics():
            answer = h.helicsQueryExecute(query, self._fed)
        if isinstance(answer, dict) and {"granted_time", "requested_time"} <= answer.keys():
            return _Progress(float(answer["granted_time"]), float(answer["requested_time"]))
        return None

    def _who_works(self) -> str:
        """Return which partners have not asked for time since their last grant, in words."""
        others = [name for name in self.identity.agents if name != self.agent]
        answers = {name: self._progress(h.helicsCreateQuery(name, "current_time")) for name in others}
        names = [name for name, seen in answers.items() if seen is not None and seen.requested_s <= seen.granted_s]
        return f": {' and '.join(names)} {'is' if len(names) == 1 else 'are'} still at work" if names else ""

    def updates(self) -> dict[str, Frame]:
        """Return every message that came with the last grant, by topic key.

        Raises
        ------
        BoundaryError : a message breaks the topic table; the error names the sender, and the ledger has it.
        """
        with self._helics():
            return {
                key: self._read(line, h.helicsInputGetBytes(handle))
                for key, (line, handle) in self._inputs.items()
                if line.topic.name != SESSION.name and h.helicsInputIsUpdated(handle)
            }

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
        return frame

    def _note_session(self, direction: str, key: str, text: bytes) -> None:
        if self.ledger is not None:
            self.ledger.session(direction, key, text)

    def finish(self) -> None:
        """Leave the federation in good order."""
        with self._helics(), self.watchdog.limit(self.identity.broker.limits.join_s, f"{self.agent}: leaving the federation"):
            h.helicsFederateDisconnect(self._fed)

    def fail(self, message: str) -> None:
        """Tell the whole federation that this agent failed; every other agent stops with this message."""
        with contextlib.suppress(Exception):
            h.helicsFederateGlobalError(self._fed, 1, message)

    def close(self) -> None:
        """Let go of the HELICS objects. pyhelics frees each with its last reference; a second time would free somebody else's."""
        self._fed = None
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
        limits = self.identity.broker
        known = {
            "core lost connection with broker": f"the broker has given no answer for {limits.timeout_s} s",
            "duplicate federate name detected": "a program that is no agent of this run has come under the name of one",
            "unable to register": "it could not join: no port, no file or no memory is left, or the broker has refused it",
        }
        words = next((words for key, words in known.items() if key in said), "")
        return f"{words} (HELICS: {said})" if words else said


def check_agents(session: Session, identity: RunIdentity, file: str) -> None:
    """Raise `ConfigError` if the public agreement in ``file`` is of another world, or of other agents, than the run."""
    if (session.world, session.roster) != (identity.world, identity.agents):
        allowed = f"must be those of the run: world {identity.world}, {', '.join(identity.agents)}"
        raise ConfigError([Problem(file, "agents", f"world {session.world}, {', '.join(session.roster)}", allowed)])


def federate_info(name: str, identity: RunIdentity) -> Any:
    """Return what HELICS must be told to make the federate ``name`` of this run."""
    broker = identity.broker
    info = h.helicsCreateFederateInfo()
    h.helicsFederateInfoSetCoreTypeFromString(info, broker.core_type)
    h.helicsFederateInfoSetCoreName(info, core_name(name, identity))
    h.helicsFederateInfoSetCoreInitString(info, core_init_string(identity))
    h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_TERMINATE_ON_ERROR, True)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
    return info


def core_name(name: str, identity: RunIdentity) -> str:
    """Return the name of the HELICS core of the federate ``name``."""
    return f"{identity.run_id}-{name}"


def core_init_string(identity: RunIdentity) -> str:
    """Return what a federate's HELICS core must be told to join this run."""
    broker = identity.broker
    parts = ["-f 1", f"--loglevel={broker.log_level}", f"--tick={broker.tick_s}s", f"--timeout={broker.timeout_s}s"]
    if broker.core_type == "inproc":
        return " ".join([*parts, f"--broker={identity.run_id}"])
    # tcp's default message size of 4 kB would cut our vectors off.
    parts += ["--local", "--broker_address=127.0.0.1", f"--brokerport={identity.port}"]
    return " ".join([*parts, "--maxsize=1048576", f"--brokerkey={identity.key}"])
