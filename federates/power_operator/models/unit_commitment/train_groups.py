"""Which trains are alike, and how a group's flow is shared out among its trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from federates.boundary.session import RailSession
from federates.boundary.timetable import TimeSpaceNetwork
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.formulations.ding_2025_trains import TrainGroup

__all__ = ["connection_of", "group_trains"]

Array = NDArray[np.float64]


def group_trains(
    session: RailSession, fleet: StorageFleet, train_ready: Array, period: int, *, alike: bool
) -> tuple[TrainGroup, ...]:
    """Return the groups of trains for a plan from ``period`` on; with ``alike`` false every train is a group of its own.

    ``train_ready`` (K, 2) is the station where a train stands next and the period of the day from which it does; in a group,
    periods count from ``period``. A train that can no longer come home in time by the public timetable stays where it is ready.
    """
    groups: dict[tuple[float, ...], list[int]] = {}
    for k, train in enumerate(session.trains):
        origin, ready = int(train_ready[k, 0]), max(int(train_ready[k, 1]) - period, 0)
        ready = min(ready, session.periods - period)
        home = session.stations.index(train.home)
        in_time = ready + session.trip_periods[origin][home] <= session.periods - period
        place = (origin, ready, home if in_time else origin)
        load = (
            fleet.train_capacity_mw[k],
            fleet.train_energy_mwh[k],
            fleet.train_start_capacity_mw[k],
            fleet.train_start_energy_mwh[k],
            fleet.train_end_capacity_mw[k],
            fleet.train_end_energy_mwh[k],
        )
        same = (*place, *(round(float(value), 9) for value in load), float(_kind_number(session, k)), -1.0 if alike else float(k))
        groups.setdefault(same, []).append(k)
    return tuple(TrainGroup(tuple(members), int(key[0]), int(key[1]), int(key[2])) for key, members in groups.items())


def _kind_number(session: RailSession, train: int) -> int:
    """Return the number of the train's kind in the session."""
    return sorted({entry.kind for entry in session.trains}).index(session.trains[train].kind)


def connection_of(groups: Sequence[TrainGroup], network: TimeSpaceNetwork, on_arc: Array, idle: Array, trains: int) -> Array:
    """Return who stands where when, shape (K, S, T), from trains per group on arcs (J, A) and idle (J, S, T).

    Whole flows are taken apart into one route per train; fractions (of a relaxation) are shared out evenly.
    """
    connection = np.zeros((trains, network.stations, network.periods))
    for j, group in enumerate(groups):
        standing = on_arc[j, network.station_arcs]
        if len(group.members) == 1:
            connection[group.members[0]] = standing
            continue
        whole = np.round(on_arc[j])
        if np.abs(on_arc[j] - whole).max(initial=0.0) > 1e-6:
            connection[list(group.members)] = standing / len(group.members)
            continue
        left, idle_left = whole.astype(np.int64), np.round(idle[j]).astype(np.int64)
        for member in group.members:
            connection[member] = _one_route(group, network, left, idle_left)
    return connection


def _one_route(group: TrainGroup, network: TimeSpaceNetwork, left: NDArray[np.int64], idle: NDArray[np.int64]) -> Array:
    """Take one route out of the flow that is ``left``, and return its station arcs, shape (S, T)."""
    standing = np.zeros((network.stations, network.periods))
    station, period = group.origin, group.ready
    while period < network.periods:
        arc = int(network.station_arcs[station, period])
        if left[arc] > 0:
            left[arc] -= 1
            standing[station, period] = 1.0
            period += 1
        elif idle.size and idle[station, period] > 0:
            idle[station, period] -= 1
            period += 1
        else:
            leaving = (network.origin == station) & (network.start == period) & (left > 0)
            arc = int(np.flatnonzero(leaving)[0])
            left[arc] -= 1
            station, period = int(network.destination[arc]), int(network.end[arc])
    return standing
