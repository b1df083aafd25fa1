"""Everything wrong with a scenario that can be found before a process starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.world import world_of
from federates.isolation.access import also_readable
from federates.reporting.published import PUBLISHED, read_published
from federates.runs.commands import command_problems, told_changes
from federates.runs.hosts import Hosts
from federates.runs.scenario import FederateEntry, Scenario, agents_of, load_scenario, overrides_problems, shown, split_options
from federates.runs.shadowing import shadowing_problems
from federates.runs.side_by_side import clashes
from federates.runs.use import used_classes
from federates.runtime.agent import load_session
from federates.runtime.broker_config import OVERHEAD_ROUNDS, BrokerConfig
from federates.runtime.identity import choose_port
from federates.runtime.plugins import LoadedAgent, class_key, load_agent

_RAIL_STEPS_PER_ROUND = 4
"""As many micro-steps of HELICS time as the coordinator allows one round at most."""


def check_scenario(
    folder: Path,
    overrides: dict[str, str] | None = None,
    use: Mapping[str, str] | None = None,
    hosts: Hosts | None = None,
) -> Scenario:
    """Return the scenario if it can run; ``use`` names other classes for some of its agents.

    Of a run over several ``hosts`` only what is on the broker's is looked at, which is this computer.

    Raises
    ------
    ConfigError : with every problem of every file, not only the first.
    """
    problems: list[Problem] = []
    scenario = load_scenario(folder, problems, _elsewhere(folder, hosts))
    problems += overrides_problems(scenario, overrides)
    used = _collect(problems, lambda: used_classes(scenario, use)) or {}
    notes: list[str] = []
    sound: dict[str, LoadedAgent] = {}
    changes = told_changes(scenario.entry(Role.COORDINATOR)) | (overrides or {})
    session = _collect(problems, lambda: load_session(scenario.session_file, changes, shown_as=shown(scenario.session_file)))
    _collect(problems, lambda: choose_port(scenario.broker, shown(scenario.broker_file)))
    for agent in scenario.broker.audit.readable:
        readable = partial(also_readable, scenario.broker.audit, agent, (scenario.folder,), shown(scenario.broker_file))
        _collect(problems, readable)
    for entry in scenario.entries:
        problems += command_problems(entry, scenario)
        problems += _folder_problems(entry, scenario)
    problems += shadowing_problems(scenario.entries)
    world = scenario.world
    problems += _published_problems(scenario, world)
    for agent, path in scenario.configs.items():
        if not path.is_relative_to(scenario.entry(agent).directory):
            continue  # already a problem; another agent's file is not even opened
        load = partial(load_agent, agent, scenario.roles[agent], path, shown(path), world, used.get(agent))
        loaded = _collect(problems, load)
        if loaded is not None:
            notes += _set_aside_notes(loaded, path)
            sound[agent] = loaded
            problems += _outside_paths(loaded, path)
            problems += _own_problems(loaded, _view(session, loaded), path) if session is not None else []
    problems += clashes(scenario, sound)
    if session is not None and session.network is not None and (foreign := _executables(scenario)):
        allowed = f"must be left out: {', '.join(foreign)} is an executable, and the network lies in what agents in Python hear"
        problems.append(Problem(shown(scenario.session_file), "network", "given", allowed))
    if session is not None and (allowed := _too_short(session, scenario.broker)):
        problems.append(Problem(shown(scenario.session_file), "period_s", f"{session.period_s:g}", allowed))
    if problems:
        raise ConfigError(problems)
    notes += [note for name, agent in sound.items() for note in _own_notes(agent, _view(session, agent), scenario.configs[name])]
    return replace(scenario, use=used, notes=tuple(notes))


def _elsewhere(folder: Path, hosts: Hosts | None) -> frozenset[str]:
    """Return the agents that are on other hosts; raise `ConfigError` if the hosts' agents are not the scenario's."""
    if hosts is None:
        return frozenset()
    if problems := hosts.agents_problems(agents_of(folder / "runner.json")[1]):
        raise ConfigError(problems)
    return hosts.elsewhere(hosts.file.broker)


def _executables(scenario: Scenario) -> list[str]:
    return [entry.name for entry in scenario.entries if entry.name in scenario.roles and entry.name not in scenario.configs]


def _view(session: Any, loaded: LoadedAgent) -> Any:
    """Return the session as the agent sees it; the coordinator and models see all."""
    return session if loaded.role == Role.COORDINATOR else session.view(loaded.agent)


def _set_aside_notes(loaded: LoadedAgent, config: Path) -> Iterator[str]:
    if loaded.set_aside:
        keys = ", ".join(loaded.set_aside)
        names = ", ".join(sorted({name for names in loaded.set_aside.values() for name in names}))
        yield f"{shown(config)}: {loaded.name} does not use these settings, which are of {names}: {keys}"


def _collect(problems: list[Problem], action: Any) -> Any:
    """Return what ``action`` returns; if it finds problems, keep them and return None."""
    try:
        return action()
    except ConfigError as error:
        problems += error.problems
        return None


def _published_problems(scenario: Scenario, world: str) -> list[Problem]:
    """Return what is wrong with what the scenario says about its data and a paper; no agent reads it, but every report does."""
    try:
        read_published(scenario.folder, world, shown(scenario.folder / PUBLISHED))
    except ConfigError as error:
        return error.problems
    return []


def _too_short(session: Session, broker: BrokerConfig) -> str:
    """Return what must hold if a period is too short for all that happens in it, else an empty text."""
    if world_of(session.world).models:
        least_s, words = 2 * broker.dispatch_offset_s, f"twice dispatch_offset_s = {broker.dispatch_offset_s:g} s of broker.yaml"
    else:
        least_s = broker.round_step_s * _RAIL_STEPS_PER_ROUND * (broker.max_rounds + OVERHEAD_ROUNDS)
        steps = f"round_step_s x {_RAIL_STEPS_PER_ROUND} x (max_rounds + {OVERHEAD_ROUNDS})"
        words = f"{steps} = {least_s:g} s of broker.yaml"
    return "" if session.period_s > least_s else f"must be more than {words}"


def _own_problems(loaded: LoadedAgent, session: Session, config: Path) -> list[Problem]:
    """Return what the class itself finds, with file names as the user knows them."""
    try:
        found = loaded.cls.check(loaded.settings, loaded.folder, session)
    except Exception as error:
        # A class for one world cannot make anything of the agreement of another.
        said = f"its check fails with this scenario, whose world is {session.world} ({type(error).__name__}: {error})"
        return [Problem(shown(config), class_key(loaded.role), repr(loaded.name), said)]
    return [Problem(shown(loaded.folder / p.file), p.field, p.value, p.allowed) for p in found]


def _own_notes(loaded: LoadedAgent, session: Session, config: Path) -> list[str]:
    """Return what the class itself finds that is not wrong, but may not be meant."""
    try:
        found = loaded.cls.notes(loaded.settings, loaded.folder, session)
    except Exception as error:
        return [f"{shown(config)}: the notes of {loaded.name} fail ({type(error).__name__}: {error})"]
    return [str(Problem(shown(loaded.folder / p.file), p.field, p.value, p.allowed)) for p in found]


def _folder_problems(entry: FederateEntry, scenario: Scenario) -> list[Problem]:
    """Return a problem if an agent is not in a folder of its own, or is given a file of another agent."""
    file = shown(scenario.runner)
    if entry.name not in scenario.roles:
        return []
    problems = []
    others = {other.directory: other.name for other in scenario.entries if other.name != entry.name}
    own = entry.directory
    if own in others and own != scenario.folder:
        problems.append(
            Problem(file, f"{entry.name}.directory", own.name, f"this is the folder of {others[own]}; each agent needs its own")
        )
    if own == scenario.folder or not own.is_relative_to(scenario.folder):
        problems.append(Problem(file, f"{entry.name}.directory", str(own), "must be a folder of its own inside the scenario"))
    for word in split_options(entry.command[1:]):
        if word.startswith("-") or ("/" not in word and not os.path.exists(own / word)):
            continue
        path = Path(os.path.realpath(own / word))
        if not path.is_relative_to(own) and path != scenario.session_file:
            problems.append(Problem(file, f"{entry.name}.exec", word, f"must lie in the agent's own folder, {own.name}/"))
    return problems


def _outside_paths(loaded: LoadedAgent, config: Path) -> Iterator[Problem]:
    """Yield a problem for every setting that points to a file outside the agent's folder."""
    for field, value in _texts(loaded.settings, "settings"):
        if not ("/" in value or "\\" in value or os.path.islink(loaded.folder / value)):
            continue
        if not _lies_in(loaded.folder, value):
            allowed = f"must lie in the agent's own folder, {loaded.folder.name}/: an agent may not read another's files"
            yield Problem(shown(config), field, value, allowed)


def _lies_in(folder: Path, name: str) -> bool:
    """Return whether a file lies in the folder, its links followed; not if that cannot be told (a null byte in its name)."""
    try:
        return Path(os.path.realpath(folder / name)).is_relative_to(folder)
    except ValueError:
        return False


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Config):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{field}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, f"{field}.{index}")
    elif isinstance(value, (str, Path)):
        yield field, str(value)
