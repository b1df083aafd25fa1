"""What the answers of an operator say about its private cost: planes that the cost never falls below."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd


@dataclass
class Told:
    """All answers of one phase, as arrays."""

    question: str
    given: np.ndarray
    asked: np.ndarray
    asked_cost: float
    asked_bound: float
    offered: np.ndarray
    offered_cost: float
    offered_bound: float
    slope: np.ndarray | None


def read_told(table: pd.DataFrame, phase: str) -> list[Told]:
    """Return the answers of ``phase`` from the table ``told``."""
    rows = table[table["phase"] == phase]
    return [
        Told(
            row.question,
            np.array(json.loads(row.given)),
            np.array(json.loads(row.asked)),
            row.asked_cost_usd,
            row.asked_bound_usd,
            np.array(json.loads(row.offered)),
            row.offered_cost_usd,
            row.offered_bound_usd,
            None if row.slope == "null" else np.array(json.loads(row.slope)),
        )
        for row in rows.itertuples()
    ]


@dataclass
class LearnedCost:
    """Lower model of a private cost: the highest of the planes that its proven bounds are.

    An answer to multipliers m with bound b says that own cost f(z) >= b - m.z (power) or b + m.z (transport) for every z.
    A slope g told at z0 says that f(z) >= b + g.(z - z0). Anybody who sees the answers can compute the model.
    """

    role: str
    """`power` or `transport`."""
    offsets: list[float] = field(default_factory=list)
    slopes: list[np.ndarray] = field(default_factory=list)

    def learn(self, answer: Told) -> None:
        """Take in one answer."""
        power = self.role == "power"
        if answer.question == "solve":
            self._add(answer.asked_bound if power else answer.offered_bound, -answer.given if power else answer.given)
        elif power and answer.slope is not None:
            self._add(answer.asked_bound - float((answer.slope * answer.given).sum()), answer.slope)

    def floor(self, connection: np.ndarray) -> float:
        """Return the lower model's value at ``connection``, usd."""
        return max(self._values(connection))

    def marginal(self, connection: np.ndarray) -> np.ndarray:
        """Return the slope of the plane that is highest at ``connection``: what one more would cost, usd per vehicle."""
        return self.slopes[int(np.argmax(self._values(connection)))]

    def _values(self, connection: np.ndarray) -> list[float]:
        return [float(o + (s * connection).sum()) for o, s in zip(self.offsets, self.slopes, strict=True)]

    def _add(self, offset: float, slope: np.ndarray) -> None:
        self.offsets.append(offset)
        self.slopes.append(slope)


def explained(true_usd: np.ndarray, predicted_usd: np.ndarray) -> float:
    """Return the squared correlation: the share of the variance of ``true_usd`` that the prediction explains, 1 if all."""
    if np.ptp(true_usd) < 1e-9 or np.ptp(predicted_usd) < 1e-9:
        return float("nan")
    return float(np.corrcoef(true_usd, predicted_usd)[0, 1] ** 2)


Trip = tuple[int, int, int]
"""A train under way: station that it leaves, station that it reaches, first period in which it stands at neither."""


def trips(connection: np.ndarray) -> list[Trip]:
    """Return the trips of a plan ``connection`` (K, S, T): what lies between two stands of a train at different stations."""
    found = []
    for train in connection:
        stands = sorted((int(t), int(s)) for s, t in np.argwhere(train > 0.5))
        found += [(a, b, t + 1) for (t, a), (_, b) in pairwise(stands) if a != b]
    return found


def suspects(shown: Iterable[np.ndarray]) -> set[Trip]:
    """Return the trips that a partner may think impossible: in one plan that it was shown, and in none after it.

    ``shown`` are the plans in the order in which the coordinator sent them. A plan with a closed track comes back without it.
    """
    count = Counter(trip for plan in shown for trip in set(trips(plan)))
    return {trip for trip, times in count.items() if times == 1}
