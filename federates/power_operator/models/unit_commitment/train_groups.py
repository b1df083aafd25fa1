"""Which trains are alike, and how a group's flow is shared out among its trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.formulations.ding_2025_trains import TrainGroup, passing_is_pointless
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import TimeSpaceNetwork

Array = NDArray[np.float64]


def group_trains(
    session: RailSession, fleet: StorageFleet, train_ready: Array, period: int, *, alike: bool
) -> tuple[TrainGroup, ...]:
    """Return the groups of trains for a plan from ``period`` on; with ``alike`` false every train is a group of its own.

    ``train_ready`` (K, 3) is the station where a train stands next, the period of the day from which it does, and where it ends;
    in a group, periods count from ``period``. A train whose end is open, or out of reach by the public timetable, stays where it
    is ready.
    """
    alike = alike and passing_is_pointless(np.asarray(session.trip_periods))
    groups: dict[tuple[float, ...], list[int]] = {}
    for k in range(len(session.trains)):
        origin, ready = int(train_ready[k, 0]), max(int(train_ready[k, 1]) - period, 0)
        ready = min(ready, session.periods - period)
        end = int(train_ready[k, 2])
        in_time = end >= 0 and ready + session.trip_periods[origin][end] <= session.periods - period
        place = (origin, ready, end if in_time else origin)
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


def connection_of(
    groups: Sequence[TrainGroup],
    network: TimeSpaceNetwork,
    on_arc: Array,
    idle: Array,
    load: Array,
    trains: int,
) -> Array:
    """Return who stands where when, shape (K, S, T).

    ``on_arc`` (J, A) are trains on arcs, ``idle`` (J, S, T) idle ones, ``load`` (J, A + S T) what they carry, idle arcs behind
    the others. Whole flows are taken apart into one route per train; fractions (of a relaxation) are shared out evenly.
    """
    connection = np.zeros((trains, network.stations, network.periods))
    for j, group in enumerate(groups):
        standing = on_arc[j, network.station_arcs]
        if len(group.members) == 1:
            connection[group.members[0]] = standing
            continue
        flow = np.concatenate([on_arc[j], idle[j].ravel()]) if idle.size else on_arc[j]
        if np.abs(flow - np.round(flow)).max(initial=0.0) > 1e-6:
            connection[list(group.members)] = standing / len(group.members)
            continue
        routes = _routes(group, network, np.round(flow).astype(np.int64), load[j])
        connection[list(group.members)] = routes
    return connection


def _routes(group: TrainGroup, network: TimeSpaceNetwork, flow: NDArray[np.int64], load: Array) -> Array:
    """Take a whole flow apart into one route per train, and return their station arcs, shape (trains, S, T).

    Where trains meet, any of them may take any way on; the fullest takes the way of the fullest, so that as little as possible
    would have to be handed from train to train, which the flow allows and the trains cannot do without standing.
    """
    idle_arcs = network.station_arcs.ravel()[: len(flow) - network.arcs]
    tail, head, start, end = (
        np.concatenate([ends, ends[idle_arcs]]) for ends in (network.tail, network.head, network.start, network.end)
    )
    per_train = np.divide(load, flow, out=np.zeros(len(flow)), where=flow > 0)
    routes = np.zeros((len(group.members), network.stations, network.periods))
    at = np.full(len(group.members), network.node(group.origin, group.ready))
    carries = np.zeros(len(group.members))
    free_from = np.full(len(group.members), group.ready)
    for period in range(group.ready, network.periods):
        leaving = np.flatnonzero((start == period) & (flow > 0))
        for node in np.unique(at[free_from == period]):
            here = np.flatnonzero((free_from == period) & (at == node))
            ways = np.repeat(own := leaving[tail[leaving] == node], flow[own])
            here = here[np.argsort(-carries[here], kind="stable")]
            ways = ways[np.argsort(-per_train[ways], kind="stable")]
            at[here], carries[here], free_from[here] = head[ways], per_train[ways], end[ways]
            stands = ways < network.stations * network.periods
            routes[here[stands], network.origin[ways[stands]], period] = 1.0
    return routes
