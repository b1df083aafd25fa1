"""``portage join``: the part of a run that is on this host, from the invitation to its end."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError, PortageError
from federates.integrity.keys import PUBLIC_KEY, read_public_key
from federates.integrity.roster import leave_roster
from federates.isolation.owner_only import owner_only
from federates.runs.finalize import end_part
from federates.runs.hosts import Hosts
from federates.runs.launch import Launch, end_processes, first_failure, start_processes
from federates.runs.liveness import AgentsWatch, ended
from federates.runs.meeting import Line, Said, meet
from federates.runs.remains import private_folder, remove_scratch
from federates.runs.scenario import Scenario, entries_of, shown
from federates.runs.use import used_classes
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.hold import pass_on
from federates.runtime.identity import RunIdentity
from federates.runtime.placement import Placement
from federates.runtime.plugins import load_agent
from federates.runtime.real_time import RealTime
from federates.runtime.results import disk_error, read_record
from federates.runtime.run_record import begin_run_record

_RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")
_POLL_S = 0.1
_GRACE_S = 6.0
_OVER_S = 600.0
"""The broker's host may have to write its part before it says that the run is over."""


def join(folder: Path, hosts: Hosts, here: str, use: Mapping[str, str] | None = None, results: Path | None = None) -> Launch:
    """Take part in a run with the agents that ``hosts`` puts on this host, ``here``; return when it is over.

    Of the scenario in ``folder`` only ``runner.json`` and these agents' own folders are needed.

    Raises
    ------
    ConfigError : something here is wrong; nothing was started.
    PortageError : the run cannot be joined, in words.
    """
    agents = hosts.agents_on(here)
    runner = folder / "runner.json"
    if problems := hosts.here_problems(here):
        raise ConfigError(problems)
    entries, problems = entries_of(runner, agents)
    if problems:
        raise ConfigError(problems)
    placement = hosts.placement(here)
    line, told = meet(placement, hosts.file.join_s)
    try:
        broker = parse_config(told["broker"], BrokerConfig, "invitation")
        roles = {agent: told["agents"][agent] for agent in agents}
        found = Scenario(
            folder=folder.resolve(),
            runner=runner.resolve(),
            name=folder.resolve().name,
            entries=entries,
            broker=broker,
            broker_file=runner,
            session_file=folder / "scenario.yaml",
            world=told["world"],
            roles=roles,
            configs={entry.name: entry.option("--config", "config.yaml") for entry in entries if entry.is_ours},
        )
        identity = _identity(found, told, placement, results)
        over: list[str] = []
        held = _listen(line, identity, agents, over)  # before classes are loaded, which takes longer than a host may be silent
        run = Launch(_checked(found, use), identity)
        _take_part(run, line, over, held)
    finally:
        line.close()
    return run


class _Held:
    """Whether the run is held, for agents whose folders may come later than the word of it."""

    def __init__(self, identity: RunIdentity, agents: list[str]) -> None:
        self._folders = {identity.folder_of(agent): False for agent in agents}
        self._text: str | None = None
        self._lock = threading.Lock()

    def say(self, text: str | None) -> None:
        """Hold the agents, or let them go on with None."""
        with self._lock:
            self._text, self._folders = text, dict.fromkeys(self._folders, False)
        self.pass_on()

    def pass_on(self) -> None:
        """Tell those who have not been told and can be by now."""
        with self._lock:
            for folder in [folder for folder, told in self._folders.items() if not told and folder.exists()]:
                pass_on(folder, self._text)
                self._folders[folder] = True


def _listen(line: Line, identity: RunIdentity, agents: list[str], over: list[str]) -> _Held:
    """Give signs of life, and take what the broker's host says, in a thread: into ``over`` comes how the run ended."""
    held = _Held(identity, agents)

    def take(said: Said) -> None:
        if "hold" in said:
            held.say(None if said["hold"] is None else str(said["hold"]))
        if "roster" in said:
            for agent in agents:
                leave_roster(identity.folder_of(agent), str(said["roster"]))
            line.send({"has_roster": True})
        if "over" in said:
            over.append(str(said["over"]))

    line.silence_s = float(identity.broker.timeout_s)
    threading.Thread(target=line.serve, args=(take,), name="broker's host", daemon=True).start()
    return held


def _checked(scenario: Scenario, use: Mapping[str, str] | None) -> Scenario:
    """Return the scenario with the classes to use, if all classes and settings of this host are sound."""
    used, problems = used_classes(scenario, use), []
    for agent, path in scenario.configs.items():
        try:
            load_agent(agent, scenario.roles[agent], path, shown(path), scenario.world, used.get(agent))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return replace(scenario, use=used)


