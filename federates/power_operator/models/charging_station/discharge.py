"""What the spots of a limited station really deliver, bin by bin, from the vehicles that were counted."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

__all__ = ["DischargeSpots"]

_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class _Flow:
    """Constant power from ``begin_h`` to ``end_h``."""

    begin_h: float
    end_h: float
    power_kw: float

    def energy_kwh(self, begin_h: float, end_h: float) -> float:
        return self.power_kw * max(0.0, min(self.end_h, end_h) - max(self.begin_h, begin_h))


class DischargeSpots:
    """First come, first served at ``spots`` spots.

    Vehicles counted in a bin arrive evenly spread over it; each discharges at ``spot_kw`` (at the battery) for as long
    as its energy lasts, of which ``efficiency`` reaches the feeder. What is not finished goes on in the next bin.
    """

    def __init__(self, spots: int, spot_kw: float, efficiency: float) -> None:
        self._spot_kw = spot_kw
        self._efficiency = efficiency
        self._free_h = [0.0] * spots
        self._flows: list[_Flow] = []

    def step(self, begin_h: float, duration_h: float, vehicles: float, energy_kwh: float) -> float:
        """Return the energy in kWh that the feeder gets in this bin; each arriving vehicle holds ``energy_kwh``."""
        number = math.ceil(vehicles - _NOTHING)
        for i in range(number):
            arrival_h = begin_h + (i + 0.5) / number * duration_h
            start_h = max(arrival_h, heapq.heappop(self._free_h))
            end_h = start_h + energy_kwh / self._spot_kw
            heapq.heappush(self._free_h, end_h)
            # A count that is no whole number (an average) makes every vehicle a little smaller.
            self._flows.append(_Flow(start_h, end_h, self._efficiency * self._spot_kw * vehicles / number))
        end_of_bin_h = begin_h + duration_h
        energy = sum(flow.energy_kwh(begin_h, end_of_bin_h) for flow in self._flows)
        self._flows = [flow for flow in self._flows if flow.end_h > end_of_bin_h]
        return energy

    def remaining_kwh(self, now_h: float) -> float:
        """Return the energy that vehicles at the station will still give after ``now_h``."""
        return sum(flow.energy_kwh(now_h, math.inf) for flow in self._flows)
