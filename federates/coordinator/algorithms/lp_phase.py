"""The LP phase: good prices, found cheaply, by the dual problem (43) of the linear relaxations and a box-step bundle.

The first prices are what moving costs. One answer at zero prices and one at prices that move trains tell what the transport
operator charges for a period in motion; paying that much for every period that a train stands (a negative multiplier) makes it
indifferent between all routes if it charges by time, and is a good beginning if it charges otherwise.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from federates.boundary.messages import Array
from federates.boundary.negotiation import Copies, Rounds, bound_usd
from federates.boundary.roles import RoundResult
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.limits import NegotiationSettings

_LEAST_BOX_USD = 1e-3


class LPPhaseSettings(NegotiationSettings):
    """Settings of the search in the linear relaxation."""

    signed: bool = True
    """Multipliers may be negative (J = I); false: lambda >= 0 as in (40), which leaves trips unpriced."""
    relaxed_rounds: Annotated[int, Field(ge=0, le=1000)] = 60
    """Most rounds in the linear relaxation."""
    relaxed_tolerance: Annotated[float, Field(ge=0, lt=1)] = 2e-3
    """The search ends once the bound can rise by this share only of what there was to gain at first (UB - LB)."""
    relaxed_patience: Annotated[int, Field(ge=1, le=1000)] = 10
    """It also ends after so many rounds in a row without such a rise."""


class LPPhase:
    """The search of one negotiation; ``prices`` (m,) are the best so far, ``lower_usd`` is the bound at them."""

    def __init__(self, oracle: DualOracle, settings: LPPhaseSettings) -> None:
        self._oracle, self._settings = oracle, settings
        problem = oracle.problem
        self.floor = problem.floor if settings.signed else np.maximum(problem.floor, 0.0)
        self.prices = np.zeros(problem.prices)
        self.lower_usd = -np.inf
        self.box_usd = 1.0
        self._planes: list[tuple[Copies, RoundResult]] = []
        self._missing = False
        """Whether somebody has not answered the last prices."""

    def rounds(self) -> Rounds[None]:
        """Find the best prices; the cheapest offers are evaluated on the way, so that there is a plan."""
        yield from self._first_prices()
        stake_usd = self._oracle.bounds.upper_usd - self.lower_usd
        enough_usd = self._settings.relaxed_tolerance * max(stake_usd, 0.0)
        model = BoxStep(self._oracle.problem, self.box_usd, self.floor)
        waited = 0
        for _ in range(self._settings.relaxed_rounds):
            for copies, result in self._planes:
                model.add(copies, result.answers)
            self._planes.clear()
            prices = model.next_prices(self.prices, self.lower_usd, judged=not self._missing)
            before_usd = self.lower_usd
            if model.promised_usd - before_usd <= enough_usd or self._oracle.left <= 0:
                return
            yield from self._try(prices)
            if not self._missing:
                waited = 0 if self.lower_usd - before_usd > enough_usd else waited + 1
            if waited >= self._settings.relaxed_patience:
                return

    def _first_prices(self) -> Rounds[None]:
        """Ask at zero prices, at what those who ask would pay, and at what moving costs."""
        stays, stays_usd = yield from self._try(self.prices)
        value = yield from self._value_of_stands(stays)
        if value is None or self._oracle.left <= 2:
            return
        self.box_usd = max(float(value[value > 0].mean()), _LEAST_BOX_USD)
        moves, moves_usd = yield from self._try(np.maximum(value, self.floor))
        periods = float((stays - moves).sum())
        if periods > 0 and moves_usd > stays_usd:
            rate_usd = (moves_usd - stays_usd) / periods
            self.box_usd = 0.5 * rate_usd
            if np.isinf(self.floor).any():
                yield from self._try(np.maximum(self.floor, -rate_usd))

    def _value_of_stands(self, cheapest: Array) -> Rounds[Array | None]:
        """Return what those who ask would pay at most for more than is in the cheapest offers (m,)."""
        problem = self._oracle.problem
        result = yield from self._oracle.offer(problem.carried_out(cheapest))
        if result is None:
            return None
        slope = np.zeros(problem.layout.size)
        for agent, entries in problem.layout.entries.items():
            if problem.layout.only_offers(agent):
                continue
            slopes = result.answers[agent].slopes
            if slopes is None:
                return None
            slope[entries] += problem.layout.own(agent, slopes)
        value = np.maximum(-problem.means(slope), 0.0)
        return value if value.any() else None

    def _try(self, prices: Array) -> Rounds[tuple[Array, float]]:
        """Ask at ``prices``; return what is offered (n,), and at which cost."""
        result = yield from self._oracle.relax(prices)
        self._missing = bool(result.missing)
        layout = self._oracle.problem.layout
        copies = self._oracle.problem.copies(result)
        self._planes.append((copies, result))
        lower_usd = bound_usd(result.answers)
        if lower_usd > self.lower_usd:
            self.prices, self.lower_usd = prices, lower_usd
        offers_usd = sum(answer.cost_usd for agent, answer in result.answers.items() if layout.only_offers(agent))
        return layout.offered(copies), offers_usd
