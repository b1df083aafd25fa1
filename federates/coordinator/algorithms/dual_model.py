"""Cutting-plane model of the dual problem (43) with a box that follows its success.

Every answer, to prices or to a given connection, is a plan its operator can carry out at the cost it named, so it bounds that
operator's minimum at *all* prices. The sum of both minima over the answers so far is a concave model that lies above the dual.
It is maximised in a box around the best prices known: the box-step method of Marsten, Hogan and Blankenship, Operations
Research 23(3), 1975. Prices of interchangeable trains are one variable, for the dual has a maximum with equal ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Array
from federates.boundary.roles import RoundResult
from federates.runtime.linear_model import LinearModel

__all__ = ["DualModel"]

_GROW, _SHRINK = 1.5, 0.6
_GOOD_SHARE = 0.1
"""A step is good if the bound rises by this share of what the model promised."""
_FAR_USD = 1e12


class DualModel:
    """Model of the dual over the prices that may differ: one per group of trains, station and period that is left.

    Parameters
    ----------
    shape : (K, S, T).
    groups : interchangeable trains.
    first_period : prices of earlier periods are zero.
    box_usd : furthest that a price may move at first.
    """

    def __init__(self, shape: tuple[int, int, int], groups: list[list[int]], first_period: int, box_usd: float) -> None:
        self._shape, self._groups, self._first = shape, groups, first_period
        self._cuts: list[tuple[Array, Array, float, float]] = []
        self._promised_usd: float | None = None
        self.box_usd = box_usd
        self.best = np.zeros(shape)
        self.best_usd = -np.inf

    def add(self, multipliers: Array, result: RoundResult, bound_usd: float) -> None:
        """Learn both answers to ``multipliers``, whose dual value is ``bound_usd``; adapt the box to how good the step was."""
        asked, offered = result.asked, result.offered
        self._cuts.append(
            (self._folded(asked.connection_veh), self._folded(offered.connection_veh), asked.cost_usd, offered.cost_usd)
        )
        if self._promised_usd is not None and np.isfinite(self.best_usd):
            good = bound_usd - self.best_usd >= _GOOD_SHARE * (self._promised_usd - self.best_usd)
            self.box_usd *= _GROW if good else _SHRINK
        if bound_usd > self.best_usd:
            self.best_usd, self.best = bound_usd, multipliers

    def promised_usd(self) -> float:
        """Return the model's last maximum in its box; with a box that does not bind it is above the dual's maximum."""
        return np.inf if self._promised_usd is None else self._promised_usd

    def next_multipliers(self, *, uniform: bool = False) -> Array:
        """Return the prices at which the model is highest in the box; with ``uniform`` all move alike."""
        count = int(np.prod(self._folded(self.best).shape))
        model = LinearModel()
        step = model.variables("step", 1 if uniform else count, -self.box_usd, self.box_usd)
        value = model.variables("value", 2, -_FAR_USD, _FAR_USD, cost=-1.0)
        centre = self._folded(self.best, mean=True).ravel()
        for asked, offered, asked_usd, offered_usd in self._cuts:
            for side, (sign, used, cost_usd) in enumerate(((1.0, asked, asked_usd), (-1.0, offered, offered_usd))):
                slope = sign * used.ravel()
                row = np.array([slope.sum()]) if uniform else slope
                model.rows(
                    "cut",
                    [(1.0, value[[side]][None, :]), (-row[None, :], step[None, :])],
                    upper=cost_usd + float(slope @ centre),
                    shape=(1,),
                )
        solution = model.solver().solve()
        self._promised_usd = -solution.objective
        moved = centre + (solution.values[step] if not uniform else float(solution.values[step][0]))
        return self._unfolded(moved)

    def _folded(self, connection: Array, *, mean: bool = False) -> Array:
        """Return a connection summed (prices: averaged) over each group's trains, periods from the first on: (J, S, T - p)."""
        rest = connection[:, :, self._first :]
        parts = [rest[group].mean(axis=0) if mean else rest[group].sum(axis=0) for group in self._groups]
        return np.array(parts)

    def _unfolded(self, prices: NDArray[np.float64]) -> Array:
        whole = np.zeros(self._shape)
        per_group = prices.reshape(len(self._groups), self._shape[1], self._shape[2] - self._first)
        for group, price in zip(self._groups, per_group, strict=True):
            whole[group, :, self._first :] = price
        return whole
