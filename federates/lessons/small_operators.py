"""The operators of lesson 1 for any number of stations: they choose among numbers of vehicles, each with a cost that they know.

What they may choose is a list, so that their answers and bounds are exact: the least of finitely many numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings
from federates.lessons.quiet_road import PowerSide, TransportSide

__all__ = ["Asks", "Cost", "Offers"]

Cost: TypeAlias = Callable[[Array], Array]
"""Own cost, usd, of numbers of vehicles."""
_SAME = 1e-9
_TIE_DIGITS = 9


class Asks(PowerSide):
    """A power operator that asks for what costs it least.

    Parameters
    ----------
    costs : a cost for each limited station, usd, of the vehicles that arrive there.
    choices : numbers of vehicles that it can use, rising from 0.
    """

    def __init__(self, costs: Sequence[Cost], choices: Array) -> None:
        super().__init__()
        self.costs, self.choices = costs, np.asarray(choices, dtype=np.float64)

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return _answer(
            [_best(cost, self.choices, price) for cost, price in zip(self.costs, prices["delivery"][0, :, 0], strict=True)]
        )

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the cheapest use of at most what is given."""
        most = zip(self.costs, given["delivery"][0, :, 0], strict=True)
        return _answer([_best(cost, self.choices[self.choices <= limit + _SAME], 0.0) for cost, limit in most])


class Offers(TransportSide):
    """A transport operator that offers what costs it least, with what it is paid taken off.

    Parameters
    ----------
    costs : a cost for each limited station, usd, of the vehicles that are sent there.
    choices : numbers of vehicles that it can send, rising from 0.
    """

    def __init__(self, costs: Sequence[Cost], choices: Array) -> None:
        super().__init__()
        self.costs, self.choices = costs, np.asarray(choices, dtype=np.float64)

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return _answer(
            [_best(cost, self.choices, -price) for cost, price in zip(self.costs, prices["delivery"][0, :, 0], strict=True)]
        )

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return as much as can be sent of what is given."""
        sent = [self.choices[self.choices <= limit + _SAME][-1] for limit in given["delivery"][0, :, 0]]
        return _answer([_best(cost, np.array([number]), 0.0) for cost, number in zip(self.costs, sent, strict=True)])


_Chosen: TypeAlias = tuple[float, float, float]
"""Vehicles, their cost and cost plus payment, usd."""


def _best(cost: Cost, choices: Array, price_usd: float) -> _Chosen:
    """Return the number of vehicles of least cost plus payment; the least number of several."""
    costs_usd = cost(choices)
    totals_usd = costs_usd + price_usd * choices
    at = int(np.argmin(np.round(totals_usd, _TIE_DIGITS)))  # else rounding of the processor decides between equal ones
    return float(choices[at]), float(costs_usd[at]), float(totals_usd.min())


def _answer(chosen: Sequence[_Chosen]) -> Answer:
    vehicles, costs_usd, totals_usd = zip(*chosen, strict=True)
    return Answer({"delivery": np.array(vehicles).reshape(1, -1, 1)}, sum(costs_usd), sum(totals_usd))
