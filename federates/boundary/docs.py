"""Make ``docs/boundary.md`` and ``docs/schemas`` from the tables in the code: ``python -m federates.boundary.docs [--check]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from federates.boundary.history import VERSIONS
from federates.boundary.markdown import markdown_table
from federates.boundary.schemas import boundary_json, message_schema, session_schema
from federates.boundary.tables import COMMON
from federates.boundary.topics import BOUNDARY_VERSION, Command, Rounding, Topic
from federates.boundary.world import World, shipped_worlds

_DOCS = Path(__file__).parents[2] / "docs"
_SCHEMAS = f"schemas/v{BOUNDARY_VERSION}"

_INTRODUCTION = f"""# The boundary

<!-- Made by `python -m federates.boundary.docs` from the world objects; do not edit. -->

Everything that may cross between agents, version {BOUNDARY_VERSION}. Nothing else is published: HELICS interfaces, checks and
this page are made from one table per world, `federates/worlds/<world>/world.py`.

A run is of one world. **On the road** vehicles go from stations with energy to spare to stations whose feeders overload. **By
rail** trains stand at stations. With **fleets** companies buy deliveries of energy from fleets, and fleets buy passages of the
road; a charging station takes part in no exchange and reports to its own company.

An **agent** has a name and a **role**; `scenario.yaml` lists the agents; there may be several of a role. What agents must agree
on is an **exchange**: some ask for it, others offer it. An **answer** to prices, or to given quantities, is of one agent: its
quantities, one cost, one proven bound. Along the last dimension of an exchange entry 0 is the opened **period**.

What a message carries is a vector of 64-bit little-endian floats: period, round, then the values in C order of the shape.
Before it stand a signature, a number and an address ([the integrity of messages](integrity.md) has all bytes). Send and read
the whole as raw bytes. Its HELICS type is `portage.<topic>/v{BOUNDARY_VERSION}`: HELICS itself refuses a partner with another
version when a run starts. The key of a topic begins with the sender's name. Where `<agent>` stands in a key the topic is
addressed: each receiver has one of its own, of its part of the session. `coordinator/<agent>/session` is JSON text, sent once
in HELICS's initializing mode.

"""

_GRID = """\
Every value is a multiple of its topic's grid: agents in Python round to it where they send and where they read, so a program in
another language need not. It is far coarser than rounding error, which differs between processors, and far finer than what
matters: so the same scenario gives the same tables on any computer. Values are rounded to the nearest multiple; a cost up and its
bound down, so that a proven bound stays one (what lies within a thousandth of a step beside a multiple is taken as it)."""


def boundary_page() -> str:
    """Return the text of ``docs/boundary.md``."""
    worlds = "".join(_world(world) for world in shipped_worlds())
    return _INTRODUCTION + _machines() + _GRID + "\n\n" + worlds + _commands() + _versions() + _tables()


def pages() -> dict[str, str]:
    """Return the text of every generated file by its path in ``docs``."""
    made = {"boundary.md": boundary_page(), f"{_SCHEMAS}/boundary.json": _json(boundary_json())}
    for world in shipped_worlds():
        for entry in world.topics:
            schema = session_schema(world) if entry.unit == "json" else message_schema(world, entry)
            made[f"{_SCHEMAS}/{world.name}/{entry.pattern.replace('<agent>', 'agent')}.schema.json"] = _json(schema)
    return made


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _machines() -> str:
    return f"""## For programs

[boundary.json]({_SCHEMAS}/boundary.json) is this page's table as one document. Beside it lies a JSON Schema (2020-12)
per topic, at the place that its key names: `{_SCHEMAS}/<world>/<key>.schema.json`. They describe a message's logical form,
`{{"period": 3, "round": 7, "values": [[...]]}}` with the values as nested arrays; type, unit and shape stand in keywords
of our own (`x-type`, `x-unit`, `x-shape`, `x-length`). The session is JSON on the wire too; its schema is
that of the agreement.

"""


def _world(world: World) -> str:
    letters = markdown_table(["letter", "counts"], list(world.letters.items()))
    exchanges = [
        (f"`{e.name}`", e.unit, ", ".join(e.axes), ", ".join(e.asks), ", ".join(e.offers), e.meaning) for e in world.exchanges
    ]
    heads = ["exchange", "unit", "shape", "asked by", "offered by", "meaning"]
    return f"## The world `{world.name}`\n\n{letters}\n{markdown_table(heads, exchanges)}\n{_topics(world)}"


def _topics(world: World) -> str:
    rows = []
    for entry in world.topics:
        shape = ", ".join(str(size) for size in entry.shape) or "text"
        grid = "" if entry.unit == "json" else _grid(entry)
        rows.append((f"`{entry.pattern}`", entry.unit, grid, shape, ", ".join(entry.receivers), entry.meaning))
    heads = ["key", "unit", "grid", "shape", "read by", "meaning"]
    return markdown_table(heads, rows) + "\n"


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
    for where, entries in (("Of every world", COMMON), *((f"Of the world `{w.name}`", w.tables) for w in shipped_worlds())):
        for entry in entries:
            lines += [f"### `{entry.owner}/{entry.name}`", "", f"{where}. {entry.meaning}", ""]
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
