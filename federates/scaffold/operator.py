"""``portage new-operator``: a commented skeleton of a class, and a test that fails until the class is written."""

from __future__ import annotations

import importlib.util
import inspect
import keyword
import re
import sys
import textwrap
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import jinja2

from federates.boundary.config import read_yaml
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.exchange import Message, Moment
from federates.boundary.installed import entry_points
from federates.boundary.names import ROAD
from federates.boundary.roles import CoordinationAlgorithm, Operator, Reporter
from federates.boundary.topics import FREE
from federates.boundary.world import World, world_names, world_of
from federates.runtime.plugins import base_class, class_key
from federates.worlds.fleets.messages import Balance
from federates.worlds.road.messages import Departure, Gate, LinkObservation, StationObservation

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEMPLATES = Path(__file__).parent / "templates"
_OBJECTS = {
    "gate": Gate,
    "balance": Balance,
    "departures": Departure,
    "links": LinkObservation,
    "stations": StationObservation,
}
"""Python objects that messages carry; others are arrays."""
_EXAMPLE = {
    "operator": ("usd_per_unit: float = 10.0", "What one unit costs or is worth, usd."),
    "reporter": ("limit_kw: float = 400.0", "Most that the feeder carries, kW."),
    "model": ("free_speed_m_per_s: float = 30.0", "Speed of an empty link, m/s."),
    "algorithm": ("most_rounds: int = 50", "Rounds after which the best plan is committed (below `max_rounds` of broker.yaml)."),
}
_USED = {
    "operator": ("Openings", "Recorder"),
    "reporter": ("Recorder",),
    "model": ("Recorder",),
    "algorithm": ("Commit", "Decision", "Evaluate", "Openings", "Recorder", "RoundResult", "Solve"),
}


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
    if world not in world_names():
        problems.append(Problem("portage new-operator", "--world", world, f"installed: {', '.join(world_names())}"))
    elif role not in world_of(world).roles:
        allowed = f"there is no {role} in it, but {', '.join(world_of(world).roles)}"
        problems.append(Problem("portage new-operator", "--world", world, allowed))
    code = ""
    if source and not problems:
        code = _copy_of(role, source, _class_name(name), problems)
    if problems:
        raise ConfigError(problems)
    template = f"{_kind(role)}.py.j2"
    texts = [code or _render(template, role, name, world_of(world)), _render("test.py.j2", role, name, world_of(world))]
    for path, text in zip(files, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return Skeleton(role, name, files)


def world_around(folder: Path) -> str:
    """Return the world of the scenario that ``folder`` is, or is a part of; the road if there is none."""
    for place in (folder, folder.absolute().parent):
        if (place / "scenario.yaml").is_file():
            return str(read_yaml(place / "scenario.yaml").get("world", ROAD))
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


def _kind(role: str) -> str:
    """Return what an agent of a role does: it negotiates, reports, finds prices, or moves the world."""
    base = base_class(role)
    kinds = (("operator", Operator), ("reporter", Reporter), ("algorithm", CoordinationAlgorithm))
    return next((kind for kind, cls in kinds if issubclass(base, cls)), "model")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _render(template: str, role: str, name: str, world: World) -> str:
    # Python, not a page: nothing is to be escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    names = {"class_name": _class_name(name), "module": name, "role": role, "test_file": f"test_{name}.py"}
    tools = {"rows": _rows, "wrapped": _wrapped, "type_of": _type_of}
    return environment.get_template(template).render(**names, **tools, **_facts(role, world))


def _facts(role: str, world: World) -> dict[str, Any]:
    """Return what the world says of a role."""
    kind = _kind(role)
    taking_part = [e for e in world.exchanges if role in e.roles or kind == "algorithm"]
    opening, dispatch = (world.said(role, moment) for moment in (Moment.OPENING, Moment.DISPATCH))
    told = [m for m in world.messages if m.moment is Moment.OPENING and (role in m.hearers or kind == "algorithm")]
    observed = next(iter(world.told(role, Moment.OBSERVATION)), None)
    said = [m for m in world.messages if m.moment is Moment.OBSERVATION and m.sender == role]
    if kind == "model":
        dispatch = next(iter(world.told(role, Moment.DISPATCH)), None)
    reported = list(world.says(role, Moment.OPENING)) if kind == "reporter" else []
    heard = [m for moment in (Moment.DISPATCH, Moment.OBSERVATION) for m in world.told(role, moment)]
    messages = [m for m in (opening, dispatch, observed, *told, *said, *reported, *(heard if reported else ())) if m is not None]
    used = [axis for e in taking_part for axis in e.axes] + [axis for m in messages for row in m.rows for axis in row.shape]
    seen = "TrafficObservation" if {"links", "stations"} <= {m.name for m in said} else "Any"
    return {
        "world": world,
        "what": {"model": "a model", "algorithm": "a coordination algorithm"}.get(kind, f"a {role.replace('_', ' ')}"),
        "base": base_class(role).__name__,
        "session": world.session.__name__,
        "letters": {letter: counts for letter, counts in world.letters.items() if letter in used and letter != FREE},
        "asks": [e for e in taking_part if role in e.asks or kind == "algorithm"],
        "offers": [e for e in taking_part if role in e.offers],
        "whole": any(e.whole for e in taking_part),
        "opening": opening,
        "opening_held": _OBJECTS[opening.name].__name__ if opening and opening.name in _OBJECTS else "array",
        "told": told,
        "observed": observed,
        "dispatch": dispatch,
        "heard": heard,
        "reported": reported,
        "said": said,
        "seen": seen,
        "any": seen == "Any" and kind == "model",
        "operators": ", ".join(f'"{name}"' for name in world.operators),
        "example": _EXAMPLE[kind],
        "imports": _imports(role, world, reported or [m for m in (opening, dispatch, observed) if m is not None], seen),
    }


def _imports(role: str, world: World, messages: list[Message], seen: str) -> list[str]:
    kind = _kind(role)
    types = " ".join(_type_of(message) for message in messages)
    own = {name for name in ("Departure", "Gate", "LinkObservation", "StationObservation") if name in types}
    own |= {"LinkObservation", "StationObservation", seen} if kind == "model" and seen != "Any" else set()
    balance = {Balance.__name__} if any(m.name == "balance" for m in messages) else set()
    wire = ["Array"] if "Array" in types and kind != "reporter" else []
    wire += ["Answer", "Quantities"] if kind == "operator" else []
    modules = {
        "federates.boundary.messages": wire,
        "federates.boundary.roles": [base_class(role).__name__, *_USED[kind]],
        "federates.worlds.road.messages": own,
        Balance.__module__: balance,
        world.session.__module__: [world.session.__name__],
    }
    road = "federates.worlds.road.messages"
    unused = {
        "algorithm": ("federates.boundary.roles",),
        "model": (road,),
        "reporter": (road, Balance.__module__),
    }  # until written
    return [
        f"from {module} import {', '.join(sorted(names))}" + ("  # noqa: F401" if module in unused.get(kind, ()) else "")
        for module, names in sorted(modules.items())
        if names
    ]


def _type_of(message: Message | None) -> str:
    """Return the annotation of a message."""
    if message is None:
        return "None"
    name = _OBJECTS[message.name].__name__ if message.name in _OBJECTS else "Array"
    if message.moment is Moment.OBSERVATION:
        return f"{name} | None"
    return f"list[{name}]" if message.rows[0].shape[0] == FREE else name


def _rows(message: Message, held: str) -> str:
    """Return one item of a docstring's list for each array of a message, which the reader has as ``held``."""
    found = _OBJECTS.get(message.name)
    if found is not None and message.rows[0].shape[0] == FREE:
        told = " ".join(str(found.__doc__).split())
        return _wrapped(f"- {held}: a list of ``{found.__name__}({', '.join(f.name for f in fields(found))})``: {told}")
    attributes = [""] if found is None else [f".{field.name}" for field in fields(found)]
    return "\n".join(
        _wrapped(f"- ``{held}{attribute}``, {row.unit}, shape ({', '.join(map(str, row.shape))}): {row.meaning}")
        for attribute, row in zip(attributes, message.rows, strict=True)
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 128, initial_indent=" " * 8, subsequent_indent=" " * 10)
