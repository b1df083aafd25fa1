"""Checks of what is carried out: plans, delays, and the end."""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.operator_calls import range_fault
from federates.conformance.road_order import order_fault
from federates.conformance.trains import next_places
from federates.conformance.values import answer_fault
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Departure
from federates.worlds.road.session import RoadSession

__all__ = ["CARRIED_OUT_CHECKS", "END_CHECKS"]


def _feasible(bench: Bench) -> str:
    if isinstance(bench.session, RailSession):
        return _trains_follow(bench, bench.session)
    vehicles = 0
    for period, plan, departures in bench.day.commits:
        fault = _departures_fault(bench.session, plan[:, :, 0], departures)
        if fault is not None:
            raise Breach(fault, f"commit in period {period}")
        vehicles += int(plan[:, :, 0].sum())
    fault = order_fault(bench.session, (departure for _, _, departures in bench.day.commits for departure in departures))
    if fault is not None:
        raise Breach(fault, "commit, all periods")
    return f"{len(bench.day.commits)} periods committed, {vehicles} vehicles, all on a route"


def _departures_fault(session: RoadSession, vehicles: Array, departures: object) -> str | None:
    if not isinstance(departures, list) or not all(isinstance(departure, Departure) for departure in departures):
        return f"it returned {type(departures).__name__}, must be a list of Departure"
    led = np.zeros_like(vehicles)
    for departure in departures:
        fault = _departure_fault(session, departure)
        if fault is not None:
            return fault
        pair = session.resourceful_stations.index(departure.origin), session.limited_stations.index(departure.destination)
        led[pair] += departure.vehicles
    if (led != vehicles).any():
        r, q = np.argwhere(led != vehicles)[0]
        names = f"{session.resourceful_stations[r]} to {session.limited_stations[q]}"
        return f"{led[r, q]:g} vehicles from {names} are led, {vehicles[r, q]:g} were committed"
    return None


def _departure_fault(session: RoadSession, departure: Departure) -> str | None:
    name = f"departure {departure.origin} to {departure.destination}"
    if departure.origin not in session.resourceful_stations or departure.destination not in session.limited_stations:
        return f"{name}: must be from a resourceful to a limited station"
    if departure.vehicles != int(departure.vehicles) or departure.vehicles < 1:
        return f"{name} has {departure.vehicles} vehicles, must be a whole number above 0"
    if not 1 <= len(departure.links) <= MAX_ROUTE_LINKS:
        return f"{name} has {len(departure.links)} links, must have 1 to {MAX_ROUTE_LINKS}"
    unknown = [link for link in departure.links if link not in session.links]
    if unknown:
        return f"{name} has the unknown link {unknown[0]!r}"
    return f"{name} takes a link twice" if len(set(departure.links)) < len(departure.links) else None


def _trains_follow(bench: Bench, session: RailSession) -> str:
    opened = dict(bench.day.openings)
    late = 0
    for period, plan, _ in bench.day.commits:
        places = opened.get(period + 1)
        if places is None or period + 1 >= session.periods:
            continue
        expected = next_places(session, plan, period + 1)
        for k, train in enumerate(session.trains):
            station, since = (int(value) for value in expected[k, :2])
            if since >= session.periods:
                continue  # The plan has no further stand.
            late += int(places[k, 1] > since)
            if not _follows(session, places[k], station, since, stood=bool(plan[k, station, period] > 0.5)):
                said = f"{session.stations[int(places[k, 0])]} from period {places[k, 1]:g}"
                raise Breach(
                    f"{train.name} is said to be at {said}; by the plan it is at {session.stations[station]} from {since}",
                    f"commit in period {period}, then open_period({period + 1})",
                )
    return f"{len(bench.day.commits)} periods committed, trains where the plan has them" + (
        f", {late} times late" if late else ""
    )


def _follows(session: RailSession, place: Array, station: int, since: int, *, stood: bool) -> bool:
    """Return whether a train's place agrees with the plan: where it stood it still is; under way it may be late."""
    at, free = int(place[0]), int(place[1])
    if at == station:
        return free == since if stood else free >= since
    return not stood and free + session.trip_periods[at][station] <= since


def _late(bench: Bench) -> str:
    if bench.role == Role.TRANSPORT_OPERATOR and isinstance(bench.session, RailSession):
        raise DoesNotApply("by rail lateness comes from the transport operator itself")
    day = bench.delayed_day
    if day.failure is not None:
        raise Breach(day.failure.error, f"{day.failure.words}, after a delay")
    for heard in day.answers:
        fault = answer_fault(bench.session, heard.answer) or range_fault(bench.role, bench.session, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words}, after a delay")
    return f"{len(day.answers)} questions answered and {len(day.commits)} periods committed"


def _clean(bench: Bench) -> str:
    bench.main_life()
    problems = [*bench.end_errors, *bench.surroundings.left_behind()]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise Breach(shown, f"the end of {bench.lives} lives")
    return f"nothing is left of {bench.lives} lives"


def _unchanged(bench: Bench) -> str:
    bench.main_life()
    if bench.changed:
        raise Breach(f"changed and not put back: {'; '.join(bench.changed)}", f"the end of {bench.lives} lives")
    return f"{bench.lives} lives have changed nothing of the process"


_WORKS = (*SOUND, "answers.repeatable", "answers.deterministic")

CARRIED_OUT_CHECKS: tuple[Check[Bench], ...] = (
    Check(
        "commit.feasible",
        "What is committed is carried out: on the road every vehicle of every pair is led by known links, in an order that"
        " one road can have; by rail the trains are"
        " next where the plan has them, or late on the way there.",
        _feasible,
        roles=(Role.TRANSPORT_OPERATOR,),
        needs=SOUND,
    ),
    Check(
        "day.late",
        "Delays are taken in: vehicles that do not arrive when they should, jammed roads, a train that comes a period later.",
        _late,
        needs=(*_WORKS, "answers.independent"),
    ),
)

END_CHECKS: tuple[Check[Bench], ...] = (
    Check(
        "end.clean",
        "It ends cleanly: no thread, child process or temporary file is left, and no file was written outside its own folder.",
        _clean,
        roles=tuple(Role),
        needs=("interface.begin",),
    ),
    Check(
        "end.unchanged",
        "The process is as it was: working directory, umask, environment, signal handlers, NumPy's settings, standard output.",
        _unchanged,
        roles=tuple(Role),
        needs=("interface.begin",),
        classes_only=True,
    ),
)