def _identity(scenario: Scenario, told: Said, placement: Placement, results: Path | None) -> RunIdentity:
    """Return the run's identity on this host, with a folder for its results."""
    if not _RUN_ID.fullmatch(str(told["run_id"])):
        raise PortageError(f"the run's name is none for a folder: {told['run_id']!r}")
    folder = (scenario.folder / "results" if results is None else results.resolve()) / str(told["run_id"])
    real_time = None if told["real_time"] is None else RealTime(**told["real_time"])
    return RunIdentity(
        run_id=told["run_id"],
        scenario=str(scenario.folder),
        run_folder=str(folder),
        port=int(told["port"]),
        key=told["key"],
        broker=scenario.broker,
        world=told["world"],
        agents=told["agents"],
        seats=told["seats"],
        real_time=real_time,
        hosts=placement,
        roster_key=str(told["roster_key"]),
    )


def _take_part(run: Launch, line: Line, over: list[str], held: _Held) -> None:
    """Run the agents of this host to their end, or to that of the run."""
    identity, started = run.identity, time.time()
    here = [entry.name for entry in run.scenario.entries]
    try:
        with owner_only():
            run.folder.mkdir(parents=True)
            begin_run_record(run.folder, here, started)
    except OSError as error:
        raise PortageError(f"{run.folder}: cannot be made: {error.strerror or error}") from error
    told: set[str] = set()
    try:
        with private_folder() as private:
            identity_file = Path(private) / "identity.json"
            identity.write(identity_file)
            try:
                start_processes(run, identity_file, {})
                _attend(run, line, over, told, held)
            finally:
                end_processes(run.processes)
                _tell(run, line, here, told)
        _wait_for_the_end(run, line, over)
    except KeyboardInterrupt as error:
        run.culprit = f"portage: {error or 'interrupted by the user'}"
    except OSError as error:
        run.culprit = f"portage: {disk_error(Path(error.filename or run.folder), error)}"
    run.record = end_part(identity, started, run.culprit)
    remove_scratch(run.folder, here, ended=True)


def _attend(run: Launch, line: Line, over: list[str], told: set[str], held: _Held) -> None:
    """Wait until every process has ended, the others' grace after a first failure is over, or the broker's host is lost.

    The broker's host hears of each end at once: it must say whose was the first.
    """
    here = tuple(entry.name for entry in run.scenario.entries)
    keys = set(here)
    alive = AgentsWatch(run.folder, here, run.identity.broker.timeout_s, os.getpid())
    failed_s: float | None = None
    while not run.over:
        pids = {name: process.pid for name, process in run.processes.items()}
        broker = _broker_host(run.identity)
        if line.lost and not over:
            run.culprit = f"{broker} (the broker's host): {line.lost}"
            return
        held.pass_on()
        keys = _tell_keys(run, line, keys)
        _tell(run, line, [agent for agent in here if ended(run.folder / agent)], told)
        run.culprit = run.culprit or first_failure(run) or alive.look(pids)
        if run.culprit or over:
            failed_s = failed_s or time.monotonic()
            if time.monotonic() > failed_s + _GRACE_S:
                return
        time.sleep(_POLL_S)
    run.culprit = run.culprit or first_failure(run)


def _broker_host(identity: RunIdentity) -> str:
    assert identity.hosts is not None, "who joins knows the hosts"
    return identity.hosts.agents["coordinator"]


def _tell_keys(run: Launch, line: Line, agents: set[str]) -> set[str]:
    """Tell the broker's host the public keys of agents that have left theirs by now; return those that have not."""
    there = {agent for agent in agents if (run.folder / agent / PUBLIC_KEY).exists()}
    for agent in sorted(there):
        line.send({"agent": agent, "public_key": read_public_key(run.folder / agent / PUBLIC_KEY, agent).hex()})
    return agents - there


def _tell(run: Launch, line: Line, agents: list[str], told: set[str]) -> None:
    """Tell the broker's host how each agent ended that it was not ``told`` of; what they wrote stays here."""
    for agent in [agent for agent in agents if agent not in told]:
        told.add(agent)
        folder = run.folder / agent
        finished = read_record(folder / "finished.json")
        failed: dict[str, Any] | None = read_record(folder / "failed.json")
        if finished is None and failed is None:
            failed = {"message": run.culprit or f"{agent}: ended without a word", "own_fault": True}
        line.send({"agent": agent, "finished": finished, "failed": failed})


def _wait_for_the_end(run: Launch, line: Line, over: list[str]) -> None:
    """Wait until the broker's host says how the whole run ended."""
    deadline = time.monotonic() + _OVER_S
    while not over and not line.lost and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    if run.culprit is None and over[:1] != ["complete"]:
        how = f"the run {over[0]}" if over else line.lost or "has not said how the run ended"
        run.culprit = f"{_broker_host(run.identity)} (the broker's host): {how}"
