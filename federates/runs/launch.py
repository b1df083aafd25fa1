"""Start the processes of ``runner.json`` as ``helics run`` would, and stay in charge of them to the end.

What ``helics run`` does not do: check everything first, name the process at fault, end what is left (with its children), and
return a true exit code. Processes are ended by the id we started, never by name.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.runs.finalize import mark_failed
from federates.runs.hosts import Hosts, line_to_type
from federates.runs.how_ended import code_words
from federates.runs.liveness import Signs, Watched
from federates.runs.remains import private_folder, remove_scratch
from federates.runs.scenario import BROKER, WRAPPER, FederateEntry, Scenario, overrides_problems
from federates.runs.seats import seat_problems
from federates.runs.start import new_identity
from federates.runs.started import Started
from federates.runs.stop import Stop, why
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity
from federates.runtime.real_time import RealTime
from federates.runtime.results import disk_error
from federates.runtime.sign_of_life import ALIVE
from federates.runtime.watchdog import STARTER_VARIABLE

_POLL_S = 0.1
_GRACE_S = 6.0
"""After the first failure the others have this long to end by themselves (the broker finds a lost one within a second)."""
_REPORT_LIMITS = 10
"""Where an agent fails when all have done their work, the broker has this many ``finish_s`` for the report."""
_TERMINATE_S = 2.0


@dataclass
class Launch:
    """One run in processes. ``record`` is what its ``run.json`` says, once it is over."""

    scenario: Scenario
    identity: RunIdentity
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    culprit: str | None = None
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return the folder of the run's results."""
        return Path(self.identity.run_folder)

    @property
    def over(self) -> bool:
        """Whether every process has been started and has ended; how is left for the broker to see (`how_ended`)."""
        return bool(self.processes) and None not in [_code(process) for process in self.processes.values()]

    @property
    def ok(self) -> bool:
        """Whether the run is complete; ``culprit`` may then be a process that failed when its work was done."""
        return self.record.get("status") == "complete"


def launch(
    scenario: Scenario,
    overrides: dict[str, str] | None = None,
    label: str = "",
    watch: Callable[[Launch], None] = lambda run: None,
    stop: Stop | None = None,
    results: Path | None = None,
    seats: Mapping[str, float] | None = None,
    real_time: RealTime | None = None,
    hosts: Hosts | None = None,
) -> Launch:
    """Run a scenario in processes and return when all of them have ended.

    Parameters
    ----------
    overrides : keys of ``scenario.yaml`` to change; handed to the coordinator alone.
    label : becomes part of the run's identity.
    watch : called ten times a second, to show progress.
    stop : by which another thread ends the run (a signal reaches the main thread alone).
    results : folder in which the run gets its own; by default the scenario's ``results``.
    seats : agents that a person plays, and how long an answer may take, s (`federates.seat`).
    real_time : how fast simulated time goes; None: as fast as it may.
    hosts : where the run is, if over several hosts; this computer is the broker's.

    Raises
    ------
    ConfigError : the overrides would not reach the coordinator, somebody cannot have a seat, the fixed port is taken, or
        ``results`` is no place for results.
    PortageError : the run's folder cannot be made.
    """
    if problems := [*overrides_problems(scenario, overrides), *seat_problems(scenario, seats)]:
        raise ConfigError(problems)
    placement = None if hosts is None else hosts.placement(hosts.file.broker)
    place = scenario.folder, scenario.broker if hosts is None else hosts.broker_config(scenario.broker), str(scenario.broker_file)
    identity = new_identity(*place, scenario.world, scenario.roles, label, results, seats, real_time, placement)
    try:
        if hosts is None:  # a run over several hosts cannot be resumed
            Started.of(scenario, overrides, label=label, seats=dict(seats or {})).write(Path(identity.run_folder))
    except OSError as error:
        raise disk_error(Path(identity.run_folder), error) from error
    return launch_as(identity, scenario, overrides, watch, stop, hosts)


def launch_as(
    identity: RunIdentity,
    scenario: Scenario,
    overrides: dict[str, str] | None = None,
    watch: Callable[[Launch], None] = lambda run: None,
    stop: Stop | None = None,
    hosts: Hosts | None = None,
) -> Launch:
    """Run a scenario as the run ``identity``, whose folder is there; the parameters are those of `launch`."""
    run = Launch(scenario, identity)
    started = time.time()
    try:
        with private_folder() as private:
            identity_file = Path(private) / "identity.json"
            # The broker finds the request, starts, and only then writes the file that the agents wait for.
            identity.write(identity_file.with_suffix(".request"))
            try:
                start_processes(run, identity_file, overrides or {})
                _start_hosts(run, hosts)
                _attend(run, watch, stop or Stop(), identity_file.with_suffix(f".{ALIVE}"))
            finally:
                end_processes(run.processes)
    except KeyboardInterrupt as error:
        run.culprit = f"portage: {why(error)}"
    except OSError as error:
        run.culprit = f"portage: {disk_error(Path(error.filename or run.folder), error)}"
    run.record = mark_failed(identity, started, run.culprit or "the broker ended without a word")
    remove_scratch(run.folder, identity.agents, ended=True)
    return run


