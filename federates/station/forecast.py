"""Forecast of the vehicles that pass a station: typical day times a level that is learned as the day goes on.

Only what was seen enters: a forecast is a function of the history file, the prior level and the observations handed to
`PassingForecast.observe` before it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from federates.boundary.canonical import canonical
from federates.boundary.units import S_PER_H
from federates.runtime.csv_table import CsvTable, read_csv
from federates.station.queues import Array
from federates.station.settings import Forecast

HOURS = 24


def read_history(folder: Path, name: str, shapes: Iterable[str]) -> tuple[CsvTable, dict[str, Array]]:
    """Return the history file, and those of its columns ``shapes`` that it has, each (24,) in order of the hour.

    What is wrong with them is in the table.
    """
    table = read_csv(folder, name, ("h",))
    return table, {shape: table.profile(shape, "h", HOURS, exactly=True) for shape in shapes if shape in table.columns}


class TypicalDay:
    """Shares of a day's traffic, constant within each hour."""

    def __init__(self, hourly_share: Array) -> None:
        """Keep ``hourly_share``, shape (24,), entry h being the share of the day in [h, h+1)."""
        self._until = np.concatenate(([0.0], np.cumsum(np.asarray(hourly_share, dtype=np.float64))))
        self._until /= self._until[-1]

    def share(self, start_h: float, duration_h: float) -> float:
        """Return the share of a day's traffic in ``duration_h`` from ``start_h`` on; above 24 h counts on into later days."""
        return self._seen(start_h + duration_h) - self._seen(start_h)

    def _seen(self, hour: float) -> float:
        days, rest = divmod(hour, HOURS)
        return days + float(np.interp(rest, np.arange(HOURS + 1), self._until))


class PassingForecast:
    """Forecast for one station.

    The level (vehicles a day) is a ratio of discounted sums, (w N + sum seen) / (w + sum shares): N is the prior daily
    volume, w its weight, and every sum loses exp(-period/memory) a period, so that a day unlike the typical one is
    followed.
    """

    def __init__(self, day: TypicalDay, daily_volume_veh: float, settings: Forecast, start_hour: int, period_s: float) -> None:
        self._day = day
        self._start_hour = start_hour
        self._period_h = period_s / S_PER_H
        self._keep = float(canonical(math.exp(-self._period_h / settings.memory_h)))
        self._vehicles = settings.prior_share * daily_volume_veh
        self._shares = settings.prior_share
        self._error = settings.initial_error
        self._next_period = 0

    @property
    def daily_veh(self) -> float:
        """Return the level that is learned so far, vehicles a day."""
        return self._vehicles / self._shares

    @property
    def error_share(self) -> float:
        """Return the discounted mean of |seen - forecast| / forecast of the forecasts for the next period."""
        return self._error

    def flow_veh_per_h(self, first_period: int, periods: int, bins: int) -> Array:
        """Return the forecast flow, shape (periods, bins), in veh/h."""
        bin_h = self._period_h / bins
        begin_h = self._start_hour + first_period * self._period_h
        share = [self._day.share(begin_h + k * bin_h, bin_h) for k in range(periods * bins)]
        return self.daily_veh / bin_h * np.array(share).reshape(periods, bins)

    def observe(self, period: int, passing_veh: float) -> None:
        """Take in that ``passing_veh`` vehicles passed in ``period``; periods come in order, each once."""
        if period != self._next_period:
            raise ValueError(f"period {self._next_period} is the next to be observed, got {period}")
        self._next_period += 1
        share = self._day.share(self._start_hour + period * self._period_h, self._period_h)
        expected_veh = self.daily_veh * share
        if expected_veh > 0.0:
            missed = abs(passing_veh - expected_veh) / expected_veh
            self._error = self._keep * self._error + (1.0 - self._keep) * missed
        self._vehicles = self._keep * self._vehicles + passing_veh
        self._shares = self._keep * self._shares + share
