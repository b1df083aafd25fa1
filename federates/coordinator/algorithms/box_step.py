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

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem
from federates.lp.linear_model import LinearModel, Solution

_DECIMALS, _WEIGHT_DECIMALS = 6, 9
_IMBALANCE_USD = 1e4
"""What a unit that is asked and not offered costs in a mean that is to be balanced; far above any price."""
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

    def next_prices(self, centre: Array, bound_usd: float, *, judged: bool = True) -> Array:
        """Return the model's best prices within the box around ``centre``, the prices of the best bound ``bound_usd``.

        ``judged``: the last prices have been answered by all, so that the box is fitted to what came of them.

        Raises
        ------
        ModelError : the linear programme has no solution (it always has one, whatever the agents answer).
        """
        if judged:
            self._fit_box(bound_usd)
        preference = _PREFERENCE * (1.0 + np.arange(centre.size) / centre.size)
        found, moved = self._solve(centre, self._box, preference)
        self._weights = np.maximum(-np.asarray(found.row_dual), 0.0)
        best = to_grid(centre + moved, _DECIMALS)
        self._promised_usd, self._bound_usd = self.value_usd(best), bound_usd
        return best

    def _solve(self, centre: Array, box_usd: float, preference: Array) -> tuple[Solution, Array]:
        """Maximise the model within a box; return the solution, its first rows being the planes, and how the prices moved."""
        # A model per call: it is small, and what it answers does not depend on those before. Price = centre + up - down.
        model = LinearModel()
        up = model.variables("up", centre.size, upper=box_usd, cost=preference)
        down = model.variables("down", centre.size, upper=np.clip(centre - self._floor, 0.0, box_usd), cost=preference)
        agents = self._problem.agents
        least = dict(zip(agents, model.variables("least", len(agents), lower=-np.inf, cost=-1.0), strict=True))
        names, slopes, costs_usd = zip(*self._planes, strict=True)
        slope, size = np.array(slopes), (len(names), centre.size)
        terms = [
            (1.0, np.array([least[name] for name in names])),
            (-slope, np.broadcast_to(up, size)),
            (slope, np.broadcast_to(down, size)),
        ]
        model.rows("plane", terms, upper=np.array(costs_usd) + (slope * centre).sum(axis=1), shape=(len(names),))
        found = model.solver(presolve="off").solve()
        return found, found.values[up] - found.values[down]

    def mean_copies(self, *, balanced: bool = False) -> dict[str, Array]:
        """Return the mean of all answers of each agent, by their weights at the last best prices.

        The weights are the multipliers of the planes: those of an agent add up to 1, and where no price lies on the box the means
        are in balance (Dantzig and Wolfe, "Decomposition Principle for Linear Programs", Operations Research 8(1), 1960).
        ``balanced``: those of the cheapest means in balance, for which prices may be whatever it takes.
        """
        weights = self._weights
        if balanced:
            found, _ = self._solve(np.maximum(self._floor, 0.0), _IMBALANCE_USD, 0.0 * self._floor)
            weights = np.maximum(-np.asarray(found.row_dual), 0.0)
        assert weights is not None, "there are no prices yet"
        weights, means = to_grid(weights, _WEIGHT_DECIMALS), {}
        for agent in self._problem.agents:
            rows = [row for row in np.flatnonzero(weights) if self._planes[row][0] == agent]
            means[agent] = to_grid(np.average([self._copies[row] for row in rows], axis=0, weights=weights[rows]), _DECIMALS)
        return means

    def _fit_box(self, bound_usd: float) -> None:
        """Widen the box after a good step, narrow it after a bad one."""
        if self._promised_usd is None:
            return
        promised = self._promised_usd - self._bound_usd
        self._box *= _GROW if bound_usd - self._bound_usd >= _GOOD_SHARE * promised else _SHRINK