def _start_hosts(run: Launch, hosts: Hosts | None) -> None:
    """Start the other hosts that are to be started by ``ssh``."""
    if hosts is None:
        return
    for name, host in hosts.file.hosts.items():
        if host.start != "ssh" or not hosts.agents_on(name):
            continue
        line = line_to_type(hosts, name, run.scenario.given)
        command = ["ssh", "-o", "BatchMode=yes", host.ssh or name, f"cd {shlex.quote(host.folder)} && exec {line}"]
        with (run.folder / "logs" / f"{name}.log").open("wb") as log:
            try:
                run.processes[name] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except (OSError, ValueError) as error:
                run.culprit = f"{name}: ssh cannot be started: {error}"
                return


def start_processes(run: Launch, identity_file: Path, overrides: dict[str, str]) -> None:
    """Start the agents of the scenario that are on this computer, and the broker if it is."""
    logs = run.folder / "logs"
    logs.mkdir(exist_ok=True)
    for entry in run.scenario.entries:
        extra = [f"--set={key}={value}" for key, value in overrides.items()] if entry.name == Role.COORDINATOR.value else []
        extra += [f"--use={cls}" for agent, cls in run.scenario.use.items() if agent == entry.name]
        with (logs / f"{entry.name}.log").open("ab") as log:
            try:
                run.processes[entry.name] = _spawn(entry, extra, identity_file, log)
            except (OSError, ValueError) as error:  # ValueError: a word or variable that the system does not take
                run.culprit = f"{entry.name}: cannot be started: {error}"
                return


def _spawn(entry: FederateEntry, extra: list[str], identity_file: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    # `python` is the interpreter that runs us, also where the environment is not activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"} | entry.env | {IDENTITY_VARIABLE: str(identity_file)}
    if entry.module is not None and entry.module.startswith("federates.") and entry.module != WRAPPER:
        env[STARTER_VARIABLE] = str(os.getpid())
    command = [sys.executable if entry.command[0] in ("python", "python3") else entry.command[0], *entry.command[1:], *extra]
    return subprocess.Popen(
        command, cwd=entry.directory, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def _attend(run: Launch, watch: Callable[[Launch], None], stop: Stop, beat: Path) -> None:
    """Wait until every process has ended, or the others' grace after a first failure is over.

    The broker, which watches the others, touches ``beat``.
    """
    signs = Signs(run.identity.broker.timeout_s)
    brokers = [Watched(name, process.pid, beat) for name, process in run.processes.items() if name == BROKER]
    failed_s: float | None = None
    while run.processes and not run.over:
        watch(run)
        if stop.why:
            raise KeyboardInterrupt(stop.why)
        if hung := signs.look(brokers):
            run.culprit = hung
            return
        if run.culprit is None:
            run.culprit = first_failure(run)
        if run.culprit is not None:
            failed_s = failed_s or time.monotonic()
            if time.monotonic() > failed_s + _grace_s(run) or _broker_is_done(run):
                return
        time.sleep(_POLL_S)
    run.culprit = run.culprit or first_failure(run)
    watch(run)


def _grace_s(run: Launch) -> float:
    """Return how long the others may go on after a first failure: a broker that writes the report has longer."""
    reporting = all((run.folder / agent / "finished.json").exists() for agent in run.identity.agents)
    return _REPORT_LIMITS * run.identity.broker.limits.finish_s if reporting else _GRACE_S


def _broker_is_done(run: Launch) -> bool:
    """Whether the broker, which waits for the others' last words, has ended: what still runs now hangs."""
    return BROKER in run.processes and _code(run.processes[BROKER]) is not None


def _code(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code of an ended process, negative for a signal, without taking note of it as `poll` would."""
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll()
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def first_failure(run: Launch) -> str | None:
    """Return what is known of the process that failed; one that was killed goes before one that noticed it."""
    failed = [(name, code) for name, process in run.processes.items() if (code := _code(process))]
    for name, code in sorted(failed, key=lambda item: item[1]):
        if code < 0:
            return f"{name}: {code_words(code)}"
        return f"{name}: {code_words(code)}{_last_words(run.folder / 'logs' / f'{name}.log')}"
    return None


def _last_words(log: Path) -> str:
    """Return the reason that a process gave in its log; what it says when all goes well is none."""
    text = ""
    with contextlib.suppress(OSError):
        text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line.removeprefix("portage: ") for line in text.splitlines() if line.startswith("portage: ")]
    return f" ({lines[-1]})" if lines else f"; see {log}"


def end_processes(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """End what still runs, with all children: politely, then for certain."""
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        for process in processes.values():
            _signal_group(process, signal_)
        deadline = time.monotonic() + _TERMINATE_S
        while time.monotonic() < deadline and any(process.poll() is None for process in processes.values()):
            time.sleep(0.05)


def _signal_group(process: subprocess.Popen[bytes], signal_: signal.Signals) -> None:
    """Signal the group that ``process`` leads, and what is left in its session; children may outlive their leader."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal_)
    # An executable has a group of its own, that its wrapper ends; here are those whose wrapper was killed.
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == process.pid and os.getpgid(pid) != process.pid:
                os.kill(pid, signal_)
