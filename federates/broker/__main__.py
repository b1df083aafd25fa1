"""Run the broker of a federation as a process: ``python -m federates.broker --config broker.yaml``.

It belongs to no operator: it starts the HELICS broker, tells the other processes of the run where it is, and when the
federation has ended it writes the report and, last of all, into ``run.json`` how it ended.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from federates.audit.outcome import printable_lines
from federates.boundary.config import load_config
from federates.boundary.errors import ConfigError, FederationError, PortageError, Problem
from federates.isolation.owner_only import keep_logs_to_owner
from federates.runs.broker_core import Broker
from federates.runs.finalize import finalize_run, mark_failed, note_failure
from federates.runs.how_ended import HowEnded
from federates.runs.liveness import AgentsWatch, Siblings, lost_agents, lost_reason, process_of
from federates.runs.meeting import Meeting
from federates.runs.remains import remove_scratch
from federates.runs.scenario import agents_of, load_scenario
from federates.runs.start import RESULTS_VARIABLE, new_identity
from federates.runs.started import Started
from federates.runs.topology_monitor import TopologyMonitor, with_registrar
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, choose_port, identity_path
from federates.runtime.placement import LOOPBACK
from federates.runtime.results import disk_error
from federates.runtime.say import say, say_traceback
from federates.runtime.sign_of_life import ALIVE, AwakeClock, SignOfLife
from federates.runtime.watchdog import Watchdog

_POLL_S = 0.2
_BARRIER_POLL_S = 0.05
_LAST_WORDS_S = 0.3
_ATTEMPTS = 5
_ASIDE_S = 0.1


def main(argv: list[str] | None = None) -> int:
    """Serve one run; return 0 if it completed, 1 if it failed, 2 if the configuration cannot be used."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    keep_logs_to_owner()
    arguments = _parse(argv)
    path = identity_path()
    try:
        identity = _identity(arguments, path)
    except PortageError as error:
        say(f"portage: broker: {error}")
        return 2
    watchdog = Watchdog(lambda reason: None).start()
    alive = SignOfLife(path.with_suffix(f".{ALIVE}")).start()
    started = time.time()
    signal.signal(signal.SIGINT, partial(_interrupted, identity, started, path))
    try:
        meeting = None if identity.hosts is None else Meeting(identity, identity.hosts)
        record = _finish(identity, started, _serve(identity, path, started, meeting))
        if meeting is not None:
            meeting.close(record["status"])
    except PortageError as error:
        say(f"portage: broker: {error}")
        return 1
    finally:
        watchdog.stop()
        alive.stop()
        path.unlink(missing_ok=True)
    say(
        f"portage: run {identity.run_id}: {record['status']}"
        + (f": {printable_lines(record['failure'])}" if record["failure"] else ""),
        error=False,
    )
    if record["status"] != "complete":
        return 1
    # This process is no agent's: what came out is its to say, and its log is read by whoever may read all results.
    folder = Path(identity.run_folder)
    report = [f"Report:  {folder / 'report.html'}"] if identity.broker.report and not identity.elsewhere else []
    for line in [*record.get("headline", []), f"Results: {folder}", *report]:
        say(line, error=False)
    return 0


def _interrupted(identity: RunIdentity, started: float, path: Path, number: int, frame: FrameType | None) -> NoReturn:
    """Say at once that the user has interrupted the run, for `helics run` ends this process in a moment."""
    path.unlink(missing_ok=True)
    mark_failed(identity, started, "interrupted by the user")
    remove_scratch(Path(identity.run_folder), identity.agents)
    os._exit(128 + number)


def _finish(identity: RunIdentity, started: float, ended_by_broker: str | None) -> dict[str, Any]:
    """Write report and ``run.json``; where that fails, a ``run.json`` that says so."""
    try:
        return finalize_run(identity, started, ended_by_broker)
    except Exception as error:
        return mark_failed(identity, started, _no_report(Path(identity.run_folder), error))
    finally:
        remove_scratch(Path(identity.run_folder), identity.agents)


def _no_report(folder: Path, error: Exception) -> str:
    """Say why there is no report: the disk in words, anything else as a fault of ours."""
    if isinstance(error, OSError):
        cause = str(disk_error(folder, error))
    else:
        say_traceback(error)
        cause = f"{type(error).__name__}: {error}"
    return f"broker: the report could not be written: {cause}; `portage report {folder}` writes it from the tables"


def _identity(arguments: argparse.Namespace, path: Path) -> RunIdentity:
    """Return the run's identity: the one ``portage run`` has written, or a new one."""
    request = path.with_suffix(".request")
    if os.environ.get(IDENTITY_VARIABLE) and request.exists():
        return RunIdentity.read(request)
    config = load_config(arguments.config, BrokerConfig)
    named = os.environ.get(RESULTS_VARIABLE)
    if named and not Path(named).is_absolute():
        # The user's working folder is not known here: `helics run` starts this process in the scenario's.
        raise ConfigError([Problem("environment", RESULTS_VARIABLE, named, "must be an absolute path")])
    results = Path(named) if named else None
    identity = new_identity(Path.cwd(), config, str(arguments.config), *agents_of(arguments.runner), results=results)
    with contextlib.suppress(ConfigError, OSError):  # what `portage run` would refuse runs here, and cannot be resumed
        Started.of(load_scenario(Path.cwd())).write(Path(identity.run_folder))
    return identity


