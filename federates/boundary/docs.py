"""Make ``docs/boundary.md`` and ``docs/schemas`` from the tables in the code: ``python -m federates.boundary.docs [--check]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from federates.boundary.history import VERSIONS
from federates.boundary.markdown import markdown_table
from federates.boundary.schemas import boundary_json, message_schema, session_schema
from federates.boundary.tables import TABLES
from federates.boundary.topics import BOUNDARY_VERSION, TOPICS, Command, Rounding, Topic

__all__ = ["boundary_page", "pages"]

_DOCS = Path(__file__).parents[2] / "docs"
_SCHEMAS = f"schemas/v{BOUNDARY_VERSION}"

_INTRODUCTION = f"""# The boundary

<!-- Made by `python -m federates.boundary.docs` from federates/boundary; do not edit. -->

Everything that may cross between agents, version {BOUNDARY_VERSION}. Nothing else is published: HELICS interfaces, checks and
this page are made from one table, `federates/boundary/topics.py`.

A message is a vector of 64-bit little-endian floats: period, round, then the values in C order of the shape. Send and read it
as raw bytes. Its HELICS type is `portage.<topic>/v{BOUNDARY_VERSION}`, so HELICS itself refuses a partner with another version
when a run starts. `coordinator/session` is JSON text, sent once in HELICS's initializing mode.

There are two worlds, and a run is of one of them: on the road vehicles go from stations with energy to spare to stations whose
feeders overload; by rail trains stand at stations. A topic or table of one world does not exist in the other. By rail there is no
`traffic_sumo`.

| letter | on the road | by rail |
|---|---|---|
| N | resourceful stations | trains, K |
| M | limited stations | stations |
| H | periods of the horizon; the first is the opened one | all periods of the day, T |
| S | all stations, resourceful and then limited ones | stations |
| L, B | links, bins of a period | |
| E | any number of rows | any number of rows |

(N, M, H) is the shape of a connection. On the road an entry counts vehicles that leave one station for another; by rail it is 1
where a train stands at a station in a period, else 0 (or between, as an answer to `relax`), and wherever these pages say vehicle
it is a train. There may be no train: then these messages have no values.

"""

_GRID = """\
Every value is a multiple of its topic's grid: agents in Python round to it where they send and where they read, so a program in
another language need not. It is far coarser than rounding error, which differs between processors, and far finer than what
matters: so the same scenario gives the same tables on any computer. Values are rounded to the nearest multiple; a cost up and its
bound down, so that a proven bound stays one (what lies within a thousandth of a step beside a multiple is taken as it)."""


def boundary_page() -> str:
    """Return the text of ``docs/boundary.md``."""
    return _INTRODUCTION + _machines() + _topics() + _commands() + _versions() + _tables()


def pages() -> dict[str, str]:
    """Return the text of every generated file by its path in ``docs``."""
    made = {"boundary.md": boundary_page(), f"{_SCHEMAS}/boundary.json": _json(boundary_json())}
    for entry in TOPICS:
        schema = session_schema(entry) if entry.unit == "json" else message_schema(entry)
        made[f"{_SCHEMAS}/{entry.key}.schema.json"] = _json(schema)
    return made


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _machines() -> str:
    return f"""## For programs

[boundary.json]({_SCHEMAS}/boundary.json) is this page's table as one document. [schemas]({_SCHEMAS}) has a JSON Schema (2020-12)
per topic, at the place that its key names: `{_SCHEMAS}/<sender>/<topic>.schema.json`. They describe a message's logical form,
`{{"period": 3, "round": 7, "values": [[...]]}}` with the values as nested arrays; type, unit and shape stand in keywords
of our own (`x-type`, `x-unit`, `x-shape`, `x-length`). `coordinator/session` is JSON on the wire too; its schema is that of the
agreement.

"""


def _topics() -> str:
    rows = []
    for entry in TOPICS:
        shape = ", ".join(str(size) for size in entry.shape) or "text"
        readers = ", ".join(role.value for role in entry.receivers)
        grid = "" if entry.unit == "json" else _grid(entry)
        rows.append((f"`{entry.key}`", entry.world or "both", entry.unit, grid, shape, readers, entry.meaning))
    heads = ["key", "world", "unit", "grid", "shape", "read by", "meaning"]
    return "## Topics\n\n" + _GRID + "\n\n" + markdown_table(heads, rows) + "\n"


def _grid(entry: Topic) -> str:
    step = f"{10.0**-entry.decimals:g}"
    return step if entry.rounding == (Rounding.NEAREST,) else f"{step} {', '.join(rule.value for rule in entry.rounding)}"


def _commands() -> str:
    rows = [(command.value, command.name.lower()) for command in Command]
    return "## Commands\n\n" + markdown_table(["code", "name"], rows) + "\n"


def _versions() -> str:
    lines = [
        "## Versions",
        "",
        "A change of the table or of the session makes a new version (`federates/boundary/history.py`).",
        "",
    ]
    for version in reversed(VERSIONS):
        mark = f" Fingerprint of the table: `{version.fingerprint}`." if version.fingerprint else ""
        lines += [f"**Version {version.number}.**{mark}", "", *(f"- {change}" for change in version.changes), ""]
    return "\n".join(lines) + "\n"


def _tables() -> str:
    lines = ["## Tables that a run leaves", "", "Each agent writes its own, as `results/<run id>/<agent>/<table>.parquet`.", ""]
    for entry in TABLES:
        lines += [f"### `{entry.owner.value}/{entry.name}`", "", f"World: {entry.world or 'both'}. {entry.meaning}", ""]
        rows = [(f"`{name}`", meaning) for name, meaning in entry.columns.items()]
        lines.append(markdown_table(["column", "meaning"], rows))
    return "\n".join(lines)


def main() -> int:
    """Write the pages, or with ``--check`` return 1 if they are not up to date."""
    made = pages()
    stale = [name for name, text in made.items() if not _is_up_to_date(_DOCS / name, text)]
    surplus = [path for path in sorted((_DOCS / _SCHEMAS).rglob("*.json")) if path.relative_to(_DOCS).as_posix() not in made]
    if "--check" in sys.argv:
        for name in (*stale, *(path.relative_to(_DOCS).as_posix() for path in surplus)):
            print(f"docs/{name} is not up to date: run `python -m federates.boundary.docs`", file=sys.stderr)
        return int(bool(stale or surplus))
    for name in stale:
        (_DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (_DOCS / name).write_text(made[name], encoding="utf-8")
    for path in surplus:
        path.unlink()
    return 0


def _is_up_to_date(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
