"""Set dotted keys in a copy of a scenario, and find out before the sweep whether all of them can be set."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from federates.boundary.config import read_yaml
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.session import Session
from federates.runs.scenario import Scenario, load_scenario, shown
from federates.runtime.agent import load_session
from federates.runtime.plugins import load_agent
from federates.sweep.spec import Point, Sweep

_SESSION = "scenario"
"""First part of a key of ``scenario.yaml``; the first part of any other key is an agent."""


def apply_changes(folder: Path, point: Point) -> None:
    """Set a point's scheme and values in the copy of the scenario in ``folder``.

    Raises
    ------
    ConfigError : a key leads through something that is no mapping or list.
    """
    scenario = load_scenario(folder)
    for owner, changes in _by_owner(point).items():
        path = scenario.session_file if owner == _SESSION else scenario.configs[owner]
        data = read_yaml(path, path.name)
        for key, value in changes.items():
            problem = _set(data, key.split("."), value)
            if problem is not None:
                raise ConfigError([Problem(path.name, f"{owner}.{key}", json.dumps(value), problem)])
        path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")


def check_changes(sweep: Sweep) -> list[Problem]:
    """Return everything that is wrong with the keys and values of a sweep, as the agents' own settings see it."""
    problems = [problem for key in sweep.spec.vary if (problem := _key_problem(sweep, key)) is not None]
    if problems:
        return problems
    found: list[Problem] = []
    with tempfile.TemporaryDirectory(prefix="portage-sweep-") as folder:
        checked: set[str] = set()
        for number, point in enumerate(sweep.points):
            wanted = json.dumps([point.scheme, point.changes], sort_keys=True)
            if wanted not in checked:
                checked.add(wanted)
                found += _point_problems(sweep, point, Path(folder) / str(number))
    return list(dict.fromkeys(found))


def _by_owner(point: Point) -> dict[str, dict[str, Any]]:
    """Return the changes of ``scenario.yaml`` and of every agent, without the first part of their keys."""
    out: dict[str, dict[str, Any]] = {_SESSION: {"scheme": point.scheme}}
    for key, value in point.changes.items():
        owner, _, rest = key.partition(".")
        out.setdefault(owner, {})[rest] = value
    return out


def _set(data: Any, path: list[str], value: Any) -> str | None:
    """Set a value deep inside mappings and lists; return what is wrong if it cannot be done.

    A mapping on the way that is not there is made: the file may leave it to its default.
    """
    for depth, part in enumerate(path):
        last, where = depth == len(path) - 1, ".".join(path[:depth])
        if isinstance(data, list):
            if not part.isdigit() or int(part) >= len(data):
                return f"{where} is a list of {len(data)}: the next part must be a number from 0 to {len(data) - 1}"
            index: Any = int(part)
        elif isinstance(data, dict):
            index = part
        else:
            return f"{where} is {json.dumps(data, default=str)}, neither a mapping nor a list: the key must end there"
        if last:
            data[index] = value
        elif isinstance(data, dict):
            data = data.setdefault(index, {})
            if data is None:
                return f"{'.'.join(path[: depth + 1])} is empty in the file: set it to a mapping there first"
        else:
            data = data[index]
    return None


def _key_problem(sweep: Sweep, key: str) -> Problem | None:
    owner, _, rest = key.partition(".")
    owners = [_SESSION, *sweep.scenario.configs]
    values = json.dumps(sweep.spec.vary[key][0])
    if owner not in owners:
        allowed = f"the first part must be one of {', '.join(owners)}"
    elif not rest or "" in rest.split("."):
        allowed = (
            f"must go on with a key of the {'public agreement' if owner == _SESSION else 'agent'}, such as {owner}.settings.key"
        )
    elif key == f"{_SESSION}.scheme":
        allowed = "give schemes instead"
    else:
        return None
    return Problem(sweep.shown, f"vary.{key}", values, allowed)


def _point_problems(sweep: Sweep, point: Point, folder: Path) -> Iterable[Problem]:
    """Yield what is wrong with one point: the changed files as the classes of the agents see them."""
    copy = sweep.packed.unpack(folder)
    try:
        apply_changes(copy, point)
    except ConfigError as error:
        return [_named(sweep, point, problem.field, problem) for problem in error.problems]
    scenario = load_scenario(copy)
    try:
        session = load_session(scenario.session_file, shown_as=shown(sweep.scenario.session_file))
    except ConfigError as error:
        return [_named(sweep, point, f"{_SESSION}.{problem.field}", problem) for problem in error.problems]
    found: list[Problem] = []
    changed = _by_owner(point)
    for owner in changed.keys() - {_SESSION}:
        problems = _agent_problems(sweep.scenario, scenario, owner, session, changed[owner])
        found += [_named(sweep, point, f"{owner}.{problem.field}", problem) for problem in problems]
    return found


def _agent_problems(
    original: Scenario, copy: Scenario, agent: str, session: Session, changed: Mapping[str, Any]
) -> list[Problem]:
    file = shown(original.configs[agent])
    try:
        loaded = load_agent(agent, original.roles[agent], copy.configs[agent], file)
    except ConfigError as error:
        return error.problems
    folder = original.configs[agent].parent
    unused = [
        Problem(file, key, json.dumps(value), f"is a setting of {', '.join(names)}, which {loaded.name} does not use")
        for key, value in changed.items()
        for aside, names in loaded.set_aside.items()
        if f"{key}.".startswith(f"settings.{aside}.")
    ]
    return unused + [
        Problem(shown(folder / p.file), p.field, p.value, p.allowed)
        for p in loaded.cls.check(loaded.settings, loaded.folder, session)
    ]


def _named(sweep: Sweep, point: Point, full_key: str, problem: Problem) -> Problem:
    """Return the problem under the name of the swept key that caused it, if one did; ``full_key`` is the key where it shows."""
    for key, value in point.changes.items():
        if full_key == key or full_key.startswith(f"{key}.") or key.startswith(f"{full_key}."):
            allowed = f"{problem.allowed} ({problem.file}: {problem.field})"
            return Problem(sweep.shown, f"vary.{key}", json.dumps(value), allowed)
    return problem


def values_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes as cells of a table: a list or a mapping becomes its JSON text."""
    return {key: json.dumps(value) if isinstance(value, (list, dict)) else value for key, value in changes.items()}
