"""``portage new-operator``: a commented skeleton of a class, and a test that fails until the class is written."""

from __future__ import annotations

import importlib.util
import inspect
import keyword
import re
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import jinja2

from federates.boundary.config import read_yaml
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import RAIL, ROAD
from federates.boundary.world import world_of
from federates.runtime.plugins import class_key

__all__ = ["Skeleton", "new_operator", "world_around"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEMPLATES = Path(__file__).parent / "templates"
_WHERE = {ROAD: "on the road", RAIL: "by rail"}
_SESSION = {ROAD: "RoadSession", RAIL: "RailSession"}


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What was written: the module with the class, and its test."""

    role: str
    name: str
    files: tuple[Path, Path]

    @property
    def class_name(self) -> str:
        """Return the name of the class: ``my_operator`` holds ``MyOperator``."""
        return _class_name(self.name)

    @property
    def spec(self) -> str:
        """Return what ``config.yaml`` says to use the class."""
        return f"{self.name}:{self.class_name}"

    @property
    def key(self) -> str:
        """Return the key of ``config.yaml`` that names the class."""
        return class_key(self.role)


def new_operator(role: str, name: str, world: str, folder: Path, source: str = "") -> Skeleton:
    """Write ``<name>.py``, a skeleton of a class for ``role``, and ``test_<name>.py`` into ``folder``.

    With ``source``, the short name of an installed class, ``<name>.py`` is a copy of that class instead.

    Raises
    ------
    ConfigError : the name cannot be a module's, a file exists, the world has no such role, or there is no such class. Nothing is
        written then.
    """
    files = (folder / f"{name}.py", folder / f"test_{name}.py")
    problems = [*_name_problems(name, folder), *_place_problems(folder, files)]
    if role not in world_of(world).roles:
        problems.append(Problem("portage new-operator", "--world", world, f"there is no {role} {_WHERE[world]}"))
    code = ""
    if source and not problems:
        code = _copy_of(role, source, _class_name(name), problems)
    if problems:
        raise ConfigError(problems)
    texts = [code or _render(f"{role}.py.j2", role, name, world), _render("test.py.j2", role, name, world)]
    for path, text in zip(files, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return Skeleton(role, name, files)


def world_around(folder: Path) -> str:
    """Return the world of the scenario that ``folder`` is, or is a part of; the road if there is none."""
    for place in (folder, folder.absolute().parent):
        if (place / "scenario.yaml").is_file():
            named = read_yaml(place / "scenario.yaml").get("world")
            return RAIL if named == RAIL else ROAD
    return ROAD


def _name_problems(name: str, folder: Path) -> list[Problem]:
    allowed = ""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        allowed = "must be a Python module's name in lower case, such as my_operator"
    elif _is_installed(name, folder):
        allowed = "a module of this name is installed already; choose another"
    return [Problem("portage new-operator", "name", repr(name), allowed)] if allowed else []


def _copy_of(role: str, source: str, class_name: str, problems: list[Problem]) -> str:
    """Return the module of an installed class with the class renamed; its other modules are imported, not copied."""
    group = {entry.name: entry for entry in entry_points(group=f"portage.{role}")}
    if source not in group:
        problems.append(Problem("portage new-operator", "--from", source, f"installed: {', '.join(sorted(group))}"))
        return ""
    cls = group[source].load()
    text = inspect.getsource(sys.modules[cls.__module__])
    return re.sub(rf"\b{cls.__name__}\b", class_name, text)


def _is_installed(name: str, folder: Path) -> bool:
    """Whether an import of ``name`` finds another module than the one in ``folder``."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin != str((folder / f"{name}.py").resolve())


def _place_problems(folder: Path, files: tuple[Path, Path]) -> list[Problem]:
    if not folder.is_dir():
        return [Problem("portage new-operator", "--into", str(folder), "this folder must exist")]
    exist = [path for path in files if path.exists()]
    return [Problem("portage new-operator", "file", str(path), "exists; nothing is overwritten") for path in exist]


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _render(template: str, role: str, name: str, world: str) -> str:
    # Python, not a page: nothing is to be escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(
        class_name=_class_name(name),
        module=name,
        role=role,
        road=world == ROAD,
        world_name=world.upper(),
        where=_WHERE[world],
        session=_SESSION[world],
        test_file=f"test_{name}.py",
    )
