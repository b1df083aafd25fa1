"""A private federation of the executable under test and its scripted partners: one broker, one process, one life."""

from __future__ import annotations

import contextlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from federates.boundary.errors import BoundaryError, FederationError, PortageError
from federates.boundary.messages import Array, Frame, decode, encode
from federates.boundary.names import Role
from federates.boundary.topics import Topic, received_by, roles_of, sent_by, topic
from federates.boundary.world import parse_session
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.partner import Partner
from federates.conformance.through_helics.process import AgentProcess
from federates.runs.broker_core import Broker
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.farewell import OUTCOME_RECORD
from federates.runtime.federate import SESSION_KEY
from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity, choose_port
from federates.runtime.results import write_json
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["Federation", "Subject"]

_ATTEMPTS = 5
_TOLERANCE_S = 1e-7
_NOT_ASKED_YET_S = 1e9
"""HELICS shows its largest time as the requested one until a federate has made its first request."""
_LAST_WORDS_S = 3.0
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.0001, 0.005


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be tested, and how long it may take.

    ``answer_s`` is for one answer, ``start_s`` for joining and getting ready, ``end_s`` for ending after `stop` or a failure.
    """

    role: Role
    command: tuple[str, ...]
    folder: Path
    broker: BrokerConfig
    answer_s: float
    start_s: float = 30.0
    end_s: float = 10.0


class Federation:
    """Start one life of the executable; `close` leaves no process, port or folder behind, from wherever it is.

    Every wait has a limit and ends at once when the process has ended; what is wrong is raised as a `WireBreach`.

    Parameters
    ----------
    players : roles that partners play. Every topic that the tested role reads belongs to one of them or is sent by the first.
    """

    def __init__(self, subject: Subject, session: RoadSession | RailSession, players: Sequence[Role]) -> None:
        self.subject, self.session = subject, session
        self.partners: dict[Role, Partner] = {}
        self.broken = False
        self._open = contextlib.ExitStack()
        try:
            self._start(players)
        except BaseException:
            self.close()
            raise

    def _start(self, players: Sequence[Role]) -> None:
        private = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="portage-conform-")))
        # Undone in reverse: the process ends, the partners leave, the broker ends, and what the partners had is freed.
        self._open.callback(self._free_partners)
        identity = self._start_broker(private / "results" / "run", (self.subject.role, *players))
        self.session = self.session.model_copy(update={"run_id": identity.run_id})
        identity.write(private / "identity.json")
        tested = self.subject.role
        scenario_file = None
        if tested == Role.COORDINATOR:
            scenario_file = private / "scenario.yaml"
            scenario_file.write_text(json.dumps(self.session.model_dump(mode="json", exclude={"run_id"})), encoding="utf-8")
        self.process = AgentProcess(
            tested, self.subject.command, self.subject.folder, private / "identity.json", private / "log", scenario_file
        )
        self._open.callback(self.process.end)
        for role in players:
            self.partners[role] = self._partner(role, identity, role is players[0], players)
        self._enter()

    def _start_broker(self, folder: Path, present: Sequence[Role]) -> RunIdentity:
        """Start the broker on a free port; another program may take a port between the choice and the start."""
        config = self.subject.broker
        folder.mkdir(parents=True)
        self.run_folder = folder
        agents = tuple(role.value for role in roles_of(self.session.world))
        here = tuple(role.value for role in present)
        run_id, key = f"conform-{secrets.token_hex(4)}", secrets.token_hex(8)
        quiet = _quiet(config)
        for attempt in range(_ATTEMPTS):
            identity = RunIdentity(run_id, str(folder.parent.parent), str(folder), choose_port(config), key, config, agents)
            try:
                # The broker waits for those who are here; the executable is told of all agents of its world.
                self._broker = self._open.enter_context(Broker(replace(identity, broker=quiet, agents=here)))
            except FederationError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._open.callback(self._leave)
                return identity
        raise AssertionError("unreachable")

    def _partner(self, role: Role, identity: RunIdentity, first: bool, players: Sequence[Role]) -> Partner:
        """Return the partner that plays ``role``; the first one also sends what nobody else here sends."""
        tested, world = self.subject.role, self.session.world
        mine = (role, *(other for other in Role if other not in players)) if first else (role,)
        sends = [entry for entry in received_by(tested, world) if entry.sender in mine]
        reads = [entry for entry in sent_by(tested, world) if role in entry.receivers or len(players) == 1]
        return Partner(role, replace(identity, broker=_quiet(identity.broker)), sends, reads)

    def _enter(self) -> None:
        """Take everybody into execution, with the public agreement on the way."""
        asked, partners = "to join the federation", list(self.partners.values())
        for begin, is_last in ((Partner.begin_initializing, False), (Partner.begin_executing, True)):
            for partner in partners:
                begin(partner)
            for partner in partners:
                self.wait(partner.done, self.subject.start_s, asked, "wire.joins")
                with self._helics(asked, "wire.topics"):
                    partner.complete()
            if not is_last and self.subject.role != Role.COORDINATOR:
                partners[0].publish(SESSION_KEY, self.session.model_dump_json().encode())
        if self.subject.role == Role.COORDINATOR:
            self._hear_session(partners[0])

    def _hear_session(self, partner: Partner) -> None:
        asked = "to announce the public agreement that its file holds"
        try:
            heard = parse_session(json.loads(partner.read(SESSION_KEY)), SESSION_KEY)
        except (PortageError, ValueError) as error:
            raise self.breach("wire.joins", f"what came cannot be read: {error}", asked) from None
        wanted = self.session.model_copy(update={"run_id": heard.run_id})
        if heard != wanted:
            differs = [name for name, value in wanted if getattr(heard, name, None) != value]
            raise self.breach("wire.joins", f"another one came; it differs in {', '.join(differs)}", asked)

    @property
    def partner(self) -> Partner:
        """Return the first partner."""
        return next(iter(self.partners.values()))

    def names(self) -> list[str]:
        """Return the names of all federates."""
        answer = self.partner.ask("root", "federates")
        return [str(name) for name in answer] if isinstance(answer, list) else str(answer).strip("[]").split(";")

    def advance(self, partner: Partner, time_s: float, limit_s: float, asked: str) -> None:
        """Take ``partner`` to ``time_s``."""
        with self._helics(asked):
            partner.request(time_s)
        self.arrive(partner, time_s, limit_s, asked)

    def arrive(self, partner: Partner, time_s: float, limit_s: float, asked: str) -> None:
        """Wait until ``partner`` is granted the ``time_s`` it has requested."""
        self.wait(partner.done, limit_s, asked)
        with self._helics(asked):
            granted_s = float(partner.complete())
        if abs(granted_s - time_s) > _TOLERANCE_S:
            seen = f"it has left the federation: {time_s} s were requested, {granted_s} s granted"
            raise self.breach("wire.answers", self.ended_or(seen), asked)

    def wait_until_ready(self, time_s: float) -> None:
        """Wait until the executable has made its first request, which must be for ``time_s`` or later."""
        asked = f"to get ready and request t = {time_s:g} s"

        def ready() -> bool:
            seen = self.partner.ask(self.subject.role.value, "current_time")
            if not isinstance(seen, dict) or "requested_time" not in seen:
                if self.subject.role.value in self.names():
                    return False
                raise self.breach(
                    "wire.joins", f"no federate is called {self.subject.role}, only {', '.join(self.names())}", asked
                )
            return time_s - _TOLERANCE_S <= float(seen["requested_time"]) < _NOT_ASKED_YET_S

        self.wait(ready, self.subject.start_s, asked, "wire.joins")

    def wait(self, done: Callable[[], bool], limit_s: float, asked: str, rule: str = "wire.answers") -> None:
        """Wait until ``done``; ``asked`` says what the executable is to do meanwhile."""
        deadline, pause_s = time.monotonic() + limit_s, _SHORTEST_PAUSE_S
        while True:
            with self._helics(asked, rule):
                if done():
                    return
            if self.process.code is not None:
                raise self.breach(rule, self.process.how_it_ended(), asked)
            if time.monotonic() > deadline:
                late = "wire.joins" if rule == "wire.joins" else "wire.in_time"
                raise self.breach(late, f"not done within {limit_s:g} s{self._where()}", asked)
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.2, _LONGEST_PAUSE_S)

    def send(self, key: str, period: int, round_: int, values: Array, partner: Partner | None = None) -> None:
        """Send one topic."""
        with self._helics(f"to hear {key}"):
            (partner or self.partner).publish(key, encode(topic(key), period, round_, values, self.session))

    def decode(self, entry: Topic, payload: bytes, asked: str) -> Frame:
        """Return a message of the executable, in the form of the topic table."""
        try:
            return decode(entry, payload, self.session)
        except BoundaryError as error:
            raise self.breach("wire.shape", str(error), asked) from None

    def await_end(self, asked: str, rule: str) -> int:
        """Wait for the end of the process and return its exit code.

        Nothing of ours holds it back: HELICS lets it go on although a partner is still in a request.
        """
        code = self.process.wait(self.subject.end_s)
        if code is None:
            raise self.breach(rule, f"it still runs {self.subject.end_s:g} s later{self._where()}", asked)
        return code

    def fail(self, message: str) -> int:
        """Let the first partner fail as an agent does, and return the exit code of the executable."""
        self.partner.fail(message)
        return self.await_end("to notice that a partner has failed", "wire.failure")

    def complete(self) -> None:
        """Say, as the broker's process does after a run, that it is complete: a coordinator's wrapper waits for that."""
        outcome: dict[str, object] = {"status": "complete", "failure": None, "headline": []}
        write_json(self.run_folder / self.subject.role.value / OUTCOME_RECORD, outcome)

    def breach(self, rule: str, seen: str, asked: str) -> WireBreach:
        """Return a breach to be raised; after one, nothing can be asked any more."""
        self.broken = True
        return WireBreach(rule, seen, asked)

    def close(self) -> None:
        """End what was started: process, partners, broker, folder."""
        self._open.close()

    def _leave(self) -> None:
        """Let the partners leave before the broker ends, else HELICS may never let go of them."""
        waiting = [partner for partner in self.partners.values() if partner.waits]
        if waiting:
            self._broker.fail("the conformance check is over")
        deadline = time.monotonic() + _LAST_WORDS_S
        while not all(partner.done() for partner in waiting) and time.monotonic() < deadline:
            time.sleep(_LONGEST_PAUSE_S)
        for partner in self.partners.values():
            partner.leave()

    def _free_partners(self) -> None:
        for partner in self.partners.values():
            partner.close()

    @contextlib.contextmanager
    def _helics(self, asked: str, rule: str = "wire.answers") -> Iterator[None]:
        """Turn a HELICS error into a breach: only the executable can have caused it."""
        try:
            yield
        except h.HelicsException as error:
            raise self.breach(rule, self.ended_or(f"the federation ended with an error: {error}"), asked) from None

    def ended_or(self, seen: str, limit_s: float = _LAST_WORDS_S) -> str:
        """Return how the process has ended, which says more than HELICS does; ``seen`` if it still runs after ``limit_s``."""
        return self.process.how_it_ended() if self.process.wait(limit_s) is not None else seen

    def _where(self) -> str:
        """Say which HELICS time the executable requests, as far as HELICS knows."""
        with contextlib.suppress(h.HelicsException):
            seen = self.partner.ask(self.subject.role.value, "current_time") if self.partners else None
            if isinstance(seen, dict) and "requested_time" in seen:
                return f"; it was granted t = {seen['granted_time']:g} s and requests {seen['requested_time']:g} s"
        return ""


def _quiet(broker: BrokerConfig) -> BrokerConfig:
    """Let HELICS print nothing in this process: a breach says what is wrong. The executable's HELICS prints as configured."""
    return broker.model_copy(update={"log_level": "no_print"})
