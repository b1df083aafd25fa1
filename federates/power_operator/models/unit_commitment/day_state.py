"""Where the day stands: units, batteries and energy at the start of a period, and what is left of the day from there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.system import PowerSystem

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DayState:
    """State at the start of a period.

    Hours on (negative: off) and output of units (G,); batteries MW and energy MWh at stations (S,) and on trains (K,).
    """

    period: int
    on_h: Array
    output_mw: Array
    capacity_mw: Array
    energy_mwh: Array
    train_capacity_mw: Array
    train_energy_mwh: Array

    def after(
        self, on: NDArray[np.bool_], output_mw: Array, storage: tuple[Array, Array, Array, Array], period_h: float
    ) -> DayState:
        """Return the state one period later; ``storage``: MW and MWh at stations, MW and MWh on trains."""
        stays = on == (self.on_h > 0)
        sign = np.where(on, 1.0, -1.0)
        return DayState(self.period + 1, np.where(stays, self.on_h + sign * period_h, sign * period_h), output_mw, *storage)


def first_state(system: PowerSystem, fleet: StorageFleet) -> DayState:
    """Return the state before the first period."""
    return DayState(
        0,
        system.units.initial_on_h,
        system.units.initial_output_mw,
        fleet.start_capacity_mw,
        fleet.start_energy_mwh,
        fleet.train_start_capacity_mw,
        fleet.train_start_energy_mwh,
    )


def rest_of_day(system: PowerSystem, state: DayState, load_mw: Array, renewable_mw: Array) -> PowerSystem:
    """Return the system from the state's period on, with ``load_mw`` (B, T) and ``renewable_mw`` (W, T) of the whole day."""
    p = state.period
    units = replace(system.units, initial_on_h=state.on_h, initial_output_mw=state.output_mw)
    renewables = replace(
        system.renewables, available_mw=renewable_mw[:, p:], lower_mw=np.minimum(system.renewables.lower_mw, renewable_mw)[:, p:]
    )
    reserve = None if system.reserve_mw is None else system.reserve_mw[p:]
    return replace(system, load_mw=load_mw[:, p:], units=units, renewables=renewables, reserve_mw=reserve)


def rest_of_fleet(fleet: StorageFleet, state: DayState) -> StorageFleet:
    """Return the fleet with what stations and trains hold now; what they must end with stays."""
    return replace(
        fleet,
        start_capacity_mw=state.capacity_mw,
        start_energy_mwh=state.energy_mwh,
        train_start_capacity_mw=state.train_capacity_mw,
        train_start_energy_mwh=state.train_energy_mwh,
    )
