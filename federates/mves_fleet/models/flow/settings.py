"""Settings of fleets whose vehicles have one owner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import NotNegative, Positive
from federates.mves_fleet.models.settings import FleetSettings


class OwnedFleetSettings(FleetSettings):
    """What fleets of one owner have in common."""

    vehicles: Annotated[int, Field(ge=1, le=100_000)]
    """Number of vehicles; at the start of the run they stand at the resourceful stations in turn."""
    driver_usd_per_h: NotNegative
    """Wage of a driver, for the whole trip with its time at the gates, usd/h."""
    vehicle_usd_per_h: NotNegative
    """Value of a vehicle's time, for the whole trip, usd/h."""
    approach_most_s: NotNegative
    """Longest way to a resourceful station, s: vehicles are spread around it evenly, and the nearest go first."""
    power_kw: Positive | None
    """Power at which a vehicle charges and discharges what it delivers, kW; a gate that tells a longer time decides. None: the
    gate's time is right for it."""
