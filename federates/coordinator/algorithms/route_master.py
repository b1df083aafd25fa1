"""Master problem over public routes: a lower bound of the cost of both operators at every route, from all their answers.

Every answer is a plane below an operator's cost, as a function of the connection z that both carry out:

- to prices lambda (Lagrangian cut):   f_P(z) >= bound_P - lambda . z     and     f_T(z) >= bound_T + lambda . z
- to a given connection z0 (Benders cut of the power operator):   f_P(z) >= bound_P + slope . (z - z0)
- to a given connection that the transport operator can carry out: whoever stands wherever z0 does, pays as much,
  f_T(z) >= bound_T(z0) - (bound_T(z0) - least f_T) sum over z0 = 1 of (1 - z); to one that it cannot: no such z is possible.

The cheapest route by these planes is a proposal, and its cost by them a bound of the joint problem. The cuts at z0 are those of
Benders, Numerische Mathematik 4, 1962, and Laporte and Louveaux, Operations Research Letters 13(3), 1993 (here one-sided, since
f_T never falls where a stand is added); Lagrangian cuts of integer answers: Zou, Ahmed and Sun, Mathematical Programming 175,
2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, permutations, product

import numpy as np

from federates.boundary.errors import ModelError
from federates.boundary.messages import Array
from federates.boundary.negotiation import Index, Problem
from federates.boundary.roles import RoundResult
from federates.coordinator.algorithms.conflicts import conflicts
from federates.coordinator.algorithms.public_routes import add_routes
from federates.coordinator.algorithms.rail_problem import rail_problem
from federates.lp.linear_model import LinearModel, NoSolutionInTimeError

_MOST_EXCHANGES = 24
"""A cut that is not the same for alike trains is added for so many of their orders at most."""
_MOST_NODES = 2_000
"""Limit of the search for a proposal: a number of nodes, since a time would make results differ from run to run."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``connection`` (n,) is the cheapest by all cuts, ``bound_usd`` a proven lower bound of the joint cost."""

    connection: Array
    bound_usd: float


