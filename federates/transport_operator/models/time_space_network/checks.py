"""Everything wrong with the settings that can be found without running."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import Problem
from federates.transport_operator.models.time_space_network.network import (
    RailNetwork,
    build_network,
    own_trip_periods,
    pair_matrix,
)
from federates.transport_operator.models.time_space_network.planner import possible_limits
from federates.transport_operator.models.time_space_network.settings import ClosedTrack, TimeSpaceNetworkSettings, TrainSettings
from federates.transport_operator.models.time_space_network.situation import first_situation
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.timetable import Index
from federates.worlds.rail.trains import unlike_trains

_MATRICES = ("trip_periods", "cost_usd_per_period", "cost_usd_per_trip")


def find_problems(settings: TimeSpaceNetworkSettings, session: RailSession) -> list[Problem]:
    """Return all problems: those of single settings, or if there is none, those of the day as a whole where trains move."""
    if not isinstance(session, RailSession):
        return [Problem("config.yaml", "operator", "time_space_network", "moves trains: the session's world must be rail")]
    problems = [
        *_matrices(settings, session),
        *_trains(settings, session),
        *_closures(settings.closed_tracks, session),
        *_slots(settings, session),
        *_lateness(settings, session),
    ]
    if problems or session.scheme is not RailScheme.MOBILE:
        return problems
    return list(_day(settings, session))


def _problem(field: str, value: object, allowed: str) -> Problem:
    return Problem("config.yaml", f"settings.{field}", repr(value), allowed)


def _unknown(field: str, name: str, known: Sequence[str], what: str) -> Iterator[Problem]:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        yield _problem(field, name, f"no {what} of the session; {hint}its {what}s: {', '.join(known)}")


def _matrices(settings: TimeSpaceNetworkSettings, session: RailSession) -> Iterator[Problem]:
    count, fitting = len(session.stations), set()
    for field in _MATRICES:
        rows = getattr(settings, field)
        lengths = [len(row) for row in rows] if isinstance(rows, tuple) else [count] * count
        if lengths == [count] * count:
            fitting.add(field)
        else:
            yield _problem(
                field, f"rows of {lengths}", f"must be one number, or {count} rows of {count} numbers, one per station"
            )
        if field in fitting and isinstance(rows, tuple) and any(rows[s][s] for s in range(count)):
            yield _problem(field, "diagonal", "must be 0 from a station to itself")
    if "trip_periods" in fitting:
        least = pair_matrix(session.trip_periods, count).astype(np.int64)
        own = own_trip_periods(settings, session)
        yield from _trips(own, own < least, "must not be shorter than the session's public minimum", least, session)
        longest = np.full_like(own, session.periods)
        yield from _trips(own, own > longest, "must not be longer than the day", longest, session)


def _trips(own: Index, wrong: NDArray[np.bool_], allowed: str, limit: Index, session: RailSession) -> Iterator[Problem]:
    """Yield one problem for all pairs that are ``wrong``, with the first of them."""
    pairs = np.argwhere(wrong)
    if len(pairs):
        s, r = pairs[0]
        more = f" (and {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""
        field = f"trip_periods[{session.stations[s]}][{session.stations[r]}]"
        yield _problem(field, int(own[s, r]), f"{allowed}, {limit[s, r]} periods{more}")


def _trains(settings: TimeSpaceNetworkSettings, session: RailSession) -> Iterator[Problem]:
    names = [train.name for train in session.trains]
    for name, train in settings.trains.items():
        yield from _unknown(f"trains.{name}", name, names, "train")
        for field, station in (("start", train.start), ("end", train.end)):
            if station is not None:
                yield from _unknown(f"trains.{name}.{field}", station, session.stations, "station")
    factors = {name: settings.trains.get(name, TrainSettings()).cost_factor for name in names}
    yield from unlike_trains(session, "config.yaml", "settings.trains.{train}.cost_factor", factors)


def _closures(tracks: Iterable[ClosedTrack], session: RailSession) -> Iterator[Problem]:
    for number, track in enumerate(tracks):
        where = f"closed_tracks.{number}"
        for field in ("origin", "destination"):
            yield from _unknown(f"{where}.{field}", getattr(track, field), session.stations, "station")
        if track.origin == track.destination:
            yield _problem(f"{where}.destination", track.destination, "must be another station than origin")
        if track.from_period > track.to_period:
            yield _problem(f"{where}.to_period", track.to_period, f"must not be before from_period = {track.from_period}")
        elif track.to_period >= session.periods:
            yield _outside_day(f"{where}.to_period", track.to_period, session)


def _slots(settings: TimeSpaceNetworkSettings, session: RailSession) -> Iterator[Problem]:
    for name, most in settings.slots.items():
        yield from _unknown(f"slots.{name}", name, session.stations, "station")
        if isinstance(most, tuple) and len(most) != session.periods:
            allowed = f"must be one number, or a list of {session.periods}, one for each period"
            yield _problem(f"slots.{name}", f"{len(most)} numbers", allowed)


def _lateness(settings: TimeSpaceNetworkSettings, session: RailSession) -> Iterator[Problem]:
    names = [train.name for train in session.trains]
    for number, late in enumerate(settings.lateness.listed):
        where = f"lateness.listed.{number}"
        yield from _unknown(f"{where}.train", late.train, names, "train")
        if late.period >= session.periods:
            yield _outside_day(f"{where}.period", late.period, session)


def _outside_day(field: str, period: int, session: RailSession) -> Problem:
    return _problem(field, period, f"outside the day, whose periods are 0 to {session.periods - 1}")


def _day(settings: TimeSpaceNetworkSettings, session: RailSession) -> Iterator[Problem]:
    """Yield what makes a day without any lateness impossible."""
    network = build_network(settings, session)
    names = [train.name for train in session.trains]
    crowded = [*_crowded(network, network.start, 0, "start", session), *_crowded(network, network.end, -1, "end", session)]
    if crowded:
        yield from crowded
        return
    limits = possible_limits(network, first_situation(network))
    for train in np.flatnonzero(limits.end_free):
        home, end = (session.stations[int(place[train])] for place in (network.start, network.end))
        allowed = f"no route from its start {home} reaches it within the day and the slots"
        yield _problem(f"trains.{names[train]}.end", end, allowed)
    for station in np.flatnonzero((limits.slots > network.slots).any(axis=1)):
        period = int(np.flatnonzero(limits.slots[station] > network.slots[station])[0])
        most, least = int(network.slots[station, period]), int(limits.slots[station, period])
        allowed = f"must be at least {least} in period {period}: there is no way to keep all trains within the slots"
        yield _problem(f"slots.{session.stations[station]}", most, allowed)


def _crowded(network: RailNetwork, place: Index, period: int, what: str, session: RailSession) -> Iterator[Problem]:
    """Yield a problem for each station at which more trains ``what`` the day than it can hold."""
    for station, name in enumerate(session.stations):
        there = [train.name for train, at in zip(session.trains, place, strict=True) if at == station]
        most = int(network.slots[station, period])
        if len(there) > most:
            yield _problem(
                f"slots.{name}", most, f"must hold the {len(there)} trains that {what} the day there: {', '.join(there)}"
            )
