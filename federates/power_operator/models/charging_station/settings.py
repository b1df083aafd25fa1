"""Settings of the power operator `charging_station`, not of the role; the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import NotNegative, Positive
from federates.power_operator.energy_price import EnergyPrice
from federates.station.settings import Station, StationRules


class Costs(EnergyPrice):
    """The power operator's costs; all of them are choices that the paper leaves open."""

    waiting_usd_per_h: NotNegative = 20.0
    """A vehicle and its driver that wait at a station for longer than its gate has told, usd/h. The transport operator's cost has
    the rest of the drivers' time."""
    unmet_usd_per_kwh: Positive = 5.0
    """Value of lost load: cost of energy above the feeder limit that nobody brings, usd/kWh."""


class ChargingStationSettings(StationRules):
    """Settings of `ChargingStationOperator`."""

    stations: Annotated[dict[str, Station], Field(min_length=1)]
    """The stations by name; the names are those of the session."""
    costs: Costs = Costs()
    """Costs."""
