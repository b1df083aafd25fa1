"""The one reader of CSV files that people write. It is strict: whatever it cannot take for certain is a problem, named by line.

The first line is the header. Values are separated by commas; a line that begins with # is a comment. Further columns are free,
but one that is nearly called like an optional column that is not there is taken for a slip.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.ranges import is_plain_number, not_allowed
from federates.boundary.text_files import read_text_file

_MOST_SAID = 5
"""Problems of one file that are written out; that there are more is said in one."""


@dataclass(slots=True)
class CsvTable:
    """A file's columns as texts, and what is wrong with it; a table with problems has no rows."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    """Line of the file by row."""
    _left_out: int = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def add(self, where: str, value: object, allowed: str) -> None:
        """Note a problem of this file."""
        if len(self.problems) < _MOST_SAID:
            self.problems.append(Problem(self.file, where, _short(str(value)), allowed))
            return
        self._left_out += 1
        more = Problem(self.file, "(file)", f"{self._left_out} more problems", "mend those above first")
        self.problems[_MOST_SAID:] = [more]

    def add_at(self, row: int, column: str, allowed: str) -> None:
        """Note a problem of one value."""
        self.add(f"line {self.lines[row]}, {column}", repr(self.columns[column][row]), allowed)

    def numbers(
        self, column: str, *, least: float = -math.inf, most: float = math.inf, above_zero: bool = False
    ) -> NDArray[np.float64]:
        """Return a column as finite numbers, shape (rows,); what is none, or not in range, is noted and is 0 here.

        What a number may be at all goes by its column's name, see `federates.boundary.ranges`.
        """
        return np.array([self._number(row, column, least, most, above_zero) for row in range(len(self))], dtype=np.float64)

    def _number(self, row: int, column: str, least: float, most: float, above_zero: bool) -> float:
        text = self.columns[column][row]
        if not is_plain_number(text):
            self.add_at(row, column, "must be a finite number, such as 12.5")
            return 0.0
        value = float(text)
        allowed = not_allowed(column, value) if math.isfinite(value) else "must be a finite number"
        if not allowed and (value < least or (above_zero and value <= 0)):
            allowed = "must be above 0" if above_zero else f"must be at least {least:g}"
        if not allowed and value > most:
            allowed = f"must be at most {most:g}"
        if allowed:
            self.add_at(row, column, allowed)
        return 0.0 if allowed else value

    def whole_numbers(self, column: str, *, least: int = 0) -> list[int]:
        """Return a column as whole numbers; what is none, or less than ``least``, is noted."""
        values = self.numbers(column, least=least)
        for row in np.flatnonzero(values != np.round(values)):
            self.add_at(int(row), column, "must be a whole number")
        return [int(value) for value in values]

    def once(self, *columns: str) -> None:
        """Note every row whose values in ``columns`` stand in an earlier row too."""
        first: dict[tuple[str, ...], int] = {}
        for row, key in enumerate(zip(*(self.columns[column] for column in columns), strict=True)):
            earlier = first.setdefault(key, self.lines[row])
            if earlier != self.lines[row]:
                where = f"line {self.lines[row]}, {', '.join(columns)}"
                self.add(where, ", ".join(key), f"stands twice, first in line {earlier}")

    def order(self, column: str, count: int, *, exactly: bool = False) -> list[int]:
        """Return the rows in which ``column`` is 0, 1, ... count - 1, in this order; empty if one is missing or stands twice.

        Rows beyond ``count`` are left out, so that a run of fewer periods reads the first ones; with ``exactly`` they are wrong.
        """
        before = len(self.problems)
        values = self.whole_numbers(column)
        if len(self.problems) == before:
            row_of: dict[int, int] = {}
            for row, value in enumerate(values):
                if value in row_of:
                    self.add_at(row, column, f"stands twice, first in line {self.lines[row_of[value]]}")
                row_of.setdefault(value, row)
            if len(self.problems) == before:
                self._say_gaps(column, count, row_of, exactly)
        return [row_of[value] for value in range(count)] if len(self.problems) == before else []

    def profile(self, column: str, by: str, count: int, *, least: float = 0.0, exactly: bool = False) -> NDArray[np.float64]:
        """Return a column with one value for each of 0, 1, ... count - 1 of ``by``, shape (count,).

        It is zeros if something is wrong with the file.
        """
        if self.columns and column not in self.columns:
            near = difflib.get_close_matches(column, self.columns, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}? " if near else ""
            self.add(column, "missing", f"this column is needed; {hint}the file has: {', '.join(self.columns)}")
        if not self.problems:
            order, values = self.order(by, count, exactly=exactly), self.numbers(column, least=least)
        return np.zeros(count) if self.problems else values[order]

    def _say_gaps(self, column: str, count: int, row_of: dict[int, int], exactly: bool) -> None:
        missing = [value for value in range(count) if value not in row_of]
        if missing == [0] and count in row_of:
            self.add(column, f"1 to {max(row_of)}", f"must be numbered from 0, to {count - 1}")
        elif missing:
            self.add(column, f"{_list(missing)} missing", f"there must be a row for each of 0 to {count - 1}")
        elif exactly and len(row_of) > count:
            self.add(column, _list(sorted(row_of)[count:]), f"must be at most {count - 1}")


