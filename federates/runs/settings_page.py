"""Make ``docs/configuration.md`` from the models in the code: ``python -m federates.runs.settings_page [--check]``."""

from __future__ import annotations

import sys
import typing
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from federates.boundary.config import choices
from federates.boundary.field_texts import document_fields
from federates.boundary.installed import entry_points
from federates.boundary.markdown import markdown_table
from federates.boundary.names import Role
from federates.boundary.ranges import LEAST_SIZE, MOST_SIZE
from federates.runs.hosts import HostsFile
from federates.runtime.broker_config import BrokerConfig
from federates.worlds.fleets.session import FleetSession
from federates.worlds.rail.published import RailPublished
from federates.worlds.rail.session import RailSession
from federates.worlds.road.published import RoadPublished
from federates.worlds.road.session import RoadSession

_PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
_HEAD = """# Configuration

<!-- Made by `python -m federates.runs.settings_page` from the code; do not edit. -->

Every key of every file of a scenario: what it means, its default, and what is allowed. First what holds for all of them.

Every file is checked before a process starts (`portage check SCENARIO`): an unknown key, a wrong value or a missing file is
named with what is allowed. Keys without a default must be given. Units stand in the keys.

- `true` and `yes` are no numbers, and numbers are decimal: `12.5`, `1e-3`. No number is NaN, infinite or of a size that its unit
  never has: 0, or at least {least:g}, and at most {ranges}; any other number at most {most:g} (decision 0024).
- YAML and JSON files have at most 4 MB, 50 levels and every key once; aliases count as what they stand for. Texts are in UTF-8.
- CSV files have one header, commas, and as many values in every row as in the header; `#` begins a comment. Columns may stand in
  any order, and so may rows with a number (`period`, `hour`, `h`), which begins at 0; rows beyond the periods of a run are not
  read. Columns that are not asked for are free, but for one that is nearly called like one that is (decision 0025).

"""


def settings_page() -> str:
    """Return the text of ``docs/configuration.md``."""
    ranges = ", ".join(f"`{ending}` {most:g}" for ending, most in sorted(MOST_SIZE.items()) if ending)
    text = _HEAD.format(least=LEAST_SIZE, ranges=ranges, most=MOST_SIZE[""])
    text += _section("`broker.yaml`", BrokerConfig)
    text += _section("`hosts.yaml`: a run over several hosts (`portage run --hosts`)", HostsFile)
    text += _section("`scenario.yaml` on the road (`world: road`)", RoadSession, skip={"run_id", "viewer"})
    text += _section("`scenario.yaml` by rail (`world: rail`)", RailSession, skip={"run_id", "viewer"})
    text += _section("`scenario.yaml` with fleets (`world: fleets`)", FleetSession, skip={"run_id", "viewer"})
    published = "what the data rest on, and what a paper published (optional; only reports read it)"
    text += _section(f"`published.yaml` on the road: {published}", RoadPublished)
    text += _section(f"`published.yaml` by rail: {published}", RailPublished)
    for role in Role:
        for entry in sorted(entry_points(group=f"portage.{role.value}"), key=lambda entry: entry.name):
            cls = entry.load()
            if cls.__module__.startswith("federates."):
                text += _section(f"`{role.value}/config.yaml`: settings of `{entry.name}`", cls.Settings)
    return text


def _section(title: str, model: type[BaseModel], skip: frozenset[str] | set[str] = frozenset()) -> str:
    document_fields(model)
    rows = [
        (f"`{path}`", _default(field), _allowed(field), field.description or "")
        for path, field in _fields(model, "")
        if path not in skip
    ]
    return f"## {title}\n\n" + markdown_table(["key", "default", "allowed", "meaning"], rows) + "\n"


def _fields(model: type[BaseModel], prefix: str) -> list[tuple[str, FieldInfo]]:
    """Return every leaf key of a model with its field; `<name>` stands for a key that the user chooses, `[]` for any entry."""
    found = []
    for name, field in model.model_fields.items():
        inner, path = _inner(field.annotation), f"{prefix}{name}"
        if inner is None:
            found.append((path, field))
        else:
            kind = typing.get_origin(field.annotation)
            many = kind in (tuple, list)
            found += [(path, field)] if many else []
            found += _fields(inner, path + (".<name>." if kind is dict else "[]." if many else "."))
    return found


def _inner(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *typing.get_args(annotation)]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True)
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _allowed(field: FieldInfo) -> str:
    annotation = field.annotation
    words = [
        f"`{value.value if isinstance(value, Enum) else value}`" for value in choices(annotation) if isinstance(value, (str, int))
    ]
    for limit in field.metadata:
        for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
            if getattr(limit, name, None) is not None:
                words.append(f"{sign} {getattr(limit, name):g}")
    return ", ".join(words) or (annotation.__name__ if isinstance(annotation, type) else "")


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it is not up to date."""
    text = settings_page()
    if "--check" not in sys.argv:
        _PAGE.write_text(text, encoding="utf-8")
        return 0
    if not _PAGE.exists() or _PAGE.read_text(encoding="utf-8") != text:
        print("docs/configuration.md is not up to date: run `python -m federates.runs.settings_page`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
