"""Prices that followers pay each other while the rewards stand: tolls at which passages asked are passages offered.

Followers that ask for something themselves, such as fleets for passages, are a market of their own at any rewards r. Its prices
maximise the concave dual function of the followers alone, with planes of all their answers (as in `box_step`)::

    max over tolls >= 0   sum of followers' min over their answers k:  f_k - r . d_k + tolls . p_k

At the best tolls several answers of a follower may be equally good. The mixture of them that is in balance is the one that the
plane weights (dual values) tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from federates.boundary.canonical import to_grid
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.lp.linear_model import LinearModel

_DECIMALS = 6
_PREFERENCE = 1e-6
"""Among tolls that are equally good by the planes the nearest to the last: cost, usd, of a toll that moves by 1 usd."""


class Tolls:
    """What followers have answered, and the best tolls by it.

    Parameters
    ----------
    layout : where all entries lie.
    followers : names of the agents whose market it is.
    tolled : numbers of the entries whose price is a toll.
    """

    def __init__(self, layout: Layout, followers: Sequence[str], tolled: NDArray[np.intp]) -> None:
        self._layout, self._followers, self.tolled = layout, followers, tolled
        self._answers: dict[str, list[tuple[Array, Array, float]]] = {agent: [] for agent in followers}

    def add(self, copies: Mapping[str, Array], answers: Mapping[str, Answer]) -> None:
        """Take what followers can do at which cost."""
        for agent in self._followers:
            signed = np.zeros(self._layout.size)
            signed[self._layout.entries[agent]] = self._layout.sign[agent] * copies[agent]
            self._answers[agent].append((copies[agent], signed, answers[agent].cost_usd))

    def best(self, prices: Array, box: Array) -> tuple[Array, float, dict[str, Array]]:
        """Return the best tolls near those in ``prices``, what the model promises of them, usd, and the mixed answers.

        ``prices`` (n,) has all rewards; of its tolls none moves further than ``box`` (of the tolled entries).
        """
        model, centre = LinearModel(), prices[self.tolled]
        preference = _PREFERENCE * (1.0 + np.arange(centre.size) / max(1, centre.size))
        up = model.variables("up", centre.size, upper=box, cost=preference)
        down = model.variables("down", centre.size, upper=np.minimum(centre, box), cost=preference)
        rows = {}
        for agent in self._followers:
            least = model.variables(f"least of {agent}", 1, lower=-np.inf, cost=-1.0)
            signed = np.array([slope for _, slope, _ in self._answers[agent]])
            costs = np.array([usd for _, _, usd in self._answers[agent]]) + (signed * prices).sum(axis=1)
            slopes, count = signed[:, self.tolled], len(costs)
            every = np.broadcast_to(up, (count, up.size)), np.broadcast_to(down, (count, down.size))
            terms = [(1.0, np.repeat(least, count)), (-slopes, every[0]), (slopes, every[1])]
            rows[agent] = model.rows(f"planes of {agent}", terms, upper=costs)
        found = model.solver(presolve="off").solve()
        assert found.row_dual is not None
        tolls = to_grid(centre + found.values[up] - found.values[down], _DECIMALS)
        mixed = {agent: self._mixed(agent, -found.row_dual[rows[agent]]) for agent in self._followers}
        moved = float((preference * (found.values[up] + found.values[down])).sum())
        return tolls, moved - found.objective, mixed

    def _mixed(self, agent: str, weights: Array) -> Array:
        weights = np.maximum(weights, 0.0)
        answers = np.array([copy for copy, _, _ in self._answers[agent]])
        return np.asarray((answers * (weights / weights.sum())[:, None]).sum(axis=0))
