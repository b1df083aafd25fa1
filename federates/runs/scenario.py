"""A scenario as files: ``runner.json``, ``scenario.yaml``, ``broker.yaml`` and one folder per agent."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federates.boundary.config import load_config, read_yaml
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.json_text import read_json
from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.world import played_as, world_names, world_of
from federates.executable.arguments import DEFAULT_SESSION, Arguments, parse_arguments
from federates.runtime.broker_config import BrokerConfig

BROKER = "broker"
_HERE = ("localhost", "127.0.0.1", "::1")
AGENT_MODULE = "federates.agent"
"""Module that runs an agent of any role: ``python -m federates.agent ROLE``."""
WRAPPER = "federates.executable"
"""Module that runs an executable in any language as an agent."""
_TEXT = "must be a text, of whole characters and without a null byte"


@dataclass(frozen=True, slots=True)
class FederateEntry:
    """One process of ``runner.json``: its name, working folder and command."""

    name: str
    directory: Path
    command: tuple[str, ...]
    env: dict[str, str]

    def option(self, flag: str, default: str) -> Path:
        """Return the path that stands behind ``flag`` on the command line, or ``default``, seen from the working folder."""
        words = self.words
        value = words[words.index(flag) + 1] if flag in words[:-1] else default
        return Path(os.path.realpath(self.directory / value))

    @property
    def words(self) -> list[str]:
        """Return our part of the command with ``--option=value`` as two words."""
        return split_options(self._ours)

    @property
    def module(self) -> str | None:
        """Return the module of a ``python -m module`` command, or None for another executable."""
        words = list(self.command)
        return words[words.index("-m") + 1] if "-m" in words[:-1] else None

    @property
    def is_ours(self) -> bool:
        """Whether one of our modules is the agent, and no executable."""
        return self.module is not None and self.module.startswith("federates.") and self.module != WRAPPER

    def executable(self, file: str) -> Arguments | None:
        """Return what the wrapper of an executable is told, None for any other command.

        Raises
        ------
        ConfigError : the wrapper would refuse it; ``file`` is the name that the error shows.
        """
        if self.module != WRAPPER:
            return None
        words = list(self.command[self.command.index(WRAPPER) + 1 :])
        return parse_arguments(words, file, f"{self.name}.exec")

    @property
    def _ours(self) -> tuple[str, ...]:
        """Return the command without the part that is an executable's own."""
        if self.module != WRAPPER or "--" not in self.command:
            return self.command
        return self.command[: self.command.index("--")]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario whose ``runner.json`` and ``broker.yaml`` are sound; the agents' own files are not read yet.

    ``roles`` has the role of every agent by its name, ``configs`` the configuration file of every agent that runs as one of our
    modules, ``use`` the class that takes the place of the one named there (option ``--use``). ``notes`` are words about what is
    not wrong, but may not be meant.
    """

    folder: Path
    runner: Path
    name: str
    entries: tuple[FederateEntry, ...]
    broker: BrokerConfig
    broker_file: Path
    session_file: Path
    world: str
    roles: dict[str, str]
    configs: dict[str, Path]
    use: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    given: Path = Path()
    """The folder as it was given."""

    @property
    def agents(self) -> tuple[str, ...]:
        """Return the names of the agents that take part, in the order of the public agreement."""
        return tuple(self.roles)

    def entry(self, agent: str) -> FederateEntry:
        """Return the process of an agent."""
        return next(entry for entry in self.entries if entry.name == agent)


def agents_of(runner: Path) -> tuple[str, dict[str, str]]:
    """Return the world of a ``runner.json``, and the agents that it starts: name to role.

    Only this is looked at: what else `helics run` starts is not the broker's to judge.

    Raises
    ------
    ConfigError : the file is missing or malformed, or its agents are not those of the public agreement.
    """
    if not os.path.isfile(runner):  # no file either if its name is too long for one
        raise ConfigError(
            [Problem(shown(runner), "(file)", "missing", "must be the scenario's runner.json, or named by --runner")]
        )
    listed = read_json(runner, shown(runner)).get("federates")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    names = [str(entry.get("name")) for entry in entries]
    coordinator = next((entry for entry in entries if entry.get("name") == Role.COORDINATOR), {})
    found = _entry(coordinator, 0, runner, [])
    world, roles = roster(_session_file(found) if found is not None else runner.parent / "scenario.yaml", names)
    known = {role for name in world_names() for role in world_of(name).roles}
    missing = [name for name in roles if name not in names]
    surplus = [name for name in names if name in known and name not in roles]
    if missing or surplus:
        said = [f"{name} is missing" for name in missing] + [f"{name} is no agent there" for name in surplus]
        allowed = f"must be those of the agreement, whose world is {world}: {', '.join(roles)}; {', '.join(said)}"
        raise ConfigError([Problem(shown(runner), "federates", ", ".join(names) or "no agent", allowed)])
    return world, roles


def roster(session_file: Path, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return world and agents (name to role) of a public agreement.

    What is wrong in it is said where it is read in full; what cannot be told is then guessed from the ``names`` that are started.
    """
    try:
        data = read_yaml(session_file)
        world = world_of(str(played_as(data)))
        listed = data.get("agents")
        if not listed:
            return world.name, {role: role for role in map(str, world.roles)}
        return world.name, {str(agent["name"]): str(agent["role"]) for agent in listed}
    except (ConfigError, KeyError, TypeError):
        guess = world_of(ROAD if Role.TRAFFIC in names else RAIL)
        return guess.name, {role: role for role in map(str, guess.roles)}


