"""The same whole-train models solved by several tree searches, which must not contradict each other.

The bound of a whole-train answer is what HiGHS's tree search says; there is no dual vector that proves it. But no search's bound
may be above another's plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.power_operator.models.unit_commitment.lazy_lines import LazyLines
from federates.power_operator.models.unit_commitment.plan_model import PlanModel

SEARCHES = {"as it is": {}, "seed 1": {"random_seed": 1}, "seed 2, no presolve": {"random_seed": 2, "presolve": "off"}}
TOLERANCE = 1e-6
"""Of the cost: rounding, and HiGHS's feasibility tolerance of 1e-6."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What one search says of one model."""

    search: str
    cost_usd: float
    bound_usd: float
    relaxed_bound_usd: float
    wall_s: float


def search_all(model: PlanModel, prices_usd: np.ndarray, gap_usd: float, time_limit_s: float | None = None) -> list[Searched]:
    """Solve ``model`` at prices (K, S, T) by every search, each on a solver of its own."""
    found = []
    for name, options in SEARCHES.items():
        solver = model.model.solver(threads=1, **options)
        if model.trains is not None:
            solver.set_cost(model.trains.standing, model.group_price(prices_usd))
        lines = LazyLines(model.commitment)
        relaxed = lines.solve(solver, relaxed=True)
        whole = lines.solve(solver, gap_abs=gap_usd, time_limit_s=time_limit_s)
        found.append(Searched(name, whole.objective, whole.bound, relaxed.bound, whole.wall_s))
    return found


def contradictions(found: list[Searched]) -> list[str]:
    """Return, one line each, bounds above another search's plan, and bounds of relaxations that differ or are above a plan."""
    said = []
    for one in found:
        for other in found:
            slack = TOLERANCE * max(1.0, abs(other.cost_usd))
            if one.bound_usd > other.cost_usd + slack:
                said.append(f"{one.search}: bound {one.bound_usd}, but {other.search} has a plan of {other.cost_usd}")
            if one.relaxed_bound_usd > other.cost_usd + slack:
                said.append(f"{one.search}: relaxation {one.relaxed_bound_usd}, but {other.search} has {other.cost_usd}")
    return said
