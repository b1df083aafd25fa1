"""What was asked of an operator and what it answered, as vectors, and what that is worth.

z is the vector of all entries of the operator's part of all its exchanges, s is +1 where it asks and -1 where it offers. It
minimises own cost plus ``sum s price z``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.world import world_of
from federates.conformance.call_recorder import Kind

__all__ = ["Answered", "Entries", "priced", "proven_gap_usd", "tolerance_usd", "value_usd"]

_RELATIVE, _ABSOLUTE_USD = 1e-6, 1e-6


class Entries:
    """The entries of an operator's part in messages of one period; ``session`` is its own view.

    Parameters
    ----------
    rounded : whether answers have crossed the wire, where quantities are rounded to their grid.
    """

    def __init__(self, session: Any, role: str, period: int, *, rounded: bool = False) -> None:
        sizes = session.sizes(period)
        self.exchanges = tuple(e for e in world_of(session.world).exchanges if role in e.roles)
        self.shapes = {e.name: tuple(sizes[axis] for axis in e.axes) for e in self.exchanges}
        counts = [int(np.prod(shape)) for shape in self.shapes.values()]
        self._slices = [slice(*ends) for ends in pairwise(np.cumsum([0, *counts]).tolist())]
        self.sign = np.concatenate(
            [np.full(n, 1.0 if role in e.asks else -1.0) for e, n in zip(self.exchanges, counts, strict=True)]
        )
        half = [0.5 * 10.0**-e.quantity.decimals * rounded for e in self.exchanges]
        self.half_step = np.concatenate([np.full(n, step) for step, n in zip(half, counts, strict=True)])
        """Furthest that rounding may have moved a quantity, (n,)."""
        self.whole = np.concatenate([np.full(n, e.whole) for e, n in zip(self.exchanges, counts, strict=True)])

    @property
    def asks(self) -> Any:
        """Return where the operator asks, (n,)."""
        return self.sign > 0

    def flat(self, arrays: Quantities) -> Array:
        """Return an array per exchange as the vector."""
        return np.concatenate([np.asarray(arrays[name], dtype=np.float64).ravel() for name in self.shapes])

    def shaped(self, vector: Array) -> dict[str, Array]:
        """Return the vector as an array per exchange."""
        parts = zip(self.shapes.items(), self._slices, strict=True)
        return {name: np.array(vector[part]).reshape(shape) for (name, shape), part in parts}

    def as_sent(self, vector: Array, *, prices: bool) -> Array:
        """Return the vector as it comes over the wire."""
        topics = [e.price if prices else e.given for e in self.exchanges]
        return np.concatenate([to_grid(vector[part], topic.decimals) for part, topic in zip(self._slices, topics, strict=True)])


@dataclass(frozen=True)
class Answered:
    """One answer to a question. ``asked`` is the prices or the quantities given; ``openings`` are all of the period."""

    kind: Kind
    period: int
    words: str
    asked: Array
    answer: Answer
    entries: Entries
    openings: Mapping[str, Any]

    @property
    def z(self) -> Array:
        """Return what was answered."""
        return self.entries.flat(self.answer.quantities)

    @property
    def slope(self) -> Array | None:
        """Return the slope that came with the answer, if one did."""
        return None if self.answer.slopes is None else self.entries.flat(self.answer.slopes)


def priced(heard: Answered, other: Answered) -> float:
    """Return what the quantities of ``other`` are worth at the prices that ``heard`` was asked with, usd."""
    return other.answer.cost_usd + float((heard.entries.sign * heard.asked * other.z).sum())


def value_usd(heard: Answered) -> float:
    """Return what the operator minimises, at its own answer: with prices if it was asked with prices."""
    return heard.answer.cost_usd if heard.kind is Kind.EVALUATE else priced(heard, heard)


def proven_gap_usd(heard: Answered) -> float:
    """Return how far above the best the answer may be by its own bound, at least 0."""
    return max(0.0, value_usd(heard) - heard.answer.bound_usd)


def tolerance_usd(heard: Answered, prices: Array | None = None) -> float:
    """Return the rounding that floats and solvers may leave in a value, usd: 1e-6 of its parts, and what the wire rounds."""
    paid = heard.asked if prices is None and heard.kind is not Kind.EVALUATE else prices
    money = 0.0 if paid is None else float(np.abs(paid * heard.z).sum())
    on_wire = 0.0 if paid is None else float(np.abs(paid * heard.entries.half_step).sum())
    return _ABSOLUTE_USD + _RELATIVE * (abs(heard.answer.cost_usd) + abs(heard.answer.bound_usd) + money) + on_wire
