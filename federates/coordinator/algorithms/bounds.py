"""What a negotiation has proven so far: a lower bound, the cost of a plan, and what lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from federates.boundary.bounds import CROSSED, bounds_cross, proven_gap
from federates.boundary.messages import Array
from federates.boundary.negotiation import Copies

WRONG_BOUND = f"no agreement: {CROSSED}"


class Outcome(NamedTuple):
    """How the rounds of a negotiation ended: by agreement or not, why, in words, and whether a limit of time ended them."""

    agreed: bool
    reason: str
    ended_by_time: bool = False


@dataclass
class Bounds:
    """Best lower bound with the prices that gave it, best upper bound with its plan."""

    lower_usd: float = -math.inf
    upper_usd: float = math.inf
    plan: Copies | None = None
    best_prices: Array | None = None
    plan_prices: Array | None = None
    """Prices at which the plan is paid, (n,), where they are not those of the best lower bound."""
    gap_share: float = 1.0
    """Share of the gap at which the agents agree that ends this negotiation."""

    def update_upper(self, plan: Copies, cost_usd: float) -> bool:
        """Take ``plan`` as the best if it is cheaper than all before; return whether it is."""
        better = cost_usd < self.upper_usd
        if better:
            self.upper_usd, self.plan = cost_usd, plan
        return better

    def update_lower(self, lower_usd: float, prices: Array | None = None) -> bool:
        """Take a lower bound if it is better than all before, and remember the prices that gave it; return whether it is."""
        better = lower_usd > self.lower_usd
        if better:
            self.lower_usd = lower_usd
            self.best_prices = self.best_prices if prices is None else prices
        return better

    @property
    def contradicted(self) -> bool:
        """Whether the lower bound lies above the upper one by more than rounding."""
        return bounds_cross(self.lower_usd, self.upper_usd)

    @property
    def absolute_gap_usd(self) -> float:
        """Return UB - LB, at least 0; infinite while a bound is missing or where they contradict each other."""
        known = math.isfinite(self.lower_usd) and math.isfinite(self.upper_usd) and not self.contradicted
        return max(0.0, self.upper_usd - self.lower_usd) if known else math.inf

    @property
    def gap(self) -> float:
        """Return (UB - LB) / |UB|, infinite while a bound is missing or where they contradict each other."""
        return proven_gap(self.lower_usd, self.upper_usd)

    def closed(self, gap_target: float, gap_usd: float = 0.0) -> bool:
        """Return whether the bounds are as near to each other as ``gap_target`` (relative) or ``gap_usd`` asks."""
        return self.gap <= self.gap_share * gap_target or self.absolute_gap_usd <= self.gap_share * gap_usd

    def most_usd(self, gap_target: float, gap_usd: float) -> float:
        """Return the cost up to which a plan is so near to the lower bound that the agents agree."""
        # (UB - LB) / |UB| = gap_target
        relative_usd = self.lower_usd / (1.0 - math.copysign(gap_target, self.lower_usd))
        return max(relative_usd, self.lower_usd + gap_usd)

    def convergence(self, gap_target: float, gap_usd: float, after: str) -> Outcome | None:
        """Return the outcome if the bounds contradict each other or are near enough, else None; ``after`` says when, in words."""
        if self.contradicted:
            return Outcome(False, WRONG_BOUND)
        if self.closed(gap_target, gap_usd):
            return Outcome(True, f"agreed: {self._gap_words} after {after}")
        return None

    def failure(self, why: str) -> Outcome:
        """Return the outcome of a negotiation that ends without agreement."""
        if self.contradicted:
            return Outcome(False, WRONG_BOUND)
        return Outcome(False, f"no agreement: {why}, {self._gap_words}; best plan seen")

    @property
    def _gap_words(self) -> str:
        if math.isfinite(self.gap):
            return f"gap {self.gap:.2%}"
        return f"gap {self.absolute_gap_usd:.2f} usd" if math.isfinite(self.absolute_gap_usd) else "no gap is known"
