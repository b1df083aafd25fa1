"""Life of one agent, from its configuration to its finish record, in a process of its own or in a thread."""

from __future__ import annotations

import argparse
import contextlib
import errno
import faulthandler
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from federates.boundary.config import read_yaml
from federates.boundary.errors import ConfigError, FederationEndedError, PortageError, Problem
from federates.boundary.names import Role
from federates.boundary.roles import CoordinationAlgorithm, Operator, Reporter, WorldModel
from federates.boundary.session import Session
from federates.boundary.world import parse_session, world_of
from federates.isolation.access import TEMPORARY
from federates.isolation.confinement import Confinement
from federates.isolation.opened_files import write_files_record
from federates.isolation.owner_only import keep_logs_to_owner
from federates.isolation.sandbox import NOT_CONFINED
from federates.runtime.checkpoints import Checkpoints
from federates.runtime.federate import Federate
from federates.runtime.helics_api import h
from federates.runtime.hold import is_held
from federates.runtime.identity import RunIdentity, process_start, wait_for_identity
from federates.runtime.journal import Journal
from federates.runtime.ledger import Ledger
from federates.runtime.model_loop import run_model
from federates.runtime.operator_loop import run_operator
from federates.runtime.plugins import LoadedAgent, load_agent, read_agent_file
from federates.runtime.reporter_loop import run_reporter
from federates.runtime.results import PROCESS_RECORD, ResultWriter, in_disk_words, write_json
from federates.runtime.say import say, say_traceback
from federates.runtime.sign_of_life import ALIVE, SignOfLife
from federates.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from federates.seat.mailbox import Mailbox

_RUN_S = 5.0
"""An agent that cannot start looks so long for the run that it should have joined, so that the run can say why."""


def load_session(path: Path, overrides: dict[str, Any] | None = None, run_id: str = "", shown_as: str | None = None) -> Any:
    """Return the public agreement in ``path`` with ``overrides`` on top; raise `ConfigError` for anything wrong."""
    file = shown_as or str(path)
    data = read_yaml(path, file)
    if data.get("viewer"):
        raise ConfigError([Problem(file, "viewer", repr(data["viewer"]), "must be left out: it is set when a run starts")])
    session = parse_session(data, file)
    changes = overrides or {}
    if changes.get("world", session.world) != session.world:
        allowed = f"must be {session.world}, as in the file: another world needs other keys and agents"
        raise ConfigError([Problem(f"{file} with --set", "world", repr(changes["world"]), allowed)])
    changed = parse_session(session.model_dump() | changes | {"run_id": run_id}, f"{file} with --set")
    if changed.world != session.world:
        base = world_of(world_of(session.world).variant_of or session.world)
        key = next(key for key in base.variants if key in changes)
        allowed = f"must stand in {file}: it decides what crosses, and so how every agent joins the run"
        raise ConfigError([Problem(f"{file} with --set", key, str(changes[key]), allowed)])
    return changed


def agent_main(role: str, argv: list[str] | None = None) -> int:
    """Run one agent as a process and return its exit code: 0 finished, 1 failed, 2 bad configuration.

    It is the whole of every ``python -m federates.<role>``.
    """
    # Python's own handler cannot run while a HELICS call blocks; the default one ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable()
    keep_logs_to_owner()
    arguments = _parse(role, argv)
    folder = arguments.config.resolve().parent
    agent, results = str(role), None
    try:
        overrides = _overrides(arguments.set)
        read_agent_file(role, arguments.config)
        identity = wait_for_identity()
        agent = agent_name(folder, role, identity)
        results = identity.folder_of(agent)
        # From here on the process may read its own only; the agent's code is not ours, and is imported after that.
        confinement = Confinement(agent, role, identity, folder, arguments.session)
    except PortageError as error:
        return _refuse(agent, error, results or _results(folder, role))
    alive = _announce(results)
    try:
        loaded = load_agent(agent, role, arguments.config, world=identity.world, use=arguments.use)
        session = None
        if role == Role.COORDINATOR:
            session = load_session(arguments.session, overrides, identity.run_id)
        return 0 if run_agent(loaded, identity, session, confinement) is None else 1
    except PortageError as error:
        return _refuse(agent, error, results)
    finally:
        alive.stop()
        confinement.close()


