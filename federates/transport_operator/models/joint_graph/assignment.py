"""Traffic assignment by path-based gradient projection with column generation.

    minimise  F(v) = sum_e f_e(v_e)   over path flows h >= 0 with  sum_{k of pair n} h_k = demand_n,  v = sum_k h_k * [e in k]

Every f_e is convex with derivative (`EdgeLaw`). With f_e the integral of the edge's cost the minimum is the user equilibrium
(Wardrop's first principle), with f_e = flow x cost the system optimum (second). Per sweep and group of pairs, flow moves from
every path k to the cheapest path b of its pair by ``min(h_k, (c_k - c_b) / sum of f'' over edges in one of the two only)``, the
projected scaled gradient step of Jayakrishnan et al. [1]_; pairs of a group move together, so the step is cut by a line search.

Where pairs share steep edges (few spots at a station) these steps converge slowly, so small problems also take Newton steps:
the same change of variables, with the full second-derivative matrix on the paths not at zero (projected Newton method [2]_).

Shapes: B independent problems on the same paths (periods), E edges, N pairs, P most paths of a pair. Costs are per unit of
flow, in any one unit.

References
----------
.. [1] R. Jayakrishnan, W. K. Tsai, J. N. Prashker, S. Rajadhyaksha, "A faster path-based algorithm for traffic assignment",
   Transportation Research Record 1443, 75-83, 1994.
.. [2] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple constraints", SIAM Journal on Control
   and Optimization 20(2), 221-246, 1982.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from federates.lp.arithmetic import product, solve_definite
from federates.transport_operator.models.joint_graph.graph import Array, Flags, Indices

Path = tuple[int, ...]
Oracle = Callable[[Array], tuple[Array, list[Path]]]
"""From edge costs (E,) to the least cost (N,) and one cheapest path of every pair."""

_TINY = 1e-300
_SMALL = 150  # paths up to which Newton steps pay: their cost grows with the cube
_FLAT = 1e-11  # regularisation of flat directions, relative to the largest second derivative
_ACTIVE_SET_PASSES = 4
_NO_CURVATURE = 1e-30  # stands for a second derivative of zero: the step then is as long as bounds allow
_ROUNDING = 1e-14  # of the sums behind a bound, relative to the sum of absolute terms; keeps the bound a bound


class EdgeLaw(Protocol):
    """Objective per edge; every method maps flows (B, E) to (B, E)."""

    def value(self, flow: Array) -> Array:
        """Return f_e."""

    def gradient(self, flow: Array) -> Array:
        """Return f_e', non-decreasing in the flow."""

    def curvature(self, flow: Array) -> Array:
        """Return f_e'', >= 0 (zero where the cost is constant)."""


class PathSet:
    """The paths that flow may use, in rectangles (N, P) that unused places pad.

    ``groups`` lists pairs that are moved together, such as all pairs of one origin; None moves all at once.
    """

    def __init__(self, paths: Sequence[Sequence[Path]], edges: int, groups: Sequence[Sequence[int]] | None = None) -> None:
        self.paths: list[list[Path]] = [list(of_pair) for of_pair in paths]
        self.edges = edges
        self.groups: list[Indices] = [np.asarray(g, dtype=np.intp) for g in groups or [range(len(paths))]]
        self._build()

    def _build(self) -> None:
        pairs, most = len(self.paths), max(map(len, self.paths))
        self.incidence: Array = np.zeros((pairs, most, self.edges))
        self.exists = np.zeros((pairs, most), dtype=bool)
        for n, of_pair in enumerate(self.paths):
            self.exists[n, : len(of_pair)] = True
            for p, path in enumerate(of_pair):
                self.incidence[n, p, list(path)] = 1.0
        self.absent_cost: Array = np.where(self.exists, 0.0, np.inf)

    def add(self, candidates: Sequence[Path]) -> int:
        """Add the paths that are new to their pair and return how many were."""
        new = 0
        for of_pair, path in zip(self.paths, candidates, strict=True):
            if path not in of_pair:
                of_pair.append(path)
                new += 1
        if new:
            self._build()
        return new


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """Flows of B problems and the proof of their quality.

    ``path_flow`` (B, N, P), ``edge_flow`` (B, E), ``objective`` (B,). ``bound`` (B,) is a lower bound of the minimum over
    all paths the oracle knows (over the path set, without one). ``relative_gap`` is the excess cost over the
    cheapest paths divided by the sum of ``|F'_e| v_e`` (the total cost, where no cost is negative).
    """

    path_flow: Array
    edge_flow: Array
    objective: Array
    bound: Array
    relative_gap: float
    iterations: int


def edge_flow(paths: PathSet, path_flow: Array) -> Array:
    """Return edge flows (B, E) of path flows (B, N, P)."""
    batch = path_flow.shape[0]
    return product(path_flow.reshape(batch, -1), paths.incidence.reshape(-1, paths.edges))


