"""From continuous flows to whole vehicles on routes, and the tables that tell of them."""

from __future__ import annotations

import numpy as np

from federates.boundary.roles import Recorder
from federates.transport_operator.models.joint_graph.delay import EdgeCosts
from federates.transport_operator.models.joint_graph.graph import Array, Indices
from federates.transport_operator.models.joint_graph.joint_graph import JointGraph
from federates.transport_operator.models.joint_graph.planner import Routed
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession


def largest_remainder(shares: Array, total: int) -> Indices:
    """Return whole numbers that sum to ``total``, in proportion to ``shares``: the floors, then one each to the largest rests."""
    weight = shares.sum()
    exact = shares * (total / weight) if weight > 0 else np.full(len(shares), total / len(shares))
    whole = np.floor(exact + 1e-9).astype(np.intp)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def whole_trips(graph: JointGraph, trip_flow: Array, vehicles: Indices) -> Indices:
    """Return whole vehicles per trip (K,) for ``vehicles`` (R, Q), in proportion to ``trip_flow`` (K,)."""
    counts = np.zeros(len(graph.trips), dtype=np.intp)
    for r, q in np.ndindex(*vehicles.shape):
        of_pair = [k for k, t in enumerate(graph.trips) if (t.origin, t.destination) == (r, q)]
        counts[of_pair] = largest_remainder(trip_flow[of_pair], int(vehicles[r, q]))
    return counts


def departures(graph: JointGraph, counts: Indices, session: RoadSession) -> list[Departure]:
    """Return one departure per trip that is used."""
    return [
        Departure(graph.origins[t.origin], graph.destinations[t.destination], int(n), tuple(session.links[a] for a in t.links))
        for t, n in zip(graph.trips, counts, strict=True)
        if n > 0
    ]


def record_routes(
    recorder: Recorder, period: int, graph: JointGraph, counts: Indices, time_s: Array, session: RoadSession
) -> None:
    """Write table `route_flow`; ``time_s`` (E,) holds the committed vehicles' own effect."""
    for trip, n in zip(graph.trips, counts, strict=True):
        if n > 0:
            recorder.record(
                "route_flow",
                period=period,
                origin=graph.origins[trip.origin],
                destination=graph.destinations[trip.destination],
                route="|".join(session.links[a] for a in trip.links),
                vehicles=int(n),
                road_time_s=float(time_s[list(trip.links)].sum()),
            )


def record_deliveries(recorder: Recorder, period: int, graph: JointGraph, counts: Indices, time_s: Array) -> None:
    """Write table `delivery_forecast`, one row per pair of stations that is used."""
    for r, q in np.ndindex(len(graph.origins), len(graph.destinations)):
        of_pair = [(t, int(n)) for t, n in zip(graph.trips, counts, strict=True) if (t.origin, t.destination) == (r, q) and n > 0]
        vehicles = sum(n for _, n in of_pair)
        if not vehicles:
            continue
        charging = sum(n * float(time_s[t.edges[0]]) for t, n in of_pair) / vehicles
        road = sum(n * float(time_s[list(t.links)].sum()) for t, n in of_pair) / vehicles
        discharging = sum(n * float(time_s[t.edges[-2]]) for t, n in of_pair) / vehicles
        recorder.record(
            "delivery_forecast",
            period=period,
            origin=graph.origins[r],
            destination=graph.destinations[q],
            vehicles=vehicles,
            charging_s=charging,
            road_time_s=road,
            discharging_s=discharging,
            delivery_time_s=charging + road + discharging,
        )


def record_links(recorder: Recorder, period: int, session: RoadSession, costs: EdgeCosts, routed: Routed) -> None:
    """Write table `link_plan`: every link of the session, with the committed vehicles on it."""
    flow = routed.edge_flow
    time, toll = costs.time_s(flow)[0], costs.marginal_toll_usd(flow)[0]
    capacity = np.broadcast_to(costs.curve.capacity_veh_per_h, flow.shape)[0]
    for a, link in enumerate(session.links):
        recorder.record(
            "link_plan",
            period=period,
            link=link,
            background_veh_per_h=float(costs.background_veh_per_h[0, a]),
            mves_veh_per_h=float(flow[0, a]),
            capacity_veh_per_h=float(capacity[a]),
            travel_time_s=float(time[a]),
            toll_usd=float(toll[a]),
            capacity_toll_usd=float(routed.price[0, a]),
        )
