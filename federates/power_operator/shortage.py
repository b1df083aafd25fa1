"""For which periods the stations cannot bring enough, however much the power operator wants to."""

from __future__ import annotations

import numpy as np

from federates.power_operator.delivery_programme import PlanData
from federates.station.queues import Array

MISSING_SHARE = 0.01
"""A need counts as met up to this share."""
_REACHED_SHARE = 0.5
"""A period counts as reached by vehicles that leave now if they deliver this share until its end."""


class Shortage:
    """Remembers the last two looks at a period while vehicles can still reach it; they must agree.

    The one before the last sees what could have been sent a period earlier. So vehicles that were not sent do not make a plan
    supply limited.
    """

    def __init__(self, horizon_periods: int) -> None:
        self._horizon = horizon_periods
        self._short: dict[int, bool] = {}

    def note(self, period: int, least_unmet_kwh: Array, data: PlanData) -> None:
        """Look from ``period`` ahead; ``least_unmet_kwh`` (Q, periods) is what no plan can bring (`Programme.least_unmet`)."""
        until_end = np.cumsum(data.by_period(data.share), axis=2).max(axis=0).min(axis=0)
        last = int(np.flatnonzero(until_end >= _REACHED_SHARE)[0])
        short = least_unmet_kwh.sum(axis=0) > MISSING_SHARE * data.by_period(data.need_kwh).sum(axis=0)
        self._short[period + last] = bool(short[last]) and self._short.get(period + last, True)
        if last + 1 < self._horizon:
            self._short[period + last + 1] = bool(short[last + 1])

    def limits(self, period: int) -> bool:
        """Return whether ``period`` is short of energy."""
        return self._short.get(period, False)
