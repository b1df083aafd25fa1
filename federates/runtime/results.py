"""What an agent leaves behind: Parquet tables in its own part of the run's folder, and a finish record.

Rows are flushed after every period as ``<table>.parts/<number>.parquet``, so that a run that is killed loses nothing already
written; at the end the parts become one ``<table>.parquet``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from federates.boundary.errors import PortageError
from federates.boundary.roles import Value

__all__ = ["PROCESS_RECORD", "ResultWriter", "read_record", "write_json"]

PROCESS_RECORD = "process.json"
"""Which process an agent is, so that the broker notices when it is gone."""
_DIGITS, _DECIMALS = 10, 9
"""Significant digits of the numbers in tables, and most decimal places: far more than any is known to, far fewer than rounding
error reaches."""


class ResultWriter:
    """Recorder of one agent. ``folder`` is ``<run folder>/<agent>``; it is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[str, list[dict[str, Value]]] = {}
        self._blocks: dict[str, list[pa.Table]] = {}
        self._parts: dict[str, int] = {}
        self._tables: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._progress = (folder / "progress.jsonl").open("a", encoding="utf-8")

    def record(self, table: str, **row: Value) -> None:
        """Append one row to ``table``; it reaches the disk with the next `flush`."""
        self._rows.setdefault(table, []).append({name: _shown(value) for name, value in row.items()})

    def record_many(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Append rows to ``table``, given as columns of equal length; a table takes rows either so or by `record`."""
        self._blocks.setdefault(table, []).append(pa.table(dict(columns)))

    def progress(self, **fields: Value) -> None:
        """Append one line to ``progress.jsonl``, at once."""
        try:
            self._progress.write(json.dumps({"wall": round(time.time(), 3), **fields}, default=float) + "\n")
            self._progress.flush()
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def flush(self) -> None:
        """Write all new rows; raise `PortageError` if the disk refuses."""
        found = {name: pa.Table.from_pylist(rows) for name, rows in self._rows.items() if rows}
        found |= {name: pa.concat_tables(blocks) for name, blocks in self._blocks.items() if blocks}
        for name, rows in found.items():
            folder = self.folder / f"{name}.parts"
            number = self._parts.get(name, 0)
            try:
                folder.mkdir(exist_ok=True)
                _write_table(rows, folder / f"{number:05d}.parquet")
            except OSError as error:
                raise _disk_error(folder, error) from error
            self._parts[name] = number + 1
            self._tables.add(name)
        self._rows.clear()
        self._blocks.clear()

    def finish(self, role: str, extra: dict[str, Any] | None = None) -> None:
        """Merge the parts and write ``finished.json`` with a hash of every table."""
        self.flush()
        try:
            hashes = {name: self._merge(name) for name in sorted(self._tables)}
            # Wall-clock times differ from run to run; everything else has the same hash for the same scenario and seed.
            hashes.pop("timings", None)
            self._progress.close()
            write_json(self.folder / "finished.json", {"agent": role, "tables_sha256": hashes, **(extra or {})})
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def fail(self, role: str, message: str, *, own_fault: bool, flush: bool = True) -> None:
        """Keep what there is and write ``failed.json``, once; ``own_fault`` is false where a partner failed."""
        if (self.folder / "failed.json").exists():
            return
        try:
            if flush:
                self.flush()
        except PortageError as error:
            message = f"{message}; and then {error}"
        try:
            record = {"agent": role, "message": message, "own_fault": own_fault, "time": time.time()}
            write_json(self.folder / "failed.json", record)
        except OSError as error:
            print(f"portage: {role}: could not write failed.json: {error}", flush=True)

    def _merge(self, name: str) -> str:
        folder = self.folder / f"{name}.parts"
        parts = [_read_part(part) for part in sorted(folder.glob("*.parquet"))]
        target = self.folder / f"{name}.parquet"
        _write_table(pa.concat_tables(parts, promote_options="permissive"), target)
        shutil.rmtree(folder)
        return hashlib.sha256(target.read_bytes()).hexdigest()


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON in one step: the file is whole or absent."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(data, indent=2, default=str) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the mapping that `write_json` has left in ``path``, or None where there is none that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _shown(value: Value) -> Value:
    """Return ``value`` without the digits in which processors may differ, and without the sign of zero."""
    return round(float(f"{value:.{_DIGITS}g}"), _DECIMALS) + 0.0 if isinstance(value, float) else value


def _write_table(table: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}")
    pq.write_table(table, temporary)
    os.replace(temporary, path)


def _read_part(path: Path) -> pa.Table:
    # Not by pq.read_table, which imports pandas and takes three times as long for a few rows.
    with pq.ParquetFile(path) as part:
        return part.read(use_threads=False)


def _disk_error(path: Path, error: OSError) -> PortageError:
    return PortageError(f"cannot write results to {path}: {error.strerror or error}; free the disk or choose another folder")
