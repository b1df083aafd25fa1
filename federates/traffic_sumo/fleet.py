"""Mobile storages on the road: put in, stopped at their station, taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from federates.traffic_sumo.engine import Sumo
from federates.traffic_sumo.network import RAMP_M, entry_edge, exit_edge, link_edges
from federates.traffic_sumo.trips import Trip, plan_trips
from federates.worlds.road.messages import Departure

MVES_TYPE = "mves"
_PARKING = 1
_PARKED_S = 900.0
"""Longer than any poll, so that every parked vehicle is seen; SUMO then ends its route. Removing it by hand crashes SUMO 1.28."""


@dataclass(slots=True)
class Fleet:
    """All mobile storages that are not yet at their station. ``zero_s`` is SUMO's time at time 0 of the run."""

    sumo: Sumo
    zero_s: float
    trips: dict[str, Trip] = field(default_factory=dict)
    _routes: set[str] = field(default_factory=set)
    _near: set[str] = field(default_factory=set)

    def send(self, period: int, begin_s: float, period_s: float, offset_s: float, departures: list[Departure]) -> list[Trip]:
        """Add the vehicles of a period, each row of ``departures`` evenly spaced over it; return them."""
        added = plan_trips(period, begin_s, period_s, offset_s, departures)
        for trip in added:
            self._add(trip)
        return added

    def state(self) -> dict[str, Any]:
        """Return what is known of the vehicles, as plain values."""
        return {"trips": [astuple(trip) for trip in self.trips.values()], "routes": set(self._routes), "near": set(self._near)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self.trips = {trip.name: trip for trip in (Trip(*values) for values in state["trips"])}
        self._routes, self._near = set(state["routes"]), set(state["near"])

    def _add(self, trip: Trip) -> None:
        api, call = self.sumo.api, self.sumo.call
        route = "|".join((trip.origin, *trip.route, trip.destination))
        if route not in self._routes:
            edges = [edge for link in trip.route for edge in link_edges(link)]
            call(api.route.add, route, [entry_edge(trip.origin, trip.route[0]), *edges, _last_edge(trip)])
            self._routes.add(route)
        depart = f"{self.zero_s + trip.planned_s:.2f}"
        call(api.vehicle.add, trip.name, route, MVES_TYPE, depart, "best", "base", "max")
        # It parks at the end of its ramp, so that SUMO notes the time; at its route's end it would be gone by the next poll.
        call(api.vehicle.setStop, trip.name, _last_edge(trip), RAMP_M - 1.0, 0, _PARKED_S, _PARKING)
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


def _last_edge(trip: Trip) -> str:
    """Return the ramp on which the vehicle stops."""
    return exit_edge(trip.route[-1], trip.destination)
