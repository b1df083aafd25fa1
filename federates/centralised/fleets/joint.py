"""The joint problem of an hour as one linear programme over all parties, the road's convex cost by tangent planes.

Everybody's variables stand side by side; only two groups of rows join them, at every (r, q, h)::

    delivery    what companies ask for  <=  what fleets carry
    passage     vehicles of all fleets  <=  what the road leads

The parts are written from the parties' data (`parties`), not from their solvers (docs/fleets_reference.md says what is shared).
What is rounded when a plan is carried out is not rounded here: fractional plans are what is negotiated.

The road costs, at flow v on edge e in a period, f_e(v) with f_e(0) = 0, convex. With tangents at flows v_k::

    f_e(v) = f_e'(0) v + theta,    theta >= f_e(v_k) + f_e'(v_k) (v - v_k) - f_e'(0) v  for all k,  theta >= 0

The programme's value is below the optimum, its flows at their true cost are a plan: the optimum lies between them. A tangent is
added at the flows of each solution until they are as near as wanted (cutting planes [1]_).

References
----------
.. [1] J. E. Kelley, "The Cutting-Plane Method for Solving Convex Programs", SIAM Journal 8(4), 703-712, 1960.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.errors import ModelError
from federates.centralised.fleets.fleet_parts import add_drivers, add_owned_fleet
from federates.centralised.fleets.parties import Array, CompanyHour, Hour
from federates.centralised.fleets.power_part import add_company
from federates.lp.highs import Solver
from federates.lp.linear_model import LinearModel
from federates.lp.linear_terms import Indices, Term
from federates.transport_operator.models.joint_graph.delay import SocialCost

_FIRST_FLOWS_VEH_PER_H = (10.0, 30.0, 100.0, 300.0)
_MOST_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Optimum:
    """The optimum of an hour lies between ``lower_usd``, proven by a dual vector, and ``upper_usd``, the cost of a plan."""

    lower_usd: float
    upper_usd: float
    delivery_kwh: Array
    """What companies are brought, (R, Q, H)."""
    vehicles: Array
    """Passages that the road leads, (R, Q, H): more than are used where more of them cost nothing."""
    rounds: int
    """Linear programmes that were solved."""


def solve_hour(hour: Hour, tolerance: float = 1e-7) -> Optimum:
    """Return the optimum of the joint problem of ``hour``.

    Parameters
    ----------
    tolerance : furthest that the bounds of the optimum lie apart, as a share of the cost (of 1 usd at least).

    Raises
    ------
    ModelError : the programme cannot be solved, or the tangents do not come near enough.
    """
    programme = _JointProgramme(hour)
    lower, upper = -np.inf, np.inf
    for rounds in range(1, _MOST_ROUNDS + 1):
        found = programme.solve()
        lower = max(lower, found.lower_usd)
        if found.upper_usd < upper:
            upper, best = found.upper_usd, found
        if upper - lower <= tolerance * max(1.0, abs(upper)):
            return Optimum(lower, upper, best.delivery_kwh, best.vehicles, rounds)
        programme.add_tangents(found.flow_veh_per_h)
    raise ModelError(f"the tangents of the road's cost leave a gap of {upper - lower:.3g} usd after {_MOST_ROUNDS} programmes")


@dataclass(frozen=True, slots=True)
class _Found:
    lower_usd: float
    upper_usd: float
    flow_veh_per_h: Array
    """(H, E)."""
    delivery_kwh: Array
    vehicles: Array


class _JointProgramme:
    def __init__(self, hour: Hour) -> None:
        self._shape, self._road = hour.shape, hour.road
        self._law = SocialCost(hour.road.costs)
        model = LinearModel()
        asked = [self._whole(company, add_company(model, company)) for company in hour.companies]
        fleets = [add_owned_fleet(model, fleet.data) for fleet in hour.owned]
        fleets += [add_drivers(model, fleet) for fleet in hour.drivers]
        self._asked, self._flow, self._above = asked, *self._add_road(model)
        options = (int(np.prod(self._shape)),)
        carried: list[Term] = [(-1.0 * amount, index) for parts in fleets for amount, index in parts.delivery]
        model.rows("delivery", [*((1.0, index.ravel()) for index in asked), *carried], upper=0.0, shape=options)
        driven: list[Term] = [term for parts in fleets for term in parts.passage]
        led: Term = (-hour.road.length_h, self._routes_of_option)
        model.rows("passage", [*driven, led], upper=0.0, shape=options)
        self._cost = model.costs[0]
        self._solver: Solver = model.solver()
        for flow in _FIRST_FLOWS_VEH_PER_H:
            self.add_tangents(np.full(self._flow.shape, flow))

    def _whole(self, company: CompanyHour, delivery: Indices) -> Indices:
        """Return a company's columns at its stations' places, (R, Q, H); -1 elsewhere."""
        index = np.full(self._shape, -1)
        index[np.ix_(company.resourceful, company.limited)] = delivery
        return index

    def _add_road(self, model: LinearModel) -> tuple[Indices, Indices]:
        """Add flows; return the columns of edges' flows and of what they cost above f'(0) v, both (H, E)."""
        road, horizon = self._road, self._shape[2]
        edges = road.costs.fixed_usd.shape[1]
        most = np.full((horizon, edges), road.most_veh_per_h.sum())
        first = self._law.gradient(np.zeros((horizon, edges)))
        above = self._law.value(most) - first * most
        limit = most if road.limit_veh_per_h is None else np.minimum(most, road.limit_veh_per_h)
        flow = model.variables("flow", (horizon, edges), upper=limit, cost=road.length_h * first)
        theta = model.variables("above", (horizon, edges), upper=above, cost=road.length_h)
        route = model.variables("route", (horizon, len(road.routes)), upper=road.most_veh_per_h.sum())
        on_edge = _grouped([[k for k, way in enumerate(road.routes) if e in way.edges] for e in range(edges)], route)
        model.rows("edges", [(1.0, flow), (-1.0, on_edge)], lower=0.0, upper=0.0, shape=flow.shape)
        origins = range(self._shape[0])
        leaving = _grouped([[k for k, way in enumerate(road.routes) if way.origin == r] for r in origins], route)
        model.rows("departures", [(1.0, leaving)], upper=road.most_veh_per_h, shape=leaving.shape[:2])
        pairs = list(np.ndindex(*self._shape[:2]))
        ways = _grouped(
            [[k for k, way in enumerate(road.routes) if (way.origin, way.destination) == pair] for pair in pairs], route
        )
        self._routes_of_option = np.swapaxes(ways, 0, 1).reshape(len(pairs) * horizon, -1)
        return flow, theta

    def add_tangents(self, flow_veh_per_h: Array) -> None:
        """Add the tangents of all edges' costs at flows (H, E)."""
        at = np.maximum(flow_veh_per_h, 0.0)
        slope = self._law.gradient(at) - self._law.gradient(0.0 * at)
        level = self._law.value(at) - self._law.gradient(at) * at
        terms: list[Term] = [(1.0, self._above), (-slope, self._flow)]
        self._solver.add_rows("tangent", terms, lower=level)

    def solve(self) -> _Found:
        """Return the optimum by the tangents that there are, and what its flows really cost."""
        solution = self._solver.solve()
        if solution.status != "optimal":
            raise ModelError(f"the joint programme ended with {solution.status}")
        values = solution.values
        flow = np.maximum(values[self._flow], 0.0)
        by_planes = float((self._cost[self._flow] * values[self._flow] + self._cost[self._above] * values[self._above]).sum())
        true = self._road.length_h * float(self._law.value(flow).sum())
        vehicles = self._road.length_h * np.where(self._routes_of_option >= 0, values[self._routes_of_option], 0.0).sum(axis=1)
        delivery = sum(np.where(index >= 0, values[index], 0.0) for index in self._asked)
        return _Found(
            solution.bound, solution.objective - by_planes + true, flow, np.asarray(delivery), vehicles.reshape(self._shape)
        )


def _grouped(groups: list[list[int]], route: Indices) -> Indices:
    """Return the columns of the routes of each group in each period, (H, groups, most), -1 where there are no more."""
    most = max(map(len, groups), default=0)
    index = np.full((route.shape[0], len(groups), max(most, 1)), -1)
    for g, group in enumerate(groups):
        index[:, g, : len(group)] = route[:, group]
    return index
