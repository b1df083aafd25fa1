"""Make ``docs/boundary.md`` from the tables in the code: ``python -m federates.boundary.docs [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path

from federates.boundary.tables import TABLES
from federates.boundary.topics import BOUNDARY_VERSION, TOPICS, Command

__all__ = ["boundary_page"]

_PAGE = Path(__file__).parents[2] / "docs" / "boundary.md"

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


def boundary_page() -> str:
    """Return the text of ``docs/boundary.md``."""
    return _INTRODUCTION + _topics() + _commands() + _tables()


def _topics() -> str:
    lines = ["## Topics", "", "| key | world | unit | shape | read by | meaning |", "|---|---|---|---|---|---|"]
    for entry in TOPICS:
        shape = ", ".join(str(size) for size in entry.shape) or "text"
        readers = ", ".join(role.value for role in entry.receivers)
        lines.append(f"| `{entry.key}` | {entry.world or 'both'} | {entry.unit} | {shape} | {readers} | {entry.meaning} |")
    return "\n".join(lines) + "\n\n"


def _commands() -> str:
    lines = ["## Commands", "", "| code | name |", "|---|---|"]
    lines += [f"| {command.value} | {command.name.lower()} |" for command in Command]
    return "\n".join(lines) + "\n\n"


def _tables() -> str:
    lines = ["## Tables that a run leaves", "", "Each agent writes its own, as `results/<run id>/<agent>/<table>.parquet`.", ""]
    for entry in TABLES:
        lines += [f"### `{entry.owner.value}/{entry.name}`", "", f"World: {entry.world or 'both'}. {entry.meaning}", ""]
        lines += ["| column | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {meaning} |" for name, meaning in entry.columns.items()] + [""]
    return "\n".join(lines)


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it is not up to date."""
    text = boundary_page()
    if "--check" not in sys.argv:
        _PAGE.write_text(text, encoding="utf-8")
        return 0
    current = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else ""
    if current != text:
        print("docs/boundary.md is not up to date: run `python -m federates.boundary.docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
