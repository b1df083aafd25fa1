"""A private federation of the executable under test and its scripted partners: one broker, one process, one life.

The broker, the look at the wiring, the federates and their loops are those of a run.
"""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from federates.boundary.errors import FederationEndedError, FederationError
from federates.boundary.lines import lines_from
from federates.boundary.names import Role
from federates.boundary.roles import Operator, Reporter
from federates.conformance.through_helics.partner_stubs import IdleReporter, PartnerFederate, QuietWriter, ScriptedModel
from federates.conformance.through_helics.process import AgentProcess
from federates.conformance.through_helics.wire_log import PartnerLedger, WireBreach, WireLog
from federates.runs.broker_core import Broker
from federates.runs.topology_monitor import TopologyMonitor, with_registrar
from federates.runtime.broker_config import BrokerConfig, Limits
from federates.runtime.identity import RunIdentity, choose_port
from federates.runtime.model_loop import run_model
from federates.runtime.operator_loop import run_operator
from federates.runtime.outcome import OUTCOME_RECORD
from federates.runtime.reporter_loop import run_reporter
from federates.runtime.results import write_json
from federates.runtime.watchdog import Watchdog

__all__ = ["Federation", "LateError", "Subject"]

_ATTEMPTS = 5
_PATIENCE_S = 3600.0
"""Partners wait for as long as the kit may think; what the executable may take is looked at elsewhere."""
_CRASH_S, _HICCUP_S, _LEAVE_S, _LOOK_S = 5.0, 0.2, 3.0, 0.05
_THREAD = "portage-conform partner"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be tested, and how long it may take.

    ``answer_s`` is for one answer, ``start_s`` for joining and getting ready, ``end_s`` for ending after `stop` or a failure.
    """

    role: str
    agent: str
    command: tuple[str, ...]
    folder: Path
    broker: BrokerConfig
    answer_s: float
    start_s: float = 30.0
    end_s: float = 10.0


class LateError(FederationError):
    """What was asked was not done in time."""


class Federation:
    """Start one life of the executable; `close` leaves no process, port or folder behind, from wherever it is.

    Every wait has a limit and ends when the process has ended; what is wrong is raised as a `WireBreach` (`asking`).

    Parameters
    ----------
    partners : what plays every other agent but the coordinator.
    """

    def __init__(self, subject: Subject, session: Any, partners: dict[str, Operator | Reporter | ScriptedModel]) -> None:
        self.subject, self.session = subject, session
        self.breach: WireBreach | None = None
        self.partners = partners
        self.federates: dict[str, PartnerFederate] = {}
        self.waits_s: list[tuple[str, float]] = []
        self._failure: Exception | None = None
        self._ending = False
        self._open = contextlib.ExitStack()
        try:
            with self.asking("to join the federation", "wire.joins"):
                self._start()
        except BaseException:
            self.close()
            raise

    # Start.

    def _start(self) -> None:
        private = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="portage-conform-")))
        # Laid out as a scenario and its results are, for the sandbox goes by that.
        self.run_folder = private / "results" / "run"
        self.run_folder.mkdir(parents=True)
        self.identity, self._registrar = with_registrar(self._start_broker())
        self.session = self.session.model_copy(update={"run_id": self.identity.run_id})
        self.log = WireLog(self.subject.agent, self.identity)
        told = replace(self.identity, broker=self.subject.broker.model_copy(update={"core_type": self.identity.broker.core_type}))
        told.write(private / "identity.json")
        scenario_file = None
        if self.subject.role == Role.COORDINATOR:
            scenario_file = private / "scenario.yaml"
            scenario_file.write_text(json.dumps(self.session.model_dump(mode="json", exclude={"run_id"})), encoding="utf-8")
        self._monitor = TopologyMonitor(self._broker, self.identity, self._registrar)
        subject = self.subject
        self.process = AgentProcess(
            subject.agent,
            subject.role,
            subject.command,
            subject.folder,
            private / "identity.json",
            private / "log",
            scenario_file,
        )
        self._open.callback(self.process.end)
        self._open.callback(self._let_go)
        self._open.callback(self._leave)
        self._watcher = threading.Thread(target=self._watch, name=_THREAD, daemon=True)
        self._threads = {
            name: threading.Thread(target=self._live, args=(name, partner), name=_THREAD, daemon=True)
            for name, partner in self.partners.items()
        }
        for thread in (self._watcher, *self._threads.values()):
            thread.start()
        if subject.role != Role.COORDINATOR:
            self.coordinator = self._federate(Role.COORDINATOR.value, subject.start_s)
            self.coordinator.start(self.session)

    def _start_broker(self) -> RunIdentity:
        """Start the broker on a free port; another program may take a port between the choice and the start."""
        config = self.subject.broker.model_copy(
            update={"log_level": "no_print", "limits": Limits(**dict.fromkeys(Limits.model_fields, _PATIENCE_S))}
        )
        run_id, key = f"conform-{secrets.token_hex(4)}", secrets.token_hex(8)
        agents = self.session.roster
        for attempt in range(_ATTEMPTS):
            port = choose_port(config, agents=len(agents))
            identity = RunIdentity(
                run_id, str(self.run_folder.parent.parent), str(self.run_folder), port, key, config, self.session.world, agents
            )
            try:
                self._broker = self._open.enter_context(Broker(identity, barrier=True))
            except FederationError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._broker.join_barrier()
                return identity
        raise AssertionError("unreachable")

    def _federate(self, name: str, limit_s: float) -> PartnerFederate:
        limits = Limits(join_s=limit_s, begin_s=limit_s, answer_s=self.subject.answer_s, period_s=self.subject.answer_s)
        config = self.identity.broker
        if name == Role.COORDINATOR:
            config = config.model_copy(update={"limits": limits})
        federate: list[PartnerFederate] = []

        def alarm(reason: str) -> None:
            for one in federate:
                one.fail(reason)

        watchdog = Watchdog(alarm, hard=False).start()
        self._open.callback(watchdog.stop)
        federate.append(PartnerFederate(name, replace(self.identity, broker=config), watchdog))
        federate[0].ledger = PartnerLedger(self.log, name)
        self.federates[name] = federate[0]
        return federate[0]

    def _live(self, name: str, partner: Operator | Reporter | ScriptedModel) -> None:
        """Take a partner through its life, as `federates.runtime.agent` does."""
        try:
            federate = self._federate(name, _PATIENCE_S)
            session = federate.start()
            partner.begin(session, QuietWriter())
            if isinstance(partner, Operator):
                run_operator(federate, session, partner, QuietWriter())
            elif isinstance(partner, Reporter):
                run_reporter(federate, session, partner, QuietWriter())
            else:
                run_model(federate, session, partner, QuietWriter())
            federate.finish()
        except Exception as error:
            if not isinstance(error, FederationEndedError):
                self._failure = self._failure or error
                self._end_federation(f"{name}: {error}")

    def _watch(self) -> None:
        """Look at wiring and process until the end; what is wrong ends the federation."""
        while not self._ending:
            said = self._monitor.look()
            if said is not None and not self._ending:
                rule = "wire.topics" if self.subject.agent in self._monitor.joined else "wire.joins"
                self._failure = self._failure or WireBreach(rule, said.removeprefix("audit: "))
            if said is not None or (self.process.code is not None and not self._ending):
                self._end_federation(said or self.process.how_it_ended())
                return
            time.sleep(_LOOK_S)

    def _end_federation(self, why: str) -> None:
        quiet = next(iter(self.federates.values()), None)  # A broker prints what ends it, a partner does not.
        with contextlib.suppress(Exception):
            (self._broker if quiet is None else quiet).fail(why)

    def missing_topics(self) -> list[str]:
        """Return the keys that the executable ought to publish and never will: it waited for the start without them."""
        if not self._broker.barrier_open:  # only then the monitor has seen the whole wiring
            return []
        lines = lines_from(self.subject.agent, self.identity)
        return [line.key for line in lines if (line.key, line.sender) not in self._monitor.publications]

    def deaf_inputs(self) -> list[str]:
        """Return what the executable wants to hear and nobody says; what it may hear `TopologyMonitor` looks at."""
        federates = [f for core in (self._broker.graph() or {}).get("cores", ()) for f in core.get("federates", ())]
        own: Any = next((f for f in federates if f.get("attributes", {}).get("name") == self.subject.agent), {})
        deaf = [entry.get("key", "without a name") for entry in own.get("inputs", ()) if not entry.get("sources")]
        return [f"its input {name} hears no topic of its role" for name in deaf]

    # What is asked.

    @contextlib.contextmanager
    def asking(self, asked: str, rule: str = "wire.answers", *, timed: bool = True) -> Iterator[None]:
        """Time what the executable is asked, and turn whatever goes wrong into a breach: of ``rule``, if of no other."""
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.breach = self._breach(error, asked, rule)
            raise self.breach from error
        if timed and rule == "wire.answers":
            self.waits_s.append((asked, time.perf_counter() - started))

    def _breach(self, error: Exception, asked: str, rule: str) -> WireBreach:
        found = error if isinstance(error, WireBreach) else self._failure
        if isinstance(found, WireBreach):
            return WireBreach(found.rule, found.seen, found.asked or asked)
        process = getattr(self, "process", None)
        if process is not None and (missing := self.missing_topics()):  # others end for what they miss
            return WireBreach("wire.topics", f"it does not publish {' and '.join(missing)}", asked)
        late = type(error) in (FederationError, LateError) or any(f.watchdog.reason for f in self.federates.values())
        # Who has left the federation may have crashed: its process then ends.
        has_left = any(federate.has_left(self.subject.agent) for federate in list(self.federates.values())[:1])
        if not late and process is not None and process.wait(_CRASH_S if has_left else _HICCUP_S) is not None:
            return WireBreach(rule, process.how_it_ended(), asked)
        if late:
            limit_s = self.subject.start_s if rule == "wire.joins" else self.subject.answer_s
            return WireBreach(rule if rule != "wire.answers" else "wire.in_time", f"not done within {limit_s:g} s", asked)
        return WireBreach(rule, str(found or error), asked)

    def refuse(self, rule: str, seen: str, asked: str) -> WireBreach:
        """Return a breach to be raised; after one, nothing can be asked any more."""
        self.breach = WireBreach(rule, seen, asked)
        return self.breach

    def wait(self, get: Callable[[], Any], limit_s: float) -> Any:
        """Return what ``get`` has as soon as it has something; it raises `queue.Empty` until then."""
        deadline = time.monotonic() + limit_s
        while True:
            with contextlib.suppress(queue.Empty):
                return get()
            if self._failure is not None:
                raise self._failure
            if self.process.code is not None:
                raise FederationEndedError(self.process.how_it_ended())
            if time.monotonic() > deadline:
                raise LateError(f"not done within {limit_s:g} s")

    def wait_until_ready(self) -> None:
        """Wait until the executable has made its first request for time."""
        with self.asking("to get ready", "wire.joins"):
            self.coordinator.wait_until_requested(self.subject.agent, self.subject.start_s, "it to get ready")

    # End.

    def expect_end(self) -> None:
        """Let the process end from now on."""
        self._ending = True

    def await_end(self, asked: str, rule: str) -> int:
        """Wait for the end of the process and return its exit code."""
        self.expect_end()
        code = self.process.wait(self.subject.end_s)
        if code is None:
            raise self.refuse(rule, f"it still runs {self.subject.end_s:g} s later", asked)
        return code

    def fail(self, message: str) -> int:
        """Let a partner fail as an agent does, and return the exit code of the executable."""
        self.expect_end()
        next(iter(self.federates.values())).fail(message)
        return self.await_end("to notice that a partner has failed", "wire.failure")

    def complete(self) -> None:
        """Say, as the broker's process does after a run, that it is complete: a coordinator's wrapper waits for that."""
        outcome: dict[str, object] = {"status": "complete", "failure": None, "headline": []}
        write_json(self.run_folder / self.subject.agent / OUTCOME_RECORD, outcome)

    def close(self) -> None:
        """End what was started: process, partners, broker, folder."""
        self._ending = True
        self._open.close()

    def _leave(self) -> None:
        """Let every partner end its life."""
        self._ending = True
        self._end_federation("the conformance check is over")
        for partner in self.partners.values():
            if isinstance(partner, ScriptedModel):
                partner.close()
            elif isinstance(partner, IdleReporter):
                partner.open({})
            elif hasattr(partner, "answers"):
                partner.answers.put(None)
        deadline = time.monotonic() + _LEAVE_S
        for thread in (*self._threads.values(), self._watcher):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _let_go(self) -> None:
        """Free the federates once their threads have ended.

        One that is freed while its thread waits for time is freed in the break of the federation: HELICS 3.6.1 may then wait for
        ever, and hold a lock without which nobody can make a federate any more.
        """
        for name, federate in self.federates.items():
            if name not in self._threads or not self._threads[name].is_alive():
                federate.close()
