"""The option ``--use ROLE=CLASS``: another class for an agent in this run, without a change of its ``config.yaml``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.runs.scenario import Scenario, shown

__all__ = ["used_classes"]

_FILE_CLASS = re.compile(r"^(?P<file>.+\.py):(?P<cls>[A-Za-z_]\w*)$")


def used_classes(scenario: Scenario, use: Mapping[str, str] | None) -> dict[Role, str]:
    """Return the class to use by role: a short name, or ``module:Class``; ``file.py:Class`` becomes that.

    Raises
    ------
    ConfigError : there is no such role, it is played by an executable, or the file is not one that the agent may read.
    """
    problems: list[Problem] = []
    found: dict[Role, str] = {}
    for name, cls in (use or {}).items():
        problem, module = _module(scenario, name, cls)
        if problem:
            problems.append(Problem("command line", "--use", f"{name}={cls}", problem))
        else:
            found[Role(name)] = module
    if problems:
        raise ConfigError(problems)
    return found


def _module(scenario: Scenario, role: str, cls: str) -> tuple[str, str]:
    """Return what is wrong, or an empty text, and the class as an agent's own configuration would name it."""
    if role not in scenario.agents:
        near = difflib.get_close_matches(role, scenario.agents, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{hint}the agents of this scenario are {', '.join(scenario.agents)}", ""
    if Role(role) not in scenario.configs:
        return f"{role} is an executable in {shown(scenario.runner)}: name python -m federates.{role} there first", ""
    if not cls:
        return "must be ROLE=CLASS", ""
    in_file = _FILE_CLASS.match(cls)
    if in_file is None:
        return "", cls
    own = scenario.configs[Role(role)].parent
    for path in (Path(in_file["file"]), own / in_file["file"], scenario.folder / in_file["file"]):
        if path.is_file() and path.resolve().parent in (own, scenario.folder):
            return "", f"{path.stem}:{in_file['cls']}"
    places = f"{shown(own)} or {shown(scenario.folder)}"
    return f"the file must lie in {places}: an agent reads nothing else", ""
