"""Assignments of mobile storages for all periods of the horizon at once.

The periods do not touch each other, so they are B = H independent problems on the same paths. Flows are in veh/h, costs in
usd/h; a period of ``length_h`` hours turns them into vehicles and usd.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from federates.transport_operator.models.joint_graph.assignment import PathSet, assign, edge_flow
from federates.transport_operator.models.joint_graph.capacity import CapacitatedResult, assign_within
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, SocialCost, UserCost
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import JointGraph, Kind

UNSENT_USD = 1000.0
"""Price of a vehicle that capacity keeps from being sent; far above any trip's cost, so all that fit are sent."""
_NO_ROOM_VEH_PER_H = 1e-6
"""A link that leaves no more than this is closed: found by a price of capacity, that would take the search very long."""
_ABSENT = 1e-9  # flow, veh/h, below which a vehicle is not counted as sent


@dataclass(frozen=True, slots=True)
class Offer:
    """Best connection (R, Q, H) in veh/h at given multipliers; own cost and bound in usd/h, summed over the horizon."""

    connection: Array
    cost: float
    bound: float


@dataclass(frozen=True, slots=True)
class Routed:
    """Flows of a given connection: per trip (B, K), per edge (B, E), price of capacity (B, E), what was sent (R, Q, B).

    ``gap_usd_per_h``: by how much, summed over the periods, the flows may cost more than the best; 0 where a rule fixes them.
    """

    trip_flow: Array
    edge_flow: Array
    price: Array
    connection: Array
    gap_usd_per_h: float = 0.0