def load_scenario(folder: Path, problems: list[Problem] | None = None, elsewhere: Collection[str] = frozenset()) -> Scenario:
    """Read ``runner.json`` and ``broker.yaml`` of a scenario.

    Parameters
    ----------
    problems : where to put what is wrong with ``broker.yaml``, so that the other files can be looked at too.
    elsewhere : agents that run on other hosts, whose folders need not be here; they have no entry then.

    Raises
    ------
    ConfigError : a file is missing or malformed, or an agent has no entry.
    """
    runner = folder / "runner.json" if os.path.isdir(folder) or folder.suffix != ".json" else folder
    data = read_json(runner, shown(runner))
    entries, world, roles = _entries(data, runner, elsewhere)
    by_name = {entry.name: entry for entry in entries}
    broker_file = by_name[BROKER].option("--config", "../../broker.yaml")
    return Scenario(
        folder=runner.parent.resolve(),
        given=folder,
        runner=runner.resolve(),
        name=str(data["name"]),
        entries=entries,
        broker=_load_broker(broker_file, problems),
        broker_file=broker_file,
        session_file=_session_file(by_name[Role.COORDINATOR.value]),
        world=world,
        roles=roles,
        configs={
            agent: by_name[agent].option("--config", "config.yaml")
            for agent in roles
            if agent in by_name and by_name[agent].is_ours
        },
    )


def split_options(words: Sequence[str]) -> list[str]:
    """Return the words with ``--option=value`` as two."""
    return [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]


def overrides_problems(scenario: Scenario, overrides: dict[str, str] | None) -> list[Problem]:
    """Return a problem if ``overrides`` of the agreement would reach nobody: an executable reads it from the file."""
    coordinator = next(entry for entry in scenario.entries if entry.name == Role.COORDINATOR.value)
    if not overrides or coordinator.module != WRAPPER:
        return []
    allowed = f"the coordinator is an executable, which is not told of changes: change {shown(scenario.session_file)} itself"
    return [Problem("command line", "--set", ", ".join(f"{key}={value}" for key, value in overrides.items()), allowed)]


def _load_broker(path: Path, problems: list[Problem] | None) -> BrokerConfig:
    try:
        broker = load_config(path, BrokerConfig, shown(path))
        if broker.core_type == "inproc":
            allowed = "must be zmq, tcp or tcpss: inproc joins nothing but the threads of one process"
            raise ConfigError([Problem(shown(path), "core_type", "'inproc'", allowed)])
        return broker
    except ConfigError as error:
        if problems is None:
            raise
        problems += error.problems
        return BrokerConfig(schema_version=1)


def _session_file(coordinator: FederateEntry) -> Path:
    return coordinator.option("--session", DEFAULT_SESSION)


def _entries(
    data: dict[str, Any], runner: Path, elsewhere: Collection[str]
) -> tuple[tuple[FederateEntry, ...], str, dict[str, str]]:
    """Return the processes that are started here, and world and agents of the public agreement, which all of them are."""
    file = shown(runner)
    problems: list[Problem] = []
    for key in ("name", "federates"):
        if key not in data:
            problems.append(Problem(file, key, "missing", "this key is required"))
    if "name" in data and not (isinstance(data["name"], str) and re.fullmatch(r"[A-Za-z0-9_.\- ]{1,80}", data["name"])):
        allowed = "must be a text of letters, digits, spaces, _, . and -, at most 80"
        problems.append(Problem(file, "name", repr(data["name"])[:60], allowed))
    if "broker" in data and data["broker"] is not False:
        allowed = "must be absent or false: Portage runs its own broker as an entry of federates"
        problems.append(Problem(file, "broker", str(data["broker"]), allowed))
    listed = data.get("federates", [])
    if not isinstance(listed, list):
        problems.append(Problem(file, "federates", str(listed)[:60], "must be a list of processes"))
        listed = []
    entries = [entry for i, raw in enumerate(listed) if (entry := _entry(raw, i, runner, problems, elsewhere)) is not None]
    names = [entry.name for entry in entries]
    coordinator = next((entry for entry in entries if entry.name == Role.COORDINATOR), None)
    world, roles = roster(runner.parent / "scenario.yaml" if coordinator is None else _session_file(coordinator), names)
    _check_names(names, world, [BROKER, *roles], file, problems)
    if problems:
        raise ConfigError(problems)
    return tuple(entry for entry in entries if entry.name not in elsewhere), world, roles


