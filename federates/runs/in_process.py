"""A whole run in this process: the same agents and loops, as threads around an in-process HELICS broker.

For tests and notebooks: no port, no child process (choose SUMO's engine ``libsumo`` for that), a debugger works. The results
are those of the run in processes.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from federates.boundary.errors import FederationError
from federates.boundary.session import Session
from federates.boundary.topics import Role
from federates.runs.broker_core import Broker
from federates.runs.finish import finish_run
from federates.runs.scenario import load_scenario
from federates.runs.start import new_identity
from federates.runtime.agent import load_session, run_agent
from federates.runtime.identity import RunIdentity
from federates.runtime.plugins import LoadedAgent, load_agent

__all__ = ["run_in_process"]


def run_in_process(
    scenario_folder: Path, overrides: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
) -> Path:
    """Run a scenario in threads and return the folder of its results.

    Parameters
    ----------
    scenario_folder : the folder with ``runner.json`` and ``scenario.yaml``.
    overrides : keys of ``scenario.yaml`` to change, such as ``{"scheme": "no_mves"}``.
    settings : settings to change per agent, such as ``{"traffic_sumo": {"engine": "libsumo"}}``.

    Raises
    ------
    ConfigError : anything in the scenario is wrong.
    FederationError : an agent failed; the message names it. ``run.json`` in the results says the same.
    """
    scenario = load_scenario(scenario_folder)
    loaded = {
        role: _with_settings(load_agent(role, path), (settings or {}).get(role.value, {}))
        for role, path in scenario.configs.items()
    }
    broker = scenario.broker.model_copy(update={"core_type": "inproc"})
    load_session(scenario.session_file, overrides)
    identity = new_identity(scenario.folder, broker, str(scenario.broker_file), scenario.agents, label="inproc")
    session = load_session(scenario.session_file, overrides, identity.run_id)
    started = time.time()
    failures = _run_threads(identity, loaded, session)
    record = finish_run(identity, started)
    if record["status"] != "complete":
        cause = next((e for e in failures.values() if not isinstance(e, FederationError)), None)
        raise FederationError(str(record["failure"])) from cause
    return Path(identity.run_folder)


def _with_settings(loaded: LoadedAgent, changes: dict[str, Any]) -> LoadedAgent:
    if not changes:
        return loaded
    merged = type(loaded.settings).model_validate({**json.loads(loaded.settings.model_dump_json(exclude_unset=True)), **changes})
    return LoadedAgent(loaded.role, loaded.name, loaded.cls, merged, loaded.folder)


def _run_threads(identity: RunIdentity, loaded: dict[Role, LoadedAgent], session: Session) -> dict[Role, Exception]:
    failures: dict[Role, Exception] = {}

    def live(agent: LoadedAgent) -> None:
        failure = run_agent(agent, identity, session if agent.role is Role.COORDINATOR else None, hard=False)
        if failure is not None:
            failures[agent.role] = failure

    with Broker(identity):
        threads = [threading.Thread(target=live, args=(agent,), name=agent.role.value) for agent in loaded.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return failures
