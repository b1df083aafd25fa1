"""Operators on the road in closed form.

The power operator needs n vehicles per pair and period; what is missing costs it b (n - z)^2 / 2. The transport operator sends z
of them for s z^2 / 2. So the joint optimum is z = b n / (b + s), for every pair and period on its own, and prices s z bring both
to it: there is no duality gap. Here b = s and the needs are even, so that the optimum is whole.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import RoundResult
from federates.conformance.scripted.pair import ScriptedPair, sent
from federates.worlds.road.session import RoadSession

__all__ = ["RoadPair"]

_SLOPE_USD = 1.5
_NEEDS_VEH = (6.0, 8.0, 12.0, 4.0, 10.0)


class RoadPair(ScriptedPair):
    """Scripted operators on the road; ``stubborn``: the transport operator sends nothing, whatever it is asked or paid."""

    def __init__(self, session: RoadSession, *, stubborn: bool = False) -> None:
        shape = session.connection_shape
        needs = np.array([_NEEDS_VEH[i % len(_NEEDS_VEH)] for i in range(int(np.prod(shape)))])
        self.need = needs.reshape(shape)
        self.stubborn = stubborn

    def solve(self, multipliers_usd_per_veh: Array) -> RoundResult:  # noqa: D102
        price = multipliers_usd_per_veh
        wanted = np.clip(self.need - price / _SLOPE_USD, 0.0, self.need)
        cost = self._unmet(wanted)
        asked = sent(wanted, cost, cost + (price * wanted).sum())
        z = np.zeros_like(price) if self.stubborn else np.maximum(price, 0.0) / _SLOPE_USD
        cost = self._drive(z)
        return RoundResult(asked, sent(z, cost, cost - (price * z).sum()))

    def evaluate(self, power_connection: Array, transport_connection: Array) -> RoundResult:  # noqa: D102
        used = np.clip(power_connection, 0.0, self.need)
        z = np.zeros_like(used) if self.stubborn else np.maximum(transport_connection, 0.0)
        return RoundResult(sent(used, self._unmet(used), self._unmet(used)), sent(z, self._drive(z), self._drive(z)))

    def optimum_usd(self) -> float:  # noqa: D102
        z = np.zeros_like(self.need) if self.stubborn else 0.5 * self.need
        return self._unmet(z) + self._drive(z)

    def cost_usd(self, connection: Array) -> float | None:  # noqa: D102
        if connection.min() < 0 or (self.stubborn and connection.any()):
            return None
        return self._unmet(np.minimum(connection, self.need)) + self._drive(connection)

    def _unmet(self, used: Array) -> float:
        return float(0.5 * _SLOPE_USD * ((self.need - used) ** 2).sum())

    def _drive(self, z: Array) -> float:
        return float(0.5 * _SLOPE_USD * (z**2).sum())
