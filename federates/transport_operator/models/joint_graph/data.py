"""Read the operator's data files, and say everything that is wrong with them."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from federates.boundary.errors import Problem
from federates.boundary.session import RoadSession
from federates.boundary.units import free_flow_time_s
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import RoadNetwork, road_routes
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings

__all__ = ["RoadData", "read_road_data"]

CONFIG = "config.yaml"
_COLUMNS = {
    "junctions_file": ("id", "lat", "lon"),
    "links_file": ("link", "from", "to", "length_km", "lanes", "hov_lanes"),
    "background_file": ("link", "hour", "flow_veh_per_h"),
}
_HOURS = 24


@dataclass(frozen=True, slots=True)
class RoadData:
    """The session's links, in its order, and their hourly history (L, 24) in veh/h."""

    road: RoadNetwork
    hourly_veh_per_h: Array


def read_road_data(settings: JointGraphSettings, folder: Path, session: RoadSession) -> tuple[RoadData | None, list[Problem]]:
    """Return the data, or None with everything that is wrong."""
    problems: list[Problem] = []
    rows = {field: _read(folder, getattr(settings, field), columns, problems) for field, columns in _COLUMNS.items()}
    if problems:
        return None, problems + _station_names(settings, session)
    junctions = tuple(row["id"] for row in rows["junctions_file"])
    road = _network(settings, session, junctions, rows["links_file"], problems)
    hourly = _history(settings.background_file, session, rows["background_file"], problems)
    problems += _station_names(settings, session)
    problems += [
        Problem(CONFIG, f"settings.stations.{name}.junction", repr(station.junction), nearest(station.junction, junctions))
        for name, station in settings.stations.items()
        if station.junction not in junctions
    ]
    if road is not None and not problems:
        problems += _routes(settings, session, road)
    return (None if problems or road is None else RoadData(road, hourly)), problems


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which names are known and which of them is nearest."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def _read(folder: Path, name: str, columns: tuple[str, ...], problems: list[Problem]) -> list[dict[str, str]]:
    try:
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError) as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else str(error)
        problems.append(Problem(name, "(file)", reason, "this file must exist and be readable text"))
        return []
    missing = [column for column in columns if column not in header]
    problems += [Problem(name, column, "missing", f"this column is required; found: {', '.join(header)}") for column in missing]
    if not missing and not rows:
        problems.append(Problem(name, "(file)", "empty", "at least one row is required"))
    return [] if missing else rows


def _number(row: dict[str, str], column: str, where: str, file: str, problems: list[Problem], above_zero: bool) -> float:
    """Return the number in a column; report what is no finite number > 0 (or >= 0)."""
    text = row[column]
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0 or (above_zero and value == 0):
        allowed = "must be a finite number > 0" if above_zero else "must be a finite number >= 0"
        problems.append(Problem(file, f"{column} ({where})", repr(text), allowed))
        return 1.0
    return value


def _network(
    settings: JointGraphSettings,
    session: RoadSession,
    junctions: tuple[str, ...],
    rows: list[dict[str, str]],
    problems: list[Problem],
) -> RoadNetwork | None:
    """Return the network of the session's links; links that only the file knows are left out, nobody reports on them."""
    file, before = settings.links_file, len(problems)
    by_name = {row["link"]: row for row in rows}
    problems += [Problem(settings.junctions_file, "id", repr(j), "stands twice") for j in _twice(junctions)]
    problems += [Problem(file, "link", repr(link), "stands twice") for link in _twice(row["link"] for row in rows)]
    for link in session.links:
        if link not in by_name:
            allowed = f"the session's link {link!r} must be in this file; {nearest(link, by_name)}"
            problems.append(Problem(file, "link", "missing", allowed))
            continue
        for end in ("from", "to"):
            if by_name[link][end] not in junctions:
                problems.append(
                    Problem(file, f"{end} ({link})", repr(by_name[link][end]), nearest(by_name[link][end], junctions))
                )
    used = [by_name[link] for link in session.links if link in by_name]
    lengths = [_number(row, "length_km", row["link"], file, problems, True) for row in used]
    lanes = [
        _number(row, "lanes", row["link"], file, problems, True) + _number(row, "hov_lanes", row["link"], file, problems, False)
        for row in used
    ]
    if len(problems) > before:
        return None
    return RoadNetwork(
        junctions,
        session.links,
        np.array([junctions.index(row["from"]) for row in used], dtype=np.intp),
        np.array([junctions.index(row["to"]) for row in used], dtype=np.intp),
        np.array([free_flow_time_s(km, settings.free_speed_m_per_s) for km in lengths]),
        settings.capacity_per_lane_veh_per_h * np.array(lanes),
    )


def _history(file: str, session: RoadSession, rows: list[dict[str, str]], problems: list[Problem]) -> Array:
    """Return the hourly flows (L, 24); every session link needs each hour 0..23 once."""
    hourly = np.zeros((len(session.links), _HOURS))
    seen: dict[str, list[str]] = {}
    for row in rows:
        link, hour = row["link"], row["hour"]
        if link not in session.links:
            continue
        seen.setdefault(link, []).append(hour)
        value = _number(row, "flow_veh_per_h", f"{link}, hour {hour}", file, problems, False)
        if hour.isdigit() and int(hour) < _HOURS:
            hourly[session.links.index(link), int(hour)] = value
    wanted = sorted(str(hour) for hour in range(_HOURS))
    for link in session.links:
        if sorted(seen.get(link, [])) != wanted:
            found = f"{len(seen.get(link, []))} rows"
            problems.append(Problem(file, f"hour ({link})", found, "every link needs each hour 0, 1, ... 23 exactly once"))
    return hourly


def _station_names(settings: JointGraphSettings, session: RoadSession) -> list[Problem]:
    unknown = [
        Problem(CONFIG, f"settings.stations.{name}", repr(name), f"no station of the session; {nearest(name, session.stations)}")
        for name in settings.stations
        if name not in session.stations
    ]
    missing = [
        Problem(CONFIG, f"settings.stations.{name}", "missing", "every station of the session needs its junction here")
        for name in session.stations
        if name not in settings.stations
    ]
    return unknown + missing


def _routes(settings: JointGraphSettings, session: RoadSession, road: RoadNetwork) -> list[Problem]:
    problems = []
    for r in session.resourceful_stations:
        for q in session.limited_stations:
            ends = settings.stations[r].junction, settings.stations[q].junction
            if not road_routes(road, *ends, settings.most_detour):
                allowed = f"there must be a route from {r} ({ends[0]}) to {q} ({ends[1]}) over at least one link of the session"
                problems.append(Problem(CONFIG, f"settings.stations.{r}.junction", repr(ends[0]), allowed))
    return problems


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
