"""A number that is known to lie between two others, such as an optimal cost between its proven bound and the best plan found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from federates.reporting.claims import Verdict
from federates.reporting.words import number

__all__ = ["Interval", "order_verdict"]


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from ``low`` to ``high``, both included."""

    low: float
    high: float

    @classmethod
    def between(cls, one: float, other: float) -> Interval:
        """Return the interval whose ends are given in any order."""
        return cls(min(one, other), max(one, other))

    @property
    def known(self) -> bool:
        """Return whether both ends are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def ends(self) -> dict[str, float]:
        """Return the ends that are numbers, by the names low and high."""
        return {name: value for name, value in (("low", self.low), ("high", self.high)) if math.isfinite(value)}

    def minus(self, other: Interval) -> Interval:
        """Return every difference of a value here and a value of ``other``."""
        return Interval(self.low - other.high, self.high - other.low)

    def over(self, divisor: float) -> Interval:
        """Return every value divided by a positive number; not a number for any other divisor."""
        return Interval(self.low / divisor, self.high / divisor) if divisor > 0 else Interval(math.nan, math.nan)

    def within(self, other: Interval) -> bool:
        """Return whether every value is one of ``other``'s."""
        return other.low <= self.low and self.high <= other.high

    def meets(self, other: Interval) -> bool:
        """Return whether there is a common value."""
        return self.low <= other.high and other.low <= self.high

    def text(self, digits: int = 0, factor: float = 1.0) -> str:
        """Return both ends, or one number where they read alike; an end that is not known is left out."""
        if math.isinf(self.low) and not math.isinf(self.high):
            return f"at most {number(factor * self.high, digits)}"
        ends = [number(factor * value, digits) for value in (self.low, self.high)]
        return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def order_verdict(falling: Sequence[Interval]) -> Verdict:
    """Say whether each quantity is greater than the next: proven, refuted in one step, or left open by the intervals."""
    pairs = list(itertools.pairwise(falling))
    if all(more.low > less.high for more, less in pairs):
        return Verdict.SHOWN
    if any(more.high <= less.low for more, less in pairs):
        return Verdict.NOT_SHOWN
    return Verdict.UNDECIDED
