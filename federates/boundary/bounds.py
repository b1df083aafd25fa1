"""What a lower and an upper bound prove together: the one place that decides, for algorithms, tables and reports.

Bounds that cross prove nothing. One of them is wrong, and nobody can tell which: no gap may then be claimed, least of all 0.
"""

from __future__ import annotations

import math

CROSSED = "the lower bound lies above the cost of a plan, so an operator's bound is wrong and nothing is proven"
_ROUNDING = 1e-6
"""Bounds that cross by no more than this share of the upper one (of 1 usd at least) do so by rounding."""
_SAME_USD = 1e-5
"""Bounds no further apart than this are the same: operators lower their own by some 1e-6 usd to be safe."""


def bounds_cross(lower_usd: float, upper_usd: float) -> bool:
    """Return whether the lower bound lies above the upper one by more than rounding."""
    return lower_usd - upper_usd > _ROUNDING * max(1.0, abs(upper_usd))


def proven_gap(lower_usd: float, upper_usd: float) -> float:
    """Return (UB - LB) / |UB|, infinite where nothing is proven: while a bound is missing, and where the bounds cross.

    It is infinite too where a plan costs nothing and the lower bound lies below: no share of nothing says how far.
    """
    if not (math.isfinite(lower_usd) and math.isfinite(upper_usd)) or bounds_cross(lower_usd, upper_usd):
        return math.inf
    distance_usd = max(0.0, upper_usd - lower_usd)
    if distance_usd <= _SAME_USD:
        return 0.0
    return distance_usd / abs(upper_usd) if abs(upper_usd) > _SAME_USD else math.inf
