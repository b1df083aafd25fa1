"""Checks of what an agent leaves: rows that tables can be made of, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from federates.boundary.tables import tables_of
from federates.conformance.check import EVERYONE, Check, rules
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures

__all__ = ["RECORD_CHECKS"]

_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool, np.bool_),
    "number": (int, float, np.integer, np.floating),
    "text": (str,),
}
_MOST_ROWS_A_CALL, _MOST_CHARACTERS = 1_000, 10_000


RECORD_CHECKS: list[Check] = []
_rule = rules(RECORD_CHECKS)


@_rule("records.rows", "interface.begin", of=EVERYONE, classes_only=True)
def _rows(fixtures: Fixtures) -> str:
    """What is recorded are rows of plain values, of one kind a column; a table of the boundary has its columns; no flood of
    rows.
    """
    caller = fixtures.main_caller()
    rows = caller.notes.rows
    kinds: dict[tuple[str, str], str] = {}
    for table, row in rows:
        for fault in (_name_fault(fixtures, table, row), *(_value_fault(table, n, v, kinds) for n, v in row.items())):
            if fault is not None:
                raise Breach(fault, "record, in the main life")
    if len(rows) > _MOST_ROWS_A_CALL * max(1, len(caller.calls)):
        table, count = Counter(name for name, _ in rows).most_common(1)[0]
        raise Breach(f"{len(rows)} rows after {len(caller.calls)} calls, {count} of them of {table}", "record, in the main life")
    return f"{len(rows)} rows in {len({table for table, _ in rows})} tables"


def _name_fault(fixtures: Fixtures, table: Any, row: dict[str, Any]) -> str | None:
    if not (isinstance(table, str) and table.isidentifier()):
        return f"the table's name is {table!r}, must be a word as of a variable"
    if not row:
        return f"a row of {table} has no column"
    known = next(
        (entry for entry in tables_of(fixtures.world.name) if entry.name == table and entry.owner == fixtures.role), None
    )
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


@_rule("end.clean", "interface.begin", of=EVERYONE)
def _clean(fixtures: Fixtures) -> str:
    """It ends cleanly: no thread, child process or temporary file is left, and no file was written outside its own folder."""
    fixtures.main_caller()
    problems = [*fixtures.end_errors, *fixtures.leak_detector.left_behind()]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise Breach(shown, f"the end of {fixtures.lives} lives")
    return f"nothing is left of {fixtures.lives} lives"


@_rule("end.unchanged", "interface.begin", of=EVERYONE, classes_only=True)
def _unchanged(fixtures: Fixtures) -> str:
    """The process is as it was: working directory, umask, environment, signal handlers, NumPy's settings, standard output."""
    fixtures.main_caller()
    if fixtures.changed:
        raise Breach(f"changed and not put back: {'; '.join(fixtures.changed)}", f"the end of {fixtures.lives} lives")
    return f"{fixtures.lives} lives have changed nothing of the process"
