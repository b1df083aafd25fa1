"""Mobile storages on their way, for every traffic model of this package: when they leave, and which routes can be driven."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from federates.boundary.errors import ModelError
from federates.worlds.road.messages import Departure

MVES_PREFIX = "mves_"


@dataclass(slots=True)
class Trip:
    """One mobile storage's drive. Times in s of the run; -1 while unknown."""

    name: str
    period: int
    origin: str
    destination: str
    route: tuple[str, ...]
    planned_s: float
    depart_s: float = -1.0
    arrive_s: float = -1.0


def plan_trips(period: int, begin_s: float, period_s: float, offset_s: float, departures: list[Departure]) -> list[Trip]:
    """Return the vehicles of a period, each row of ``departures`` evenly spaced over it, on whole seconds.

    Names count through the rows of a pair of stations, so they are the same in every run.
    """
    number: dict[tuple[str, str], int] = {}
    planned = []
    for row in departures:
        pair = (row.origin, row.destination)
        for i in range(row.vehicles):
            number[pair] = number.get(pair, 0) + 1
            name = f"{MVES_PREFIX}p{period:02d}_{row.origin}_{row.destination}_{number[pair]:04d}"
            time_s = math.floor(begin_s + offset_s + (period_s - offset_s) * (i + 0.5) / row.vehicles)
            planned.append(Trip(name, period, row.origin, row.destination, tuple(row.links), max(time_s, begin_s + offset_s)))
    return planned


def check_routes(departures: list[Departure], ends: Mapping[str, tuple[str, str]], junctions: Mapping[str, str]) -> None:
    """Refuse a route that cannot be driven; ``ends`` are the links' junctions, ``junctions`` the stations'."""
    for row in departures:
        unknown = [link for link in row.links if link not in ends]
        if unknown or not row.links:
            raise ModelError(f"route {row.origin} -> {row.destination}: unknown or no links: {', '.join(unknown) or 'none'}")
        places = [junctions[row.origin], *(ends[link][1] for link in row.links)]
        starts = [*(ends[link][0] for link in row.links), junctions[row.destination]]
        for place, start in zip(places, starts, strict=True):
            if place != start:
                shown = " | ".join(row.links)
                raise ModelError(f"route {row.origin} -> {row.destination} ({shown}) is broken: from {place} to {start}")
