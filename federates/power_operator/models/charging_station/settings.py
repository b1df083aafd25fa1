"""Settings of the charging-station operator; the text under each field is its documentation."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from federates.boundary.config import Config
from federates.station.settings import NotNegative, Positive, Station, StationRules


class Costs(Config):
    """The power operator's costs; all of them are choices that the paper leaves open."""

    energy_price_usd_per_kwh: NotNegative | Annotated[list[NotNegative], Field(min_length=24, max_length=24)] = 0.12
    """Energy at a resourceful station, usd/kWh: one price or 24, one for each hour of the day."""
    waiting_usd_per_h: NotNegative = 20.0
    """A vehicle and its driver that wait at a station for longer than its gate has told, usd/h. The transport operator's cost has
    the rest of the drivers' time."""
    unmet_usd_per_kwh: Positive = 5.0
    """Value of lost load: cost of energy above the feeder limit that nobody brings, usd/kWh."""

    def energy_usd_per_kwh(self, hour: float) -> float:
        """Return the price of energy at an hour of the day in [0, 24)."""
        price = self.energy_price_usd_per_kwh
        return price[math.floor(hour)] if isinstance(price, list) else price


class ChargingStationSettings(StationRules):
    """Settings of `ChargingStationOperator`."""

    stations: Annotated[dict[str, Station], Field(min_length=1)]
    """The stations by name; the names are those of the session."""
    costs: Costs = Costs()
    """Costs."""
