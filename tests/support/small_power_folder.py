"""The power operator's folder of the 30-bus day, copied to be changed, and a recorder."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from federates.boundary.errors import Problem
from federates.boundary.world import parse_session
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.worlds.rail.session import RailSession

SCENARIO = Path(__file__).parent.parent.parent / "scenarios" / "ieee30"


class Recorder:
    """Keeps rows by table."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def record(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)

    def progress(self, **fields: Any) -> None:
        pass

    def grid(self, table: str, column: str, by: str, names: tuple[str, ...] | list[str]) -> np.ndarray:
        """Return a column as (names, periods)."""
        rows = self.tables.get(table, [])
        return np.array([[row[column] for row in rows if row[by] == name] for name in names], dtype=float)

    def column(self, table: str, column: str) -> np.ndarray:
        return np.array([row[column] for row in self.tables[table]], dtype=float)


def session(**changes: Any) -> RailSession:
    """Return the public agreement of the 30-bus day."""
    data = yaml.safe_load((SCENARIO / "scenario.yaml").read_text(encoding="utf-8"))
    return parse_session(data | changes, "scenario.yaml")  # type: ignore[return-value]


class PowerFolder:
    """A copy of the folder; its settings are read anew by every use."""

    def __init__(self, folder: Path, periods: int = 24) -> None:
        self.folder, self.periods = folder / "power_operator", periods
        shutil.copytree(SCENARIO / "power_operator", self.folder)
        if periods < 24:
            for name in ("load.csv", "renewables.csv"):
                self.rows(name, lambda rows: rows[:periods])

    def rows(self, name: str, change: Callable[[list[dict[str, str]]], list[dict[str, Any]]]) -> None:
        """Replace the rows of a data file."""
        path = self.folder / "data" / name
        with path.open(encoding="utf-8", newline="") as file:
            rows = change(list(csv.DictReader(file)))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def cell(self, name: str, row: int, column: str, value: Any) -> None:
        """Replace one value of a data file."""
        self.rows(name, lambda rows: [r | {column: value} if i == row else r for i, r in enumerate(rows)])

    def text(self, name: str, old: str, new: str) -> None:
        """Replace text of a data file."""
        path = self.folder / "data" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def settings(self, **changes: Any) -> UnitCommitmentSettings:
        """Return the settings with some keys replaced; a key such as storage__battery__duration_h reaches inside."""
        data = yaml.safe_load((self.folder / "config.yaml").read_text(encoding="utf-8"))["settings"]
        for key, value in changes.items():
            *parents, last = key.split("__")
            inside = data
            for parent in parents:
                inside = inside.setdefault(parent, {})
            inside[last] = value
        return UnitCommitmentSettings(**data)

    def problems(self, shared: dict[str, Any] | None = None, **changes: Any) -> list[Problem]:
        """Return what the operator's check finds."""
        wanted = session(periods=self.periods, **(shared or {}))
        return UnitCommitmentOperator.check(self.settings(**changes), self.folder, wanted)

    def begin(self, shared: dict[str, Any] | None = None, **changes: Any) -> tuple[UnitCommitmentOperator, Recorder]:
        """Return an operator that has begun, and its recorder."""
        wanted = session(periods=self.periods, **(shared or {}))
        operator, recorder = UnitCommitmentOperator(self.settings(**changes), self.folder), Recorder()
        operator.begin(wanted, recorder)
        return operator, recorder