def agent_name(folder: Path, role: str, identity: RunIdentity) -> str:
    """Return which agent of the run lives in ``folder``: the one of this name, or the only one of its role.

    Raises
    ------
    ConfigError : there is no such agent.
    """
    names = [name for name, other in identity.agents.items() if other == role]
    if folder.name in names or len(names) != 1:
        if folder.name not in names:
            allowed = f"an agent's folder has its name; agents of the role {role} are {', '.join(names) or 'none'}"
            raise ConfigError([Problem(str(folder), "(folder)", folder.name, allowed)])
        return folder.name
    return names[0]


def _results(folder: Path, role: str) -> Path | None:
    """Return the folder of this agent's results, to say there why it cannot start; None if there is no run."""
    with contextlib.suppress(PortageError):
        identity = wait_for_identity(_RUN_S)
        return identity.folder_of(agent_name(folder, role, identity))
    return None


def _announce(results: Path) -> SignOfLife:
    """Say which process this is, and that it lives, before any code that is not ours runs."""
    alive = SignOfLife(results / TEMPORARY / ALIVE).start()
    with contextlib.suppress(OSError):  # a full disk is said by whoever writes results
        write_json(results / PROCESS_RECORD, {"pid": os.getpid(), "start": process_start(os.getpid())})
    return alive


def _refuse(agent: str, error: PortageError, results: Path | None) -> int:
    """Say why the agent cannot start, in its ``results`` too if there is a run, and return the exit code."""
    if isinstance(error, ConfigError):
        words, code = f"portage: {agent}: the configuration cannot be used\n{error}", 2
    else:
        words, code = f"portage: {agent}: {error}", 1
    say(words)
    if results is not None:
        with contextlib.suppress(PortageError):  # the disk is full, and `say` did what can be done
            ResultWriter(results).fail(agent, words.removeprefix("portage: "), own_fault=True)
    return code


def run_agent(
    loaded: LoadedAgent, identity: RunIdentity, session: Session | None, confinement: Confinement | None = None
) -> Exception | None:
    """Take one agent through its whole run; return what ended it early, or None.

    ``session`` is given to the coordinator only, ``confinement`` to an agent that has a process of its own: it ends the process
    if a wait passes its limit. A failure reaches every other agent as a HELICS global error with this agent's name in it.
    """
    folder, hard = identity.folder_of(loaded.agent), confinement is not None
    life = _Life(loaded.agent, confinement)
    watchdog = Watchdog(life.alarm, hard=hard, stands=lambda: is_held(folder)).start()
    failure: Exception | None = None
    try:
        life.writer = ResultWriter(folder)
        write_json(folder / "config.json", loaded.resolved())
        if confinement is None:
            write_files_record(folder, NOT_CONFINED, "none")
        life.agent = loaded.create()
        if identity.seats:
            life.take_seat(loaded, identity)
        life.federate = Federate(loaded.agent, identity, watchdog)
        if identity.broker.audit.ledger:
            life.federate.ledger = Ledger(life.writer, identity.run_id)
        life.federate.journal = life.journal = Journal(folder)
        life.federate.checkpoints = Checkpoints(loaded.agent, identity, life.writer, life.journal, life.agent)
        _live(life.federate, life.agent, session, life.writer)
        life.federate.checkpoints.wait()
        life.close()
        life.note_files()
        life.writer.finish(loaded.agent, {"helics": h.helicsGetVersion()})
        life.federate.finish()
    except Exception as error:
        failure = in_disk_words(folder, error)
        life.fail(failure, watchdog.reason)
    finally:
        watchdog.stop()
        if life.federate is not None:
            life.federate.close()
        life.leave("complete" if failure is None else "failed")
    return failure


