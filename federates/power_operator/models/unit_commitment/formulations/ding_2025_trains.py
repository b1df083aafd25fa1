"""Trains as flows on the arcs of a time-space network: where they are, and the batteries and energy that they carry.

Equations (1)-(4) and (16)-(25) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976, in a tighter form: capacity and
energy travel on the arcs, ``0 <= y[a] <= c_max x[a]``, ``0 <= w[a] <= min(e_max x[a], beta y[a])``, and what is exchanged at a
station in a period is what enters the station arc less what leaves it. The source limits the exchange by ``c_max I[k, s, t]``
instead, which is weak: in its relaxation half a train exchanges whole batteries. Trains that are alike (same place, same load)
are one integer flow, which removes permutations of the same plan.

Pooling. In a group of several trains those that leave a station may only take what trains that stood there before had
(`_no_pooling`): otherwise a train could leave with the load of one that has just come, or two could start with one train's
share. They may still share loads while they stand at one station together, as the source lets them do through the station; the
flow sees only the difference, so that (7)-(8) and (11)-(12) do not limit what they hand over there. Such a group is therefore a
relaxation: its bound holds, its cost may be too low, and a plan is costed with one train in a group, which is exact. Groups also
need travel times that make passing a station without standing pointless (`passing_is_pointless`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.formulations.ding_2025_stations import Stations
from federates.worlds.rail.timetable import TimeSpaceNetwork

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainGroup:
    """Trains that are alike: ``members`` (indices of the fleet) start at ``origin`` in period ``ready`` and end at ``final``."""

    members: tuple[int, ...]
    origin: int
    ready: int
    final: int


@dataclass(frozen=True, slots=True)
class Trains:
    """Columns of the groups J on arcs A: trains (J, A); idle trains (J, S, T), empty without idling.

    ``idle`` is standing at a station without being connected; only a plan that pays for connections needs it. ``load_mw`` and
    ``load_mwh`` (J, A + S T) have the loads of the idle arcs behind those of the others, in the order of the station arcs.
    """

    groups: tuple[TrainGroup, ...]
    network: TimeSpaceNetwork
    on_arc: Index
    idle: Index
    load_mw: Index
    load_mwh: Index

    @property
    def standing(self) -> Index:
        """Return the columns of connected trains per group, station and period, shape (J, S, T)."""
        return self.on_arc[:, self.network.station_arcs]


def add_trains(
    model: LinearModel,
    fleet: StorageFleet,
    stations: Stations,
    groups: Sequence[TrainGroup],
    network: TimeSpaceNetwork,
    *,
    idling: bool,
    integer: bool = True,
) -> Trains:
    """Add trains, what they carry, and (24)-(25): what a station gets from trains is what they give.

    ``network`` is the public timetable (power operator) or the transport operator's own (centralised reference).
    """
    count, arcs = len(groups), network.arcs
    size = np.array([len(group.members) for group in groups], dtype=float)[:, None]
    first = np.array([group.members[0] for group in groups], dtype=np.int64)
    most_mw, most_mwh = fleet.train_capacity_mw[first][:, None], fleet.train_energy_mwh[first][:, None]
    idle_arcs = network.stations * network.periods if idling else 0
    total = arcs + idle_arcs
    on_arc = model.variables("train_on_arc", (count, total), 0.0, size, integer=integer)
    capacity = model.variables("train_capacity_mw", (count, total), 0.0, size * most_mw)
    energy = model.variables("train_energy_mwh", (count, total), 0.0, size * most_mwh)
    model.rows("train_capacity_limit", [(1.0, capacity), (-most_mw, on_arc)], upper=0.0)
    tight = (most_mwh < fleet.duration_h * most_mw).ravel()  # else it follows from the limits of capacity and of batteries
    model.rows("train_energy_limit", [(1.0, energy[tight]), (-most_mwh[tight], on_arc[tight])], upper=0.0)
    model.rows("train_battery_limit", [(1.0, energy), (-fleet.duration_h, capacity)], upper=0.0)
    leaving, entering = _incidence(network, idling=idling)
    _conserve_trains(model, groups, network, on_arc, leaving, entering)
    carried = (
        (
            "capacity_mw",
            capacity,
            most_mw,
            fleet.train_start_capacity_mw,
            fleet.train_end_capacity_mw,
            stations.capacity_from_trains,
        ),
        ("energy_mwh", energy, most_mwh, fleet.train_start_energy_mwh, fleet.train_end_energy_mwh, stations.energy_from_trains),
    )
    for name, load, most, start, end, received in carried:
        given, end_slack = _conserve_load(
            model, name, groups, network, (load, on_arc, most), (leaving, entering), (start, end), fleet
        )
        _limit_exchange(model, name, given, fleet.capacity_mw if name == "capacity_mw" else fleet.energy_mwh)
        for j, group in enumerate(groups):
            if len(group.members) > 1:
                one, limit = group.members[0], float(most[j, 0])
                _no_pooling(model, network, group, on_arc[j], load[j], limit, float(start[one]), float(end[one]), end_slack[j])
        model.rows(f"trains_give_{name}", [(1.0, given.transpose(1, 2, 0)), (-1.0, received)], 0.0, 0.0)
    shape = (count, network.stations, network.periods)
    idle = on_arc[:, arcs:].reshape(shape) if idling else np.empty((count, 0, 0), dtype=np.int64)
    return Trains(tuple(groups), network, on_arc[:, :arcs], idle, capacity, energy)


def _limit_exchange(model: LinearModel, name: str, given: Index, most: Array) -> None:
    """Add (7)-(8) and (11)-(12): what trains give a station in a period, and what they take, is each at most what it can hold.

    The difference of both has this limit as a column of the station; it does not see a load that one train hands to another.
    """
    count, _, periods = given.shape
    limit = np.broadcast_to(most[:, None], given.shape[1:])
    if count == 2:
        # Each train alone within the limit says the same, without more columns.
        model.rows(f"exchange_limit_{name}", [(1.0, given)], -limit, limit)
    if count > 2:
        into = model.variables(f"given_only_{name}", given.shape, upper=limit)
        model.rows(f"given_only_{name}", [(1.0, into), (-1.0, given)], lower=0.0)
        by_place, net = into.transpose(1, 2, 0), given.transpose(1, 2, 0)
        model.rows(f"station_takes_{name}", [(1.0, by_place)], upper=limit, shape=(len(most), periods))
        model.rows(f"station_gives_{name}", [(1.0, by_place), (-1.0, net)], upper=limit, shape=(len(most), periods))


def passing_is_pointless(trip_periods: NDArray[np.int64]) -> bool:
    """Return whether no way over a third station is faster than the direct one; 0 off the diagonal means no track."""
    trip = np.asarray(trip_periods)
    far = int(trip.sum()) + 1
    joined = np.where((trip > 0) | np.eye(len(trip), dtype=bool), trip, far)
    over = joined[:, :, None] + joined[None, :, :]  # from a over b to c
    return bool((joined[:, None, :] <= over).all())


def _no_pooling(
    model: LinearModel,
    network: TimeSpaceNetwork,
    group: TrainGroup,
    on_arc: Index,
    load: Index,
    most: float,
    start: float,
    end: float,
    end_slack: Index,
) -> None:
    """Let trains leave a station only after standing there, with loads that were there; start and end with each one's own.

    The three rows per station and period: trains that leave were there; what they take was there; what stays fits the trains
    that stay. ``end_slack`` are the columns of what the group lacks and of what it has too much at the end: where a late day
    keeps the end state from being met, it is paid for.
    """
    outward = network.transport_arcs
    there = [network.station_arcs]
    if len(on_arc) > network.arcs:
        there.append(np.arange(network.arcs, len(on_arc), dtype=np.int64).reshape(network.station_arcs.shape))
    first = outward[(network.origin[outward] == group.origin) & (network.start[outward] == group.ready)]
    if first.size:
        model.rows("start_load", [(1.0, load[first]), (-start, on_arc[first])], 0.0, 0.0)
    last = outward[(network.destination[outward] == group.final) & (network.end[outward] == network.periods)]
    if last.size:
        own = [(1.0, load[last]), (-end, on_arc[last])]
        missing, surplus = (np.full(last.shape, column) for column in end_slack)
        model.rows("end_load", [*own, (1.0, missing)], lower=0.0)
        model.rows("end_load", [*own, (-1.0, surplus)], upper=0.0)
    for station in range(network.stations):
        for period in range(1, network.periods):
            leaving = outward[(network.origin[outward] == station) & (network.start[outward] == period)]
            if not leaving.size or (station, period) == (group.origin, group.ready):
                continue
            before = np.array([arcs[station, period - 1] for arcs in there])
            trains_stay = [(1.0, on_arc[before][None, :]), (-1.0, on_arc[leaving][None, :])]
            load_stays = [(1.0, load[before][None, :]), (-1.0, load[leaving][None, :])]
            model.rows("leave_after_standing", trains_stay, lower=0.0, shape=(1,))
            model.rows("leave_with_own_load", load_stays, lower=0.0, shape=(1,))
            negative = [(-1.0 * most, index) if sign > 0 else (most, index) for sign, index in trains_stay]
            model.rows("stay_with_own_load", [*load_stays, *negative], upper=0.0, shape=(1,))


def _incidence(network: TimeSpaceNetwork, *, idling: bool) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Return which arcs leave and which enter each node, shapes (nodes, arcs); idle arcs lie beside the station arcs."""
    beside = network.station_arcs.ravel() if idling else np.empty(0, dtype=np.int64)
    tail, head = (np.concatenate([ends, ends[beside]]) for ends in (network.tail, network.head))
    columns = np.arange(len(tail))
    ones, shape = np.ones(len(tail)), (network.nodes, len(tail))
    return sp.csr_matrix((ones, (tail, columns)), shape), sp.csr_matrix((ones, (head, columns)), shape)