class RouteMaster:
    """The master problem of one negotiation by rail; cuts are added as answers come."""

    def __init__(self, whole: Problem) -> None:
        model = LinearModel()
        self._whole, self._problem = whole, rail_problem(whole)
        self._standing = add_routes(model, self._problem)
        agents = whole.agents
        self._cost = dict(zip(agents, model.variables("cost_usd", len(agents), lower=-np.inf, cost=1.0)[:, None], strict=True))
        self._solver = model.solver(mip_max_nodes=_MOST_NODES)
        self._least_usd = dict.fromkeys(agents, -np.inf)
        orders = product(*(permutations(group) for group in self._problem.groups))
        self._orders = [self._order(chosen) for chosen in islice(orders, _MOST_EXCHANGES)]

    def _order(self, chosen: tuple[tuple[int, ...], ...]) -> list[int]:
        """Return which train takes the place of each train when the trains of every group are exchanged as ``chosen``."""
        order = list(range(len(self._problem.session.trains)))
        for group, others in zip(self._problem.groups, chosen, strict=True):
            for train, other in zip(group, others, strict=True):
                order[train] = other
        return order

    def add_prices(self, prices: Array, result: RoundResult) -> None:
        """Add the Lagrangian cuts of the answers to ``prices`` (m,)."""
        by_entry = self._whole.by_entry(prices)
        for agent, answer in result.answers.items():
            if not np.isfinite(answer.bound_usd):
                continue  # its answer has not come, and nothing is proven at these prices
            slope = np.zeros(self._whole.layout.size)
            entries = self._whole.layout.entries[agent]
            slope[entries] = -self._whole.layout.sign[agent] * by_entry[entries]
            self._add(agent, answer.bound_usd, slope.reshape(self._problem.shape))
            if not prices.any():
                self._least_usd[agent] = max(self._least_usd[agent], answer.bound_usd)

    def add_evaluation(self, connection: Array, result: RoundResult, *, possible: bool) -> None:
        """Add what all said of ``connection`` (n,); ``possible``: those who offer can carry it out."""
        layout = self._whole.layout
        self._add_values(connection, result)
        if not possible:
            self.forbid(connection)
            return
        for agent, answer in result.answers.items():
            least_usd = self._least_usd[agent]
            if layout.only_offers(agent) and np.isfinite(least_usd) and answer.bound_usd > least_usd:
                own = np.zeros(layout.size)
                own[layout.entries[agent]] = connection[layout.entries[agent]]
                stands, more_usd = own.reshape(self._problem.shape), answer.bound_usd - least_usd
                self._add_all_orders(agent, answer.bound_usd - more_usd * float(stands.sum()), more_usd * stands)

    def _add_values(self, connection: Array, result: RoundResult) -> None:
        """Add the Benders cuts of those who ask."""
        layout = self._whole.layout
        for agent, answer in result.answers.items():
            if answer.slopes is not None and not layout.only_offers(agent):
                slope = np.zeros(layout.size)
                slope[layout.entries[agent]] = layout.own(agent, answer.slopes)
                constant_usd = answer.bound_usd - float((slope * connection).sum())
                self._add_all_orders(agent, constant_usd, slope.reshape(self._problem.shape))

    def conflicts(self, wanted: Array, sent: Array) -> list[Array]:
        """Return pairs of stands of ``wanted`` (n,), one of them missing from ``sent``."""
        shape = self._problem.shape
        return [pair.ravel() for pair in conflicts(wanted.reshape(shape), sent.reshape(shape))]

    def forbid(self, connection: Array) -> None:
        """Cut off every connection that stands wherever this one does."""
        stands = connection.reshape(self._problem.shape)
        for order in self._unlike(stands):
            columns = self._standing[stands[order] > 0.5]
            self._solver.add_rows("impossible", [(1.0, columns[None, :])], upper=len(columns) - 1.0, shape=(1,))

    def _add_all_orders(self, agent: str, constant_usd: float, slope: Array) -> None:
        """Add a cut for every order of alike trains: the agent's cost is the same in all of them."""
        for order in self._unlike(slope):
            self._add(agent, constant_usd, slope[order])

    def _unlike(self, values: Array) -> list[list[int]]:
        """Return the orders that change ``values`` (K, S, H), once each."""
        return list({values[order].tobytes(): order for order in self._orders}.values())

    def _add(self, agent: str, constant_usd: float, slope: Array) -> None:
        """Add: the agent's cost is at least ``constant_usd`` + slope . z."""
        cost, columns = self._cost[agent], self._standing.ravel()[None, :]
        self._solver.add_rows("cut", [(1.0, cost), (-slope.ravel()[None, :], columns)], lower=constant_usd, shape=(1,))

    def _stay_near(self, near: Array, changes: int) -> Index:
        stands = near > 0.5
        sign, columns = np.where(stands, -1.0, 1.0), self._standing.ravel()
        most = changes - float(stands.sum())
        return self._solver.add_rows("near", [(sign[None, :], columns[None, :])], upper=most, shape=(1,))

    def propose(self, gap_usd: float, near: Array | None = None, changes: int = 0) -> Proposal | None:
        """Return the cheapest connection by all cuts, to within ``gap_usd``; None if the search finds none.

        With ``near`` (n,) only at most ``changes`` stands may differ from it, and the bound is only one of such connections.

        Raises
        ------
        ModelError : no route is left, so an operator's answers contradict each other.
        """
        row = None if near is None else self._stay_near(near, changes)
        try:
            found = self._solver.solve(gap_abs=gap_usd)
        except NoSolutionInTimeError:
            return None
        except ModelError:
            if row is None:
                raise
            return None
        finally:
            if row is not None:
                self._solver.set_row_bounds(row, -np.inf, np.inf)
        return Proposal(np.round(found.values[self._standing]).ravel(), found.bound)
