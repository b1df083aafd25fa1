"""From the name in an agent's ``config.yaml`` to the class that does the work.

A name is either short (``charging_station``), found among the installed entry points of the role's group, ours included, or
``module:Class``, found in the agent's folder, the scenario's folder or the environment.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple

from pydantic import Field, create_model

from federates.boundary.config import Config, parse_config, read_yaml
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.installed import entry_points
from federates.boundary.names import SHIPPED, Role
from federates.boundary.roles import (
    ChargingStation,
    CoordinationAlgorithm,
    MvesFleet,
    Operator,
    Plugin,
    PowerOperator,
    Reporter,
    TrafficModel,
    TransportOperator,
    WorldModel,
)
from federates.boundary.world import world_names, world_of
from federates.runtime.set_aside import set_aside

_STANDARD: dict[str, tuple[str, type[Plugin]]] = {
    Role.POWER_OPERATOR: ("operator", PowerOperator),
    Role.TRANSPORT_OPERATOR: ("operator", TransportOperator),
    Role.TRAFFIC: ("model", TrafficModel),
    Role.COORDINATOR: ("algorithm", CoordinationAlgorithm),
    Role.MVES_FLEET: ("model", MvesFleet),
    Role.CHARGING_STATION: ("model", ChargingStation),
}


def _kind(role: str) -> tuple[str, type[Plugin]]:
    """Return key and base of a role; one that only its world knows is an operator, reports, or moves the world."""
    if role in _STANDARD:
        return _STANDARD[role]
    # All that ship know only the roles above; to load them takes an agent a sixth of its start.
    for name in sorted(world_names(), key=lambda name: name in SHIPPED):
        world = world_of(name)
        if role in world.models:
            return "model", WorldModel
        if role in world.reporters:
            return "model", Reporter
        if role in world.roles:
            break
    return "operator", Operator


def class_key(role: str) -> str:
    """Return the key of ``config.yaml`` that names the class of a role."""
    return _kind(role)[0]


def base_class(role: str) -> type[Plugin]:
    """Return the class from which the classes of a role are derived."""
    return _kind(role)[1]


class _AgentFile(Config):
    schema_version: Annotated[int, Field(ge=1, le=1)]
    settings: dict[str, Any] = Field(default_factory=dict)


_FILE: dict[str, type[Config]] = {
    key: create_model("_AgentFile", __base__=_AgentFile, **{key: (str, ...)})  # type: ignore[call-overload]
    for key in ("operator", "model", "algorithm")
}


@dataclass(frozen=True, slots=True)
class LoadedAgent:
    """A class found, its validated settings, and the agent's folder.

    ``set_aside`` are keys of the file's settings that this class does not know, with the names of the classes that do.
    """

    agent: str
    role: str
    name: str
    cls: type[Plugin]
    settings: Config
    folder: Path
    set_aside: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def create(self) -> Plugin:
        """Return a new instance."""
        return self.cls(self.settings, self.folder)

    def resolved(self) -> dict[str, Any]:
        """Return the configuration with every default filled in."""
        return {class_key(self.role): self.name, "settings": self.settings.model_dump(mode="json")}


def read_agent_file(role: str, config: Path, shown_as: str | None = None) -> dict[str, Any]:
    """Return what stands in an agent's ``config.yaml``, without importing the class that it names.

    Raises
    ------
    ConfigError : with everything that is wrong but for the settings, which only the class knows.
    """
    file = shown_as or str(config)
    data = read_yaml(config, file)
    parse_config(data, _FILE[class_key(role)], file)
    return data


def load_agent(
    agent: str, role: str, config: Path, shown_as: str | None = None, world: str | None = None, use: str | None = None
) -> LoadedAgent:
    """Return the class that ``config`` names, or ``use`` in its place (option ``--use``), and its settings.

    Raises
    ------
    ConfigError : with everything that is wrong in the file; only that the class cannot work in ``world``, if it cannot.
    """
    file = shown_as or str(config)
    data = read_yaml(config, file)
    folder, problems = config.resolve().parent, list[Problem]()
    try:
        parse_config(data, _FILE[class_key(role)], file)
    except ConfigError as error:
        problems += error.problems
    name = use or data.get(class_key(role))
    if not isinstance(name, str):
        raise ConfigError(problems)
    place = Place("command line", f"--use {agent}") if use else Place(file, class_key(role))
    cls = _find(role, name, folder, place)
    if world is not None and not cls.works_in(world):
        # Its settings are those of the other world: every one of them would be said to be wrong.
        allowed = f"works in the world {' or '.join(cls.worlds)} only, not in this scenario, whose world is {world}"
        raise ConfigError([place.problem(name, allowed)])
    kept, aside = _sorted_out(data.get("settings") or {}, cls, role)
    try:
        settings = _settings(kept, cls, file)
    except ConfigError as error:
        raise ConfigError(problems + error.problems) from None
    if problems:
        raise ConfigError(problems)
    return LoadedAgent(agent, role, name, cls, settings, folder, aside)


def _sorted_out(given: Any, cls: type[Plugin], role: str) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """Return the settings without those of other shipped classes of the role, and those."""
    if not isinstance(given, dict) or not set_aside(given, cls.Settings, {})[1].unknown:
        return given, {}
    shipped = [entry for entry in entry_points(group=f"portage.{role}") if entry.value.startswith("federates.")]
    others = {
        entry.name: other
        for entry in shipped
        if (other := entry.load()) is not cls and (not other.worlds or not cls.worlds or set(other.worlds) & set(cls.worlds))
    }
    kept, aside = set_aside(given, cls.Settings, {name: other.Settings for name, other in others.items()})
    return kept, aside.of_others


def _settings(data: dict[str, Any], cls: type[Plugin], file: str) -> Config:
    try:
        return parse_config(data, cls.Settings, file)
    except ConfigError as error:
        prefixed = [Problem(p.file, f"settings.{p.field}", p.value, p.allowed) for p in error.problems]
        raise ConfigError(prefixed) from None


class Place(NamedTuple):
    """Where a class is named: what an error shows."""

    file: str
    field: str

    def problem(self, name: str, allowed: str) -> Problem:
        """Return what is wrong with the name."""
        return Problem(self.file, self.field, repr(name), allowed)


def find_class(role: str, name: str, folder: Path, place: Place) -> object:
    """Return what ``name`` names: an entry point of the role's group, or ``module:Class`` of the folder or the environment.

    Raises
    ------
    ConfigError : nothing has that name. Whether what is found plays the role is not looked at.
    """
    if ":" in name:
        return _import(name, folder, place)
    known = {entry.name: entry for entry in entry_points(group=f"portage.{role}")}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        allowed = f"{hint}installed: {', '.join(sorted(known))}; or module:Class"
        raise ConfigError([place.problem(name, allowed)])
    found: object = known[name].load()
    return found


def _find(role: str, name: str, folder: Path, place: Place) -> type[Plugin]:
    found = find_class(role, name, folder, place)
    base = base_class(role)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError([place.problem(name, f"must be a class derived from {base.__name__}")])
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if found.state is not Plugin.state and found.restore is Plugin.restore:  # else it would be said after a crash
        missing.append("restore, for it has state")
    if missing:
        raise ConfigError([place.problem(name, f"the class must define: {', '.join(missing)}")])
    return found


def _import(name: str, folder: Path, place: Place) -> object:
    module_name, _, class_name = name.partition(":")
    try:
        module = load_module(module_name, folder, folder.parent)
    except Exception as error:
        allowed = (
            f"cannot be imported ({type(error).__name__}: {error}); put {module_name}.py into the agent's folder or install it"
        )
        raise ConfigError([place.problem(name, allowed)]) from None
    if not hasattr(module, class_name):
        names = sorted(n for n, v in vars(module).items() if isinstance(v, type) and v.__module__ == module.__name__)
        raise ConfigError([place.problem(name, f"{module_name} has no {class_name}; it defines: {', '.join(names)}")])
    return getattr(module, class_name)


def load_module(name: str, folder: Path, *others: Path) -> ModuleType:
    """Import a file of ``folder`` or of ``others`` under a name of its own, or an installed module.

    Two agents may each have an ``operator.py``, and neither folder stays on the search path, where it could hide
    installed modules or open one agent's folder to another. While a file of ``folder`` is imported this folder stands at
    the end of that path, so that it may import files beside it, at its top. Of the scenario's folder an agent may open no more
    than the one file.

    Raises
    ------
    Exception : whatever the module raises, and `ImportError` if there is none of that name.
    """
    for place in (folder, *others):
        path = place / f"{name}.py"
        if os.path.isfile(path):  # False for a name that is too long
            spec = importlib.util.spec_from_file_location(f"portage_{place.name}_{name}", path)
            if spec is None or spec.loader is None:
                raise ImportError(f"{path} is no Python module")
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            with _importing_beside(folder) if place == folder else contextlib.nullcontext():
                spec.loader.exec_module(module)
            return module
    return importlib.import_module(name)


@contextlib.contextmanager
def _importing_beside(folder: Path) -> Iterator[None]:
    """Let files of the agent's folder be imported; another agent's of the same name are others."""
    place = str(folder)
    before = set(sys.modules)
    sys.path.append(place)
    try:
        yield
    finally:
        del sys.path[len(sys.path) - 1 - sys.path[::-1].index(place)]
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and not name.startswith("portage_") and Path(file).is_relative_to(folder.parent):
                sys.modules[f"portage_{folder.name}_{name}"] = sys.modules.pop(name)
