"""Frank-Wolfe splitting of the augmented Lagrangian: both operators answer the same prices, and their averages meet.

Gidel, Pedregosa and Lacoste-Julien, "Frank-Wolfe Splitting via Augmented Lagrangian Method", AISTATS 2018. With zP what the power
operator asks and zT what the transport operator offers, r = zP - zT, the augmented Lagrangian is

    f_P(zP) + f_T(zT) + lambda . r + rho/2 |r|^2

ADMM (Gabay and Mercier, 1976) would have each operator minimise it with its square, but an operator's question at our boundary
is linear. Linearised at the averages, its gradient is m = lambda + rho r for zP and -m for zT: one vector of prices for both,
so the question is `Solve(m)` and nothing else. Own costs stay as they are (generalised conditional gradient), and both answers at
the same m give a proven bound. After each answer the averages move to the best point between all answers so far (fully
corrective step; the paper moves towards the last one) and lambda moves by rho r.

Where a price must not be negative (z asked <= z offered instead of =), m = max(0, lambda + rho r), as for any inequality.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem
from federates.lp.arithmetic import product

_SWEEPS = 400
_ENOUGH = 1e-7


class _Side:
    """One agent's answers: its quantities, s_i z_i by price, its costs c_i, and the weights w_i >= 0, sum 1, of their average."""

    def __init__(self) -> None:
        self.copies: list[Array] = []
        self.signed: list[Array] = []
        self.costs_usd: list[float] = []
        self.weights = np.zeros(0)

    def add(self, copy: Array, signed: Array, cost_usd: float) -> None:
        self.copies.append(copy)
        self.signed.append(signed)
        self.costs_usd.append(cost_usd)
        self.weights = np.append(self.weights, 0.0 if self.weights.size else 1.0)

    @property
    def average(self) -> Array:
        return product(self.weights, np.array(self.signed))

    def improve(self, prices: Array, penalty: float) -> tuple[Array, float]:
        """Move weight from the worst to the best answer at ``prices``; return the change of r, and how much was to gain, usd."""
        value = np.array(self.costs_usd) + product(np.array(self.signed), prices)
        best, worst = int(value.argmin()), int(np.where(self.weights > 0, value, -np.inf).argmax())
        gain_usd = float(value[worst] - value[best])
        way = self.signed[best] - self.signed[worst]
        curvature = penalty * float((way * way).sum())
        whole = self.weights[worst]
        part = whole if curvature * whole <= gain_usd else gain_usd / curvature
        self.weights[best] += part
        self.weights[worst] -= part
        return part * way, gain_usd * float(whole)


class Splitting:
    """Averages and multipliers of one negotiation.

    Parameters
    ----------
    multipliers : lambda to begin with, usd per unit, (m,).
    penalty : rho, usd per unit squared.
    floor : least price, (m,); 0 where asked <= offered is meant, -inf where they must be equal.
    """

    def __init__(self, problem: Problem, multipliers: Array, penalty: float, floor: Array) -> None:
        self._problem = problem
        self.multipliers = multipliers
        self._floor, self._penalty = floor, penalty
        self._sides = {agent: _Side() for agent in problem.agents}
        self._begun = False

    @property
    def averages(self) -> dict[str, Array]:
        """Return the average of every agent's answers."""
        return {agent: product(side.weights, np.array(side.copies)) for agent, side in self._sides.items()}

    @property
    def prices(self) -> Array:
        """Return the prices to ask at next, m."""
        return self._at(self._residual()) if self._begun else self.multipliers

    def add(self, copies: Copies, answers: Mapping[str, Answer]) -> None:
        """Take all answers to `prices`: average anew, then move lambda."""
        self._begun = True
        for agent, side in self._sides.items():
            side.add(copies[agent], self._problem.signed(agent, copies[agent]), answers[agent].cost_usd)
        self._average()
        self.multipliers = self._at(self._residual())

    def _residual(self) -> Array:
        return np.asarray(sum(side.average for side in self._sides.values()))

    def _average(self) -> None:
        """Minimise the augmented Lagrangian over all averages of the answers, by pairwise steps."""
        difference = self._residual()
        for _ in range(_SWEEPS):
            left_usd = 0.0
            for side in self._sides.values():
                change, gain_usd = side.improve(self._at(difference), self._penalty)
                difference = difference + change
                left_usd += gain_usd
            if left_usd <= _ENOUGH * max(1.0, abs(sum(side.costs_usd[-1] for side in self._sides.values()))):
                return

    def _at(self, difference: Array) -> Array:
        return np.maximum(self._floor, self.multipliers + self._penalty * difference)
