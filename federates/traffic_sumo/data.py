"""Reading the road's data files; everything wrong with them is reported at once."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.traffic_sumo.settings import RoadSettings

__all__ = ["HOURS", "Junction", "Link", "Road", "load_road", "read_hourly", "read_rows"]

HOURS = 24
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
    points = _read_points(settings, folder, problems)
    rows = _read_links(settings, folder, junctions, problems)
    names = [str(row["link"]) for row in rows]
    flows = read_hourly(folder, settings.flows_file, "flow_vph", names, problems)
    target: dict[str, Array] = {}
    correction: dict[str, Array] = {}
    if with_times and settings.needs_times:
        target = read_hourly(folder, settings.times_file, "target_s", names, problems)
        correction = read_hourly(folder, settings.times_file, "correction_s", names, problems, signed=True)
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
    rows = read_rows(folder, file, ("id",), ("lat", "lon"), problems)
    return {str(row["id"]): Junction(str(row["id"]), float(row["lat"]), float(row["lon"])) for row in rows}


def _read_points(settings: RoadSettings, folder: Path, problems: list[Problem]) -> dict[str, tuple[tuple[float, float], ...]]:
    points: dict[str, list[tuple[float, float]]] = {}
    for row in read_rows(folder, settings.shapes_file, ("link",), ("lat", "lon"), problems):
        points.setdefault(str(row["link"]), []).append((float(row["lat"]), float(row["lon"])))
    return {name: tuple(values) for name, values in points.items()}


def _read_links(
    settings: RoadSettings, folder: Path, junctions: dict[str, Junction], problems: list[Problem]
) -> list[dict[str, str | float]]:
    file = settings.links_file
    rows = read_rows(folder, file, ("link", "frm", "to"), ("length_km", "lanes_ml_mean", "hov_stations"), problems)
    seen: set[str] = set()
    for row in rows:
        name = str(row["link"])
        if name in seen:
            problems.append(Problem(file, f"{name}.link", name, "every link may stand once"))
        seen.add(name)
        if float(row["length_km"]) < _SHORTEST_KM:
            problems.append(Problem(file, f"{name}.length_km", str(row["length_km"]), f"at least {_SHORTEST_KM} km"))
        for end in ("frm", "to"):
            if row[end] not in junctions:
                allowed = f"a junction of {settings.junctions_file}: {', '.join(junctions)}"
                problems.append(Problem(file, f"{name}.{end}", str(row[end]), allowed))
    return rows


_SHORTEST_KM = 1.5
"""A link carries a 500 m merge and a 400 m gore inside its length."""


def read_hourly(
    folder: Path, file: str, column: str, links: list[str], problems: list[Problem], *, signed: bool = False
) -> dict[str, Array]:
    """Return a column by link as arrays of shape (24,); append what is missing, repeated, negative or no number."""
    found: dict[str, dict[int, float]] = {name: {} for name in links}
    rows = read_rows(folder, file, ("link",), ("hour", column), problems)
    for row in rows:
        name, hour, value = str(row["link"]), float(row["hour"]), float(row[column])
        where = f"{name}.{hour:g}.{column}"
        if name not in found:
            continue
        if not (hour.is_integer() and 0 <= hour < HOURS):
            problems.append(Problem(file, f"{name}.hour", f"{hour:g}", "a whole hour from 0 to 23"))
        elif int(hour) in found[name]:
            problems.append(Problem(file, where, f"{value:g}", "every hour of a link may stand once"))
        elif value < 0 and not signed:
            problems.append(Problem(file, where, f"{value:g}", "must not be negative"))
        else:
            found[name][int(hour)] = value
    if rows:
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
    folder: Path, file: str, texts: tuple[str, ...], numbers: tuple[str, ...], problems: list[Problem]
) -> list[dict[str, str | float]]:
    """Return the rows of a csv file with ``numbers`` as finite floats; append what is wrong and skip such rows."""
    try:
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            header, raw = list(reader.fieldnames or []), list(reader)
    except FileNotFoundError:
        problems.append(Problem(file, "(file)", "missing", "this file must exist"))
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(file, "(file)", str(error), "must be a readable csv file"))
        return []
    absent = [name for name in texts + numbers if name not in header]
    if absent:
        allowed = f"needs the columns {', '.join(texts + numbers)}"
        problems.append(Problem(file, ", ".join(absent), "missing column", allowed))
        return []
    if not raw:
        problems.append(Problem(file, "(file)", "no rows", "needs at least one row"))
    rows = []
    for line, entry in enumerate(raw, start=2):
        parsed = _numbers(file, line, entry, numbers, problems)
        if parsed is not None:
            rows.append({**{name: entry[name] for name in texts}, **parsed})
    return rows


def _numbers(
    file: str, line: int, entry: dict[str, str], numbers: tuple[str, ...], problems: list[Problem]
) -> dict[str, float] | None:
    values: dict[str, float] = {}
    for name in numbers:
        text = entry[name]
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            problems.append(Problem(file, f"line {line}, {name}", repr(text), "must be a finite number"))
            return None
        values[name] = value
    return values
