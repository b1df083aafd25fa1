"""Costs and indicators of the best day-ahead plan as intervals: a plan is known to its gap only.

- Cost: from the proven lower bound to the plan that was found. The best plan lies between. Without a bound, and where bounds
  cross, nothing is proven: the lower end is minus infinity.
- (47) of the paper: from (F_0's bound - F's plan) / C to (F_0's plan - F's bound) / C.
- (46) and (48): those of the plan that was found. Plans of the same cost use wind and batteries differently; no operator alone
  can say how differently, for trains and units may both change: ``portage centralised --indicators`` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from federates.reporting.interval import Interval
from federates.reporting.rail.metrics import rail_summary
from federates.reporting.tables import RailRun
from federates.worlds.rail.session import RailScheme

__all__ = ["intervals_by_scheme"]

Intervals = dict[str, Interval]
_ROUNDING = 1e-6
"""Relative; a bound above the cost by no more than this does not cross it."""


def intervals_by_scheme(runs: Mapping[str, RailRun]) -> dict[str, Intervals]:
    """Return by scheme what can be formed of total_cost_usd, wind_used_share, usd_per_mw and storage_utilisation."""
    out = {scheme: _of_run(run) for scheme, run in runs.items()}
    without = out.get(RailScheme.NO_STORAGE.value, {}).get("total_cost_usd")
    for scheme, run in runs.items():
        cost = out[scheme].get("total_cost_usd")
        if without is not None and cost is not None:
            worth = without.minus(cost).over(float(rail_summary(run).get("storage_mw", math.nan)))
            out[scheme] |= {"usd_per_mw": worth} if worth.known else {}
    return out


def _of_run(run: RailRun) -> Intervals:
    head = rail_summary(run)
    found: Intervals = {}
    for key in ("wind_used_share", "storage_utilisation"):
        if key in head:
            found[key] = Interval(float(head[key]), float(head[key]))
    cost = float(head.get("total_cost_usd", math.nan))
    if math.isfinite(cost):
        bound = float(head.get("bound_usd", -math.inf))
        crossed = bound > cost + _ROUNDING * abs(cost)
        found["total_cost_usd"] = Interval(-math.inf if crossed else min(bound, cost), cost)
    return found
