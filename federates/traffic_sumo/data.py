"""Reading the road's data files; everything wrong with them is reported at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.runtime.csv_table import read_csv
from federates.traffic_sumo.settings import RoadSettings

HOURS = 24
_MOST_TIME_S = 86_400.0
Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Junction:
    """A freeway junction; coordinates in degrees (WGS 84)."""

    name: str
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True, slots=True)
class Link:
    """A directed freeway link; ``points`` are the (lat, lon) of its detectors in driving order, in degrees."""

    name: str
    start: str
    end: str
    length_km: float
    lanes: int
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Road:
    """All data of the road. Arrays have shape (24,), one value per hour of day."""

    junctions: dict[str, Junction]
    links: dict[str, Link]
    flow_veh_per_h: dict[str, Array]
    target_s: dict[str, Array] = field(default_factory=dict)
    """Target time over the link; empty without a delay law."""
    correction_s: dict[str, Array] = field(default_factory=dict)
    """What SUMO's own car interaction adds to the time set, found by calibration."""

    def into(self, junction: str) -> list[Link]:
        """Return the links that end at ``junction``."""
        return [link for link in self.links.values() if link.end == junction]

    def out_of(self, junction: str) -> list[Link]:
        """Return the links that start at ``junction``."""
        return [link for link in self.links.values() if link.start == junction]


def load_road(settings: RoadSettings, folder: Path, *, with_times: bool = True) -> Road:
    """Read and check all files named in ``settings``.

    Raises
    ------
    ConfigError : with everything that is wrong in all of the files.
    """
    problems: list[Problem] = []
    junctions = _read_junctions(settings, folder, problems)
    rows = _read_links(settings, folder, junctions, problems)
    names = [str(row["link"]) for row in rows]
    points = _read_points(settings, folder, names, problems)
    flows = read_hourly(folder, settings.flows_file, "flow_vph", names, problems)
    target: dict[str, Array] = {}
    correction: dict[str, Array] = {}
    if with_times and settings.needs_times:
        target = read_hourly(folder, settings.times_file, "target_s", names, problems)
        correction = read_hourly(folder, settings.times_file, "correction_s", names, problems)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    links = {
        name: Link(
            name,
            str(row["frm"]),
            str(row["to"]),
            float(row["length_km"]),
            _lanes(row, flows[name], settings),
            points.get(name, ()),
        )
        for name, row in zip(names, rows, strict=True)
    }
    return Road(junctions, links, flows, target, correction)


def _lanes(row: dict[str, str | float], flow_veh_per_h: Array, settings: RoadSettings) -> int:
    """Return mainline lanes (rounded up), one more for a carpool lane, and at least what the largest given flow needs."""
    mapped = math.ceil(float(row["lanes_ml_mean"])) + (1 if float(row["hov_stations"]) > 0 else 0)
    needed = math.ceil(float(flow_veh_per_h.max()) * settings.demand_scale / settings.lane_flow_veh_per_h)
    return max(1, mapped, needed)


def _read_junctions(settings: RoadSettings, folder: Path, problems: list[Problem]) -> dict[str, Junction]:
    file = settings.junctions_file
    rows = read_rows(folder, file, ("id",), ("lat", "lon"), problems, once=("id",))
    return {str(row["id"]): Junction(str(row["id"]), float(row["lat"]), float(row["lon"])) for row in rows}


def _read_points(
    settings: RoadSettings, folder: Path, links: list[str], problems: list[Problem]
) -> dict[str, tuple[tuple[float, float], ...]]:
    points: dict[str, list[tuple[float, float]]] = {}
    for row in read_rows(folder, settings.shapes_file, ("link",), ("lat", "lon"), problems):
        if links and row["link"] not in links:
            problems.append(Problem(settings.shapes_file, "link", str(row["link"]), f"must be a link of {settings.links_file}"))
        points.setdefault(str(row["link"]), []).append((float(row["lat"]), float(row["lon"])))
    return {name: tuple(values) for name, values in points.items()}


def _read_links(
    settings: RoadSettings, folder: Path, junctions: dict[str, Junction], problems: list[Problem]
) -> list[dict[str, str | float]]:
    file = settings.links_file
    numbers = ("length_km", "lanes_ml_mean", "hov_stations")
    rows = read_rows(folder, file, ("link", "frm", "to"), numbers, problems, once=("link",))
    for row in rows:
        name = str(row["link"])
        if float(row["length_km"]) < _SHORTEST_KM:
            problems.append(Problem(file, f"{name}.length_km", str(row["length_km"]), f"at least {_SHORTEST_KM} km"))
        for end in ("frm", "to") if junctions else ():
            if row[end] not in junctions:
                allowed = f"a junction of {settings.junctions_file}: {', '.join(junctions)}"
                problems.append(Problem(file, f"{name}.{end}", str(row[end]), allowed))
    return rows


_SHORTEST_KM = 1.5
"""A link carries a 500 m merge and a 400 m gore inside its length."""


def read_hourly(folder: Path, file: str, column: str, links: list[str], problems: list[Problem]) -> dict[str, Array]:
    """Return a column by link as arrays of shape (24,); append what is missing, repeated, out of range or no number."""
    found: dict[str, dict[int, float]] = {name: {} for name in links}
    rows = read_rows(folder, file, ("link",), ("hour", column), problems, once=("link", "hour"))
    for row in rows:
        name, hour, value = str(row["link"]), float(row["hour"]), float(row[column])
        where = f"{name}.{hour:g}.{column}"
        if name not in found:
            continue
        if not (hour.is_integer() and 0 <= hour < HOURS):
            problems.append(Problem(file, f"{name}.hour", f"{hour:g}", "a whole hour from 0 to 23"))
        elif abs(value) > _MOST_TIME_S and column.endswith("_s"):
            problems.append(Problem(file, where, f"{value:g}", f"must be at most {_MOST_TIME_S:g} s"))
        else:
            found[name][int(hour)] = value
    if rows and links:
        problems.extend(_gaps(file, found))
    return {name: np.array([hours.get(h, 0.0) for h in range(HOURS)]) for name, hours in found.items()}


def _gaps(file: str, found: dict[str, dict[int, float]]) -> Iterator[Problem]:
    for name, hours in found.items():
        missing = [str(h) for h in range(HOURS) if h not in hours]
        if len(missing) == HOURS:
            yield Problem(file, f"{name}.hour", "missing", "every link needs a row for each of the 24 hours")
        elif missing:
            yield Problem(file, f"{name}.hour", f"hours {', '.join(missing)} are missing", "24 hours, 0 to 23")


def read_rows(
    folder: Path, file: str, texts: tuple[str, ...], numbers: tuple[str, ...], problems: list[Problem], once: tuple[str, ...] = ()
) -> list[dict[str, str | float]]:
    """Return the rows of a csv file with ``numbers`` as finite floats, none if something is wrong; append what is.

    No two rows may have the same values in the columns ``once``.
    """
    table = read_csv(folder, file, texts + numbers)
    columns: dict[str, Sequence[str | float]] = {}
    if not table.problems:
        columns = {name: table.columns[name] for name in texts}
        columns |= {name: table.numbers(name, least=-math.inf if name in _SIGNED else 0.0).tolist() for name in numbers}
        if once:
            table.once(*once)
    problems += table.problems
    return [] if table.problems else [{name: values[row] for name, values in columns.items()} for row in range(len(table))]


_SIGNED = ("lat", "lon", "abs_pm", "correction_s")
