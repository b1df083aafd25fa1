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

import numpy as np

from federates.boundary.messages import Array
from federates.lp.arithmetic import product

__all__ = ["Splitting"]

_SWEEPS = 400
_ENOUGH = 1e-7


class _Side:
    """One operator's answers z_i with their costs c_i, and the weights w_i >= 0, sum 1, of their average.

    ``sign`` is what its connection counts for in r: 1 (power) or -1 (transport).
    """

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.answers: list[Array] = []
        self.costs_usd: list[float] = []
        self.weights = np.zeros(0)

    def add(self, connection: Array, cost_usd: float) -> None:
        self.answers.append(connection.ravel().astype(np.float64))
        self.costs_usd.append(cost_usd)
        self.weights = np.append(self.weights, 0.0 if self.weights.size else 1.0)

    @property
    def average(self) -> Array:
        return product(self.weights, np.array(self.answers))

    def improve(self, prices: Array, penalty: float) -> tuple[Array, float]:
        """Move weight from the worst to the best answer at ``prices``; return the change of r, and how much was to gain, usd."""
        value = np.array(self.costs_usd) + self.sign * product(np.array(self.answers), prices)
        best, worst = int(value.argmin()), int(np.where(self.weights > 0, value, -np.inf).argmax())
        gain_usd = float(value[worst] - value[best])
        way = self.sign * (self.answers[best] - self.answers[worst])
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
    multipliers : lambda to begin with, usd/veh.
    penalty : rho, usd/veh^2.
    floor : least price, broadcasts to the multipliers; 0 where asked <= offered is meant, -inf where they must be equal.
    """

    def __init__(self, multipliers: Array, penalty: float, floor: Array | float = 0.0) -> None:
        self._shape = multipliers.shape
        self._lambda = multipliers.ravel().astype(np.float64)
        self._floor = np.broadcast_to(np.asarray(floor, dtype=np.float64), self._shape).ravel()
        self._penalty = penalty
        self._power, self._transport = _Side(1.0), _Side(-1.0)

    @property
    def multipliers(self) -> Array:
        """Return lambda."""
        return self._lambda.reshape(self._shape).copy()

    @property
    def asked(self) -> Array:
        """Return the average of what was asked."""
        return self._power.average.reshape(self._shape)

    @property
    def offered(self) -> Array:
        """Return the average of what was offered."""
        return self._transport.average.reshape(self._shape)

    @property
    def prices(self) -> Array:
        """Return the prices to ask at next, m."""
        if not self._power.answers:
            return self.multipliers
        return self._at(self._power.average - self._transport.average).reshape(self._shape)

    def add(self, asked: Array, power_usd: float, offered: Array, transport_usd: float) -> None:
        """Take both answers to `prices`: average anew, then move lambda."""
        self._power.add(asked, power_usd)
        self._transport.add(offered, transport_usd)
        self._average()
        self._lambda = self._at(self._power.average - self._transport.average)

    def _average(self) -> None:
        """Minimise the augmented Lagrangian over all averages of the answers, by pairwise steps."""
        difference = self._power.average - self._transport.average
        for _ in range(_SWEEPS):
            left_usd = 0.0
            for side in (self._power, self._transport):
                change, gain_usd = side.improve(self._at(difference), self._penalty)
                difference = difference + change
                left_usd += gain_usd
            if left_usd <= _ENOUGH * max(1.0, abs(sum(self._power.costs_usd[-1:] + self._transport.costs_usd[-1:]))):
                return

    def _at(self, difference: Array) -> Array:
        return np.maximum(self._floor, self._lambda + self._penalty * difference)
