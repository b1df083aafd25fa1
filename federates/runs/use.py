"""The option ``--use AGENT=CLASS``: another class for an agent in this run, without a change of its ``config.yaml``."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.runs.scenario import Scenario, shown

_FILE_CLASS = re.compile(r"^(?P<file>.+\.py):(?P<cls>[A-Za-z_]\w*)$")


def used_classes(scenario: Scenario, use: Mapping[str, str] | None) -> dict[str, str]:
    """Return the class to use by agent: a short name, or ``module:Class``; ``file.py:Class`` becomes that.

    Raises
    ------
    ConfigError : there is no such agent, it is played by an executable, or the file is not one that the agent may read.
    """
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for name, cls in (use or {}).items():
        problem, module = _module(scenario, name, cls)
        if problem:
            problems.append(Problem("command line", "--use", f"{name}={cls}", problem))
        else:
            found[name] = module
    if problems:
        raise ConfigError(problems)
    return found


def _module(scenario: Scenario, agent: str, cls: str) -> tuple[str, str]:
    """Return what is wrong, or an empty text, and the class as an agent's own configuration would name it."""
    if agent not in scenario.agents:
        near = difflib.get_close_matches(agent, scenario.agents, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{hint}the agents of this scenario are {', '.join(scenario.agents)}", ""
    if agent not in [entry.name for entry in scenario.entries]:
        return f"{agent} runs on another host: give its class to `portage join` there", ""
    if agent not in scenario.configs:
        module = f"federates.{scenario.roles[agent]}"
        return f"{agent} is an executable in {shown(scenario.runner)}: name python -m {module} there first", ""
    if not cls:
        return "must be AGENT=CLASS", ""
    in_file = _FILE_CLASS.match(cls)
    if in_file is None:
        return "", cls
    own = scenario.configs[agent].parent
    for path in (Path(in_file["file"]), own / in_file["file"], scenario.folder / in_file["file"]):
        if os.path.isfile(path) and path.resolve().parent in (own, scenario.folder):
            return "", f"{path.stem}:{in_file['cls']}"
    places = f"{shown(own)} or {shown(scenario.folder)}"
    return f"the file must lie in {places}: an agent reads nothing else", ""
