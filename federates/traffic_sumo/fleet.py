"""Mobile storages on the road: put in, stopped at their station, taken out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from federates.boundary.errors import ModelError
from federates.boundary.messages import Departure
from federates.traffic_sumo.detectors import MVES_PREFIX
from federates.traffic_sumo.engine import Sumo
from federates.traffic_sumo.network import RAMP_M, entry_edge, exit_edge, link_edges

__all__ = ["MVES_TYPE", "Fleet", "Trip"]

MVES_TYPE = "mves"
_PARKING = 1
_PARKED_S = 900.0
"""Longer than any poll, so that every parked vehicle is seen; SUMO then ends its route. Removing it by hand crashes SUMO 1.28."""


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

    @property
    def last_edge(self) -> str:
        """Return the ramp on which the vehicle stops."""
        return exit_edge(self.route[-1], self.destination)


@dataclass(slots=True)
class Fleet:
    """All mobile storages that are not yet at their station. ``zero_s`` is SUMO's time at time 0 of the run."""

    sumo: Sumo
    zero_s: float
    trips: dict[str, Trip] = field(default_factory=dict)
    _routes: set[str] = field(default_factory=set)
    _near: set[str] = field(default_factory=set)

    def send(self, period: int, begin_s: float, period_s: float, offset_s: float, departures: list[Departure]) -> list[Trip]:
        """Add the vehicles of a period, each row of ``departures`` evenly spaced over it; return them.

        Names count through the rows of a pair of stations, so they are the same in every run.
        """
        number: dict[tuple[str, str], int] = {}
        added = []
        for row in departures:
            pair = (row.origin, row.destination)
            for i in range(row.vehicles):
                number[pair] = number.get(pair, 0) + 1
                name = f"{MVES_PREFIX}p{period:02d}_{row.origin}_{row.destination}_{number[pair]:04d}"
                planned = math.floor(begin_s + offset_s + (period_s - offset_s) * (i + 0.5) / row.vehicles)
                trip = Trip(name, period, row.origin, row.destination, tuple(row.links), max(planned, begin_s + offset_s))
                self._add(trip)
                added.append(trip)
        return added

    def _add(self, trip: Trip) -> None:
        api, call = self.sumo.api, self.sumo.call
        route = "|".join((trip.origin, *trip.route, trip.destination))
        if route not in self._routes:
            edges = [edge for link in trip.route for edge in link_edges(link)]
            call(api.route.add, route, [entry_edge(trip.origin, trip.route[0]), *edges, trip.last_edge])
            self._routes.add(route)
        depart = f"{self.zero_s + trip.planned_s:.2f}"
        call(api.vehicle.add, trip.name, route, MVES_TYPE, depart, "best", "base", "max")
        # It parks at the end of its ramp, so that SUMO notes the time; at its route's end it would be gone by the next poll.
        call(api.vehicle.setStop, trip.name, trip.last_edge, RAMP_M - 1.0, 0, _PARKED_S, _PARKING)
        self.trips[trip.name] = trip

    def note_passed(self, link: str, names: list[str]) -> None:
        """Take in that these vehicles left a link's main edge: those on their last link are near their station."""
        self._near.update(name for name in names if name in self.trips and self.trips[name].route[-1] == link)

    def collect(self) -> list[Trip]:
        """Return the completed trips of the vehicles that have arrived since the last call."""
        api, call = self.sumo.api, self.sumo.call
        done = []
        for name in sorted(self._near):
            stops = call(api.vehicle.getStops, name, 1)
            if not stops or stops[0].arrival < 0:
                continue
            trip = self.trips.pop(name)
            trip.depart_s = round(float(call(api.vehicle.getDeparture, name)) - self.zero_s, 2)
            trip.arrive_s = round(float(stops[0].arrival) - self.zero_s, 2)
            done.append(trip)
        self._near.difference_update(trip.name for trip in done)
        return done

    def check_routes(self, departures: list[Departure], ends: dict[str, tuple[str, str]], junctions: dict[str, str]) -> None:
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
