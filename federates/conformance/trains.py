"""Connections by rail that the public timetable allows, and whether one does."""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.trains import alike_trains, at_home

__all__ = ["exchanged", "excursion", "home_all_day", "next_places", "timetable_breach"]

_HALF = 0.5


def home_all_day(session: RailSession) -> Array:
    """Return the connection (K, S, T) of a day on which no train leaves home."""
    connection = np.zeros(session.connection_shape)
    for k, train in enumerate(session.trains):
        connection[k, session.stations.index(train.home)] = 1.0
    return connection


def excursion(session: RailSession, period: int) -> Array:
    """Return a day like `home_all_day`, but the first train visits its nearest station from ``period`` on, if time allows."""
    connection = home_all_day(session)
    if not session.trains or len(session.stations) < 2:
        return connection
    home = session.stations.index(session.trains[0].home)
    there = min((s for s in range(len(session.stations)) if s != home), key=lambda s: session.trip_periods[home][s])
    out, back = session.trip_periods[home][there], session.trip_periods[there][home]
    leave = period + 1
    stand = max(1, (session.periods - leave - out - back) // 2)
    if leave + out + stand + back > session.periods:
        return connection
    connection[0, home, leave : leave + out + stand + back] = 0.0
    connection[0, there, leave + out : leave + out + stand] = 1.0
    return connection


def exchanged(session: RailSession, values: Array, places: Array) -> Array | None:
    """Return ``values`` (K, S, T) with two trains exchanged that are interchangeable and in one place; None if there are none.

    ``places``: what the transport operator says of each train, one row a train.
    """
    for first, *others in alike_trains(session):
        for other in others:
            if np.array_equal(places[first], places[other]):
                order = np.arange(len(values))
                order[[first, other]] = other, first
                return np.asarray(values[order])
    return None


def next_places(session: RailSession, connection: Array, period: int) -> Array:
    """Return where each train is free when ``period`` opens, (K, 3): station, period from which it can stand there, and its home.

    A train that stood somewhere in the period before is free there, even if it leaves now; one that was under way is free where
    it stands next by the plan. After its last stand: its home, and T.
    """
    places = at_home(session)
    places[:, 1] = session.periods
    for k in range(len(places)):
        stood = np.flatnonzero(connection[k, :, period - 1] > _HALF) if period else np.zeros(0, dtype=np.intp)
        ahead = np.argwhere(connection[k, :, period:].T > _HALF)
        if len(stood) > 0:
            places[k, :2] = stood[0], period
        elif len(ahead):
            places[k, :2] = ahead[0][1], ahead[0][0] + period
    return places


def timetable_breach(session: RailSession, connection: Array, places: Array, period: int) -> str | None:
    """Return how the rest of a day (from ``period``) breaks the public timetable or ends elsewhere, in words; None if not."""
    for k, train in enumerate(session.trains):
        ahead = connection[k, :, period:]
        twice = np.flatnonzero((ahead > _HALF).sum(axis=0) > 1)
        if len(twice):
            names = [session.stations[s] for s in np.flatnonzero(ahead[:, twice[0]] > _HALF)]
            return f"{train.name} stands at {' and '.join(names)} at once, in period {period + twice[0]}"
        at, since, end = (int(value) for value in places[k])
        comes_in_time = end >= 0 and since + session.trip_periods[at][end] <= session.periods
        for offset, station in np.argwhere(ahead.T > _HALF).tolist():
            stand = period + offset
            trip = session.trip_periods[at][station]
            if stand < since + trip:
                came = f"{train.name} stands at {session.stations[station]} in period {stand}"
                return f"{came}, but it is free at {session.stations[at]} from period {since} and the trip takes {trip}"
            at, since = station, stand + 1
        if comes_in_time and since + session.trip_periods[at][end] > session.periods:
            last = f"{train.name} stands at {session.stations[at]} until period {since - 1}"
            return f"{last}, and cannot be at {session.stations[end]}, where it ends the day, in time"
    return None
