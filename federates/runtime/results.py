"""What an agent leaves behind: Parquet tables in its own part of the run's folder, and a finish record.

Rows are flushed after every period as ``<table>.parts/<number>.parquet``, so that a run that is killed loses nothing already
written; at the end the parts become one ``<table>.parquet``.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from federates.boundary.errors import ModelError, PortageError
from federates.boundary.roles import Value
from federates.runtime.say import say

if TYPE_CHECKING:  # Loaded with the first table, for an agent is ready sooner without it.
    import pyarrow as pa

WALL_TIMES = ("timings", "pace", "late_answers")
"""Tables with times of the day's clock, which differ from run to run."""
PROCESS_RECORD = "process.json"
"""Which process an agent is, so that the broker notices when it is gone."""
_DIGITS, _DECIMALS = 10, 9
"""Significant digits of the numbers in tables, and most decimal places: far more than any is known to, far fewer than rounding
error reaches."""
NO_SPACE = "no space left on the device"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_RECORD_BYTES = 4096


class TableCut(NamedTuple):
    """How much of a table is written: number of parts, and of rows in all of them."""

    parts: int
    rows: int


class Written(NamedTuple):
    """How much of an agent's results is written: its tables, and bytes of ``progress.jsonl``."""

    tables: Mapping[str, TableCut]
    progress_bytes: int


