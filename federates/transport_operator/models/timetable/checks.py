"""Everything wrong with a timetable: names, trips that a train cannot make, vehicles that never leave; each mistake once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from federates.boundary.errors import Problem
from federates.transport_operator.models.timetable.clock import fewest_vehicles, longest_met, whole_vehicles
from federates.transport_operator.models.timetable.settings import TimetableSettings, TrainDeparture, VehicleDeparture
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import MAX_ROUTE_LINKS
from federates.worlds.road.session import RoadSession

Numbered = tuple[int, TrainDeparture]


def find_problems(settings: TimetableSettings, session: RailSession | RoadSession) -> list[Problem]:
    """Return the problems of the timetable of the session's world, and entries that are for the other one."""
    rail = isinstance(session, RailSession)
    other, entries = ("vehicles", settings.vehicles) if rail else ("departures", settings.departures)
    problems = []
    if entries:
        here, right = ("rail", "departures") if rail else ("road", "vehicles")
        allowed = f"must be empty: the scenario's world is {here}, whose timetable is settings.{right}"
        problems.append(_problem(other, f"{len(entries)} entries", allowed))
    found = _rail(settings, session) if isinstance(session, RailSession) else _road(settings, session)
    return problems + list(found)


def _rail(settings: TimetableSettings, session: RailSession) -> Iterator[Problem]:
    trains = [train.name for train in session.trains]
    sound: dict[str, list[Numbered]] = {name: [] for name in trains}
    for i, trip in enumerate(settings.departures):
        where = f"departures.{i}"
        wrong = [
            *_unknown(f"{where}.train", trip.train, trains, "trains"),
            *_unknown(f"{where}.origin", trip.origin, session.stations, "stations"),
            *_unknown(f"{where}.destination", trip.destination, session.stations, "stations"),
        ]
        if not wrong and trip.origin == trip.destination:
            wrong.append(_problem(f"{where}.destination", trip.destination, "must be another station than the origin"))
        yield from wrong
        if trip.train in sound:
            # A trip that is not sound leaves open where the train is: what comes after it is not judged.
            sound[trip.train].append((-1 if wrong else i, trip))
    for train in session.trains:
        yield from _course(train.name, train.home, sound[train.name], session)


def _course(train: str, home: str, trips: list[Numbered], session: RailSession) -> Iterator[Problem]:
    """Follow a train through the day; yield the first thing that it cannot do."""
    place, free_from, last = home, 0, -1
    for i, trip in sorted(trips, key=lambda numbered: numbered[1].period):
        if i < 0:
            return
        where = f"departures.{i}"
        length = session.trip_periods[session.stations.index(trip.origin)][session.stations.index(trip.destination)]
        if trip.period < free_from:
            yield _problem(f"{where}.period", trip.period, f"must be at least {free_from}: {train} is on its way to {place}")
            return
        if trip.origin != place:
            yield _problem(f"{where}.origin", trip.origin, f"must be {place}: {train} stands there in period {trip.period}")
            return
        if trip.period + length > session.periods:
            latest = session.periods - length
            allowed = f"must be at most {latest}: the trip takes {length} periods, and the day has {session.periods}"
            yield _problem(f"{where}.period", trip.period, allowed)
            return
        place, free_from, last = trip.destination, trip.period + length, i
    if place != home:
        yield _problem(f"departures.{last}.destination", place, f"{train} must end the day at its home, {home}")


def _road(settings: TimetableSettings, session: RoadSession) -> Iterator[Problem]:
    seen: set[tuple[str, str, int]] = set()
    longest_s = longest_met(session)
    for i, entry in enumerate(settings.vehicles):
        where = f"vehicles.{i}"
        yield from _unknown(f"{where}.origin", entry.origin, session.resourceful_stations, "resourceful stations")
        yield from _unknown(f"{where}.destination", entry.destination, session.limited_stations, "limited stations")
        for link in entry.links:
            yield from _unknown(f"{where}.links", link, session.links, "links")
        if len(entry.links) > MAX_ROUTE_LINKS:
            yield _problem(f"{where}.links", f"{len(entry.links)} links", f"a route may have at most {MAX_ROUTE_LINKS} links")
        yield from _never_leaving(where, entry, longest_s, session.period_s)
        key = (entry.origin, entry.destination, entry.hour)
        if key in seen:
            yield _problem(f"{where}.hour", entry.hour, f"{entry.origin} to {entry.destination} is given for this hour already")
        seen.add(key)


def _never_leaving(where: str, entry: VehicleDeparture, longest_s: Mapping[int, float], period_s: float) -> Iterator[Problem]:
    """Yield a problem if the run meets the entry's hour, but no period has enough of it for a whole vehicle."""
    met_s = longest_s.get(entry.hour)
    if met_s is not None and not whole_vehicles(entry, met_s):
        allowed = (
            f"must be at least {fewest_vehicles(met_s)}: no period (period_s is {period_s:g}) has a whole vehicle "
            "of this hour, and none would ever leave"
        )
        yield _problem(f"{where}.vehicles", f"{entry.vehicles:g}", allowed)


def _unknown(field: str, name: str, known: Iterable[str], what: str) -> Iterator[Problem]:
    if name not in known:
        yield _problem(field, name, f"must be one of the {what} {', '.join(known) or '(none)'}")


def _problem(field: str, value: object, allowed: str) -> Problem:
    return Problem("config.yaml", f"settings.{field}", str(value), allowed)
