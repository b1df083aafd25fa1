"""Data of a power system over a horizon: thermal units, renewables, load, grid, reserve and prices of slacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve, with_piecewise
from federates.power_operator.models.unit_commitment.network import Network

__all__ = ["CostCurve", "Network", "PowerSystem", "Renewables", "StartUp", "ThermalUnits", "with_piecewise"]

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StartUp:
    """Start-up categories of one unit: ``cost_usd`` (C,) applies from ``lag_h`` (C,) hours off; both increase."""

    lag_h: Values
    cost_usd: Values


@dataclass(frozen=True, slots=True)
class ThermalUnits:
    """Thermal units; every array has shape (G,), one entry per unit.

    ``start_up_ramp_mw`` and ``shut_down_ramp_mw`` are the largest output in the first and the last period on.
    ``initial_on_h`` is positive for a unit that has been on for so many hours, negative for one that has been off.
    """

    names: tuple[str, ...]
    bus: Indices
    p_min_mw: Values
    p_max_mw: Values
    ramp_up_mw_per_h: Values
    ramp_down_mw_per_h: Values
    start_up_ramp_mw: Values
    shut_down_ramp_mw: Values
    min_up_h: Values
    min_down_h: Values
    initial_on_h: Values
    initial_output_mw: Values
    must_run: Flags
    cost_curves: tuple[CostCurve, ...]
    start_up: tuple[StartUp, ...]
    shut_down_usd: Values

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.names)

    @property
    def initially_on(self) -> Flags:
        """Whether each unit is on before the first period, (G,)."""
        return self.initial_on_h > 0


@dataclass(frozen=True, slots=True)
class Renewables:
    """Renewable units: ``bus`` (W,); ``available_mw`` (W, T); ``lower_mw`` (W, T) must be taken."""

    names: tuple[str, ...]
    bus: Indices
    available_mw: Values
    lower_mw: Values

    @classmethod
    def none(cls, periods: int) -> Renewables:
        """Return an empty set of renewable units."""
        return cls((), np.empty(0, dtype=np.int64), np.empty((0, periods)), np.empty((0, periods)))


@dataclass(frozen=True, slots=True)
class PowerSystem:
    """A power system over T periods of ``period_h`` hours.

    ``load_mw`` is (B, T), ``reserve_mw`` (T,) the spinning reserve required (zero: none). Load shed, energy
    spilled, flow over a line limit and reserve missing are allowed at their prices, so that a plan exists for any
    data and a report can say what cannot hold. Buses are indices into ``buses`` everywhere else.
    """

    period_h: float
    buses: tuple[str, ...]
    load_mw: Values
    units: ThermalUnits
    renewables: Renewables
    network: Network | None = None
    reserve_mw: Values | None = None
    shed_price_usd_per_mwh: float = 10_000.0
    spill_price_usd_per_mwh: float = 10_000.0
    line_slack_price_usd_per_mwh: float = 5_000.0
    reserve_slack_price_usd_per_mwh: float = 1_000.0

    @property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.load_mw.shape[1])

    @property
    def total_load_mw(self) -> Values:
        """Load of the system, (T,)."""
        return self.load_mw.sum(axis=0)

    @property
    def load_share(self) -> Values:
        """Share of each bus in the load of a period, (B, T); equal shares where there is no load."""
        total = self.total_load_mw
        even = np.full(self.load_mw.shape, 1.0 / max(len(self.buses), 1))
        return np.divide(self.load_mw, total, out=even, where=total > 0)

    def whole_periods(self, hours: Values) -> Indices:
        """Return ``hours`` as periods, rounded up."""
        return np.ceil(hours / self.period_h - 1e-9).astype(np.int64)

    def problems(self, file: str = "power system") -> list[Problem]:
        """Return everything that is wrong with the data; ``file`` is the name that the problems show."""
        from federates.power_operator.models.unit_commitment.system_checks import find_problems

        return find_problems(self, file)

    def validate(self, file: str = "power system") -> None:
        """Raise `ConfigError` with everything that is wrong with the data."""
        problems = self.problems(file)
        if problems:
            raise ConfigError(problems)
