"""Settings of the power operator that plans by its stations' reports: its costs, and what it assumes of vehicles and spots."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import NotNegative, Positive
from federates.power_operator.energy_price import EnergyPrice

Efficiency = Annotated[float, Field(gt=0.0, le=1.0)]


class StationReportsSettings(EnergyPrice):
    """Settings of `StationReportsOperator`."""

    unmet_usd_per_kwh: Positive = 5.0
    """Value of lost load: cost of energy above a feeder limit that nobody brings, usd/kWh."""
    waiting_usd_per_kwh_h: NotNegative = 2.0
    """What it costs that 1 kWh waits parked for an hour until its feeder needs it, beyond the time that the gate tells,
    usd/kWh/h: 20 usd/h for a vehicle of 10 kWh. Fleets' costs have the rest of the drivers' time."""
    charge_efficiency: Efficiency = 0.95
    """Energy into batteries per energy from the feeder, assumed."""
    discharge_efficiency: Efficiency = 0.95
    """Energy into the feeder per energy from batteries, assumed."""
    retention: Efficiency = 0.99
    """Energy still in the battery after the drive, assumed."""
    charging_spot_kw: Positive = 90.0
    """Power of a spot at a resourceful station, kW at the battery, assumed."""
    discharging_spot_kw: Positive = 60.0
    """Power of a spot at a limited station, kW at the battery, assumed."""
    spot_use_share: Efficiency = 0.9
    """Most of the spots' power that a plan uses: vehicles do not come one just as another leaves."""
    lead_time_s: NotNegative = 120.0
    """Vehicles are to be at the limited station this long, s, before their energy is needed."""
    most_wait_s: Positive = 3600.0
    """A vehicle waits parked at most this long, s; then it discharges, needed or not."""
