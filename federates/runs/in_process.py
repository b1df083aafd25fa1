"""A whole run in this process: the same agents and loops, as threads around an in-process HELICS broker.

For tests and notebooks: no port, no child process (choose SUMO's engine ``libsumo`` for that), a debugger works. The results
are those of the run in processes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from federates.boundary.config import Config, parse_config
from federates.boundary.errors import ConfigError, FederationError, Problem
from federates.boundary.names import Role
from federates.boundary.roles import Plugin
from federates.boundary.session import Session
from federates.isolation.owner_only import owner_only
from federates.runs.broker_core import Broker
from federates.runs.finalize import finalize_run, mark_failed
from federates.runs.resumable import resumable
from federates.runs.scenario import Scenario, load_scenario, shown
from federates.runs.seats import seat_problems
from federates.runs.start import new_identity
from federates.runs.started import Started
from federates.runs.topology_monitor import TopologyMonitor, with_registrar
from federates.runs.use import used_classes
from federates.runtime.agent import load_session, run_agent
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity
from federates.runtime.plugins import LoadedAgent, class_key, load_agent
from federates.runtime.real_time import RealTime

_LABEL = "inproc"
_POLL_S = 0.2
_BARRIER_POLL_S = 0.005
_GRACE_S = 10.0
"""After a failure all others have this long to end; who computes on is left behind."""


def run_in_process(
    scenario_folder: Path,
    overrides: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    use: dict[str, str] | None = None,
    *,
    seats: Mapping[str, float] | None = None,
    results: Path | None = None,
    report: bool = True,
    real_time: RealTime | None = None,
) -> Path:
    """Run a scenario in threads and return the folder of its results.

    Parameters
    ----------
    scenario_folder : the folder with ``runner.json`` and ``scenario.yaml``.
    overrides : keys of ``scenario.yaml`` to change, such as ``{"scheme": "no_mves"}``.
    settings : settings to change per agent, such as ``{"traffic_sumo": {"engine": "libsumo"}}``.
    use : classes in place of those that the agents' files name, such as ``{"traffic_sumo": "bpr"}``.
    seats, results, report, real_time : as of `run_loaded`.

    Raises
    ------
    ConfigError : anything in the scenario is wrong.
    FederationError : an agent failed; the message names it. ``run.json`` in the results says the same.
    """
    scenario = load_scenario(scenario_folder)
    refuse_executables(scenario)
    scenario = replace(scenario, use=used_classes(scenario, use))
    loaded = _loaded(scenario, settings)
    session = load_session(scenario.session_file, overrides)
    identity = _identity(scenario, session, results, report=report, seats=seats, real_time=real_time)
    broker = identity.broker.model_dump(mode="json")
    Started.of(scenario, overrides, broker=broker, label=_LABEL, seats=dict(seats or {})).write(Path(identity.run_folder))
    return _complete(identity, loaded, session.model_copy(update={"run_id": identity.run_id}))


def resume_in_process(run: Path, settings: dict[str, Any] | None = None) -> Path:
    """Let a run of `run_in_process` go on that did not come to its end, in threads; return its folder.

    Parameters
    ----------
    run : folder of the run.
    settings : as they were given to `run_in_process`.

    Raises
    ------
    ConfigError : it cannot go on; nothing was changed.
    FederationError : an agent failed; the message names it.
    """
    found = resumable(run)
    started = found.started
    scenario = replace(load_scenario(Path(started.runner)), use=started.use)
    session = load_session(scenario.session_file, started.overrides, run.name)
    return _complete(found.begin(), _loaded(scenario, settings), session)


def _loaded(scenario: Scenario, settings: dict[str, Any] | None) -> dict[str, LoadedAgent]:
    return {
        agent: _with_settings(
            load_agent(agent, scenario.roles[agent], path, world=scenario.world, use=scenario.use.get(agent)),
            (settings or {}).get(agent, {}),
        )
        for agent, path in scenario.configs.items()
    }


def run_loaded(
    scenario: Scenario,
    loaded: Mapping[str, LoadedAgent],
    session: Session,
    results: Path | None = None,
    *,
    report: bool = True,
    seats: Mapping[str, float] | None = None,
    real_time: RealTime | None = None,
) -> Path:
    """Run agents of a scenario in threads, those of ``session`` (which may be fewer), and return the folder of the run.

    Parameters
    ----------
    results : where that folder lies; by default in the scenario's ``results``.
    report : False: no report is written, whatever ``broker.yaml`` says.
    seats : agents that a person plays, and how long an answer may take, s (`federates.seat`).
    real_time : how fast simulated time goes; None: as fast as it may.

    Raises
    ------
    ConfigError : somebody cannot have a seat.
    FederationError : an agent failed; the message names it.
    """
    identity = _identity(scenario, session, results, report=report, seats=seats, real_time=real_time)
    return _complete(identity, loaded, session.model_copy(update={"run_id": identity.run_id}))


def _identity(
    scenario: Scenario,
    session: Session,
    results: Path | None,
    *,
    report: bool,
    seats: Mapping[str, float] | None,
    real_time: RealTime | None,
) -> RunIdentity:
    if problems := seat_problems(scenario, seats):
        raise ConfigError(problems)
    broker = scenario.broker.model_copy(update={"core_type": "inproc", "report": scenario.broker.report and report})
    place = scenario.folder, broker, str(scenario.broker_file)
    agents = session.world, session.roster
    return new_identity(*place, *agents, label=_LABEL, results=results, seats=seats, real_time=real_time)


@dataclass(frozen=True)
class _Object:
    """An agent that is there already, in place of a `LoadedAgent`."""

    agent: str
    role: str
    plugin: Plugin

    def create(self) -> Plugin:
        return self.plugin

    def resolved(self) -> dict[str, Any]:
        settings = self.plugin.settings
        shown = settings.model_dump(mode="json") if isinstance(settings, Config) else repr(settings)
        return {class_key(self.role): type(self.plugin).__name__, "settings": shown}


def run_objects(session: Session, agents: Mapping[str, Plugin], results: Path, *, report: bool = True) -> Path:
    """Run agents that are objects, one for each of the session's, and return the folder of the run in ``results``.

    Parameters
    ----------
    report : whether to write its pages.

    Raises
    ------
    FederationError : an agent failed; the message names it.
    """
    roles = session.roster
    loaded = {name: _Object(name, role, agents[name]) for name, role in roles.items()}
    broker = BrokerConfig(schema_version=1, core_type="inproc", report=report)
    identity = new_identity(results, broker, "broker", session.world, roles, label=_LABEL)
    return _complete(identity, loaded, session.model_copy(update={"run_id": identity.run_id}))


def _complete(identity: RunIdentity, loaded: Mapping[str, Any], session: Session) -> Path:
    """Run agents as threads and return the folder of the run, which is complete."""
    started = time.time()
    try:
        with owner_only():
            failures = _run_threads(identity, loaded, session)
            record = finalize_run(identity, started)
    except BaseException as error:
        mark_failed(identity, started, f"the run was ended by {type(error).__name__}: {error}")
        raise
    if record["status"] != "complete":
        cause = next((e for e in failures.values() if not isinstance(e, FederationError)), None)
        raise FederationError(str(record["failure"])) from cause
    return Path(identity.run_folder)


def refuse_executables(scenario: Scenario) -> None:
    """Raise `ConfigError` for every agent that is not a class: nobody would take its place."""
    foreign = [entry for entry in scenario.entries if entry.name in scenario.agents and entry.name not in scenario.configs]
    allowed = "an executable needs a process of its own: use `portage run`, or name a class"
    if foreign:
        file = shown(scenario.runner)
        raise ConfigError([Problem(file, f"{entry.name}.exec", " ".join(entry.command), allowed) for entry in foreign])


def _with_settings(loaded: LoadedAgent, changes: dict[str, Any]) -> LoadedAgent:
    if not changes:
        return loaded
    given = json.loads(loaded.settings.model_dump_json(exclude_unset=True))
    merged = parse_config({**given, **changes}, type(loaded.settings), f"settings of {loaded.agent}")
    return replace(loaded, settings=merged)


def _run_threads(identity: RunIdentity, loaded: Mapping[str, Any], session: Session) -> dict[str, Exception]:
    failures: dict[str, Exception] = {}

    def live(agent: LoadedAgent) -> None:
        failure = run_agent(agent, identity, session if agent.role == Role.COORDINATOR else None)
        if failure is not None:
            failures[agent.agent] = failure

    identity, registrar = with_registrar(identity)
    with Broker(identity, barrier=True) as broker:
        broker.join_barrier()
        watch = TopologyMonitor(broker, identity, registrar)
        # Daemons, for nobody can end a thread: one whose agent never comes back must not keep the program from ending.
        threads = [threading.Thread(target=live, args=(agent,), name=agent.agent, daemon=True) for agent in loaded.values()]
        for thread in threads:
            thread.start()
        while (alive := [thread for thread in threads if thread.is_alive()]) and not failures:
            if (breach := watch.look()) is not None:
                broker.fail(breach)
                break
            alive[0].join(_POLL_S if broker.barrier_open else _BARRIER_POLL_S)
        end_s = time.monotonic() + _GRACE_S
        for thread in threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        watch.close()
    return failures
