"""The wrapper's command line: ``python -u -m federates.executable ROLE [--session FILE] -- PROGRAM [ARGUMENT ...]``."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.boundary.world import world_names, world_of

DEFAULT_SESSION = "../scenario.yaml"
"""Where the coordinator's public agreement is, seen from its folder."""
_USAGE = "must be ROLE -- PROGRAM [ARGUMENT ...], the coordinator's with --session FILE before the dashes"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the wrapper was told. ``session`` is only the coordinator's, ``command`` the program and its own arguments."""

    role: str
    session: str | None
    command: tuple[str, ...]


def parse_arguments(words: list[str], file: str = "command line", field: str = "exec") -> Arguments:
    """Return what ``words``, all that stands behind the module's name, say.

    Raises
    ------
    ConfigError : a word is unknown, or there is no program. ``file`` and ``field`` are shown as the place.
    """
    own, dashes, command = _split(words)
    if not dashes or not command or not own:
        raise ConfigError([Problem(file, field, repr(" ".join(words)), _USAGE)])
    names = sorted({str(role) for name in world_names() for role in world_of(name).roles})
    role = own[0]
    if role not in names:
        raise ConfigError([Problem(file, field, repr(role), f"must be the agent's role: {', '.join(names)}")])
    session = DEFAULT_SESSION if role == Role.COORDINATOR else None
    options = [part for word in own[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if options:
        if len(options) != 2 or options[0] != "--session" or role != Role.COORDINATOR:
            allowed = "--session FILE" if role == Role.COORDINATOR else "none"
            unknown = f"unknown option before the dashes; allowed for {role}: {allowed}"
            raise ConfigError([Problem(file, field, repr(" ".join(own[1:])), unknown)])
        session = options[1]
    return Arguments(role, session, tuple(command))


def find_program(word: str, folder: Path, path: str | None = None) -> Path | None:
    """Return the program that ``word`` names: a file seen from the agent's ``folder``, else one on the search ``path``.

    None if there is none that may be executed.
    """
    own = folder / word
    if os.path.isfile(own):  # no file either if its name is too long for one
        return own if os.access(own, os.X_OK) else None
    found = None if os.sep in word else shutil.which(word, path=path)
    return Path(found) if found else None


def program_folders(program: Path, scenario: Path) -> list[Path]:
    """Return where a program's own libraries lie: the folder around its ``bin``, and what the linker is told.

    Never a folder in which the scenario lies, and none that is not there.
    """
    place = program.resolve().parent
    named = [Path(name) for name in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if name and os.path.isdir(name)]
    around = [place.parent] if place.name == "bin" else []
    folders = [folder for folder in (*around, place, *named) if not scenario.is_relative_to(folder.resolve())]
    home = Path(os.path.expanduser("~"))  # `Path.home` raises for a user who has none, as in a container
    return [folder for folder in folders if folder.resolve() not in (home, Path("/"))]


def search_path() -> str:
    """Return the search path of the program: `python` is the interpreter that runs the wrapper."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _split(words: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in words:
        return words, False, []
    at = words.index("--")
    return words[:at], True, words[at + 1 :]
