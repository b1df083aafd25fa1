"""Column indices of the thermal units, shared by the formulations, with the neighbours in time that rows need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.system import PowerSystem, ThermalUnits

Values = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """Columns (G, T): on, start and stop are 0/1, output and reserve in MW; ``reserve_mw`` is None without reserve."""

    on: Indices
    start: Indices
    stop: Indices
    output_mw: Indices
    reserve_mw: Indices | None


@dataclass(frozen=True, slots=True)
class UnitPeriods:
    """Data of the units per period, (G,): times in periods, ramps in MW per period, starts within the limits."""

    min_up: Indices
    min_down: Indices
    initial_on: Indices
    ramp_up_mw: Values
    ramp_down_mw: Values
    start_up_mw: Values
    shut_down_mw: Values


def unit_periods(system: PowerSystem) -> UnitPeriods:
    """Convert the units' data from hours to periods.

    Minimum times are rounded up and the hours already spent in the initial state down, so that a plan that keeps
    them in periods keeps them in hours.
    """
    units: ThermalUnits = system.units
    held = np.floor(np.abs(units.initial_on_h) / system.period_h + 1e-9).astype(np.int64)
    return UnitPeriods(
        min_up=np.maximum(system.whole_periods(units.min_up_h), 1),
        min_down=np.maximum(system.whole_periods(units.min_down_h), 1),
        initial_on=np.where(units.initially_on, 1, -1) * np.maximum(held, 1),
        ramp_up_mw=units.ramp_up_mw_per_h * system.period_h,
        ramp_down_mw=units.ramp_down_mw_per_h * system.period_h,
        start_up_mw=np.clip(units.start_up_ramp_mw, units.p_min_mw, units.p_max_mw),
        shut_down_mw=np.clip(units.shut_down_ramp_mw, units.p_min_mw, units.p_max_mw),
    )


def previous_period(index: Indices) -> Indices:
    """Return the columns one period earlier, -1 (no variable) in the first."""
    return np.concatenate([np.full((index.shape[0], 1), -1), index[:, :-1]], axis=1)


def next_period(index: Indices) -> Indices:
    """Return the columns one period later, -1 (no variable) in the last."""
    return np.concatenate([index[:, 1:], np.full((index.shape[0], 1), -1)], axis=1)


def window(index: Indices, length: Indices) -> Indices:
    """Return, (G, T, longest), the columns of the ``length`` (G,) periods that end with each period."""
    periods = index.shape[1]
    back = np.arange(min(int(length.max(initial=1)), periods))
    source = np.arange(periods)[:, None] - back
    columns = index[:, np.maximum(source, 0)]
    return np.where((source >= 0) & (back < length[:, None, None]), columns, -1)