def entries_of(runner: Path, agents: Collection[str]) -> tuple[tuple[FederateEntry, ...], list[Problem]]:
    """Return the processes of some agents, whose folders are here, and what is wrong with them; of others nothing is looked at.

    Raises
    ------
    ConfigError : the file is missing or no JSON.
    """
    listed = read_json(runner, shown(runner)).get("federates")
    problems: list[Problem] = []
    found = {
        entry.name: entry
        for index, raw in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(raw, dict) and raw.get("name") in agents
        if (entry := _entry(raw, index, runner, problems)) is not None
    }
    if missing := [agent for agent in agents if agent not in found]:
        problems.append(Problem(shown(runner), "federates", ", ".join(missing), "is missing: no process has this name"))
    return tuple(found[agent] for agent in agents if agent in found), problems


def _entry(
    raw: Any, index: int, runner: Path, problems: list[Problem], elsewhere: Collection[str] = frozenset()
) -> FederateEntry | None:
    file, where = shown(runner), f"federates[{index}]"
    if not isinstance(raw, dict):
        problems.append(Problem(file, where, str(raw)[:60], "must be an object with name, directory and exec"))
        return None
    known = {"name", "directory", "exec", "host", "env"}
    problems += [
        Problem(file, f"{where}.{k}", str(raw[k])[:60], f"unknown key; allowed: {', '.join(sorted(known))}")
        for k in raw
        if k not in known
    ]
    if raw.get("host", "localhost") not in _HERE:
        problems.append(
            Problem(
                file,
                f"{where}.host",
                repr(raw["host"])[:60],
                "must be localhost: other hosts are named by hosts.yaml (portage run --hosts)",
            )
        )
    missing = [key for key in ("name", "directory", "exec") if not _is_text(raw.get(key))]
    problems += [Problem(file, f"{where}.{key}", repr(raw.get(key, "missing")), _TEXT) for key in missing]
    env = raw.get("env", {})
    if env_problems := _env_problems(env, file, f"{where}.env"):
        problems += env_problems
        env = {}
    if missing:
        return None
    directory = runner.parent / raw["directory"] if raw["name"] in elsewhere else _folder(runner.parent / raw["directory"])
    if directory is None:
        directory = runner.parent
        problems.append(Problem(file, f"{where}.directory", repr(raw["directory"])[:60], "this folder must exist"))
    try:
        command = tuple(shlex.split(raw["exec"]))
    except ValueError as error:
        problems.append(Problem(file, f"{where}.exec", raw["exec"][:60], f"must be a command: {error}"))
        return None
    return FederateEntry(raw["name"], directory, command, env)


def _env_problems(env: Any, file: str, field: str) -> list[Problem]:
    """Return what is wrong with the variables of a process, which the system would refuse when it is started."""
    if not (isinstance(env, dict) and all(isinstance(value, str) for value in env.values())):
        return [Problem(file, field, str(env)[:60], "must map names to texts")]
    names = f"a name {_TEXT}, and have no ="
    problems = [Problem(file, field, repr(name), names) for name in env if not _is_text(name) or "=" in name]
    values = f"the value {_TEXT}, or empty"
    return problems + [Problem(file, f"{field}.{name}", repr(env[name]), values) for name in env if not _can_be_told(env[name])]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _can_be_told(value)


def _can_be_told(text: str) -> bool:
    """Whether the system takes a text as a path, a word of a command or a variable."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # JSON may write one half of a character that has two, such as \ud800
        return False


def _folder(path: Path) -> Path | None:
    """Return the folder, or None if there is none of this name, or none can be (a null byte, a circle of links)."""
    try:
        return path.resolve() if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _check_names(names: list[str], world: str, wanted: list[str], file: str, problems: list[Problem]) -> None:
    for name in wanted:
        if names.count(name) != 1:
            problems.append(Problem(file, "federates", f"{names.count(name)} named {name!r}", "there must be exactly one"))
    for name in names:
        if name not in wanted:
            allowed = f"allowed names: {', '.join(wanted)}: the agreement's world is {world}"
            problems.append(Problem(file, "federates", f"name {name!r}", allowed))


def shown(path: Path) -> str:
    """Return the path as a user at this working folder would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (OSError, ValueError, RuntimeError):
        return str(path)
