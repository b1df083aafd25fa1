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

Letters in shapes: R resourceful stations, Q limited stations, S = R + Q all stations, H periods of the horizon, L links,
B bins of a period, E any number of rows.

"""


def boundary_page() -> str:
    """Return the text of ``docs/boundary.md``."""
    return _INTRODUCTION + _topics() + _commands() + _tables()


def _topics() -> str:
    lines = ["## Topics", "", "| key | unit | shape | read by | meaning |", "|---|---|---|---|---|"]
    for entry in TOPICS:
        shape = ", ".join(str(size) for size in entry.shape) or "text"
        readers = ", ".join(role.value for role in entry.receivers)
        lines.append(f"| `{entry.key}` | {entry.unit} | {shape} | {readers} | {entry.meaning} |")
    return "\n".join(lines) + "\n\n"


def _commands() -> str:
    lines = ["## Commands", "", "| code | name |", "|---|---|"]
    lines += [f"| {command.value} | {command.name.lower()} |" for command in Command]
    return "\n".join(lines) + "\n\n"


def _tables() -> str:
    lines = ["## Tables that a run leaves", "", "Each agent writes its own, as `results/<run id>/<agent>/<table>.parquet`.", ""]
    for entry in TABLES:
        lines += [f"### `{entry.owner.value}/{entry.name}`", "", entry.meaning, "", "| column | meaning |", "|---|---|"]
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
