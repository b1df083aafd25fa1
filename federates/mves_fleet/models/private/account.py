"""What a private fleet writes down of its drivers' costs: only sums over enough of them that none of them can be told.

A sum of one driver's costs of time over the known time of the trip would be that driver's value of time. So costs are summed
until trips of at least `LEAST` drivers are in a row; what is left at the end of the run goes into the last row. Means and
standard deviations of the whole fleet are written if it has at least `LEAST_FLEET` drivers; no quantile, least or greatest value:
these are one driver's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from federates.boundary.roles import Recorder
from federates.mves_fleet.models.private.drivers import Drivers
from federates.mves_fleet.models.records import record_costs
from federates.mves_fleet.models.trips import Whole

LEAST = 5
LEAST_FLEET = 100


@dataclass(slots=True)
class _Sum:
    """Costs of trips, and who made them."""

    period: int = 0
    vehicles: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    drivers: set[int] = field(default_factory=set)

    def add(self, other: _Sum) -> None:
        if other.vehicles:
            self.period = other.period
            self.vehicles += other.vehicles
            self.sums.update(other.sums)
            self.drivers |= other.drivers

    @property
    def is_full(self) -> bool:
        return len(self.drivers) >= LEAST


class CostAccount:
    """Costs of trips that are not recorded yet; the last full row waits until another one is full, or the run ends."""

    def __init__(self, recorder: Recorder, periods: int) -> None:
        self._recorder, self._periods = recorder, periods
        self._full, self._open = _Sum(), _Sum()

    def add(self, period: int, drivers: Whole, sums: dict[str, float]) -> None:
        """Add the costs of drivers who leave."""
        self._open.add(_Sum(period, drivers.size, Counter(sums), set(drivers.tolist())))

    def close(self, period: int) -> None:
        """End a period: record what can be recorded."""
        if self._open.is_full:
            self._write()
            self._full, self._open = self._open, _Sum()
        if period == self._periods - 1 and self._full.is_full:
            self._full.add(self._open)
            self._write()

    def _write(self) -> None:
        if self._full.is_full:
            record_costs(self._recorder, self._full.period, self._full.vehicles, self._full.sums)
            self._full = _Sum()


def record_drivers(recorder: Recorder, drivers: Drivers) -> None:
    """Record mean and standard deviation of what drivers are like, of a fleet that is large enough."""
    if drivers.count < LEAST_FLEET:
        return
    quantities = {
        "value_of_time_usd_per_h": drivers.value_of_time_usd_per_h,
        "threshold_usd": drivers.threshold_usd,
        "battery_kwh": drivers.battery_kwh,
        "own_kwh": drivers.own_kwh,
    }
    for name, values in quantities.items():
        row = {"mean": float(np.mean(values)), "standard_deviation": float(np.std(values))}
        recorder.record("fleet_drivers", quantity=name, drivers=drivers.count, **row)
