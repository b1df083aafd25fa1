"""CSV files of the operator's folder, read with every problem at once."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import Problem

__all__ = ["NumberTable", "read_numbers"]

_BEYOND = "(beyond the header)"


@dataclass(slots=True)
class NumberTable:
    """Columns of numbers of one file, and what is wrong with it."""

    file: str
    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def profile(self, column: str, periods: int, *, least: float = 0.0) -> NDArray[np.float64]:
        """Return a column with one value a period, shape (T,); note what is wrong with it, and return zeros then."""
        values = self.columns.get(column)
        if values is None:
            if not self.problems:
                known = ", ".join(sorted(self.columns))
                self.problems.append(Problem(self.file, column, "missing", f"this column is needed; the file has: {known}"))
            return np.zeros(periods)
        if len(values) != periods:
            self.problems.append(Problem(self.file, column, f"{len(values)} rows", f"must have {periods}, one per period"))
            return np.zeros(periods)
        low = np.flatnonzero(values < least)
        if low.size:
            where = f"{column}, row {int(low[0]) + 1}"
            self.problems.append(Problem(self.file, where, f"{values[low[0]]:g}", f"must be at least {least:g}"))
        return values


def read_numbers(folder: Path, name: str, needed: tuple[str, ...] = ()) -> NumberTable:
    """Return the numbers in a CSV file with a header; problems are in the result, nothing is raised."""
    table = NumberTable(name)
    try:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restkey=_BEYOND))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        missing = isinstance(error, FileNotFoundError)
        allowed = "this file must exist" if missing else "must be readable CSV"
        table.problems.append(Problem(name, "(file)", "missing" if missing else str(error), allowed))
        return table
    for i, row in enumerate(rows):
        if row.pop(_BEYOND, None) is not None:
            table.problems.append(Problem(name, f"row {i + 1}", "too many values", f"must have {len(row)}, one per column"))
    if not rows:
        table.problems.append(Problem(name, "(file)", "no rows", "must have a header and at least one row"))
        return table
    header = list(rows[0])
    for column in needed:
        if column not in header:
            table.problems.append(Problem(name, column, "missing", f"this column is needed; the file has: {', '.join(header)}"))
    for column in header:
        table.columns[column] = np.array([_number(row[column], column, i, table) for i, row in enumerate(rows)])
    return table


def _number(text: str | None, column: str, row: int, table: NumberTable) -> float:
    """Return the number; a text, NaN or infinity is a problem."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        table.problems.append(Problem(table.file, f"{column}, row {row + 1}", repr(text), "must be a finite number"))
        return 0.0
    return value
