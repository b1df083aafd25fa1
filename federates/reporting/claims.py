"""A paper's statement and what the numbers say about it; and numbers that are known to lie between two others.

A claim is *shown* if its numbers pass and *not shown* in every other case, also when a run to check it is missing. Two more
verdicts keep it from saying too much: *not decided by the gap*, where the proven bounds allow both, and *follows from the input*,
where no run could have come out otherwise. An interval is, for instance, an optimal cost between its proven bound and the best
plan found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.bounds import CROSSED, bounds_cross
from federates.reporting.formatting import number

CROSSED_WORDS = f"the bounds contradict each other: {CROSSED}"

_RESTS_ON = {
    BoundKind.STATED.word: "the operator's word",
    BoundKind.LINEAR.word: "dual vectors of linear programmes, checked with directed rounding",
    BoundKind.TREE.word: "the tree search of a solver, which has to be trusted",
    BoundKind.CONVEX.word: "convex duality",
    BoundKind.EXACT.word: "a closed formula or shortest paths",
}


def crossed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row of ``rounds`` or ``negotiations`` whether its bounds cross; no gap is shown for it then."""
    pairs = zip(table["lower_bound_usd"].astype(float), table["upper_bound_usd"].astype(float), strict=True)
    return np.array([bounds_cross(lower, upper) for lower, upper in pairs], dtype=bool)


def rests_on(rounds: pd.DataFrame) -> str:
    """Return the sentence on the last round of every period in the table ``rounds``; empty where no bound is known."""
    if "lower_bound_kinds" not in rounds:
        return ""
    last = rounds.groupby("period")["lower_bound_kinds"].last()
    pairs = [kinds.split(" + ") for kinds in last if kinds]
    if not pairs:
        return ""
    of_each = [" or ".join(dict.fromkeys(_RESTS_ON.get(kind, kind) for kind in kinds)) for kinds in zip(*pairs, strict=True)]
    return f" The lower bound rests on, by the power operator: {of_each[0]}; by the transport operator: {of_each[-1]}."


class Verdict(StrEnum):
    """What the numbers say about a claim."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    UNDECIDED = "not decided by the gap"
    FROM_INPUT = "follows from the input"

    @classmethod
    def of(cls, shown: bool) -> Verdict:
        """Return the verdict on a claim that numbers without a gap decide."""
        return cls.SHOWN if shown else cls.NOT_SHOWN


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a paper: its words, the data it is checked against, the verdict, the numbers behind it, and the yardstick."""

    key: str
    paper: str
    basis: str
    verdict: Verdict
    numbers: dict[str, float]
    words: str
    yardstick: str
    """What counts as shown."""

    @property
    def shown(self) -> bool:
        """Return whether the runs show the claim."""
        return self.verdict is Verdict.SHOWN

    def as_dict(self) -> dict[str, object]:
        """Return the claim for JSON."""
        return asdict(self)


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
