"""What energy at a resourceful station costs."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from federates.boundary.config import Config, NotNegative


class EnergyPrice(Config):
    """A price of energy by the hour of the day."""

    energy_price_usd_per_kwh: NotNegative | Annotated[list[NotNegative], Field(min_length=24, max_length=24)] = 0.12
    """Energy at a resourceful station, usd/kWh: one price or 24, one for each hour of the day."""

    def energy_usd_per_kwh(self, hour: float) -> float:
        """Return the price of energy at an hour of the day in [0, 24)."""
        price = self.energy_price_usd_per_kwh
        return price[math.floor(hour)] if isinstance(price, list) else price
