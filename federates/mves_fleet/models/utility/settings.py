"""Settings of a utility-owned fleet: the part ``settings`` of ``config.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import NotNegative, Positive
from federates.mves_fleet.models.flow.settings import OwnedFleetSettings


class UtilitySettings(OwnedFleetSettings):
    """Settings of `UtilityFleet`."""

    vehicles: Annotated[int, Field(ge=1, le=100_000)] = 4
    """Number of vehicles; at the start of the run they stand at the resourceful stations in turn."""
    approach_most_s: NotNegative = 0.0
    """Longest way to a resourceful station, s: vehicles are spread around it evenly, and the nearest go first."""
    deliverable_kwh: Positive = 400.0
    """Energy that a vehicle can deliver, kWh; the drive takes none of it."""
    power_kw: Positive | None = 150.0
    """Power at which a vehicle charges and discharges what it delivers, kW; a gate that tells a longer time decides. None: the
    gate's time is right for it."""
    driver_usd_per_h: NotNegative = 30.0
    """Wage of a driver, for the whole trip with its time at the gates, usd/h."""
    vehicle_usd_per_h: NotNegative = 10.0
    """Value of a vehicle's time, for the whole trip, usd/h."""
    traction_kwh_per_h: NotNegative = 100.0
    """Energy per hour of driving, beside what is delivered, kWh/h: about 1.2 kWh/km of a truck."""
