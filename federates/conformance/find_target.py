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
from pathlib import Path
from typing import Any

from federates.boundary.config import Config, parse_config, read_yaml
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.exchange import Moment
from federates.boundary.installed import entry_points
from federates.boundary.roles import Operator, Plugin
from federates.boundary.world import world_names, world_of
from federates.conformance.call_recorder import Notes
from federates.conformance.class_target import ClassTarget, first_world
from federates.conformance.entries import Entries
from federates.conformance.kit import model_kit_of, small_session
from federates.conformance.target import Target
from federates.runs.scenario import Scenario, load_scenario
from federates.runtime.agent import load_session
from federates.runtime.broker_config import Limits
from federates.runtime.plugins import LoadedAgent, Place, class_key, find_class, load_agent

__all__ = ["Wanted", "find_target", "scenario_routes"]

_MODULE_CLASS = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
_FILE_CLASS = re.compile(r"^(?P<file>.+)\.py:(?P<cls>[A-Za-z_]\w*)$")
_NAME = re.compile(r"^[A-Za-z_]\w*$")
_COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Wanted:
    """What the command line says, beside role and target."""

    scenario: Path | None = None
    world: str | None = None
    settings: Path | None = None
    limit_s: float | None = None
    agent: str = ""
    """Which of several agents of the role; empty: the one whose config.yaml it is, else the first."""


def find_target(role: str, text: str, wanted: Wanted) -> Target:
    """Return what ``text`` means: ``module:Class``, ``file.py:Class``, a short name, a ``config.yaml``, or else a command.

    Raises
    ------
    ConfigError : it cannot be used; with everything that is wrong.
    """
    _refuse_unknown(role, wanted)
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


def _from_file(role: str, config: Path, wanted: Wanted, scenario: Scenario | None, limit_s: float) -> Target:
    found = load_agent(config.resolve().parent.name, role, config)
    session = _session(wanted, scenario, config.resolve().parent.parent / "scenario.yaml")
    session = session or small_session(wanted.world or first_world(found.cls, role))
    settings: Config | Mapping[str, Any] = _settings_file(wanted.settings) if wanted.settings else found.settings
    routes = _routes(role, scenario, session)
    known = [other.name for other in session.of_role(role)]
    agent = wanted.agent or (found.agent if found.agent in known else "")
    return ClassTarget(role, found.cls, settings, found.folder, session, limit_s, found.name, routes, agent)


def _from_name(
    role: str, name: str, wanted: Wanted, scenario: Scenario | None, limit_s: float, module_folder: Path | None = None
) -> Target:
    config = scenario.configs.get(_agent_of(role, scenario, wanted.agent)) if scenario is not None else None
    folder = config.parent if config is not None else _folder(role, scenario, wanted.agent)
    named = _named_in(role, config, name) if config is not None and wanted.settings is None else None
    # Last, for who loads the file once more makes another class of it, and a second process must find this one.
    cls = find_class(role, name, module_folder or folder, Place(_COMMAND_LINE, class_key(role)))
    if not isinstance(cls, type):
        raise ConfigError([Problem(_COMMAND_LINE, class_key(role), repr(name), "must be a class")])
    session = _session(wanted, scenario) or small_session(wanted.world or first_world(cls, role))
    settings: Config | Mapping[str, Any] | None = None
    if wanted.settings is not None:
        settings = _settings_file(wanted.settings)
    elif config is not None and named is not None:
        settings = _settings_in(config, name, cls, named)
    return ClassTarget(role, cls, settings, folder, session, limit_s, name, _routes(role, scenario, session), wanted.agent)


def _named_in(role: str, config: Path, name: str) -> LoadedAgent | None:
    """Return the agent that the scenario names; None if it cannot be loaded and is not the one with this ``name``."""
    try:
        return load_agent(config.parent.name, role, config)
    except ConfigError:
        if read_yaml(config).get(class_key(role)) == name:
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