def read_csv(folder: Path, name: str, needed: Iterable[str], optional: Iterable[str] = ()) -> CsvTable:
    """Return the table in a file with a header; problems are in the result, nothing is raised.

    Parameters
    ----------
    needed : columns that must be there.
    optional : columns that may be there too; an unknown column nearly called so is a problem.
    """
    table = CsvTable(name)
    try:
        text = read_text_file(folder / name, name)
        rows = _rows(text)
    except ConfigError as error:
        table.problems = error.problems
        return table
    except csv.Error as error:
        table.add("(file)", error, "must be valid CSV: values separated by commas, quotes closed")
        return table
    if not rows:
        table.add("(file)", "empty", "must have a header and at least one row")
        return table
    _, header = rows.pop(0)
    _check_header(table, header, tuple(needed), tuple(optional))
    if not rows:
        table.add("(file)", "no rows", "must have at least one row below the header")
    for line, row in rows:
        if len(row) != len(header):
            table.add(f"line {line}", f"{len(row)} values", f"must have {len(header)}, one for each column of the header")
    if not table.problems:
        table.lines = [line for line, _ in rows]
        table.columns = {column: [row[i] for _, row in rows] for i, column in enumerate(header)}
    return table


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with its line."""
    lines = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    reader = csv.reader(lines, strict=True)
    return [(reader.line_num, [value.strip() for value in row]) for row in reader if row]


def _check_header(table: CsvTable, header: list[str], needed: tuple[str, ...], optional: tuple[str, ...]) -> None:
    for column in sorted({column for column in header if header.count(column) > 1}):
        table.add("header", repr(column), "every column needs a name of its own" if not column else "this column stands twice")
    if "" in header and header.count("") == 1:
        table.add("header", f"column {header.index('') + 1}", "every column needs a name")
    absent = [column for column in (*needed, *optional) if column not in header]
    for column in (column for column in absent if column in needed):
        near = difflib.get_close_matches(column, [name for name in header if name not in needed], n=1, cutoff=0.6)
        hint = f"is it {near[0]!r}? " if near else ""
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            hint = "columns must be separated by commas; "
        table.add(column, "missing", f"this column is needed; {hint}the file has: {', '.join(header)}")
    for column in (column for column in header if column not in (*needed, *optional)):
        near = difflib.get_close_matches(column, [name for name in absent if name in optional], n=1, cutoff=0.75)
        if near:
            table.add("header", repr(column), f"unknown column; did you mean {near[0]!r}?")


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _list(values: list[int]) -> str:
    return ", ".join(str(value) for value in values[:8]) + (", ..." if len(values) > 8 else "")
