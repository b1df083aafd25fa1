"""Operators on the road in closed form.

The power operator needs at most n vehicles per pair and period, each worth w; the transport operator sends z of them for s z^2 / 2
(marginal cost s z). So the joint optimum is z = min(n, w / s), for every pair and period on its own, and prices w - or s n, where
n binds - bring both to it. The worths are multiples of s: the optimum is whole.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import RoundResult
from federates.boundary.session import RoadSession
from federates.conformance.scripted.pair import ScriptedPair, sent

__all__ = ["RoadPair"]

_NEED_VEH, _SLOPE_USD = 9.0, 1.5
_WORTH_IN_SLOPES = (6.0, 8.0, 12.0, 4.0, 7.0)


class RoadPair(ScriptedPair):
    """Scripted operators on the road; ``stubborn``: the transport operator sends nothing, whatever it is asked or paid."""

    def __init__(self, session: RoadSession, *, stubborn: bool = False) -> None:
        shape = session.connection_shape
        factors = np.array([_WORTH_IN_SLOPES[i % len(_WORTH_IN_SLOPES)] for i in range(int(np.prod(shape)))])
        self.worth = _SLOPE_USD * factors.reshape(shape)
        self.stubborn = stubborn

    def solve(self, multipliers_usd_per_veh: Array) -> RoundResult:  # noqa: D102
        price = multipliers_usd_per_veh
        wanted = np.where(price < self.worth, _NEED_VEH, 0.0)
        cost = self._unmet(wanted)
        asked = sent(wanted, cost, cost + (price * wanted).sum())
        z = np.zeros_like(price) if self.stubborn else np.maximum(price, 0.0) / _SLOPE_USD
        cost = self._drive(z)
        return RoundResult(asked, sent(z, cost, cost - (price * z).sum()))

    def evaluate(self, power_connection: Array, transport_connection: Array) -> RoundResult:  # noqa: D102
        used = np.clip(power_connection, 0.0, _NEED_VEH)
        z = np.zeros_like(used) if self.stubborn else np.maximum(transport_connection, 0.0)
        return RoundResult(sent(used, self._unmet(used), self._unmet(used)), sent(z, self._drive(z), self._drive(z)))

    def optimum_usd(self) -> float:  # noqa: D102
        z = np.zeros_like(self.worth) if self.stubborn else np.minimum(_NEED_VEH, self.worth / _SLOPE_USD)
        return self._unmet(z) + self._drive(z)

    def cost_usd(self, connection: Array) -> float | None:  # noqa: D102
        if connection.min() < 0 or (self.stubborn and connection.any()):
            return None
        return self._unmet(np.minimum(connection, _NEED_VEH)) + self._drive(connection)

    def _unmet(self, used: Array) -> float:
        return float((self.worth * (_NEED_VEH - used)).sum())

    def _drive(self, z: Array) -> float:
        return float(0.5 * _SLOPE_USD * (z**2).sum())
