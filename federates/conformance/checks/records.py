"""Checks of what an agent records: rows that tables can be made of."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from federates.boundary.names import Role
from federates.boundary.tables import TABLES
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.errors import Breach

__all__ = ["RECORD_CHECKS"]

_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool, np.bool_),
    "number": (int, float, np.integer, np.floating),
    "text": (str,),
}
_MOST_ROWS_A_CALL, _MOST_CHARACTERS = 1_000, 10_000


def _rows(bench: Bench) -> str:
    life = bench.main_life()
    rows = life.notes.rows
    kinds: dict[tuple[str, str], str] = {}
    for table, row in rows:
        for fault in (_name_fault(bench.role, table, row), *(_value_fault(table, n, v, kinds) for n, v in row.items())):
            if fault is not None:
                raise Breach(fault, "record, in the main life")
    if len(rows) > _MOST_ROWS_A_CALL * max(1, len(life.calls)):
        table, count = Counter(name for name, _ in rows).most_common(1)[0]
        raise Breach(f"{len(rows)} rows after {len(life.calls)} calls, {count} of them of {table}", "record, in the main life")
    return f"{len(rows)} rows in {len({table for table, _ in rows})} tables"


def _name_fault(role: str, table: Any, row: dict[str, Any]) -> str | None:
    if not (isinstance(table, str) and table.isidentifier()):
        return f"the table's name is {table!r}, must be a word as of a variable"
    if not row:
        return f"a row of {table} has no column"
    known = next((entry for entry in TABLES if entry.name == table and entry.owner == role), None)
    if known is None:
        return None
    other = sorted(row.keys() ^ known.columns.keys())
    return f"a row of {table} and the table's description differ in the columns {', '.join(other)}" if other else None


def _value_fault(table: str, name: str, value: Any, kinds: dict[tuple[str, str], str]) -> str | None:
    kind = next((kind for kind, types in _KINDS.items() if isinstance(value, types)), None)
    if kind is None:
        return f"{table}.{name} is a {type(value).__name__}, must be a number, text, or true or false"
    if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        return f"{table}.{name} has {len(value)} characters, at most {_MOST_CHARACTERS} are a value"
    before = kinds.setdefault((table, name), kind)
    return None if before == kind else f"{table}.{name} is a {before} in one row and a {kind} in another"


RECORD_CHECKS: tuple[Check, ...] = (
    Check(
        "records.rows",
        "What is recorded are rows of plain values, of one kind a column; a table of the boundary has its columns; no"
        " flood of rows.",
        _rows,
        roles=tuple(Role),
        needs=("interface.begin",),
        classes_only=True,
    ),
)
