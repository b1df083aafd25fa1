"""Hard edge capacities by the augmented Lagrangian, the duals being capacity tolls.

    minimise F(v)  subject to  v_e <= limit_e

F plus ``((max(0, mu + rho (v - limit)))^2 - mu^2) / (2 rho)`` is assigned, then ``mu <- max(0, mu + rho (v - limit))``, until
no edge is over its limit by more than a small tolerance. mu is the price of capacity: a toll that makes drivers respect it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.lp.arithmetic import product
from federates.transport_operator.models.joint_graph.assignment import AssignmentResult, EdgeLaw, PathSet, assign
from federates.transport_operator.models.joint_graph.graph import Array


@dataclass(frozen=True, slots=True)
class CapacitatedResult:
    """Flows, and the price of capacity (B, E) per unit of flow; ``excess`` is the largest flow over a limit."""

    path_flow: Array
    edge_flow: Array
    objective: Array
    bound: Array
    price: Array
    excess: float
    relative_gap: float


@dataclass(frozen=True, slots=True)
class _Penalised:
    """``law`` plus the penalty of the augmented Lagrangian."""

    law: EdgeLaw
    limit: Array
    price: Array
    weight: float

    def _new_price(self, flow: Array) -> Array:
        return np.maximum(0.0, self.price + self.weight * (flow - self.limit))

    def value(self, flow: Array) -> Array:
        return self.law.value(flow) + (self._new_price(flow) ** 2 - self.price**2) / (2.0 * self.weight)

    def gradient(self, flow: Array) -> Array:
        return self.law.gradient(flow) + self._new_price(flow)

    def curvature(self, flow: Array) -> Array:
        return self.law.curvature(flow) + self.weight * (self._new_price(flow) > 0)


def assign_within(
    law: EdgeLaw,
    paths: PathSet,
    demand: Array,
    limit: Array,
    *,
    start: Array | None = None,
    tolerance: float = 1e-9,
    flow_tolerance: float = 1e-6,
    weight: float = 0.1,
    least_step: float = 0.0,
) -> CapacitatedResult:
    """Assign with ``limit`` (B, E), inf where there is none, over the given paths.

    ``weight`` is the first rho, cost per unit of flow squared; it grows fourfold while the excess shrinks too slowly.
    ``least_step`` is that of `assign`.
    The bound is the Lagrangian dual at the final prices, itself bounded by linearisation:
    ``F(v) + price.(v - limit) - [excess cost of v over cheapest paths]``.
    """
    price, last, excess = np.zeros_like(limit), np.inf, np.inf
    flow = start
    for _ in range(60):
        penalised = _Penalised(law, limit, price, weight)
        result = assign(penalised, paths, demand, start=flow, tolerance=tolerance, least_step=least_step)
        flow = result.path_flow
        over = np.where(np.isfinite(limit), result.edge_flow - limit, -np.inf)
        new_price = penalised._new_price(result.edge_flow)
        excess = max(0.0, float(over.max()))
        moved = float(np.abs(new_price - price).max())
        price = new_price
        if excess <= flow_tolerance and moved <= weight * flow_tolerance * 10:
            break
        weight, last = (weight * 4.0 if excess > 0.25 * last else weight), excess
    return _finish(law, paths, demand, limit, price, result, excess)


def _finish(
    law: EdgeLaw, paths: PathSet, demand: Array, limit: Array, price: Array, result: AssignmentResult, excess: float
) -> CapacitatedResult:
    v = result.edge_flow
    objective = law.value(v).sum(axis=1)
    generalised = law.gradient(v) + price
    of_paths = product(generalised, paths.incidence.reshape(-1, paths.edges).T).reshape(len(v), *paths.exists.shape)
    cheapest = ((of_paths + paths.absent_cost).min(axis=2) * demand).sum(axis=1)
    at_limit = np.where(price > 0, price * (v - np.where(np.isfinite(limit), limit, 0.0)), 0.0).sum(axis=1)
    bound = objective + at_limit - ((generalised * v).sum(axis=1) - cheapest)
    return CapacitatedResult(result.path_flow, v, objective, bound, price, excess, result.relative_gap)
