"""The process of an executable agent: found, told of its run, started, and its end put on record."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from federates.boundary.errors import ConfigError, FederationError, PortageError, Problem
from federates.boundary.topics import BOUNDARY_VERSION
from federates.executable.arguments import Arguments, find_program, program_folders, search_path
from federates.executable.child import Child
from federates.integrity.keys import PRIVATE_KEY, leave_private_key, leave_public_key, new_keys
from federates.integrity.roster import ROSTER
from federates.isolation.access import TEMPORARY
from federates.isolation.confinement import Confinement
from federates.runtime.agent import agent_name, load_session
from federates.runtime.helics_core import check_agents, core_init_string, core_name
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, process_start, wait_for_identity
from federates.runtime.results import PROCESS_RECORD, disk_error, release_failure, reserve_failure, write_json
from federates.runtime.say import say
from federates.runtime.sign_of_life import ALIVE, SignOfLife
from federates.runtime.watchdog import Watchdog


def run_executable(arguments: Arguments, folder: Path, agent: str = "") -> None:
    """Take the program through its run; ``folder`` is the agent's own, whose name tells which it is, if ``agent`` is not given.

    Raises
    ------
    ConfigError : there is no such program, or the public agreement cannot be used.
    FederationError : it did not end well; the message begins with the agent's name.
    """
    role, identity = arguments.role, wait_for_identity()
    agent = agent or agent_name(folder, role, identity)
    results = identity.folder_of(agent)
    try:
        results.mkdir(parents=True, exist_ok=True)
        reserve_failure(results)
        write_json(results / "config.json", {"executable": list(arguments.command)})
    except OSError as error:
        raise disk_error(results, error) from error
    try:
        session_file = _announce(arguments, identity, folder, results)
        program = _program(agent, arguments, folder)
        extra = program_folders(program, Path(identity.scenario).resolve())
        # This process may no more than the program that it starts: what is refused here is refused there.
        confinement = Confinement(agent, role, identity, folder, session_file, extra=extra, recorded=False)
        environment = _child_environment(agent, identity, results, session_file) | _keys(identity, results)
        child = _start(agent, arguments, program, folder, environment)
    except PortageError as error:
        _fail(agent, results, str(error))
        raise
    code = _attend(child, results)
    confinement.close()
    if code != 0:
        message = _words(agent, code, child.said())
        _fail(agent, results, message)
        raise FederationError(message)
    write_json(results / "finished.json", {"agent": agent, "tables_sha256": _hashes(results)})
    release_failure(results)


def _announce(arguments: Arguments, identity: RunIdentity, folder: Path, results: Path) -> Path | None:
    """Leave the public agreement with all its defaults as ``session.json`` among the coordinator's results."""
    if arguments.session is None:
        return None
    path = Path(os.path.realpath(folder / arguments.session))  # which also follows links in a circle
    session = load_session(path, run_id=identity.run_id, shown_as=arguments.session)
    check_agents(session, identity, arguments.session)
    write_json(results / "session.json", session.model_dump(mode="json"))
    return path


def _program(agent: str, arguments: Arguments, folder: Path) -> Path:
    word = arguments.command[0]
    program = find_program(word, folder, search_path())
    if program is None:
        allowed = "no such program in the agent's folder or on the PATH, or it may not be executed"
        raise ConfigError([Problem(agent, "program", repr(word), allowed)])
    return program


def _keys(identity: RunIdentity, results: Path) -> dict[str, str]:
    """Make the program's keys; return where it finds them and the others' public ones, or nothing: messages are not signed."""
    if not identity.roster_key:
        return {}
    public, private = new_keys()
    path = results / TEMPORARY / PRIVATE_KEY
    try:
        leave_private_key(path, private)
        leave_public_key(results, public)
    except OSError as error:
        raise disk_error(results, error) from error
    return {"PORTAGE_KEY": str(path), "PORTAGE_ROSTER": str(results / ROSTER), "PORTAGE_ROSTER_KEY": identity.roster_key}


def _start(agent: str, arguments: Arguments, program: Path, folder: Path, environment: dict[str, str]) -> Child:
    try:
        return Child([str(program), *arguments.command[1:]], folder, environment)
    except OSError as error:
        reason = error.strerror or error
        raise FederationError(f"{agent}: {arguments.command[0]} cannot be started: {reason}") from error


def _attend(child: Child, results: Path) -> int:
    """Wait for the child's end and return its exit code; end it when this process is ended."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        child.kill()
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    watchdog = Watchdog(lambda reason: child.kill()).start()
    alive = SignOfLife(results / TEMPORARY / ALIVE)
    try:
        record = {
            "pid": child.pid,
            "start": process_start(child.pid),
            "wrapper": {"pid": os.getpid(), "start": process_start(os.getpid())},
        }
        write_json(results / PROCESS_RECORD, record)
        alive.start()
        return child.wait()
    finally:
        alive.stop()
        child.kill()
        watchdog.stop()


def _words(agent: str, code: int, said: str) -> str:
    ended = f"ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"{agent}: the executable {ended}" + (f": {said.removeprefix(f'{agent}: ')}" if said else "")


def _fail(agent: str, results: Path, message: str) -> None:
    """Leave ``failed.json``; ``wrapped`` says that nobody has told the federation, so the broker must."""
    record = {"agent": agent, "message": message, "own_fault": True, "wrapped": True, "time": time.time()}
    try:
        write_json(results / "failed.json", record)
    except OSError as error:
        say(f"portage: {agent}: could not write failed.json: {error}")


def _hashes(results: Path) -> dict[str, str]:
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(results.glob("*.parquet"))}


def _child_environment(agent: str, identity: RunIdentity, results: Path, session: Path | None) -> dict[str, str]:
    """Return the environment of an executable that takes the place of ``agent``.

    ``results`` is the folder where it may write, ``session`` the file of the public agreement (coordinator only). The file
    that tells of the whole run is not handed on.
    """
    broker = identity.broker
    inherited = {name: value for name, value in os.environ.items() if name != IDENTITY_VARIABLE}
    told = {
        "PORTAGE_AGENT": agent,
        "PORTAGE_ROLE": identity.agents[agent],
        "PORTAGE_AGENTS": " ".join(f"{name}:{role}" for name, role in identity.agents.items()),
        "PORTAGE_WORLD": identity.world,
        "PORTAGE_RUN": identity.run_id,
        "PORTAGE_CORE_TYPE": broker.core_type,
        "PORTAGE_CORE_NAME": core_name(agent, identity),
        "PORTAGE_CORE_INIT": core_init_string(identity),
        "PORTAGE_ROUND_STEP_S": repr(broker.round_step_s),
        "PORTAGE_DISPATCH_OFFSET_S": repr(broker.dispatch_offset_s),
        "PORTAGE_RESULTS": str(results),
        "PORTAGE_BOUNDARY_VERSION": str(BOUNDARY_VERSION),
    }
    if session is not None:
        told["PORTAGE_SESSION"] = str(session)
    return inherited | {"PATH": search_path()} | told