def assign(
    law: EdgeLaw,
    paths: PathSet,
    demand: Array,
    *,
    oracle: Oracle | None = None,
    start: Array | None = None,
    tolerance: float = 1e-10,
    iterations: int = 2000,
    sweeps: int = 8,
    least_step: float = 0.0,
) -> AssignmentResult:
    """Assign ``demand`` (B, N) to paths at the minimum of ``law``.

    Parameters
    ----------
    oracle : cheapest paths of the whole graph; without one the given paths are all there are. Needs B = 1.
    start : path flows (B, N, P) to begin with; scaled to the demand.
    tolerance : relative gap to reach.
    iterations, sweeps : most rounds, each of ``sweeps`` sweeps over the paths known so far (small problems: a Newton step
        and one sweep).
    least_step : a bold Newton step of which the line search would go less than this part is replaced by a careful one. Above 0
        where flows can be exchanged at next to no cost: a bold step then empties several paths at once, unbalances the
        others, and the search would crawl. docs/decisions/0442.

    The bound is that of Frank and Wolfe: F(v) - F'(v).v + sum_n demand_n x least cost_n <= minimum, since F is convex.
    """
    flow = _start(law, paths, demand, start)
    best_bound = np.full(len(demand), -np.inf)
    small = paths.exists.size <= _SMALL
    rounds = 0
    for _ in range(iterations):
        rounds += 1
        v = edge_flow(paths, flow)
        gradient = law.gradient(v)
        least, flow = _least_cost(paths, gradient, flow, oracle)
        used = (gradient * v).sum(axis=1)
        ideal = (demand * least).sum(axis=1)
        objective = law.value(v).sum(axis=1)
        scale = np.maximum((np.abs(gradient) * v).sum(axis=1), _TINY)
        best_bound = np.maximum(best_bound, objective - (used - ideal) - _ROUNDING * scale)
        with np.errstate(over="ignore"):  # nobody on the road: infinite is as well as very large
            gap = float(np.max(np.maximum(used - ideal, 0.0) / scale))
        if gap <= tolerance:
            break
        if small:
            v = _newton(law, paths, flow, v, least_step)
        for _ in range(1 if small else sweeps):
            for group in paths.groups:
                v = _move(law, paths, group, flow, v)
    return AssignmentResult(flow, edge_flow(paths, flow), objective, best_bound, gap, rounds)


def _start(law: EdgeLaw, paths: PathSet, demand: Array, start: Array | None) -> Array:
    """Return feasible path flows: ``start`` scaled to the demand, or all on the path that is cheapest when empty."""
    batch, (pairs, most) = len(demand), paths.exists.shape
    cheapest = _path_cost(paths, law.gradient(np.zeros((batch, paths.edges)))).argmin(axis=2)
    empty = np.zeros((batch, pairs, most))
    np.put_along_axis(empty, cheapest[:, :, None], demand[:, :, None], axis=2)
    if start is None:
        return empty
    total = start.sum(axis=2, keepdims=True)
    scaled = start * (demand[:, :, None] / np.where(total > 0, total, 1.0))
    return np.where(total > 0, scaled, empty)


def _path_cost(paths: PathSet, edge_cost: Array) -> Array:
    """Return path costs (B, N, P) of edge costs (B, E); inf where there is no path."""
    batch, (pairs, most) = len(edge_cost), paths.exists.shape
    cost: Array = product(edge_cost, paths.incidence.reshape(-1, paths.edges).T).reshape(batch, pairs, most)
    absent: Array = cost + paths.absent_cost
    return absent


def _least_cost(paths: PathSet, gradient: Array, flow: Array, oracle: Oracle | None) -> tuple[Array, Array]:
    """Return the least path costs (B, N), and the flows padded for the paths that the oracle added."""
    if oracle is None:
        return _path_cost(paths, gradient).min(axis=2), flow
    least, candidates = oracle(gradient[0])
    paths.add(candidates)
    grown = paths.exists.shape[1] - flow.shape[2]
    return least[None, :], np.pad(flow, ((0, 0), (0, 0), (0, grown))) if grown else flow


def _move(law: EdgeLaw, paths: PathSet, group: Indices, flow: Array, v: Array) -> Array:
    """Move flow of the group's pairs towards their cheapest paths (in place); return the new edge flows."""
    gradient, curvature = law.gradient(v), law.curvature(v)
    incidence, h = paths.incidence[group], flow[:, group]
    (batch, pairs, most), edges = h.shape, paths.edges
    flat = incidence.reshape(-1, edges)
    cost = product(gradient, flat.T).reshape(batch, pairs, most) + paths.absent_cost[group]
    cheapest = cost.argmin(axis=2)
    basic = incidence[np.arange(pairs), cheapest]
    excess = np.where(h > 0, cost - cost.min(axis=2, keepdims=True), 0.0)
    apart = np.abs(incidence[None] - basic[:, :, None, :]).reshape(batch, -1, edges)
    slope = (apart * curvature[:, None, :]).sum(axis=2).reshape(batch, pairs, most)
    step = -np.minimum(h, excess / np.maximum(slope, _TINY))
    np.put_along_axis(step, cheapest[:, :, None], -step.sum(axis=2, keepdims=True), axis=2)
    change = product(step.reshape(batch, -1), flat)
    length = _line_search(law, v, change, gradient, curvature)[:, None]
    flow[:, group] = np.maximum(h + length[:, :, None] * step, 0.0)
    moved: Array = v + length * change
    return moved


