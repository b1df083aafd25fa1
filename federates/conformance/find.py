"""From the words of a command line to what is to be tested, and in which session."""

from __future__ import annotations

import contextlib
import difflib
import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.config import Config, parse_config, read_yaml
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.names import ROAD, Role
from federates.boundary.roles import Plugin, TransportOperator
from federates.conformance.class_target import ClassTarget
from federates.conformance.life import Notes
from federates.conformance.partners import gate
from federates.conformance.sessions import builtin_session, world_of
from federates.conformance.target import Target
from federates.runs.scenario import Scenario, load_scenario
from federates.runtime.agent import load_session
from federates.runtime.broker_config import Limits
from federates.runtime.plugins import CLASS_KEY, LoadedAgent, Place, find_class, load_agent
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

__all__ = ["Wanted", "find_target", "scenario_routes"]

_MODULE_CLASS = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
_FILE_CLASS = re.compile(r"^(?P<file>.+)\.py:(?P<cls>[A-Za-z_]\w*)$")
_NAME = re.compile(r"^[A-Za-z_]\w*$")
_COMMAND_LINE = "command line"
_ORDINARY_VEH = 8.0


@dataclass(frozen=True)
class Wanted:
    """What the command line says, beside role and target."""

    scenario: Path | None = None
    world: World | None = None
    settings: Path | None = None
    limit_s: float | None = None


def find_target(role: Role, text: str, wanted: Wanted) -> Target:
    """Return what ``text`` means: ``module:Class``, ``file.py:Class``, a short name, a ``config.yaml``, or else a command.

    Raises
    ------
    ConfigError : it cannot be used; with everything that is wrong.
    """
    scenario = load_scenario(wanted.scenario) if wanted.scenario is not None else None
    limit_s = wanted.limit_s or _usual_limit_s(role, scenario)
    if text.endswith((".yaml", ".yml")):
        return _from_file(role, Path(text), wanted, scenario, limit_s)
    if in_file := _FILE_CLASS.match(text):
        module = Path(in_file["file"]).resolve()
        if not module.with_suffix(".py").is_file():
            raise ConfigError([Problem(_COMMAND_LINE, "target", repr(text), "this file must exist")])
        return _from_name(role, f"{module.name}:{in_file['cls']}", wanted, scenario, limit_s, module.parent)
    if _MODULE_CLASS.match(text) or (_NAME.match(text) and (_installed(role, text) or shutil.which(text) is None)):
        return _from_name(role, text, wanted, scenario, limit_s)
    return _from_command(role, text, wanted, scenario, limit_s)


def _from_file(role: Role, config: Path, wanted: Wanted, scenario: Scenario | None, limit_s: float) -> Target:
    found = load_agent(role, config)
    session = _session(wanted, scenario, config.resolve().parent.parent / "scenario.yaml")
    session = session or builtin_session(wanted.world or world_of(found.cls))
    settings: Config | Mapping[str, Any] = _settings_file(wanted.settings) if wanted.settings else found.settings
    routes = _routes(role, scenario, session)
    return ClassTarget(role, found.cls, settings, found.folder, session, limit_s, found.name, routes)


def _from_name(
    role: Role, name: str, wanted: Wanted, scenario: Scenario | None, limit_s: float, module_folder: Path | None = None
) -> Target:
    config = scenario.configs.get(role) if scenario is not None else None
    folder = config.parent if config is not None else (scenario.folder / role.value if scenario is not None else Path.cwd())
    named = _named_in(role, config, name) if config is not None and wanted.settings is None else None
    # Last, for who loads the file once more makes another class of it, and a second process must find this one.
    cls = find_class(role, name, module_folder or folder, Place(_COMMAND_LINE, CLASS_KEY[role]))
    if not isinstance(cls, type):
        raise ConfigError([Problem(_COMMAND_LINE, CLASS_KEY[role], repr(name), "must be a class")])
    session = _session(wanted, scenario) or builtin_session(wanted.world or world_of(cls))
    settings: Config | Mapping[str, Any] | None = None
    if wanted.settings is not None:
        settings = _settings_file(wanted.settings)
    elif config is not None and named is not None:
        settings = _settings_in(config, name, cls, named)
    return ClassTarget(role, cls, settings, folder, session, limit_s, name, _routes(role, scenario, session))


def _named_in(role: Role, config: Path, name: str) -> LoadedAgent | None:
    """Return the agent that the scenario names; None if it cannot be loaded and is not the one with this ``name``."""
    try:
        return load_agent(role, config)
    except ConfigError:
        if read_yaml(config).get(CLASS_KEY[role]) == name:
            raise
        return None


