"""Least and most of a quantity over all plans that cost at most a given sum: they use wind and batteries differently.

The limit on the cost is a row of a model of its own, and the quantity its objective. Plans that pay for overloaded lines are left
out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import NoSolutionInTimeError
from federates.power_operator.models.unit_commitment.plan_model import PlanModel

Array = NDArray[np.float64]
_ROUNDING = 1e-9
"""Room for the rounding of a cost, as a share of it."""


@dataclass(frozen=True, slots=True)
class Range:
    """What plans reach that were found, and what no plan can go below or above."""

    least: float
    most: float
    proven_least: float
    proven_most: float


def limit_cost(plan: PlanModel, most_usd: float) -> None:
    """Allow only plans that cost at most ``most_usd``; to be called before the model is first solved."""
    cost, constant = plan.model.costs
    columns = np.flatnonzero(cost)
    upper = most_usd + _ROUNDING * abs(most_usd) - constant
    plan.model.rows("cost_limit", [(cost[columns][None, :], columns[None, :])], upper=upper, shape=(1,))


def least_and_most(plan: PlanModel, columns: NDArray[np.int64], start: Array, gap: float, time_limit_s: float) -> Range:
    """Return the range of the sum of ``columns`` over the plans that `limit_cost` allows.

    Parameters
    ----------
    plan : model with the limit, without prices.
    columns : columns whose sum is wanted, any shape.
    start : values of a plan that is allowed; columns that are missing at its end are zero.
    gap : absolute gap of the sum at which a search ends.
    time_limit_s : longest wall time of each of the two searches.
    """
    every = np.arange(plan.model.shape[1])
    chosen = columns.ravel()
    found: list[tuple[float, float]] = []
    for sign in (1.0, -1.0):
        plan.solver.set_cost(every, np.zeros(every.size))
        plan.solver.set_cost(chosen, np.full(chosen.size, sign))
        plan.start_from(start[: every.size])
        try:
            solution = plan.solve(gap_usd=gap, gap_rel=0.0, time_limit_s=time_limit_s)
            found.append((float(solution.values[chosen].sum()), sign * solution.bound))
        except NoSolutionInTimeError as error:
            found.append((float(start[chosen].sum()), sign * error.bound))
    (least, proven_least), (most, proven_most) = found
    return Range(least, most, min(proven_least, least), max(proven_most, most))
