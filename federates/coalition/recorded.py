"""The day of a run once more, with fewer agents: the same classes, settings and data, but formula traffic, in this process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from federates import __version__
from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.world import World, parse_session, world_of
from federates.runs.in_process import refuse_executables, run_loaded
from federates.runs.reports import make_readable
from federates.runs.scenario import Scenario, load_scenario
from federates.runtime.plugins import LoadedAgent, class_key, load_agent
from federates.runtime.results import read_record
from federates.sweep.scenario_copy import PackedScenario

FLEET_ROLE, COMPANY = Role.MVES_FLEET.value, "company"
"""Role and class of the fleets that form coalitions."""
_FORMULA, _REPLACED = "bpr", ("sumo", "replay")
"""Class of the traffic model by formula, and the shipped ones that it takes the place of. A class of somebody else's stays."""


class RecordedDay:
    """What a run left of its day: its session and every agent's class and settings, on top of its scenario's folder.

    Parameters
    ----------
    run : folder of a complete run.
    scenario : folder of its scenario; by default the one in whose ``results`` the run lies.
    changes : keys of the session to change, such as ``{"periods": "6"}``.

    Raises
    ------
    PortageError : this is no run's folder, the run is not whole, or its world does not say what a day costs.
    ConfigError : the scenario is not there or has other agents by now, or a change is wrong.
    """

    def __init__(self, run: Path, scenario: Path | None = None, changes: Mapping[str, Any] | None = None) -> None:
        self.folder = run
        record = make_readable(run)
        if record.get("status") != "complete":
            why = record.get("failure") or f"status {record.get('status', 'not recorded')}"
            raise PortageError(f"{run}: the run is not whole ({why}); a coalition needs a day that came to its end")
        session = read_record(run / "session.json") or {}
        self._configuration: dict[str, Any] = read_record(run / "configuration.json") or {}
        self.scenario = _scenario(run, scenario)
        changed = {key: value for key, value in session.items() if key != "run_id"} | dict(changes or {})
        self.session: Session = parse_session(changed, f"{run.name}/session.json")
        self.world: World = world_of(self.session.world)
        if not self.world.costs:
            raise PortageError(
                f"{run}: the world {self.world.name} does not say where agents leave what a day costs (World.costs)"
            )
        _check_agents(self.scenario, self.session, self._configuration)

    @property
    def idle_scheme(self) -> str | None:
        """Return the scheme in which nothing is moved; None if the world has none."""
        for scheme in self.world.schemes:
            if self.world.moves_nothing(_changed(self.session, scheme=scheme)):
                return scheme
        return None

    def fleets(self, named: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the fleets that form coalitions: the ``named`` agents, by default all company fleets.

        Raises
        ------
        PortageError : there is none; a name is no agent's; or the day's scheme moves nothing.
        """
        names = [agent.name for agent in self.session.agents]
        if unknown := [name for name in named if name not in names]:
            raise PortageError(f"{self.folder}: has no agent {', '.join(unknown)}; it has {', '.join(names)}")
        if self.world.moves_nothing(self.session):
            raise PortageError(
                f"{self.folder}: in the scheme {getattr(self.session, 'scheme', '')} nothing is moved: nothing to share"
            )
        found = [name for name in names if name in named] if named else [n for n in names if self._is_company(n)]
        if not found:
            raise PortageError(
                f"{self.folder}: has no company fleet (role {FLEET_ROLE}, {class_key(FLEET_ROLE)} {COMPANY}); "
                f"its agents are {', '.join(names)}; name others with --player"
            )
        return tuple(found)

    def _is_company(self, agent: str) -> bool:
        said = self._configuration.get(agent) or {}
        return self.session.role_of(agent) == FLEET_ROLE and said.get(class_key(FLEET_ROLE)) == COMPANY

    def part(self, without: Collection[str] = (), scheme: str | None = None) -> Session:
        """Return the session without some agents (and what it says of them by name), or in another scheme.

        Raises
        ------
        ConfigError : the world cannot do without them.
        """
        data = self.session.model_dump(mode="json")
        data |= {key: {k: v for k, v in said.items() if k not in without} for key, said in data.items() if isinstance(said, dict)}
        data["agents"] = [agent for agent in data["agents"] if agent["name"] not in without]
        return _changed_data(data, self.session.world, **({} if scheme is None else {"scheme": scheme}))

    def run(self, session: Session, results: Path) -> Path:
        """Run the day of ``session`` in this process and return the folder of the run in ``results``.

        Raises
        ------
        FederationError : an agent failed; the message names it.
        """
        loaded = {name: self._load(name, role) for name, role in session.roster.items()}
        return run_loaded(self.scenario, loaded, session, results, report=False)

    @property
    def fingerprint(self) -> str:
        """Return a hash of all that a day's outcome depends on."""
        said = {"session": self.session.model_dump(mode="json"), "agents": self._configuration, "version": __version__}
        text = json.dumps(said | {"scenario": PackedScenario.of(self.scenario).sha256}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _load(self, agent: str, role: str) -> LoadedAgent:
        said = self._configuration[agent]
        name = str(said[class_key(role)])
        by_formula = role == Role.TRAFFIC and name in _REPLACED
        use = _FORMULA if by_formula else name
        loaded = load_agent(agent, role, self.scenario.configs[agent], world=self.world.name, use=use)
        if by_formula:
            return loaded  # with the settings of the agent's file: the run has recorded those of another class
        settings = parse_config(said["settings"], type(loaded.settings), f"{self.folder.name}/configuration.json: {agent}")
        return replace(loaded, settings=settings)


def _scenario(run: Path, scenario: Path | None) -> Scenario:
    folder = run.resolve().parents[1] if scenario is None else scenario
    if scenario is None and not (folder / "runner.json").is_file():
        raise ConfigError(
            [
                Problem(
                    "command line", "--scenario", "missing", f"must name the run's scenario: {run} lies in no scenario's results"
                )
            ]
        )
    found = load_scenario(folder)
    refuse_executables(found)
    return found


def _check_agents(scenario: Scenario, session: Session, configuration: Mapping[str, Any]) -> None:
    there = {name: role for name, role in scenario.roles.items() if name in scenario.configs}
    problems = [
        Problem(str(scenario.folder), "agents", name, "took part in the run, and must be in its scenario with the same role")
        for name, role in session.roster.items()
        if there.get(name) != role
    ]
    problems += [
        Problem("configuration.json", name, "missing", "the run must have recorded the agent's class and settings")
        for name in session.roster
        if not isinstance(configuration.get(name), dict)
    ]
    if problems:
        raise ConfigError(problems)


def _changed(session: Session, **changes: Any) -> Session:
    return _changed_data(session.model_dump(mode="json"), session.world, **changes)


def _changed_data(data: dict[str, Any], world: str, **changes: Any) -> Session:
    found: Session = parse_session(data | changes | {"world": world}, "session.json")
    return found