def _conserve_trains(
    model: LinearModel,
    groups: Sequence[TrainGroup],
    network: TimeSpaceNetwork,
    on_arc: Index,
    leaving: sp.csr_matrix,
    entering: sp.csr_matrix,
) -> None:
    """Add (1)-(4): trains start at one node, end at one, and leave every node that they enter."""
    for j, group in enumerate(groups):
        supply = np.zeros(network.nodes)
        supply[network.node(group.origin, group.ready)] += len(group.members)
        supply[network.node(group.final, network.periods)] -= len(group.members)
        model.rows("train_balance", [(leaving, on_arc[j]), (-entering, on_arc[j])], supply, supply)


def _conserve_load(
    model: LinearModel,
    name: str,
    groups: Sequence[TrainGroup],
    network: TimeSpaceNetwork,
    load_train_most: tuple[Index, Index, Array],
    incidence: tuple[sp.csr_matrix, sp.csr_matrix],
    start_end: tuple[Array, Array],
    fleet: StorageFleet,
) -> tuple[Index, Index]:
    """Add (16)-(23) for one kind of load; return the columns of what is given to stations (J, S, T), and of end slacks (J, 2).

    What enters a node goes on by transport or idle arcs, or into the station arc (``brought``), where it can be exchanged.
    """
    load, on_arc, most = load_train_most
    leaving, entering = incidence
    shape = (len(groups), network.stations, network.periods)
    whole = most[:, :, None] * np.array([len(group.members) for group in groups])[:, None, None]
    brought = model.variables(f"brought_{name}", shape, upper=whole)
    given = model.variables(f"given_{name}", shape, -whole, whole)
    station = network.station_arcs
    model.rows(f"brought_limit_{name}", [(1.0, brought), (-most[:, :, None], on_arc[:, station])], upper=0.0)
    model.rows(f"exchange_{name}", [(1.0, load[:, station]), (-1.0, brought), (1.0, given)], 0.0, 0.0)
    start, end = start_end
    onward = leaving.copy()
    onward.data[np.isin(onward.indices, station.ravel())] = 0.0
    onward.eliminate_zeros()
    ends = [network.node(station, network.periods) for station in range(network.stations)]
    inner = np.setdiff1d(np.arange(network.nodes), ends)
    at_node = (inner // (network.periods + 1), inner % (network.periods + 1))
    end_slack = np.empty((len(groups), 2), dtype=np.int64)
    for j, group in enumerate(groups):
        members = list(group.members)
        supply = np.zeros(network.nodes)
        supply[network.node(group.origin, group.ready)] = start[members].sum()
        terms = [(onward[inner], load[j]), (-entering[inner], load[j]), (1.0, brought[j][at_node])]
        model.rows(f"carried_{name}", terms, supply[inner], supply[inner])
        final = network.node(group.final, network.periods)
        # A train that is ready only when the day ends never comes onto an arc; what it has is there all the same.
        target = [end[members].sum() - supply[final]]
        # No plan pays for more than what all could hold, and what all should.
        worst = float(whole[j, 0, 0] + end[members].sum() + abs(target[0]))
        end_slack[j] = model.variables(f"train_end_{name}", 2, upper=worst, cost=fleet.end_slack_usd_per_mwh)
        missing, surplus = end_slack[j]
        slack = [(1.0, np.array([missing])), (-1.0, np.array([surplus]))]
        model.rows(f"train_end_{name}", [(entering[[final]], load[j]), *slack], target, target)
    return given, end_slack
