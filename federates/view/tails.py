"""Files of a run that grow while it goes on: what is new in them since the last look."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MOST_BYTES = 4_000_000
"""At one look, so that a long run that is over does not stop everything else while it is read."""


class LineTail:
    """A file of lines, read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def read(self) -> list[bytes]:
        """Return the lines that are complete and new, at most some megabytes of them; none if there is no file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                found = file.read(_MOST_BYTES)
        except OSError:
            return []
        whole = found[: found.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines()


class TableTail:
    """A table of an agent's results, which is written in parts and becomes one file when the agent ends."""

    def __init__(self, folder: Path, name: str, columns: Iterable[str]) -> None:
        self._whole, self._parts = folder / f"{name}.parquet", folder / f"{name}.parts"
        self._columns = tuple(columns)
        self._next_part = self._rows = 0
        self._ended = False

    def read(self) -> dict[str, list[Any]]:
        """Return the rows that are new, by column; no column if there are none. A number that is not finite becomes None."""
        found = [] if self._ended else [*self._new_parts(), *self._rest()]
        if not found:
            return {}
        return {name: [_plain(value) for rows in found for value in rows[name]] for name in self._columns}

    def _new_parts(self) -> list[dict[str, list[Any]]]:
        found = []
        while (path := self._parts / f"{self._next_part:05d}.parquet").is_file():
            # Between the look and the reading the agent may have ended; then the rows are in the whole table.
            with contextlib.suppress(OSError, ValueError):
                found.append(self._read(path))
                self._rows += len(found[-1][self._columns[0]])
            self._next_part += 1
        return found

    def _rest(self) -> list[dict[str, list[Any]]]:
        """Return what of the whole table has not been seen in parts."""
        if not self._whole.is_file():
            return []
        self._ended = True
        try:
            rows = self._read(self._whole)
        except (OSError, ValueError):
            return []
        return [{name: values[self._rows :] for name, values in rows.items()}]

    def _read(self, path: Path) -> dict[str, list[Any]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            present = [name for name in self._columns if name in file.schema_arrow.names]
            rows: dict[str, list[Any]] = file.read(columns=present, use_threads=False).to_pydict()
        count = len(rows[present[0]]) if present else 0
        return {name: rows.get(name, [None] * count) for name in self._columns}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
