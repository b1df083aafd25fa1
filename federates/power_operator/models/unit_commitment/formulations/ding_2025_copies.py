"""Trains as the source's power layer knows them: no routes, only a copy J of the connection, 0 or 1 where it likes.

Equations (16)-(25) with J in place of I, and (39), J in {0, 1}, of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976, as
published: every train has its own capacity c and energy e over time, and exchanges with a station in a period where its copy is
one, at most ``c_max J``. Nothing says that a train is at one place at a time, or takes its time from one to the next; only the
multipliers do. The tight form, whose copy is a route of the public timetable, is `ding_2025_trains`; a copy of this kind is a
relaxation of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.formulations.ding_2025_stations import Stations
from federates.power_operator.models.unit_commitment.formulations.ding_2025_trains import TrainGroup, Trains
from federates.worlds.rail.timetable import TimeSpaceNetwork

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Copies(Trains):
    """Columns of trains K at stations S in periods T: ``copy`` is J (K, S, T). There are no arcs, and every train is a group."""

    copy: Index

    @property
    def standing(self) -> Index:
        """Return the columns of connected trains, shape (K, S, T)."""
        return self.copy


def add_copies(
    model: LinearModel, fleet: StorageFleet, stations: Stations, groups: Sequence[TrainGroup], network: TimeSpaceNetwork
) -> Copies:
    """Add (16)-(25) and (39); ``groups`` are single trains, of which only when they are ready counts."""
    count = len(groups)
    shape = (count, network.stations, network.periods)
    ready = np.array([group.ready for group in groups])[:, None, None]
    upper = np.broadcast_to(np.arange(network.periods) >= ready, shape).astype(float)
    copy = model.variables("copy", shape, 0.0, upper, integer=True)
    member = np.array([group.members[0] for group in groups])
    capacity = _add_load(
        model,
        "capacity_mw",
        copy,
        (fleet.train_capacity_mw[member], fleet.train_start_capacity_mw[member], fleet.train_end_capacity_mw[member]),
        (fleet.capacity_mw, stations.capacity_from_trains),
        fleet.end_slack_usd_per_mwh,
    )
    energy = _add_load(
        model,
        "energy_mwh",
        copy,
        (fleet.train_energy_mwh[member], fleet.train_start_energy_mwh[member], fleet.train_end_energy_mwh[member]),
        (fleet.energy_mwh, stations.energy_from_trains),
        fleet.end_slack_usd_per_mwh,
    )
    # (21): e <= min(beta c, e_max); the second is the column's bound.
    model.rows("train_battery_limit", [(1.0, energy), (-fleet.duration_h, capacity)], upper=0.0)
    none = np.empty((count, 0), dtype=np.int64)
    return Copies(tuple(groups), network, none, np.empty((count, 0, 0), dtype=np.int64), capacity, energy, copy)


def _add_load(
    model: LinearModel, name: str, copy: Index, train: tuple[Array, Array, Array], station: tuple[Array, Index], slack_usd: float
) -> Index:
    """Add one kind of load of the trains, (16)-(19) or (20)-(23), and (24) or (25); return its columns over time (K, T).

    ``train``: the most (K,), what is there at the start, and at the end; ``station``: the most (S,), and the columns (S, T) of
    what a station takes from trains less what it gives.
    """
    (most, start, end), (station_most, received) = train, station
    count, _, periods = copy.shape
    load = model.variables(f"train_{name}", (count, periods), 0.0, most[:, None])
    into, out = (model.variables(f"train_{way}_{name}", copy.shape, 0.0, most[:, None, None]) for way in ("takes", "gives"))
    before = np.concatenate([np.full((count, 1), -1), load[:, :-1]], axis=1)
    first = np.zeros((count, periods))
    first[:, 0] = start
    by_train = [(1.0, load), (-1.0, before), (-1.0, into.transpose(0, 2, 1)), (1.0, out.transpose(0, 2, 1))]
    model.rows(f"train_{name}_balance", by_train, first, first, shape=load.shape)
    for way in (into, out):
        model.rows(f"exchange_{name}", [(1.0, way), (-most[:, None, None], copy)], upper=0.0)
        # (7)-(8) or (11)-(12): what a station takes and what it gives is each at most what it can hold.
        limit = np.broadcast_to(station_most[:, None], copy.shape[1:])
        model.rows(f"exchange_limit_{name}", [(1.0, way.transpose(1, 2, 0))], upper=limit, shape=limit.shape)
    by_station = [(1.0, out.transpose(1, 2, 0)), (-1.0, into.transpose(1, 2, 0)), (-1.0, received)]
    model.rows(f"trains_give_{name}", by_station, 0.0, 0.0, shape=received.shape)
    missing, surplus = (model.variables(f"train_end_{name}", count, cost=slack_usd) for _ in range(2))
    model.rows(f"train_end_{name}", [(1.0, load[:, -1]), (1.0, missing), (-1.0, surplus)], end, end)
    return load
