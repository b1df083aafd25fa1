"""Settings that every fleet has."""

from __future__ import annotations

import math
from typing import Annotated, TypeAlias

from pydantic import Field

from federates.boundary.config import Config, NotNegative, Share

ByHour: TypeAlias = NotNegative | Annotated[list[NotNegative], Field(min_length=24, max_length=24)]


class FleetSettings(Config):
    """What a trip costs the fleet, beside its drivers."""

    traction_kwh_per_h: NotNegative = 16.0
    """Energy per hour of driving, from the vehicle's own charge, kWh/h: 0.18 kWh/km at 90 km/h."""
    energy_usd_per_kwh: ByHour = 0.15
    """Price of the energy that the drive uses, usd/kWh: one price, or 24 for the hours of the day. Energy that is delivered is
    paid by the power operator."""
    replacement_usd_per_kwh: NotNegative = 150.0
    """Price of a new battery, usd/kWh: what wear is worth."""
    return_share: Share = 1.0
    """Part of the way back that counts as cost; a vehicle is away for all of it."""


def at_hour(values: ByHour, hour: float) -> float:
    """Return the value for an hour of the day in [0, 24)."""
    return float(values[math.floor(hour)] if isinstance(values, list) else values)