@dataclass
class _Life:
    """What an agent has, as far as it has got; says what happened if it fails."""

    name: str
    confinement: Confinement | None = None
    writer: ResultWriter | None = None
    journal: Journal | None = None
    federate: Federate | None = None
    agent: Any = None
    mailbox: Mailbox | None = None

    def take_seat(self, loaded: LoadedAgent, identity: RunIdentity) -> None:
        """Let a person play the agent, if the run says so."""
        from federates.seat.take_seat import seated  # an agent without a seat is ready sooner without it

        self.agent, self.mailbox = seated(self.agent, loaded, identity)

    def leave(self, status: str) -> None:
        """Say that no more comes from this agent."""
        for opened in (self.writer, self.journal):
            if opened is not None:
                opened.close()
        if self.mailbox is not None:
            with contextlib.suppress(OSError):  # a full disk was said by whoever wrote results
                self.mailbox.over(status)

    def close(self) -> None:
        """Close the agent, once."""
        agent, self.agent = self.agent, None
        if isinstance(agent, WorldModel):
            agent.close()

    def note_files(self) -> None:
        """Write down what the process has opened up to now."""
        if self.confinement is not None:
            self.confinement.write()

    def alarm(self, reason: str) -> None:
        """Say on disk and to the federation what took too long; the main thread may be stuck and unable to."""
        message = self._named(reason)
        self.note_files()
        if self.writer is not None:
            self.writer.fail(self.name, message, own_fault=True, flush=False)
        if self.federate is not None:
            self.federate.fail(message)

    def fail(self, error: Exception, reason: str | None) -> None:
        """Say on stderr, to the federation and on disk why this agent ends."""
        own_fault = reason is not None or not isinstance(error, FederationEndedError)
        message = self._named(reason or _words(error))
        if not isinstance(error, PortageError):
            say_traceback(error)
        say(f"portage: {message}")
        self.note_files()
        # Before the others hear of it: whoever's record is the first is the one at fault.
        if self.writer is not None:
            self.writer.fail(self.name, message, own_fault=own_fault)
        if self.federate is not None and own_fault:
            self.federate.fail(message)
        try:
            self.close()
        except Exception as second:
            say(f"portage: {self.name}: and then, while closing: {second}")

    def _named(self, message: str) -> str:
        return message if message.startswith(f"{self.name}:") else f"{self.name}: {message}"


def _words(error: Exception) -> str:
    """Return what ended an agent; what the system has too little of is said first."""
    if isinstance(error, PortageError):
        return str(error)
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError):
        return f"out of memory ({said})"
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return f"too many open files; see `ulimit -n` ({said})"
    return said


def _live(federate: Federate, agent: Any, session: Session | None, writer: ResultWriter) -> None:
    agreed = federate.start(session)
    if agreed.network is not None:
        from federates.network.hearing import Hearing

        federate.network = Hearing(agreed, federate.agent, writer)
    limit_s = federate.identity.broker.limits.begin_s
    with federate.watchdog.limit(limit_s, f"{federate.agent}: getting ready"):
        negotiated = federate.world.negotiated(agreed) if federate.role == Role.COORDINATOR else agreed
        agent.begin(negotiated, writer)
    if federate.role == Role.COORDINATOR:
        write_json(writer.folder / "session.json", agreed.model_dump(mode="json"))
        from federates.runtime.coordinator_loop import run_coordinator  # with the proofs, which the others do without

        run_coordinator(federate, negotiated, cast(CoordinationAlgorithm, agent), writer)
    elif federate.role in federate.world.models:
        run_model(federate, agreed, cast(WorldModel, agent), writer)
    elif federate.role in federate.world.reporters:
        run_reporter(federate, agreed, cast(Reporter, agent), writer)
    else:
        run_operator(federate, agreed, cast(Operator, agent), writer)


def _overrides(pairs: list[str]) -> dict[str, Any]:
    """Return ``--set key=value`` pairs as a mapping; pydantic turns the text into the right type."""
    wrong = [pair for pair in pairs if not pair.partition("=")[1]]
    if wrong:
        raise ConfigError([Problem("command line", "--set", repr(pair), "must be KEY=VALUE") for pair in wrong])
    return dict(pair.split("=", 1) for pair in pairs)


def _parse(role: str, argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m federates.{role}", description=f"Run a {role} of a federation.")
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="the agent's own configuration (default: config.yaml)"
    )
    parser.add_argument("--use", metavar="CLASS", help="use this class in place of the one that the configuration names")
    parser.set_defaults(session=None, set=[])
    if role == Role.COORDINATOR:
        parser.add_argument("--session", type=Path, default=Path("../scenario.yaml"), help="the public agreement")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="change one key of the public agreement"
        )
    return parser.parse_args(argv)
