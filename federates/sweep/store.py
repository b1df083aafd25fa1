"""Results of a sweep on disk: one file per point, written in one step, and one table of all of them.

A point's file is there with all of its content or not at all, whatever ends the process; so a sweep resumes from the files alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from federates.boundary.errors import PortageError
from federates.sweep.changes import values_of
from federates.sweep.spec import Point
from federates.sweep.worker import Outcome

__all__ = ["PointStore"]


class PointStore:
    """The output folder of a sweep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._points = folder / "points"
        try:
            self._points.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PortageError(f"{folder}: cannot be made: {error.strerror or error}") from error

    def read(self, point: Point) -> Outcome | None:
        """Return what is known of a point; None if nothing is, or its file is damaged or of another point."""
        try:
            content = json.loads(self._path(point).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        known = (
            isinstance(content, dict) and content.get("point") == asdict(point) and content.get("status") in ("done", "failed")
        )
        return content if known else None

    def is_done(self, point: Point) -> bool:
        """Return whether a point has a result; one that failed is to be tried again."""
        known = self.read(point)
        return known is not None and known["status"] == "done"

    def write(self, point: Point, outcome: Outcome) -> None:
        """Write a point's outcome, so that it is on the disk when this returns."""
        path = self._path(point)
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            with temporary.open("w", encoding="utf-8") as stream:
                json.dump({"point": asdict(point), **outcome}, stream, indent=1, allow_nan=False)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
            _sync_folder(path.parent)
        except OSError as error:
            raise PortageError(f"{path}: cannot be written: {error.strerror or error}") from error

    def merge(self, points: Sequence[Point], about: dict[str, Any]) -> pd.DataFrame:
        """Write ``sweep.parquet``, ``sweep.csv`` and ``sweep.json`` of the points that are known, in order; return the table.

        Lists and mappings of a method's answer stay in the files of the points. Nothing in the table depends on when or where a
        point was computed, unless the method itself returns its time.
        """
        rows = [self._row(point) for point in points]
        table = pd.DataFrame([row for row in rows if row is not None])
        for name in table.columns:
            if table[name].dtype == object and table[name].dropna().map(type).nunique() > 1:
                table[name] = table[name].map(
                    lambda cell: cell if isinstance(cell, str) else json.dumps(cell), na_action="ignore"
                )
        table.to_parquet(self.folder / "sweep.parquet", index=False)
        table.to_csv(self.folder / "sweep.csv", index=False, lineterminator="\n")
        text = json.dumps(about | {"columns": list(table.columns)}, indent=1, allow_nan=False)
        (self.folder / "sweep.json").write_text(text + "\n", encoding="utf-8")
        return table

    def _row(self, point: Point) -> dict[str, Any] | None:
        known = self.read(point)
        if known is None:
            return None
        own = {"point": point.name, "scheme": point.scheme, **values_of(point.changes), "done": known["status"] == "done"}
        result = known.get("result") or {}
        cells = {name: value for name, value in result.items() if name not in own and not isinstance(value, (list, dict))}
        return own | cells | {"error": known.get("error", "")}

    def _path(self, point: Point) -> Path:
        return self._points / f"{point.name}.json"


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut; systems that cannot open a folder do so by themselves."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
