"""The integer phase, a primal heuristic: few integer answers of the power operator, at prices that are worth one.

Two kinds of rounds, each begun only where it can gain something (a third: `master_proposals`):

- *bound*: ask for whole trains at the best prices, then offer what was asked. Prices move again only if the planes of all whole
  plans say that the bound can rise by a share of the gap.
- *neighbours*: ask again with a high price on every stand that is not near the best plan's. The power operator then searches the
  plan's neighbourhood only, which is quick and finds better plans (local branching of Fischetti and Lodi, Mathematical
  Programming 98, 2003, said in prices).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from federates.boundary.messages import Array
from federates.boundary.negotiation import Rounds, bound_usd
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.lp_phase import LPPhase, LPPhaseSettings


class IntegerPhaseSettings(LPPhaseSettings):
    """Settings of a negotiation with whole trains."""

    max_rounds: Annotated[int, Field(ge=1, le=100_000)] = 300
    """The negotiation ends without agreement after so many rounds, all kinds together."""
    bound_solves: Annotated[int, Field(ge=1, le=1000)] = 8
    """Most answers with whole trains that are asked for to raise the bound."""
    least_gain: Annotated[float, Field(ge=0, le=1)] = 0.02
    """New prices are worth such an answer if the bound can rise by this share of UB - LB."""


class IntegerPhase:
    """The rounds with whole trains of one negotiation, after ``lp_phase`` has found prices in the linear relaxation."""

    def __init__(self, oracle: DualOracle, settings: IntegerPhaseSettings, lp_phase: LPPhase) -> None:
        self._oracle, self._settings = oracle, settings
        self.prices, self._lower_usd = lp_phase.prices, -np.inf
        #: All that was asked for when the bound was best, (n,).
        self.asked: Array | None = None
        self._model = BoxStep(oracle.problem, lp_phase.box_usd, lp_phase.floor)
        self._next: Array | None = lp_phase.prices
        self._planes = self._solves = 0
        self._searched: set[tuple[bytes, int]] = set()

    def convergence(self) -> Outcome | None:
        """Return the outcome if a stopping rule holds."""
        settings, bounds = self._settings, self._oracle.bounds
        outcome = bounds.convergence(settings.gap_target, settings.gap_usd, f"{settings.max_rounds - self._oracle.left} rounds")
        if outcome is None and self._oracle.left <= 0:
            return bounds.failure(f"{settings.max_rounds} rounds")
        return outcome

    @property
    def own_gap_usd(self) -> float:
        """Return how much of the gap is the operators' own: by how much their bounds lie below the best plans at the prices."""
        self._take_planes()
        return max(0.0, self._model.value_usd(self.prices) - self._lower_usd)

    @property
    def answers_are_the_limit(self) -> bool:
        """Whether the bounds would meet, had the operators solved their own problems exactly at the best prices."""
        return self.asked is not None and self._oracle.bounds.absolute_gap_usd - self.own_gap_usd <= self.allowed_usd

    @property
    def allowed_usd(self) -> float:
        """Return the distance of the bounds at which the operators agree, usd."""
        return max(self._settings.gap_target * abs(self._oracle.bounds.upper_usd), self._settings.gap_usd)

    def failure(self) -> Outcome:
        """Return the outcome where nothing gets the bounds nearer to each other."""
        own = f"; {self.own_gap_usd:.6g} usd of the gap are the operators' own, who gave no exacter answers"
        limit = self.answers_are_the_limit
        return self._oracle.bounds.failure(f"neither bound moves any more{own if limit else ''}")

    def bound(self) -> Rounds[bool]:
        """Ask for whole trains at prices that promise a better bound, if there are any; return whether it was worth a round."""
        if self._next is None and not self.answers_are_the_limit:
            self._next = self._better_prices()
        if self._next is None or self._solves >= self._settings.bound_solves:
            return False
        self._solves += 1
        prices, self._next = self._next, None
        result = yield from self._oracle.solve(prices)
        lower_usd, asked = bound_usd(result.answers), self._oracle.problem.carried_out(self._oracle.asked(result))
        if lower_usd > self._lower_usd:
            self.prices, self._lower_usd = prices, lower_usd
            self.asked = asked
        if self.convergence() is None:
            yield from self._oracle.offer(asked)
        return True

    def _better_prices(self) -> Array | None:
        """Return the best prices by all whole plans, None if they promise too little more than the present ones."""
        self._take_planes()
        prices = self._model.next_prices(self.prices, self._lower_usd)
        gain_usd = self._model.promised_usd - self._model.value_usd(self.prices)
        return prices if gain_usd > self._settings.least_gain * self._oracle.bounds.absolute_gap_usd else None

    def _take_planes(self) -> None:
        for agent, copy, cost_usd in self._oracle.plans[self._planes :]:
            self._model.add_plane(agent, copy, cost_usd)
        self._planes = len(self._oracle.plans)

    def neighbours(self, widths: tuple[int, ...]) -> Rounds[bool]:
        """Search for a better plan near the best one, within ``widths`` periods of its stands; return whether there is one."""
        bounds = self._oracle.bounds
        assert bounds.plan is not None
        problem = self._oracle.problem
        best = problem.layout.offered(bounds.plan)
        before_usd, key = bounds.upper_usd, best.tobytes()
        for width in widths:
            if (key, width) in self._searched or self._oracle.left <= 0:
                continue
            self._searched.add((key, width))
            stands = problem.layout.shaped(problem.by_entry(problem.totals(best)) > 0.5)
            near = problem.totals(problem.layout.flat({name: _spread(part, width) for name, part in stands.items()})) > 0.5
            # No plan of the neighbourhood is so much cheaper than the best one that it could pay this price.
            prices = np.where(near, self.prices, np.maximum(self.prices, 0.0) + max(bounds.absolute_gap_usd, 1.0))
            result = yield from self._oracle.solve(prices)
            if self._oracle.left > 0:
                yield from self._oracle.offer(problem.carried_out(self._oracle.asked(result)))
            if bounds.upper_usd < before_usd:
                return True
        return False


def _spread(stands: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return ``stands`` (..., H), true also up to ``width`` periods before and after."""
    spread = stands.copy()
    for shift in range(1, width + 1):
        spread[..., shift:] |= stands[..., :-shift]
        spread[..., :-shift] |= stands[..., shift:]
    return spread