class ResultWriter:
    """Recorder of one agent. ``folder`` is ``<run folder>/<agent>``; it is made if it is missing.

    Raises
    ------
    PortageError : the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[str, list[dict[str, Value]]] = {}
        self._blocks: dict[str, list[pa.Table]] = {}
        self._parts: dict[str, int] = {}
        self._row_counts: dict[str, int] = {}
        self._not_synced: list[Path] = []
        self._tables: set[str] = set()
        self.muted = False
        """Nothing is recorded: the agent lives through what stands in its tables already (`federates.runtime.replay`)."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._progress = (folder / "progress.jsonl").open("a", encoding="utf-8")
            reserve_failure(folder)
        except OSError as error:
            raise disk_error(folder, error) from error

    def record(self, table: str, **row: Value) -> None:
        """Append one row to ``table``; it reaches the disk with the next `flush`."""
        if self.muted:
            return
        self._rows.setdefault(table, []).append({name: _shown(value) for name, value in row.items()})

    def record_many(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Append rows to ``table``, given as columns of equal length; a table takes rows either so or by `record`."""
        if self.muted:
            return
        from federates.runtime.columns import table_of_columns

        self._blocks.setdefault(table, []).append(table_of_columns(columns))

    def progress(self, **fields: Value) -> None:
        """Append one line to ``progress.jsonl``, at once."""
        if self.muted:
            return
        try:
            self._progress.write(json.dumps({"wall": round(time.time(), 3), **fields}, default=float) + "\n")
            self._progress.flush()
        except OSError as error:
            raise disk_error(self.folder, error) from error

    def flush(self) -> None:
        """Write all new rows.

        Raises
        ------
        PortageError : the disk refuses, or rows of a table do not fit together; all that can be written is written first.
        """
        failures = []
        for name in dict.fromkeys([*self._rows, *self._blocks]):
            try:
                self._write(name, self._rows.pop(name, []), self._blocks.pop(name, []))
            except PortageError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _write(self, name: str, rows: list[dict[str, Value]], blocks: list[pa.Table]) -> None:
        """Write new rows of a table, as its next part."""
        import pyarrow as pa

        from federates.runtime.columns import table_of_rows

        folder, number = self.folder / f"{name}.parts", self._parts.get(name, 0)
        try:
            found = [*([table_of_rows(rows)] if rows else []), *blocks]
            table = pa.concat_tables(found, promote_options="permissive")
        except (ModelError, pa.ArrowException) as error:
            raise ModelError(f"table {name}: {error}") from error
        try:
            folder.mkdir(exist_ok=True)
            _write_table(table, folder / f"{number:05d}.parquet")
        except OSError as error:
            raise disk_error(folder, error) from error
        self._parts[name] = number + 1
        self._row_counts[name] = self._row_counts.get(name, 0) + table.num_rows
        self._not_synced.append(folder / f"{number:05d}.parquet")
        self._tables.add(name)

    @property
    def written(self) -> Written:
        """Return how much is written, what was flushed last included."""
        tables = {name: TableCut(self._parts[name], self._row_counts[name]) for name in sorted(self._tables)}
        return Written(tables, self._progress.tell())

    def go_on_behind(self, written: Written) -> None:
        """Go on behind what is written already, to which `cut_back` has cut the files."""
        self._parts = {name: table.parts for name, table in written.tables.items()}
        self._row_counts = {name: table.rows for name, table in written.tables.items()}
        self._tables = set(written.tables)

    def take_unsynced(self) -> list[Path]:
        """Return the files that were written since the last call, for `sync`."""
        files, self._not_synced = self._not_synced, []
        return [self.folder / "progress.jsonl", *files, *{path.parent for path in files}]

    def finish(self, role: str, extra: dict[str, Any] | None = None) -> None:
        """Merge the parts and write ``finished.json`` with a hash of every table."""
        self.flush()
        try:
            hashes = {name: self._merge(name) for name in sorted(self._tables)}
            # Wall-clock times differ from run to run; everything else has the same hash for the same scenario and seed.
            for name in WALL_TIMES:
                hashes.pop(name, None)
            self._progress.close()
            write_json(self.folder / "finished.json", {"agent": role, "tables_sha256": hashes, **(extra or {})})
            release_failure(self.folder)
        except OSError as error:
            raise disk_error(self.folder, error) from error

    def fail(self, role: str, message: str, *, own_fault: bool, flush: bool = True) -> None:
        """Keep what there is and write ``failed.json``, once; ``own_fault`` is false where a partner failed."""
        if (self.folder / "failed.json").exists():
            return
        try:
            if flush:
                self.flush()
        except Exception as error:  # whatever it is, the failure must be told
            if NO_SPACE not in message:
                message = f"{message}; and then {error}"
        try:
            record = {"agent": role, "message": message, "own_fault": own_fault, "time": time.time()}
            write_json(self.folder / "failed.json", record)
        except OSError as error:
            say(f"portage: {role}: could not write failed.json: {error}")

    def close(self) -> None:
        """Let go of the open file; called once no more is written, also after a failure."""
        with contextlib.suppress(OSError):  # a full disk was said by whoever wrote
            self._progress.close()

    def _merge(self, name: str) -> str:
        import pyarrow as pa

        folder = self.folder / f"{name}.parts"
        parts = [_read_part(part) for part in sorted(folder.glob("*.parquet"))]
        target = self.folder / f"{name}.parquet"
        try:
            whole = pa.concat_tables(parts, promote_options="permissive")
        except pa.ArrowException as error:
            raise ModelError(f"table {name}: its rows of different periods do not fit together: {error}") from error
        _write_table(whole, target)
        shutil.rmtree(folder)
        return hashlib.sha256(target.read_bytes()).hexdigest()


def cut_back(folder: Path, written: Written) -> None:
    """Take away what an agent has recorded in ``folder`` since it had ``written`` so much; raise OSError if the disk refuses.

    A table that its agent had ended already becomes a part again, and beginnings of files go.
    """
    for beginning in folder.glob(".*"):
        if beginning.is_file():
            beginning.unlink()
    for parts in [*folder.glob("*.parts"), *folder.glob("*.parquet")]:
        if parts.stem not in written.tables:
            shutil.rmtree(parts) if parts.is_dir() else parts.unlink()
    for name, table in written.tables.items():
        parts, whole = folder / f"{name}.parts", folder / f"{name}.parquet"
        if whole.exists() and len(list(parts.glob("*.parquet"))) < table.parts:
            shutil.rmtree(parts, ignore_errors=True)
            parts.mkdir()
            _write_table(_read_part(whole).slice(0, table.rows), parts / "00000.parquet")
        whole.unlink(missing_ok=True)
        for part in parts.glob("*.parquet"):
            if not part.stem.isdigit() or int(part.stem) >= table.parts:  # of a part that was being written there is a beginning
                part.unlink()
    if (folder / "progress.jsonl").exists():
        os.truncate(folder / "progress.jsonl", written.progress_bytes)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or a folder's list of names; raise OSError if it refuses."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reserve(path: Path, size_bytes: int) -> None:
    """Take space on the disk for one `write_json` to ``path``, which succeeds then even if the disk is full by that time."""
    with _reserved(path).open("wb") as file:
        file.write(b" " * size_bytes)  # written, for a file with a hole takes no space


def reserve_failure(folder: Path) -> None:
    """Take the space for an agent's ``failed.json``, so that a full disk does not keep it from saying so."""
    reserve(folder / "failed.json", _RECORD_BYTES)


def release_failure(folder: Path) -> None:
    """Give back what `reserve_failure` has taken."""
    _reserved(folder / "failed.json").unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON in one step, into what was reserved for it if anything was: the file is whole or absent."""
    text = json.dumps(data, indent=2, default=str) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    reserved = _take(_reserved(path), temporary)
    try:
        with temporary.open("r+b" if reserved else "wb") as file:
            file.write(text.encode())
            file.truncate()
        os.replace(temporary, path)
    except OSError:
        _take(temporary, _reserved(path)) if reserved else temporary.unlink(missing_ok=True)
        raise


def _reserved(path: Path) -> Path:
    return path.with_name(f".{path.name}.reserved")


def _take(old: Path, new: Path) -> bool:
    """Rename a file, and return whether it was there: of two that want it one gets it."""
    with contextlib.suppress(OSError):
        old.rename(new)
        return True
    return False


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
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}")
    pq.write_table(table, temporary)
    os.replace(temporary, path)


def _read_part(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    # Not by pq.read_table, which imports pandas and takes three times as long for a few rows.
    with pq.ParquetFile(path) as part:
        return part.read(use_threads=False)


def disk_error(path: Path, error: OSError) -> PortageError:
    """Return in words why results cannot be written to ``path``."""
    if error.errno in _FULL:
        return PortageError(f"{NO_SPACE}: {path}; free some, or choose another folder")
    return PortageError(f"cannot write results to {path}: {error.strerror or error}; free the disk or choose another folder")


def in_disk_words(folder: Path, error: Exception) -> Exception:
    """Return an error of a full disk, whoever met it, in the words of `disk_error`; any other as it is."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return disk_error(Path(error.filename or folder), error)
    return error


def disk_is_full(folder: Path) -> bool:
    """Whether nothing more can be written to ``folder`` because its device is full; it is tried."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        reserve(probe, _RECORD_BYTES)
    except OSError as error:
        return error.errno in _FULL
    finally:
        with contextlib.suppress(OSError):
            _reserved(probe).unlink(missing_ok=True)
    return False
