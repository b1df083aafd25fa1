"""What is wrong with the commands of a ``runner.json``, found without running them."""

from __future__ import annotations

import importlib.util
import itertools
import os

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.executable.arguments import find_program, search_path
from federates.runs.scenario import AGENT_MODULE, WRAPPER, FederateEntry, Scenario, shown, split_options

_PYTHON = ("python", "python3")
_SHELL_WORDS = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1"}
_OPTIONS = {"broker": {"--config", "--runner"}, Role.COORDINATOR.value: {"--config", "--session", "--set", "--use"}}


def command_problems(entry: FederateEntry, scenario: Scenario) -> list[Problem]:
    """Return what is wrong with the command of a process, as far as that can be seen without running it."""
    file, where = shown(scenario.runner), f"{entry.name}.exec"
    if not entry.command:
        return [Problem(file, where, "''", "must be a command")]
    for_a_shell = [word for word in entry.command if word in _SHELL_WORDS or "$(" in word or "`" in word]
    if for_a_shell and entry.module != WRAPPER:
        return [Problem(file, where, " ".join(for_a_shell), "no shell reads this command; put what needs one into a program")]
    # `portage run` starts `python` as the interpreter that runs it, whatever the PATH says.
    if entry.command[0] in _PYTHON:
        return _module_problems(entry, scenario, file, where) if entry.module else _script_problems(entry, file, where)
    if find_program(entry.command[0], entry.directory, search_path()) is None:
        allowed = f"this program was not found: neither in {entry.directory.name}/, executable, nor on the PATH"
        return [Problem(file, where, entry.command[0], allowed)]
    return _module_problems(entry, scenario, file, where) if entry.module else []


def _module_problems(entry: FederateEntry, scenario: Scenario, file: str, where: str) -> list[Problem]:
    """Return what is wrong with a ``-m module`` command."""
    if entry.module == WRAPPER:
        return _wrapped_problems(entry, scenario, file, where)
    if entry.module is None or (missing := _why_missing(entry.module)):
        return [Problem(file, where, str(entry.module), missing)]
    role = scenario.roles.get(entry.name, entry.name)
    ours = f"federates.{role}"
    # The broker is no agent, whatever role it may name.
    allowed = (ours, AGENT_MODULE) if entry.name in scenario.roles else (ours,)
    if entry.module.startswith("federates.") and entry.module not in allowed:
        return [Problem(file, where, entry.module, f"must be {ours}, or a program of your own")]
    if entry.module == AGENT_MODULE and (problems := _role_problems(entry, role, file, where)):
        return problems
    if entry.module == "federates.broker" and entry.option("--runner", str(scenario.runner)) != scenario.runner:
        return [Problem(file, where, "--runner", f"must be this file, {scenario.runner.name}: it names the agents")]
    return _option_problems(entry, ours, file, where)


def _role_problems(entry: FederateEntry, role: str, file: str, where: str) -> list[Problem]:
    """Return a problem unless the agent's role stands behind the module of any role."""
    told = entry.command[entry.command.index(AGENT_MODULE) + 1 :][:1]
    if not told or told[0].startswith("-"):
        return [Problem(file, where, AGENT_MODULE, f"must have the agent's role behind it: {AGENT_MODULE} {role}")]
    return [] if told[0] == role else [_another_role(told[0], role, file, where)]


def _another_role(told: str, role: str, file: str, where: str) -> Problem:
    return Problem(file, where, repr(told), f"must be {role}, the role of the agent whose line this is")


def _wrapped_problems(entry: FederateEntry, scenario: Scenario, file: str, where: str) -> list[Problem]:
    """Return what is wrong with an executable that takes an agent's place."""
    try:
        told = entry.executable(file)
    except ConfigError as error:
        return error.problems
    if told is None:
        return []
    problems = []
    role = scenario.roles.get(entry.name, entry.name)
    if told.role != role:
        problems.append(_another_role(told.role, role, file, where))
    if find_program(told.command[0], entry.directory, search_path()) is None:
        allowed = f"must be a program that may be executed, in the agent's folder {entry.directory.name}/ or on the PATH"
        problems.append(Problem(file, where, repr(told.command[0]), allowed))
    return problems


def _script_problems(entry: FederateEntry, file: str, where: str) -> list[Problem]:
    """Return a problem unless a Python command without a module names a file that is there."""
    scripts = [word for word in entry.command[1:] if not word.startswith("-")]
    if "-c" in entry.command or not scripts:
        return [Problem(file, where, " ".join(entry.command)[:60], "must be python -m MODULE, or python FILE")]
    if not os.path.isfile(entry.directory / scripts[0]):  # no file either if its name is too long for one
        return [Problem(file, where, scripts[0], f"this file must exist in {entry.directory.name}/")]
    return []


def _option_problems(entry: FederateEntry, module: str, file: str, where: str) -> list[Problem]:
    """Return a problem for everything that our own modules do not know; they would refuse it only once started."""
    if entry.module not in (module, AGENT_MODULE):
        return []
    known = _OPTIONS.get(entry.name, {"--config", "--use"})
    first = entry.command.index(entry.module) + (1 if entry.module == module else 2)
    words = split_options(entry.command[first:])
    problems: list[Problem] = []
    flags = words[::2]
    for flag, value in itertools.zip_longest(flags, words[1::2]):
        if flag not in known:
            return [*problems, Problem(file, where, flag, f"unknown option; allowed: {', '.join(sorted(known))}")]
        if value is None or value.startswith("--"):
            return [*problems, Problem(file, where, flag, "must have a value behind it")]
        if flag == "--set" and "=" not in value:
            problems.append(Problem(file, where, f"--set {value}", "must be KEY=VALUE"))
    twice = sorted({flag for flag in flags if flags.count(flag) > 1} - {"--set"})
    return problems + [Problem(file, where, flag, "may stand once") for flag in twice]


def told_changes(entry: FederateEntry) -> dict[str, str]:
    """Return the changes of the public agreement that stand in the coordinator's own command."""
    words = entry.words
    pairs = [value for flag, value in itertools.pairwise(words) if flag == "--set" and "=" in value]
    return dict(pair.split("=", 1) for pair in pairs)


def _why_missing(module: str) -> str:
    """Return why Python would not find a module, or an empty text if it would."""
    missing = "this Python module is not installed"
    if module == "__main__":
        return missing  # here it is the program that asks, and there would be none
    try:
        return "" if importlib.util.find_spec(module) is not None else missing
    except ModuleNotFoundError:
        return missing
    except (Exception, SystemExit) as error:  # to find a.b Python runs a, which is not ours
        return f"Python cannot look for this module: {type(error).__name__}: {error}"
