"""Start the processes of ``runner.json`` as ``helics run`` would, and stay in charge of them to the end.

What ``helics run`` does not do: check everything first, name the process at fault, end what is left (with its children), and
return a true exit code. Processes are ended by the id we started, never by name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from federates.boundary.errors import ConfigError
from federates.boundary.topics import Role
from federates.runs.finish import mark_failed
from federates.runs.how_ended import code_words
from federates.runs.liveness import Signs, Watched
from federates.runs.scenario import BROKER, FederateEntry, Scenario, overrides_problems
from federates.runs.start import new_identity
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity
from federates.runtime.sign_of_life import ALIVE

__all__ = ["Launch", "launch"]

_POLL_S = 0.1
_GRACE_S = 6.0
"""After the first failure the others have this long to end by themselves (the broker finds a lost one within a second)."""
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
    def ok(self) -> bool:
        """Whether the run is complete and every process ended well."""
        return self.record.get("status") == "complete" and self.culprit is None


def launch(
    scenario: Scenario,
    overrides: dict[str, str] | None = None,
    label: str = "",
    watch: Callable[[Launch], None] = lambda run: None,
    stop: threading.Event | None = None,
) -> Launch:
    """Run a scenario in processes and return when all of them have ended.

    Parameters
    ----------
    overrides : keys of ``scenario.yaml`` to change; handed to the coordinator alone.
    label : becomes part of the run's identity.
    watch : called ten times a second, to show progress.
    stop : set by another thread to end the run (Ctrl-C reaches the main thread alone).

    Raises
    ------
    ConfigError : the overrides would not reach the coordinator, or the fixed port is taken.
    """
    if problems := overrides_problems(scenario, overrides):
        raise ConfigError(problems)
    identity = new_identity(scenario.folder, scenario.broker, str(scenario.broker_file), scenario.agents, label)
    run = Launch(scenario, identity)
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="portage-") as private:
        identity_file = Path(private) / "identity.json"
        # The broker finds the request, starts, and only then writes the file that the agents wait for.
        identity.write(identity_file.with_suffix(".request"))
        try:
            _start(run, identity_file, overrides or {})
            _attend(run, watch, stop or threading.Event(), identity_file.with_suffix(f".{ALIVE}"))
        except KeyboardInterrupt:
            run.culprit = "portage: interrupted by the user"
        finally:
            _end(run.processes)
    run.record = mark_failed(identity, started, run.culprit or "the broker ended without a word")
    return run


def _start(run: Launch, identity_file: Path, overrides: dict[str, str]) -> None:
    logs = run.folder / "logs"
    logs.mkdir(exist_ok=True)
    for entry in run.scenario.entries:
        extra = [f"--set={key}={value}" for key, value in overrides.items()] if entry.name == Role.COORDINATOR.value else []
        with (logs / f"{entry.name}.log").open("wb") as log:
            try:
                run.processes[entry.name] = _spawn(entry, extra, identity_file, log)
            except OSError as error:
                run.culprit = f"{entry.name}: cannot be started: {error}"
                return


def _spawn(entry: FederateEntry, extra: list[str], identity_file: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    # `python` is the interpreter that runs us, also where the environment is not activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"} | entry.env | {IDENTITY_VARIABLE: str(identity_file)}
    command = [sys.executable if entry.command[0] in ("python", "python3") else entry.command[0], *entry.command[1:], *extra]
    return subprocess.Popen(
        command, cwd=entry.directory, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def _attend(run: Launch, watch: Callable[[Launch], None], stop: threading.Event, beat: Path) -> None:
    """Wait until every process has ended, or the others' grace after a first failure is over.

    The broker, which watches the others, touches ``beat``.
    """
    signs = Signs(run.identity.broker.timeout_s)
    brokers = [Watched(name, process.pid, beat) for name, process in run.processes.items() if name == BROKER]
    deadline: float | None = None
    while None in [_code(process) for process in run.processes.values()]:
        watch(run)
        if stop.is_set():
            raise KeyboardInterrupt
        if hung := signs.look(brokers):
            run.culprit = hung
            return
        if run.culprit is None:
            run.culprit = _first_failure(run)
        if run.culprit is not None:
            deadline = deadline or time.monotonic() + _GRACE_S
            if time.monotonic() > deadline or _broker_is_done(run):
                return
        time.sleep(_POLL_S)
    run.culprit = run.culprit or _first_failure(run)
    watch(run)


def _broker_is_done(run: Launch) -> bool:
    """Whether the broker, which waits for the others' last words, has ended: what still runs now hangs."""
    return BROKER in run.processes and _code(run.processes[BROKER]) is not None


def _code(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code of an ended process, negative for a signal, and leave it for the broker to see (`how_ended`)."""
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll()
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _first_failure(run: Launch) -> str | None:
    """Return what is known of the process that failed; one that was killed goes before one that noticed it."""
    failed = [(name, code) for name, process in run.processes.items() if (code := _code(process))]
    for name, code in sorted(failed, key=lambda item: item[1]):
        if code < 0:
            return f"{name}: {code_words(code)}"
        return f"{name}: {code_words(code)}{_last_words(run.folder / 'logs' / f'{name}.log')}"
    return None


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.startswith("portage: ")]
    return f" ({lines[-1].removeprefix('portage: ')})" if lines else f"; see {log}"


def _end(processes: dict[str, subprocess.Popen[bytes]]) -> None:
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
