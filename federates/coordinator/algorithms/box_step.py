"""Best prices by everything the operators have answered so far: cutting planes within a box.

Box-step method of Marsten, Hogan and Blankenship, "The Boxstep Method for Large-Scale Optimization", Operations Research
23(3), 1975. Every answer, to prices or to a given connection, is a plan its operator can carry out at the cost it named, so it
bounds that operator's minimum at *all* prices. Their sum is a concave model of the dual problem (43) that never lies below it;
the method maximises the model near the best prices known, which is a small linear programme.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Array
from federates.boundary.roles import RoundResult
from federates.lp.linear_model import LinearModel

__all__ = ["BoxStep"]

_DECIMALS = 6
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
    shape : shape of the multipliers.
    box_usd_per_veh : furthest a multiplier may move at first.
    floor_usd_per_veh : least value of the multipliers; broadcasts to ``shape``.
    """

    def __init__(self, shape: tuple[int, ...], box_usd_per_veh: float, floor_usd_per_veh: ArrayLike = 0.0) -> None:
        self._shape = shape
        self._floor = np.broadcast_to(np.asarray(floor_usd_per_veh, dtype=np.float64), shape).ravel()
        self._box = box_usd_per_veh
        self._planes: list[tuple[float, Array, float]] = []
        self._promised_usd: float | None = None
        self._bound_usd = -np.inf

    @property
    def promised_usd(self) -> float:
        """Return the model's value at the last best multipliers: the bound cannot rise above it within the box."""
        return np.inf if self._promised_usd is None else self._promised_usd

    def add(self, result: RoundResult) -> None:
        """Take both answers of a round as new planes."""
        self.add_asked(result.asked.connection_veh, result.asked.cost_usd)
        self.add_offered(result.offered.connection_veh, result.offered.cost_usd)

    def add_asked(self, connection: Array, cost_usd: float) -> None:
        """Take a plan of the power operator as a new plane."""
        self._planes.append((1.0, connection.ravel(), cost_usd))

    def add_offered(self, connection: Array, cost_usd: float) -> None:
        """Take a plan of the transport operator as a new plane."""
        self._planes.append((-1.0, connection.ravel(), cost_usd))

    def value_usd(self, multipliers: Array) -> float:
        """Return the model's value at ``multipliers``."""
        prices = multipliers.ravel()
        sides = (1.0, -1.0)
        return sum(
            min(usd + side * float((prices * plan).sum()) for sign, plan, usd in self._planes if sign == side) for side in sides
        )

    def next_multipliers(self, centre: Array, bound_usd: float) -> Array:
        """Return the model's best multipliers within the box around ``centre``, the prices of the best bound ``bound_usd``.

        Raises
        ------
        ModelError : the linear programme has no solution (it always has one, whatever the operators answer).
        """
        self._fit_box(bound_usd)
        point = centre.ravel()
        # A model per call: it is small, and what it answers does not depend on those before. Price = centre + up - down.
        model = LinearModel()
        preference = _PREFERENCE * (1.0 + np.arange(point.size) / point.size)
        up = model.variables("up", point.size, upper=self._box, cost=preference)
        down = model.variables("down", point.size, upper=np.clip(point - self._floor, 0.0, self._box), cost=preference)
        least = dict(zip((1.0, -1.0), model.variables("least", 2, lower=-np.inf, cost=-1.0), strict=True))
        for sign, plan, cost_usd in self._planes:
            terms = [(1.0, least[sign]), (-sign * plan, up), (sign * plan, down)]
            model.rows("plane", terms, upper=cost_usd + sign * float((plan * point).sum()), shape=())
        found = model.solver(presolve="off").solve()
        best = to_grid(point + found.values[up] - found.values[down], _DECIMALS).reshape(self._shape)
        self._promised_usd, self._bound_usd = self.value_usd(best), bound_usd
        return best

    def _fit_box(self, bound_usd: float) -> None:
        """Widen the box after a good step, narrow it after a bad one."""
        if self._promised_usd is None:
            return
        promised = self._promised_usd - self._bound_usd
        self._box *= _GROW if bound_usd - self._bound_usd >= _GOOD_SHARE * promised else _SHRINK
