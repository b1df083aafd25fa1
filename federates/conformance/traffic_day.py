"""A run of a traffic model under test: an empty period, ordinary ones, and on another run one with far too many vehicles."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import cast

from federates.conformance.life import Failure, Kind, Life, LifeOverError
from federates.conformance.target import Target
from federates.conformance.values import array_fault
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Departure, TrafficObservation
from federates.worlds.road.session import RoadSession

__all__ = ["TrafficDay", "observation_fault", "routes_by_names", "traffic_day"]

_MOST_PERIODS = 4
_ORDINARY_VEH, _FLOOD_VEH = 8, 5_000
_FLOODED_PERIODS = 2


@dataclass
class TrafficDay:
    """What a model said of each period, as far as it got."""

    life: Life
    departures: list[list[Departure]] = field(default_factory=list)
    seen: list[TrafficObservation] = field(default_factory=list)
    failure: Failure | None = None
    malformed: str | None = None


def traffic_day(target: Target, *, flooded: bool = False) -> TrafficDay:
    """Move a model through at most `_MOST_PERIODS` periods; the first and the last have no departures."""
    session = cast(RoadSession, target.session)
    routes = getattr(target, "routes", ()) or routes_by_names(session)
    life = Life(target)
    day = TrafficDay(life)
    periods = min(session.periods, _FLOODED_PERIODS if flooded else _MOST_PERIODS)
    with life:
        try:
            life.begin()
            for period in range(periods):
                ordinary = 0 < period < periods - 1 or (flooded and period == 0)
                leaving = list(routes) if ordinary else []
                if flooded and period == 0:
                    leaving = [dataclasses.replace(route, vehicles=_FLOOD_VEH) for route in leaving[:1]]
                life.period = period
                vehicles = sum(departure.vehicles for departure in leaving)
                seen = life.ask(Kind.RUN, f"run with {vehicles} vehicles", period, leaving)
                day.departures.append(leaving)
                day.seen.append(seen)
                day.malformed = observation_fault(session, seen)
                if day.malformed is not None:
                    day.malformed = f"period {period}: {day.malformed}"
                    break
        except LifeOverError as end:
            day.failure = end.failure
    return day


def observation_fault(session: RoadSession, seen: object) -> str | None:
    """Return what is wrong with types and shapes of an observation."""
    if not isinstance(seen, TrafficObservation):
        return f"the observation is a {type(seen).__name__}, must be a TrafficObservation"
    sizes = session.sizes
    for part, shape in ((seen.links, (sizes["L"],)), (seen.stations, (sizes["S"], sizes["B"]))):
        for entry in dataclasses.fields(part):
            fault = array_fault(entry.name, getattr(part, entry.name), shape)
            if fault is not None:
                return fault
    return None


def routes_by_names(session: RoadSession) -> tuple[Departure, ...]:
    """Return one departure for each pair of stations that links named ``from-to`` join; else one by the first link.

    Only where the names say nothing is the road guessed: a model that knows its road needs routes that it knows.
    """
    ends = {link: tuple(link.split("-", 1)) for link in session.links if link.count("-") == 1}
    found = []
    for origin in session.resourceful_stations:
        for destination in session.limited_stations:
            links = _way(origin, destination, ends)
            if links:
                found.append(Departure(origin, destination, _ORDINARY_VEH, links))
    guess = Departure(session.resourceful_stations[0], session.limited_stations[0], _ORDINARY_VEH, session.links[:1])
    return tuple(found) or (guess,)


def _way(origin: str, destination: str, ends: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the links of a shortest way, by number of links; empty if there is none."""
    ways: list[tuple[str, tuple[str, ...]]] = [(origin, ())]
    been = {origin}
    while ways:
        place, links = ways.pop(0)
        if place == destination:
            return links
        for link, (start, end) in ends.items():
            if start == place and end not in been and len(links) < MAX_ROUTE_LINKS:
                been.add(end)
                ways.append((end, (*links, link)))
    return ()