def _serve(identity: RunIdentity, path: Path, started: float, meeting: Meeting | None) -> str | None:
    """Start the broker, announce it, and wait until the federation has ended, lost somebody, or wired what it must not.

    Return why it had to be ended, or None if it has ended by itself.
    """
    broker, identity = _start(identity)
    identity, registrar = with_registrar(identity)
    reason = None
    with broker:
        identity.write(path)
        address = LOOPBACK if identity.hosts is None else identity.hosts.address
        say(f"broker: run {identity.run_id} on {address}:{identity.port}", error=False)
        # HELICS waits for the start barrier whenever it joins, so the agents need not wait for it.
        broker.join_barrier()
        if meeting is not None:
            meeting.begin(identity)
        watch = TopologyMonitor(broker, identity, registrar, meeting)
        wiring = _Aside(partial(_look, identity, watch))
        clock = AwakeClock()
        siblings, how = Siblings(identity.agents), HowEnded()
        alive = AgentsWatch(Path(identity.run_folder), identity.agents, identity.broker.timeout_s)
        while broker.connected:
            time.sleep(_POLL_S if broker.barrier_open else _BARRIER_POLL_S)
            late = clock.look() > identity.broker.limits.join_s
            reason = _missing(identity, watch, siblings, how, late) or alive.look(siblings.pids) or wiring.look()
            reason = reason or (None if meeting is None else meeting.look())
            if reason is not None:
                say(f"portage: {reason}")
                note_failure(identity, started, reason)
                broker.fail(reason)
                time.sleep(_LAST_WORDS_S)
                break
        with contextlib.suppress(OSError):  # whoever's results are missing says that the disk is full
            watch.close()
    return reason


def _look(identity: RunIdentity, watch: TopologyMonitor) -> str | None:
    """Look at the wiring; return what is wrong with it, or that what was seen cannot be kept."""
    try:
        return watch.look()
    except OSError as error:
        return f"broker: {disk_error(Path(identity.run_folder), error)}"


def _missing(identity: RunIdentity, watch: TopologyMonitor, siblings: Siblings, how: HowEnded, late: bool) -> str | None:
    """Return who is lost, or did not join in time if it is ``late``, in words, or None."""
    starting = siblings.pids
    told = (process_of(identity.folder_of(agent)) for agent in identity.agents)
    how.watch({*starting.values(), *(pid for pid in told if pid is not None)})
    if lost := lost_agents(identity):
        return lost_reason(identity, lost, how, starting)
    if not watch.everyone_is_here and (ended := siblings.ended()):
        return lost_reason(identity, ended, how, starting | ended, "before everyone had joined")
    if not watch.everyone_is_here and late:
        missing = [agent for agent in identity.agents if agent not in watch.joined]
        missing = [f"{agent} on {identity.elsewhere[agent]}" if agent in identity.elsewhere else agent for agent in missing]
        return f"{', '.join(missing)}: did not join within {identity.broker.limits.join_s:g} s (join_s)"
    return None


def _start(identity: RunIdentity) -> tuple[Broker, RunIdentity]:
    """Start the broker; a port that another run has just taken is changed, unless it is fixed in broker.yaml."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return Broker(identity, barrier=True), identity
        except FederationError:
            if identity.broker.port != "auto":
                raise
            identity = replace(identity, port=choose_port(identity.broker, agents=len(identity.agents)))
    return Broker(identity, barrier=True), identity


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m federates.broker", description="Run the HELICS broker of a federation.")
    parser.add_argument("--config", type=Path, default=Path("../../broker.yaml"), help="broker.yaml (default: ../../broker.yaml)")
    parser.add_argument(
        "--runner", type=Path, default=Path("runner.json"), help="file that names the agents of the run (default: runner.json)"
    )
    return parser.parse_args(argv)


class _Aside:
    """Does ``work`` in a thread, one at a time, so that the watch over all agents goes on.

    A query of HELICS to a stopped agent has no answer (HELICS 3.6.1).
    """

    def __init__(self, work: Callable[[], str | None]) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._answer: str | None = None
        self._error: Exception | None = None

    def look(self) -> str | None:
        """Begin the work unless it goes on; return its answer if it comes within a moment, or raise its error."""
        if self._thread is None:
            self._answer = self._error = None
            self._thread = threading.Thread(target=self._do, name="aside", daemon=True)
            self._thread.start()
        self._thread.join(_ASIDE_S)
        if self._thread.is_alive():
            return None
        self._thread = None
        if self._error is not None:
            raise self._error
        return self._answer

    def _do(self) -> None:
        try:
            self._answer = self._work()
        except Exception as error:
            self._error = error


if __name__ == "__main__":
    sys.exit(main())
