"""Good prices, found cheaply: the dual problem (43) of both operators' linear relaxations, by a box-step bundle.

The first prices are what moving costs. One answer at zero prices and one at prices that move trains tell what the transport
operator charges for a period in motion; paying that much for every period that a train stands (a negative multiplier) makes it
indifferent between all routes if it charges by time, and is a good beginning if it charges otherwise.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from federates.boundary.messages import Array
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.conversation import Conversation
from federates.coordinator.algorithms.limits import NegotiationSettings
from federates.coordinator.algorithms.rounds import Rounds

__all__ = ["RelaxedSearch", "RelaxedSettings"]

_LEAST_BOX_USD = 1e-3


class RelaxedSettings(NegotiationSettings):
    """Settings of the search in the linear relaxation."""

    signed: bool = True
    """Multipliers may be negative (J = I); false: lambda >= 0 as in (40), which leaves trips unpriced."""
    relaxed_rounds: Annotated[int, Field(ge=0, le=1000)] = 60
    """Most rounds in the linear relaxation."""
    relaxed_tolerance: Annotated[float, Field(ge=0, lt=1)] = 2e-3
    """The search ends once the bound can rise by this share only of what there was to gain at first (UB - LB)."""
    relaxed_patience: Annotated[int, Field(ge=1, le=1000)] = 10
    """It also ends after so many rounds in a row without such a rise."""


class RelaxedSearch:
    """The search of one negotiation; ``prices`` (G, S, H) are the best so far, ``lower_usd`` is the bound at them."""

    def __init__(self, talk: Conversation, settings: RelaxedSettings) -> None:
        self._talk, self._settings = talk, settings
        self.floor = talk.floor(signed=settings.signed)
        self.prices = np.zeros(talk.problem.price_shape)
        self.lower_usd = -np.inf
        self.box_usd = 1.0
        self._planes: list[tuple[Array, float, Array, float]] = []

    def rounds(self) -> Rounds[None]:
        """Find the best prices; the trains' cheapest routes are evaluated on the way, so that there is a plan."""
        yield from self._first_prices()
        stake_usd = self._talk.bounds.upper_usd - self.lower_usd
        enough_usd = self._settings.relaxed_tolerance * max(stake_usd, 0.0)
        model = BoxStep(self.prices.shape, self.box_usd, self.floor)
        waited = 0
        for _ in range(self._settings.relaxed_rounds):
            for asked, power_usd, offered, transport_usd in self._planes:
                model.add_asked(asked, power_usd)
                model.add_offered(offered, transport_usd)
            self._planes.clear()
            prices = model.next_multipliers(self.prices, self.lower_usd)
            before_usd = self.lower_usd
            if model.promised_usd - before_usd <= enough_usd or self._talk.left <= 0:
                return
            yield from self._try(prices)
            waited = 0 if self.lower_usd - before_usd > enough_usd else waited + 1
            if waited >= self._settings.relaxed_patience:
                return

    def _first_prices(self) -> Rounds[None]:
        """Ask at zero prices, at what the power operator would pay, and at what moving costs."""
        stays, stays_usd = yield from self._try(self.prices)
        value = yield from self._value_of_stands(stays)
        if value is None or self._talk.left <= 2:
            return
        self.box_usd = max(float(value[value > 0].mean()), _LEAST_BOX_USD)
        moves, moves_usd = yield from self._try(np.maximum(value, self.floor))
        periods = float((self._talk.problem.totals(stays) - self._talk.problem.totals(moves)).sum())
        if periods > 0 and moves_usd > stays_usd:
            rate_usd = (moves_usd - stays_usd) / periods
            self.box_usd = 0.5 * rate_usd
            if np.isinf(self.floor).any():
                yield from self._try(np.maximum(self.floor, -rate_usd))

    def _value_of_stands(self, cheapest: Array) -> Rounds[Array | None]:
        """Return what the power operator would pay at most for a stand more than in the trains' cheapest routes (G, S, H)."""
        result = yield from self._talk.offer(np.round(cheapest))
        if result is None or result.asked.slope_usd_per_veh is None:
            return None
        value = np.maximum(-self._talk.problem.means(result.asked.slope_usd_per_veh), 0.0)
        return value if value.any() else None

    def _try(self, prices: Array) -> Rounds[tuple[Array, float]]:
        """Ask at ``prices``; return what the transport operator offers and its cost."""
        result = yield from self._talk.relax(prices)
        totals = self._talk.problem.totals
        asked, offered = result.asked, result.offered
        self._planes.append((totals(asked.connection_veh), asked.cost_usd, totals(offered.connection_veh), offered.cost_usd))
        lower_usd = asked.bound_usd + offered.bound_usd
        if lower_usd > self.lower_usd:
            self.prices, self.lower_usd = prices, lower_usd
        return offered.connection_veh, offered.cost_usd
