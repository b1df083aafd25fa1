"""Forecast of the traffic that is not mobile storage.

The road tells the total flow of the last period. Taking off the own vehicles sent then leaves the others (vehicles
that were still under way from the period before are left out of account: trips take minutes, periods mostly an hour). The
``profile`` forecast scales these by the historical ratio of the two hours; ``persistence`` keeps them.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.units import hours
from federates.transport_operator.models.joint_graph.graph import Array
from federates.worlds.road.session import RoadSession

_QUIET_VEH_PER_H = 1.0  # a historical flow below this gives no meaningful ratio


def period_mean(hourly: Array, start_hour: float, length_h: float) -> Array:
    """Return the mean (L,) of an hourly profile (L, 24), constant within an hour and repeated daily, over an interval."""
    total = np.concatenate((np.zeros((len(hourly), 1)), np.cumsum(hourly, axis=1)), axis=1)

    def until(hour: float) -> Array:
        days, rest = divmod(hour, 24.0)
        whole = int(rest)
        following = hourly[:, whole] * (rest - whole)
        return days * total[:, -1] + total[:, whole] + following

    return (until(start_hour + length_h) - until(start_hour)) / length_h


class Background:
    """History (L, 24) in veh/h and the last observation; ``method`` is `profile` or `persistence`."""

    def __init__(self, hourly: Array, session: RoadSession, method: str) -> None:
        self._hourly = hourly
        self._session = session
        self._method = method
        self._last: tuple[int, Array] | None = None

    def history(self, period: int) -> Array:
        """Return the historical flow (L,) of a period."""
        return period_mean(self._hourly, self._session.hour_of_day(period), hours(self._session.period_s))

    def observe(self, period: int, flow_veh_per_h: Array, own_veh_per_h: Array) -> None:
        """Take in the total flow (L,) of ``period`` and the own vehicles in it."""
        self._last = (period, np.maximum(flow_veh_per_h - own_veh_per_h, 0.0))

    def forecast(self, first: int, periods: int) -> Array:
        """Return the forecast (H, L) from period ``first`` on."""
        history = np.array([self.history(first + k) for k in range(periods)])
        if self._last is None:
            return history
        period, others = self._last
        if self._method == "persistence":
            return np.tile(others, (periods, 1))
        then = self.history(period)
        ratio = history / np.maximum(then, _QUIET_VEH_PER_H)
        return np.where(then >= _QUIET_VEH_PER_H, others * ratio, history)
