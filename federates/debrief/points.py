"""Points of a game: how good the day was for all, and what each took of it beyond what honest play would have given.

G is what all gain together in the reference (the same day played by the shipped classes), n the number of operators, E the share
of G that the game reached, and d_i how much more operator i gained than in the reference, payments included::

    points of operator i   = 100 (E + d_i / (G / n))
    points of coordinator  = 100 (2 E - 1)

So everybody has 100 points in a day like the reference. What one takes from another moves points between them and changes
neither the sum nor the coordinator's; what nobody gets costs all, because E falls, and those who lose it once more. As payments
cancel, sum_i d_i = (E - 1) G: the coordinator has the mean of the operators' points. Each is compared with its own seat in the
reference, in dollars of one common purse, so no seat is better by its role, its size or its data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_NO_GAIN_USD = 0.01


@dataclass(frozen=True, slots=True)
class Points:
    """``efficiency`` E, and the points by operator; all None where the reference gains nothing, so that nothing can be shared."""

    efficiency: float | None
    operators: dict[str, float | None]
    coordinator: float | None


def points(gains_usd: Mapping[str, float], reference_usd: Mapping[str, float]) -> Points:
    """Return the points of operators that gained ``gains_usd``, and would have gained ``reference_usd`` by honest play."""
    whole_usd = sum(reference_usd.values())
    if whole_usd <= _NO_GAIN_USD:
        return Points(None, dict.fromkeys(gains_usd), None)
    efficiency = sum(gains_usd.values()) / whole_usd
    part_usd = whole_usd / len(gains_usd)
    found = {agent: 100.0 * (efficiency + (gain - reference_usd[agent]) / part_usd) for agent, gain in gains_usd.items()}
    return Points(efficiency, dict(found), 100.0 * (2.0 * efficiency - 1.0))