def _from_command(role: str, text: str, wanted: Wanted, scenario: Scenario | None, limit_s: float) -> Target:
    command = shlex.split(text)
    if command and Path(command[0]).is_file() and shutil.which(command[0]) is None:
        raise ConfigError([Problem(_COMMAND_LINE, "target", repr(command[0]), "may not be executed; chmod +x would allow it")])
    if not command or shutil.which(command[0]) is None:
        near = difflib.get_close_matches(text, [entry.name for entry in entry_points(group=f"portage.{role}")], n=1)
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
    session = _session(wanted, scenario) or small_session(wanted.world or first_world(None, role))
    folder, broker = _folder(role, scenario, wanted.agent), scenario.broker if scenario is not None else None
    return ExecutableTarget(role, command, session, limit_s, folder, broker, agent=wanted.agent)


def _refuse_unknown(role: str, wanted: Wanted) -> None:
    """Raise `ConfigError` for a role or world that is none."""
    roles = sorted({str(known) for name in world_names() for known in world_of(name).roles})
    words = [("role", role, roles), ("--world", wanted.world, list(world_names()))]
    problems = [
        Problem(_COMMAND_LINE, field, repr(word), f"{word!r} is not one of {', '.join(known)}")
        for field, word, known in words
        if word is not None and word not in known
    ]
    if problems:
        raise ConfigError(problems)


def _agent_of(role: str, scenario: Scenario, wanted: str = "") -> str:
    """Return the agent that is ``wanted``, else the first of a role; the role itself if the scenario has none."""
    return wanted or next((agent for agent, other in scenario.roles.items() if other == role), role)


def _folder(role: str, scenario: Scenario | None, wanted: str) -> Path:
    return Path.cwd() if scenario is None else scenario.folder / _agent_of(role, scenario, wanted)


def _usual_limit_s(role: str, scenario: Scenario | None) -> float:
    """Return the limit that a run would set: ``limits`` of the scenario's ``broker.yaml``."""
    limits = scenario.broker.limits if scenario is not None else Limits()
    return limits.period_s if any(role in world_of(name).models for name in world_names()) else limits.answer_s


def _session(wanted: Wanted, scenario: Scenario | None, beside: Path | None = None) -> Any:
    """Return the scenario's session, or that of the scenario in which a ``config.yaml`` lies; None if there is neither."""
    if scenario is not None:
        session = load_session(scenario.session_file)
    elif beside is not None and beside.is_file():
        session = load_session(beside)
    else:
        return None
    if wanted.world is not None and wanted.world != session.world:
        raise ConfigError(
            [Problem(_COMMAND_LINE, "--world", repr(wanted.world), f"the scenario is of the world {session.world}")]
        )
    return session


def _settings_file(path: Path) -> dict[str, Any]:
    """Return the settings in a file: a whole ``config.yaml``, or its ``settings`` alone."""
    data = read_yaml(path)
    inner = data.get("settings", data) if "schema_version" in data else data
    if not isinstance(inner, dict):
        raise ConfigError([Problem(str(path), "settings", repr(inner), "must be a mapping of keys to values")])
    return inner


def _installed(role: str, name: str) -> bool:
    return any(entry.name == name for entry in entry_points(group=f"portage.{role}"))


def _routes(role: str, scenario: Scenario | None, session: Any) -> tuple[Any, ...]:
    return scenario_routes(scenario, session) if scenario is not None and role in world_of(session.world).models else ()


def scenario_routes(scenario: Scenario, session: Any) -> tuple[Any, ...]:
    """Return dispatches of an ordinary period that the scenario's own operator makes for its model; none if it cannot say.

    A traffic model knows which links join which; the public agreement does not say it.
    """
    world, kit = world_of(session.world), model_kit_of(session)
    told = (
        message for message in world.messages if message.moment is Moment.DISPATCH and set(message.hearers) & set(world.models)
    )
    teller = next(message.sender for message in told)
    agent = _agent_of(teller, scenario)
    if agent not in scenario.configs:
        return ()
    operator, view = load_agent(agent, teller, scenario.configs[agent]).create(), session.view(agent)
    if not isinstance(operator, Operator):
        return ()
    try:
        stage, entries = kit.stage(view, teller), Entries(view, teller, 0)
        operator.begin(view, Notes())
        operator.open_period(0, None)
        offered = operator.evaluate(kit.ordinary(view), stage.openings(0, {}))
        return tuple(operator.commit(stage.committed(entries.shaped(entries.flat(offered.quantities)))))
    except PortageError:
        return ()