class Planner:
    """Solves on one joint graph; remembers the last flows of each kind of problem as the start of the next."""

    def __init__(self, graph: JointGraph, tolerance: float, *, least_step: float = 0.0) -> None:
        self._graph = graph
        self._options: dict[str, Any] = {"tolerance": tolerance, "least_step": least_step}
        self._shape = len(graph.origins), len(graph.destinations)
        self._stay = [graph.find(Kind.STAY, r) for r in graph.origins]
        self._trip_edge = np.array([[graph.find(Kind.TRIP, r, q) for q in graph.destinations] for r in graph.origins])
        trips = list(enumerate(graph.trips))
        self._of_origin = [[k for k, t in trips if t.origin == i] for i in range(self._shape[0])]
        pairs = np.ndindex(*self._shape)
        self._of_pair = [[k for k, t in trips if (t.origin, t.destination) == pair] for pair in pairs]
        edges = len(graph.edges)
        self._elastic = PathSet([[(s,), *self._edges(of)] for s, of in zip(self._stay, self._of_origin, strict=True)], edges)
        self._fixed = PathSet([self._edges(of) for of in self._of_pair], edges)
        self._sheddable = PathSet(
            [[*self._edges(of), (self._stay[n // self._shape[1]],)] for n, of in enumerate(self._of_pair)], edges
        )
        self._every = PathSet([[t.edges] for t in graph.trips], edges)
        self.forget()

    def _edges(self, trips: list[int]) -> list[tuple[int, ...]]:
        return [self._graph.trips[k].edges for k in trips]

    def forget(self) -> None:
        """Begin the next solve without a warm start."""
        self._last_elastic: Array | None = None

    def offer(self, costs: EdgeCosts, reward: Array, fleet: Array, limit: Array | None) -> Offer:
        """Return the connection that minimises own cost minus ``reward`` (R, Q, H, usd/veh) times connection.

        ``fleet`` (R,) in veh/h is assigned to trips and to staying; rewards are negative costs of the trip edges.
        """
        fixed = costs.fixed_usd.copy()
        fixed[:, self._trip_edge] -= np.moveaxis(reward, 2, 0)
        law = SocialCost(costs.with_fixed(fixed))
        demand = np.tile(fleet, (reward.shape[2], 1))
        if self._last_elastic is None:  # begin with everybody staying: far nearer than everybody on the best trip
            self._last_elastic = np.zeros((len(demand), *self._elastic.exists.shape))
            self._last_elastic[:, :, 0] = demand
        result = self._assign(law, self._elastic, demand, limit, self._last_elastic)
        self._last_elastic = result.path_flow
        connection = np.moveaxis(result.edge_flow[:, self._trip_edge], 0, 2)
        cost = float(SocialCost(costs).value(result.edge_flow).sum())
        return Offer(connection, cost, float(result.bound.sum()))

    def _assign(
        self, law: SocialCost | UserCost, paths: PathSet, demand: Array, limit: Array | None, start: Array | None
    ) -> CapacitatedResult:
        if limit is not None:
            law, limit = _without_closed(law, limit)
            return assign_within(law, paths, demand, limit, start=start, **self._options)
        free = assign(law, paths, demand, start=start, **self._options)
        no_price = np.zeros_like(free.edge_flow)
        return CapacitatedResult(free.path_flow, free.edge_flow, free.objective, free.bound, no_price, 0.0, free.relative_gap)

    def optimum(self, costs: EdgeCosts, connection: Array, limit: Array | None) -> Routed:
        """Return the system optimum of ``connection`` (R, Q, B) in veh/h, or of the part of it that the limits let through."""
        return self._given(SocialCost, costs, connection, limit)

    def equilibrium(self, costs: EdgeCosts, connection: Array, limit: Array | None) -> Routed:
        """Return the user equilibrium; with limits, drivers pay the price of capacity."""
        return self._given(UserCost, costs, connection, limit)

    def _given(self, law: type[SocialCost] | type[UserCost], costs: EdgeCosts, connection: Array, limit: Array | None) -> Routed:
        demand = connection.reshape(-1, connection.shape[2]).T
        if limit is None:
            result = self._assign(law(costs), self._fixed, demand, None, None)
        else:
            fixed = costs.fixed_usd.copy()
            fixed[:, self._stay] = UNSENT_USD
            result = self._assign(law(costs.with_fixed(fixed)), self._sheddable, demand, limit, None)
        trip_flow = np.zeros((len(demand), len(self._graph.trips)))
        for n, of_pair in enumerate(self._of_pair):
            trip_flow[:, of_pair] = result.path_flow[:, n, : len(of_pair)]
        routed = self.routed(np.where(trip_flow > _ABSENT, trip_flow, 0.0), result.price)
        gap = float(np.maximum(result.objective - result.bound, 0.0).sum()) if law is SocialCost else 0.0
        return replace(routed, gap_usd_per_h=gap)

    def cheapest(self, costs: EdgeCosts, connection: Array, link_time_s: Array) -> Routed:
        """Return all of ``connection`` on the trip that is fastest at ``link_time_s`` (L,), own effect ignored.

        Nothing on the way through a station differs between trips of one level, so the road decides.
        """
        trip_flow = np.zeros((connection.shape[2], len(self._graph.trips)))
        for (r, q), of_pair in zip(np.ndindex(*self._shape), self._of_pair, strict=True):
            times = [link_time_s[list(self._graph.trips[k].links)].sum() for k in of_pair]
            trip_flow[:, of_pair[int(np.argmin(times))]] = connection[r, q]
        return self.routed(trip_flow, np.zeros((connection.shape[2], len(self._graph.edges))))

    def routed(self, trip_flow: Array, price: Array) -> Routed:
        """Return the flows that belong to given trip flows (B, K)."""
        flow = edge_flow(self._every, trip_flow[:, :, None])
        return Routed(trip_flow, flow, price, np.moveaxis(flow[:, self._trip_edge], 0, 2))


def _without_closed(law: SocialCost | UserCost, limit: Array) -> tuple[SocialCost | UserCost, Array]:
    """Return the law with closed edges so dear that staying is better, and no limit on them.

    What keeps off them costs the same as before, so the bound of this problem is one of that with the limits.
    """
    closed = limit <= _NO_ROOM_VEH_PER_H
    fixed = law.costs.fixed_usd
    far_usd = 10.0 * (UNSENT_USD + np.abs(fixed).max(initial=0.0))
    return replace(law, costs=law.costs.with_fixed(fixed + far_usd * closed)), np.where(closed, np.inf, limit)