def _newton(law: EdgeLaw, paths: PathSet, flow: Array, v: Array, least_step: float) -> Array:
    """Take one projected Newton step over all pairs (in place); return the new edge flows.

    Every pair's largest path gives or takes what its other paths change. Paths at zero that cost more stay there.
    """
    gradient, curvature = law.gradient(v), law.curvature(v)
    (batch, pairs, _), edges = flow.shape, paths.edges
    largest = flow.argmax(axis=2)[:, :, None]
    cost = _path_cost(paths, gradient)
    dearer = np.where(paths.exists, cost, 0.0) - np.take_along_axis(cost, largest, axis=2) * paths.exists
    free = paths.exists & ((flow > 0) | (dearer < 0))
    np.put_along_axis(free, largest, False, axis=2)
    basic = paths.incidence[np.arange(pairs), largest[:, :, 0]]
    change = (paths.incidence[None] - basic[:, :, None, :]).reshape(batch, -1, edges)
    change *= free.reshape(batch, -1, 1)
    second = product(change * curvature[:, None, :], change.transpose(0, 2, 1))
    flat = paths.incidence.reshape(-1, edges)
    slope = (dearer * free).reshape(batch, -1)

    def whole_step(bold: bool) -> tuple[Array, Array]:
        step = _newton_step(second, slope, flow.reshape(batch, -1), free.reshape(batch, -1), bold).reshape(flow.shape)
        np.put_along_axis(step, largest, -step.sum(axis=2, keepdims=True), axis=2)
        room = np.where(step < 0, flow / np.maximum(-step, _TINY), 1.0).min(axis=(1, 2))
        step *= np.minimum(1.0, room)[:, None, None]
        return step, product(step.reshape(batch, -1), flat)

    def descent(moved: Array) -> Array:
        return -np.asarray((gradient * moved).sum(axis=1))

    step, moved = whole_step(bold=True)
    good = descent(moved) > least_step * (curvature * moved * moved).sum(axis=1)
    if not good.all():
        careful, careful_moved = whole_step(bold=False)
        good |= (descent(careful_moved) <= 0) & (descent(moved) > 0)
        step = np.where(good[:, None, None], step, careful)
        moved = np.where(good[:, None], moved, careful_moved)
    descends = descent(moved) > 0
    length = np.where(descends, _line_search(law, v, moved, gradient, curvature), 0.0)[:, None]
    np.maximum(flow + length[:, :, None] * step, 0.0, out=flow)
    return v + length * moved


def _newton_step(second: Array, slope: Array, flow: Array, free: Flags, bold: bool) -> Array:
    """Return the change of the free paths (B, K): ``-second^-1 slope``, with paths that it drives below zero emptied instead.

    Emptying some changes what is best for the others, so the rest is solved again, a few times. A bold step empties all of
    them at once, which is fast but need not descend; else only paths that are empty already are held, and the caller shortens
    the step to the first path that runs empty, which always descends.
    """
    emptied = np.zeros_like(free)
    for _ in range(_ACTIVE_SET_PASSES):
        moving = free & ~emptied
        given = np.where(emptied, -flow, 0.0)
        right = np.where(moving, slope + (second * given[:, None, :]).sum(axis=2), 0.0)
        matrix = second * (moving[:, :, None] & moving[:, None, :])
        each = np.arange(matrix.shape[1])
        diagonal = matrix[:, each, each]
        matrix[:, each, each] = diagonal + _FLAT * diagonal.max(axis=1, keepdims=True) + np.where(moving, _NO_CURVATURE, 1.0)
        step = given - solve_definite(matrix, right) * moving
        below = moving & (step < -flow) & (bold | (flow <= 0))
        if not below.any():
            break
        emptied |= below
    kept: Array = (np.maximum(step, -flow) if bold else step) * free
    return kept


def _line_search(law: EdgeLaw, v: Array, change: Array, gradient: Array, curvature: Array) -> Array:
    """Return step lengths (B,) in [0, 1] that bring the slope of F along ``change`` near zero or keep it negative.

    Newton's guess; while the slope behind it is positive and not small, the secant between it and the start.
    """
    slope = (gradient * change).sum(axis=1)
    bend = (curvature * change * change).sum(axis=1)
    length: Array = np.minimum(1.0, -slope / np.maximum(bend, _TINY))
    for _ in range(30):
        here = (law.gradient(v + length[:, None] * change) * change).sum(axis=1)
        too_far = here > -0.3 * slope
        if not too_far.any():
            break
        secant = length * slope / np.minimum(slope - here, -_TINY)
        length = np.where(too_far, np.clip(secant, 0.1 * length, 0.9 * length), length)
    return length