def _settings_in(config: Path, name: str, cls: type, named: LoadedAgent) -> Config | None:
    """Return the scenario's settings if they are those of ``cls``: it is the class ``named`` there, or derived from it."""
    if not issubclass(cls, Plugin):
        return None
    if named.name == name:
        return parse_config(json.loads(named.settings.model_dump_json(exclude_unset=True)), cls.Settings, str(config))
    with contextlib.suppress(ConfigError):
        if issubclass(cls, named.cls):
            return parse_config(read_yaml(config).get("settings") or {}, cls.Settings, str(config))
    return None


def _from_command(role: Role, text: str, wanted: Wanted, scenario: Scenario | None, limit_s: float) -> Target:
    command = shlex.split(text)
    if command and Path(command[0]).is_file() and shutil.which(command[0]) is None:
        raise ConfigError([Problem(_COMMAND_LINE, "target", repr(command[0]), "may not be executed; chmod +x would allow it")])
    if not command or shutil.which(command[0]) is None:
        near = difflib.get_close_matches(text, [entry.name for entry in entry_points(group=f"portage.{role.value}")], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        allowed = f"{hint}must be module:Class, file.py:Class, a short name, a config.yaml, or a command whose program exists"
        raise ConfigError([Problem(_COMMAND_LINE, "target", repr(text), allowed)])
    if wanted.settings is not None:
        allowed = "is for classes only: an executable reads what it needs itself"
        raise ConfigError([Problem(_COMMAND_LINE, "--settings", str(wanted.settings), allowed)])
    # Loads HELICS, which a class in this process does without.
    from federates.conformance.through_helics import ExecutableTarget

    program = Path(command[0])
    # Not resolved: the interpreter of a virtual environment is a link, and is another one without it.
    command[0] = str(program.absolute()) if program.exists() else command[0]
    session = _session(wanted, scenario) or builtin_session(wanted.world or ROAD)
    folder = scenario.folder / role.value if scenario is not None else Path.cwd()
    return ExecutableTarget(role, command, session, limit_s, folder, scenario.broker if scenario is not None else None)


def _usual_limit_s(role: Role, scenario: Scenario | None) -> float:
    """Return the limit that a run would set: ``limits`` of the scenario's ``broker.yaml``."""
    limits = scenario.broker.limits if scenario is not None else Limits()
    return limits.period_s if role == Role.TRAFFIC else limits.answer_s


def _session(wanted: Wanted, scenario: Scenario | None, beside: Path | None = None) -> RoadSession | RailSession | None:
    """Return the scenario's session, or that of the scenario in which a ``config.yaml`` lies; None if there is neither."""
    if scenario is not None:
        session = load_session(scenario.session_file)
    elif beside is not None and beside.is_file():
        session = load_session(beside)
    else:
        return None
    if wanted.world is not None and wanted.world != session.world:
        raise ConfigError(
            [Problem(_COMMAND_LINE, "--world", wanted.world.value, f"the scenario is of the world {session.world}")]
        )
    return session


def _settings_file(path: Path) -> dict[str, Any]:
    """Return the settings in a file: a whole ``config.yaml``, or its ``settings`` alone."""
    data = read_yaml(path)
    inner = data.get("settings", data) if "schema_version" in data else data
    if not isinstance(inner, dict):
        raise ConfigError([Problem(str(path), "settings", repr(inner), "must be a mapping of keys to values")])
    return inner


def _installed(role: Role, name: str) -> bool:
    return any(entry.name == name for entry in entry_points(group=f"portage.{role.value}"))


def _routes(role: Role, scenario: Scenario | None, session: RoadSession | RailSession) -> tuple[Departure, ...]:
    if role != Role.TRAFFIC or scenario is None or not isinstance(session, RoadSession):
        return ()
    return scenario_routes(scenario, session)


def scenario_routes(scenario: Scenario, session: RoadSession) -> tuple[Departure, ...]:
    """Return departures of an ordinary period by routes that the scenario's own transport operator takes; none if it cannot say.

    A traffic model knows which links join which; the public agreement does not say it.
    """
    config = scenario.configs.get(Role.TRANSPORT_OPERATOR)
    if config is None:
        return ()
    operator = load_agent(Role.TRANSPORT_OPERATOR, config).create()
    if not isinstance(operator, TransportOperator):
        return ()
    try:
        operator.begin(session, Notes())
        operator.open_period(0, None)
        offered = operator.evaluate(np.full(session.connection_shape, _ORDINARY_VEH), gate(session, 0)).connection_veh
        offered[:, :, 0] = np.floor(offered[:, :, 0] + 1e-9)
        return tuple(operator.commit(offered))
    except PortageError:
        return ()
