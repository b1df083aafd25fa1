"""Read the operator's data files, and say everything that is wrong with them."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.errors import Problem
from federates.boundary.units import S_PER_H, free_flow_time_s, hours
from federates.runtime.csv_table import CsvTable, read_csv
from federates.transport_operator.models.joint_graph.background import period_mean
from federates.transport_operator.models.joint_graph.delay import BPR_RISE, TimeCurve
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import RoadNetwork, road_routes
from federates.transport_operator.models.joint_graph.settings import RoadPlanSettings
from federates.worlds.road.messages import MAX_ROUTE_LINKS
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import MOST_ROAD_TIME_S

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


def read_road_data(settings: RoadPlanSettings[Any], folder: Path, session: RoadSession) -> tuple[RoadData | None, list[Problem]]:
    """Return the data, or None with everything that is wrong."""
    problems = _fleets(settings, session)
    tables = {field: read_csv(folder, getattr(settings, field), columns) for field, columns in _COLUMNS.items()}
    if any(table.problems for table in tables.values()):
        found = [problem for table in tables.values() for problem in table.problems]
        return None, found + _station_names(settings, session)
    for column in ("lat", "lon"):
        tables["junctions_file"].numbers(column)
    tables["junctions_file"].once("id")
    junctions = tuple(tables["junctions_file"].columns["id"])
    road = _network(settings, session, junctions, tables["links_file"])
    hourly = _history(session, tables["background_file"])
    problems += [problem for table in tables.values() for problem in table.problems]
    problems += _station_names(settings, session)
    problems += [
        Problem(CONFIG, f"settings.stations.{name}.junction", repr(station.junction), nearest(station.junction, junctions))
        for name, station in settings.stations.items()
        if station.junction not in junctions
    ]
    if road is not None and not problems:
        problems += _routes(settings, session, road) or find_room_problems(settings, session, road, hourly)
    return (None if problems or road is None else RoadData(road, hourly)), problems


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which names are known and which of them is nearest."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def _network(
    settings: RoadPlanSettings[Any], session: RoadSession, junctions: tuple[str, ...], table: CsvTable
) -> RoadNetwork | None:
    """Return the network of the session's links; links that only the file knows are left out, nobody reports on them."""
    table.once("link")
    row_of = {link: row for row, link in enumerate(table.columns["link"])}
    for link in session.links:
        if link not in row_of:
            table.add("link", "missing", f"the session's link {link!r} must be in this file; {nearest(link, row_of)}")
    used = [row_of[link] for link in session.links if link in row_of]
    for row, end in itertools.product(used, ("from", "to")):
        if table.columns[end][row] not in junctions:
            table.add_at(row, end, nearest(table.columns[end][row], junctions))
    length_km = table.numbers("length_km", above_zero=True)
    lanes = table.numbers("lanes", above_zero=True) + table.numbers("hov_lanes", least=0.0)
    if table.problems:
        return None
    starts, ends = (np.array([junctions.index(table.columns[end][row]) for row in used], dtype=np.intp) for end in ("from", "to"))
    return RoadNetwork(
        junctions,
        session.links,
        starts,
        ends,
        np.array([free_flow_time_s(km, settings.free_speed_m_per_s) for km in length_km[used]]),
        settings.capacity_per_lane_veh_per_h * lanes[used],
    )


def _history(session: RoadSession, table: CsvTable) -> Array:
    """Return the hourly flows (L, 24); every session link needs each hour 0..23 once."""
    hourly = np.zeros((len(session.links), _HOURS))
    table.once("link", "hour")
    seen: dict[str, set[int]] = {link: set() for link in session.links}
    values = zip(table.columns["link"], table.whole_numbers("hour"), table.numbers("flow_veh_per_h", least=0.0), strict=True)
    for row, (link, hour, flow_veh_per_h) in enumerate(values):
        if hour >= _HOURS:
            table.add_at(row, "hour", f"must be at most {_HOURS - 1}")
        elif link in seen:
            seen[link].add(hour)
            hourly[session.links.index(link), hour] = flow_veh_per_h
    if not table.problems:
        for link, hours in seen.items():
            if len(hours) < _HOURS:
                table.add(f"hour ({link})", f"{len(hours)} rows", "every link needs each hour 0, 1, ... 23 exactly once")
    return hourly


def _fleets(settings: RoadPlanSettings[Any], session: RoadSession) -> list[Problem]:
    """Return the stations from which no vehicle could ever set out: vehicles are whole, and counted by period."""
    least_veh_per_h = S_PER_H / session.period_s
    allowed = f"must be 0, or at least {least_veh_per_h:g}: one vehicle in a period"
    return [
        Problem(CONFIG, f"settings.stations.{name}.{station.most_key}", f"{station.most_veh_per_h:g}", allowed)
        for name, station in settings.stations.items()
        if name in session.resourceful_stations and 0 < station.most_veh_per_h < least_veh_per_h
    ]


def _station_names(settings: RoadPlanSettings[Any], session: RoadSession) -> list[Problem]:
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


def _routes(settings: RoadPlanSettings[Any], session: RoadSession, road: RoadNetwork) -> list[Problem]:
    problems = []
    for r in session.resourceful_stations:
        for q in session.limited_stations:
            ends = settings.stations[r].junction, settings.stations[q].junction
            if not road_routes(road, *ends, settings.most_detour):
                allowed = (
                    f"there must be a route from {r} ({ends[0]}) to {q} ({ends[1]}) over at least one link of the session, and "
                    f"at most {MAX_ROUTE_LINKS}: the traffic model can be told no longer one"
                )
                problems.append(Problem(CONFIG, f"settings.stations.{r}.junction", repr(ends[0]), allowed))
    return problems


def find_room_problems(
    settings: RoadPlanSettings[Any], session: RoadSession, road: RoadNetwork, hourly_veh_per_h: Array
) -> list[Problem]:
    """Return what is wrong with the capacities of a road (L links) beside the given flows (L, 24); every pair has a route."""
    length_h = hours(session.period_s)
    others = np.array(
        [period_mean(hourly_veh_per_h, session.hour_of_day(p), length_h) for p in range(session.periods)]
    )  # fmt: skip
    at = {name: settings.stations[name].junction for name in session.stations}
    routes = {
        (r, q): [list(route) for route in road_routes(road, at[r], at[q], settings.most_detour)]
        for r in session.resourceful_stations
        for q in session.limited_stations
    }
    time_s = TimeCurve(road.free_time_s, BPR_RISE * road.free_time_s, road.capacity_veh_per_h).time_s(others)
    longest_s, (r, q) = max((max(min(t[route].sum() for route in of) for t in time_s), pair) for pair, of in routes.items())
    if longest_s > MOST_ROAD_TIME_S:
        allowed = f"beside the flows of {settings.background_file} the drive from {r} to {q} takes {longest_s:.3g} s, over a day"
        return [_problem("capacity_per_lane_veh_per_h", f"{settings.capacity_per_lane_veh_per_h:g}", allowed)]
    room = settings.capacity_use * road.capacity_veh_per_h - others
    open_ = any((row[route] > 0).all() for row in room for of in routes.values() for route in of)
    if settings.respect_capacity and not open_:
        allowed = (
            f"other traffic ({settings.background_file}) leaves no room: in every period it fills every route to this part of "
            "its capacity; raise it, or set respect_capacity: false"
        )
        return [_problem("capacity_use", f"{settings.capacity_use:g}", allowed)]
    return []


def _problem(field: str, value: str, allowed: str) -> Problem:
    return Problem("config.yaml", f"settings.{field}", value, allowed)
