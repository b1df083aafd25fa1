"""What everybody knows of trains: which are interchangeable (and private data that say otherwise), and where they begin and end.

Trains of one ``kind`` and one ``home`` in `scenario.yaml` are interchangeable *for everyone*: whoever coordinates may exchange
them in anything that an operator has answered (``docs/decisions/0207``). Nobody else can know whether that is true, so every
operator that keeps data by train checks its own with `unlike_trains`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federates.boundary.errors import BoundaryError, Problem
from federates.boundary.messages import Array
from federates.worlds.rail.session import RailSession


def at_home(session: RailSession) -> Array:
    """Return the rows of ``train_ready``, shape (K, 3), for trains that begin and end the day at home."""
    homes = [session.stations.index(train.home) for train in session.trains]
    return np.array([(home, 0.0, home) for home in homes], dtype=np.float64).reshape(-1, 3)


def checked_ready(session: RailSession, arrays: tuple[Array, ...]) -> Array:
    """Return ``train_ready`` as it was told.

    Raises
    ------
    BoundaryError : a train is at a station that there is not, or at one from no period on.
    """
    (ready,) = arrays
    count = len(session.stations)
    for train, (station, since, end) in zip(session.trains, ready, strict=True):
        if not (0 <= station < count and since >= 0 and -1 <= end < count) or any(v % 1 for v in (station, since, end)):
            raise BoundaryError(
                f"train_ready: {train.name} stands at station {station:g} from period {since:g} on and ends the day at {end:g}; "
                f"stations are 0 to {count - 1}, and -1 for an open end"
            )
    return ready


def alike_trains(session: RailSession) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of the trains, those that are publicly interchangeable together."""
    groups: dict[tuple[str, str], list[int]] = {}
    for k, train in enumerate(session.trains):
        groups.setdefault((train.kind, train.home), []).append(k)
    return tuple(tuple(members) for members in groups.values())


def end_is_certain(session: RailSession, station: int, ready: int, end: int) -> bool:
    """Return whether a train's end is announced (not -1), and in reach by the public timetable.

    Then every route of the transport operator is one that the public timetable allows, so that both operators mean the same
    routes, and prices may have any sign (``docs/decisions/0010`` and ``0208``).
    """
    return end >= 0 and ready + session.trip_periods[station][end] <= session.periods


def unlike_trains(session: RailSession, file: str, field: str, values: Mapping[str, float]) -> list[Problem]:
    """Return one problem for each train whose private value is another than that of the first interchangeable one.

    Parameters
    ----------
    field : its name in ``file``; ``{train}`` stands for the train's.
    values : the private value by train.
    """
    problems = []
    for first, *others in alike_trains(session):
        same = session.trains[first]
        for train in (session.trains[k] for k in others):
            if values[train.name] != values[same.name]:
                allowed = (
                    f"must be that of {same.name}, {values[same.name]:g}: both are of kind {train.kind} and at home in "
                    f"{train.home}, so everybody takes them for interchangeable; else give {train.name} a kind of its own in "
                    "scenario.yaml"
                )
                problems.append(Problem(file, field.format(train=train.name), f"{values[train.name]:g}", allowed))
    return problems
