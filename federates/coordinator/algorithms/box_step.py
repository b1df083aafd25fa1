"""Best prices by everything the operators have answered so far: cutting planes within a box.

Box-step method of Marsten, Hogan and Blankenship, "The Boxstep Method for Large-Scale Optimization", Operations Research
23(3), 1975. Every answer, to prices or to a given connection, is a plan its operator can carry out at the cost it named, so it
bounds that operator's minimum at *all* prices. Their sum is a concave model of the dual problem (43) that never lies below it;
the method maximises the model near the best prices known, which is a small linear programme.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from federates.boundary.canonical import down_to_grid, to_grid, up_to_grid
from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem
from federates.lp.linear_model import LinearModel

_DECIMALS, _WEIGHT_DECIMALS = 6, 9
_GROW, _SHRINK = 1.5, 0.5
_GOOD_SHARE = 0.1
"""A step is good if the bound rises by this share of what the model promised."""
_PREFERENCE = 1e-5
"""Among prices that the model values alike the nearest to the centre are taken: cost, usd, of a price that moves by 1 usd/veh. It
grows from entry to entry up to twice as much, so that there is one best answer, whatever the solver."""


class BoxStep:
    """Cutting-plane model of the dual problem of one negotiation.

    Parameters
    ----------
    problem : what is negotiated; prices are its (m,).
    box_usd : furthest a price may move at first, usd per unit.
    floor : least prices, (m,).
    """

    def __init__(self, problem: Problem, box_usd: float, floor: Array) -> None:
        self._problem, self._floor = problem, floor
        self._box = box_usd
        self._planes: list[tuple[str, Array, float]] = []
        self._copies: list[Array] = []
        self._weights: Array | None = None
        self._promised_usd: float | None = None
        self._bound_usd = -np.inf

    @property
    def promised_usd(self) -> float:
        """Return the model's value at the last best prices: the bound cannot rise above it within the box."""
        return np.inf if self._promised_usd is None else self._promised_usd

    def add(self, copies: Copies, answers: Mapping[str, Answer]) -> None:
        """Take all answers of a round as new planes."""
        for agent, copy in copies.items():
            self.add_plane(agent, copy, answers[agent].cost_usd)

    def add_plane(self, agent: str, copy: Array, cost_usd: float) -> None:
        """Take what an agent can do, at its own cost, as a new plane."""
        self._copies.append(copy)
        self._planes.append((agent, self._problem.signed(agent, copy), cost_usd))

    def value_usd(self, prices: Array) -> float:
        """Return the model's value at ``prices``."""
        least = dict.fromkeys(self._problem.agents, math.inf)
        for agent, slope, usd in self._planes:
            least[agent] = min(least[agent], usd + float((prices * slope).sum()))
        return sum(least.values())

    def next_prices(self, centre: Array, bound_usd: float) -> Array:
        """Return the model's best prices within the box around ``centre``, the prices of the best bound ``bound_usd``.

        Raises
        ------
        ModelError : the linear programme has no solution (it always has one, whatever the agents answer).
        """
        self._fit_box(bound_usd)
        # A model per call: it is small, and what it answers does not depend on those before. Price = centre + up - down.
        model = LinearModel()
        preference = _PREFERENCE * (1.0 + np.arange(centre.size) / centre.size)
        up = model.variables("up", centre.size, upper=self._box, cost=preference)
        down = model.variables("down", centre.size, upper=np.clip(centre - self._floor, 0.0, self._box), cost=preference)
        agents = self._problem.agents
        least = dict(zip(agents, model.variables("least", len(agents), lower=-np.inf, cost=-1.0), strict=True))
        for agent, slope, cost_usd in self._planes:
            terms = [(1.0, least[agent]), (-slope, up), (slope, down)]
            model.rows("plane", terms, upper=cost_usd + float((slope * centre).sum()), shape=())
        found = model.solver(presolve="off").solve()
        best = to_grid(centre + found.values[up] - found.values[down], _DECIMALS)
        self._promised_usd, self._bound_usd = self.value_usd(best), bound_usd
        self._weights = None if found.row_dual is None else np.maximum(-found.row_dual, 0.0)
        return best

    def mean_plan(self) -> dict[str, Array] | None:
        """Return what all agents are given so that the mean of their answers is carried out; None if there is no mean.

        The weights are the multipliers of the planes, which add up to 1 for each agent. The mean is a plan of each agent on its
        own where costs are convex, and it is in balance where no price lies on the box: Dantzig and Wolfe, "Decomposition
        Principle for Linear Programs", Operations Research 8(1), 1960. Who only asks is given what is offered, who only offers
        what is asked; who does both delivers as much for what it asks as it has answered, so that all is in balance.
        """
        layout, means = self._problem.layout, self._means()
        if means is None:
            return None
        asked, offered = layout.shares(layout.asked(means), means, -1.0), layout.shares(layout.offered(means), means, 1.0)
        mixed = {agent for agent in layout.agents if (layout.sign[agent] > 0).any() and (layout.sign[agent] < 0).any()}
        return {
            agent: means[agent] if agent in mixed else (asked if layout.only_offers(agent) else offered)[agent]
            for agent in layout.agents
        }

    def _means(self) -> dict[str, Array] | None:
        """Return the mean of all answers of each agent, on the grid on which it crosses: no more offered, no less asked."""
        if self._weights is None:
            return None
        weights, means = to_grid(self._weights, _WEIGHT_DECIMALS), {}
        for agent in self._problem.agents:
            rows = [row for row in np.flatnonzero(weights) if self._planes[row][0] == agent]  # planes since then have none
            if not rows:
                return None
            copy = np.average([self._copies[row] for row in rows], axis=0, weights=weights[rows])
            asks = self._problem.layout.sign[agent] > 0
            means[agent] = np.where(asks, up_to_grid(copy, _DECIMALS), down_to_grid(copy, _DECIMALS))
        return means

    def _fit_box(self, bound_usd: float) -> None:
        """Widen the box after a good step, narrow it after a bad one."""
        if self._promised_usd is None:
            return
        promised = self._promised_usd - self._bound_usd
        self._box *= _GROW if bound_usd - self._bound_usd >= _GOOD_SHARE * promised else _SHRINK
