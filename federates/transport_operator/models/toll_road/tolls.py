"""The toll of a passage by formula, in its parts, and what committed passages cost.

At flows x beside other traffic b, one vehicle more from r to q on a route causes, with t' the slope of an edge's time,

    others      sum over links   VOT_public b t'(b + x)        delay of other traffic
    storages    sum over links   VOT_driver x t'(b + x)        delay of the other mobile storages on the road
    gates       both gates       VOT_driver (x t'(x) + t(x) - told)   the same at the gates, where waits grow with use
    beyond_told                  VOT_driver (road time - told)  how much longer than told it drives itself

The first three are the externality (Pigou's toll, but for t - told at the gates). A fleet counts the told time alone, so the
multiplier of `passage` holds the last one too: the sum is the derivative of the operator's cost along a route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from federates.boundary.roles import Recorder
from federates.boundary.units import S_PER_H
from federates.transport_operator.models.joint_graph.accounts import RoadAccount
from federates.transport_operator.models.joint_graph.delay import EdgeCosts
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import JointGraph
from federates.transport_operator.models.joint_graph.planner import Routed


@dataclass(frozen=True, slots=True)
class Tolls:
    """Toll of one more vehicle and its parts, usd/veh, and the road time, s; each (R, Q)."""

    others_usd: Array
    storages_usd: Array
    gates_usd: Array
    beyond_told_usd: Array
    road_time_s: Array
    told_s: Array

    @property
    def toll_usd(self) -> Array:
        """Return the toll: the sum of the parts."""
        return np.asarray(self.others_usd + self.storages_usd + self.gates_usd + self.beyond_told_usd)


def passage_tolls(graph: JointGraph, costs: EdgeCosts, routed: Routed, told_s: Array, gate_s: Array) -> Tolls:
    """Return the tolls of the first period.

    Parameters
    ----------
    told_s, gate_s : road time and time of both gates together that were told, (R, Q).

    Of a pair with vehicles it is the mean over the routes they take (at the system optimum all cost the same), of one without
    the cheapest route's.
    """
    parts = _parts_by_trip(graph, costs, routed.edge_flow[:1], told_s, gate_s)
    found = np.zeros((len(graph.origins), len(graph.destinations), parts.shape[1]))
    for r, q in np.ndindex(*found.shape[:2]):
        of_pair = [k for k, trip in enumerate(graph.trips) if (trip.origin, trip.destination) == (r, q)]
        vehicles = routed.trip_flow[0, of_pair]
        if vehicles.sum() > 0:
            found[r, q] = (parts[of_pair] * vehicles[:, None]).sum(axis=0) / vehicles.sum()
        else:
            found[r, q] = parts[of_pair[int(np.argmin(parts[of_pair, :4].sum(axis=1)))]]
    others, storages, gates, beyond, road_s = np.moveaxis(found, 2, 0)
    return Tolls(others, storages, gates, beyond, road_s, told_s)


def _parts_by_trip(graph: JointGraph, costs: EdgeCosts, flow: Array, told_s: Array, gate_s: Array) -> Array:
    """Return the four parts, usd/veh, and the road time, s, of every trip (K, 5) at ``flow`` (1, E)."""
    public, marginal = costs.public_toll_usd(flow)[0], costs.marginal_toll_usd(flow)[0]
    time_s, driver_usd_per_s = costs.time_s(flow)[0], costs.driver_usd_per_h / S_PER_H
    rows = []
    for trip in graph.trips:
        pair, links, gates = (trip.origin, trip.destination), list(trip.links), [trip.edges[0], trip.edges[-2]]
        road_s = float(time_s[links].sum())
        at_gates = marginal[gates].sum() + driver_usd_per_s * (time_s[gates].sum() - gate_s[pair])
        beyond = driver_usd_per_s * (road_s - told_s[pair])
        rows.append((public[links].sum(), (marginal - public)[links].sum(), at_gates, beyond, road_s))
    return np.array(rows)


def record_tolls(recorder: Recorder, period: int, graph: JointGraph, vehicles: np.ndarray[Any, Any], tolls: Tolls) -> None:
    """Write table `tolls`, a row per pair of stations; ``vehicles`` (R, Q) are whole."""
    toll_usd = tolls.toll_usd
    for r, q in np.ndindex(*toll_usd.shape):
        recorder.record(
            "tolls",
            period=period,
            origin=graph.origins[r],
            destination=graph.destinations[q],
            vehicles=int(vehicles[r, q]),
            told_road_time_s=float(tolls.told_s[r, q]),
            road_time_s=float(tolls.road_time_s[r, q]),
            others_usd=float(tolls.others_usd[r, q]),
            storages_usd=float(tolls.storages_usd[r, q]),
            gates_usd=float(tolls.gates_usd[r, q]),
            beyond_told_usd=float(tolls.beyond_told_usd[r, q]),
            toll_usd=float(toll_usd[r, q]),
        )


def record_passage_costs(recorder: Recorder, period: int, driven: RoadAccount) -> None:
    """Write table `transport_costs` of the vehicles that are sent; the told time is negative money in the account."""
    recorder.record(
        "transport_costs",
        period=period,
        vehicles=int(np.rint(driven.vehicles)),
        storage_time_h=driven.storage_time_h,
        public_delay_h=driven.public_delay_h,
        public_delay_usd=driven.public_delay_usd,
        beyond_told_usd=driven.storage_time_usd + driven.trip_usd,
        total_usd=driven.total_usd,
    )
