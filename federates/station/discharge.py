"""Mobile storages parked at a limited station: they give what the feeder needs and wait while it needs nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from federates.station.queues import Array

_NOTHING = 1e-12
_EMPTY_KWH = 1e-9
"""A battery with less gives it at once; far above what rounding leaves in it."""


@dataclass(slots=True)
class _Parked:
    arrival_h: float
    kwh: float
    weight: float
    """Vehicles that this one stands for: 1, less where a count is an average."""


@dataclass(frozen=True, slots=True)
class Given:
    """What happened at the spots in a bin."""

    feeder_kwh: float
    battery_kwh: float
    parked_veh_h: float
    """Vehicle hours at the station, at a spot or not."""
    waiting_veh_h: float
    """Of these, hours beyond the time that the energy given takes at full power."""


class DischargeSpots:
    """``spots`` spots of ``spot_kw`` each (at the battery), of which ``efficiency`` reaches the feeder.

    The oldest vehicles stand at the spots and give together what the feeder asks for, the oldest first at full power. Whoever
    was parked for ``most_wait_h`` gives at full power whatever the feeder asks for. An empty vehicle leaves.
    """

    def __init__(self, spots: int, spot_kw: float, efficiency: float, most_wait_h: float = math.inf) -> None:
        self._spots = spots
        self._spot_kw = spot_kw
        self._efficiency = efficiency
        self._most_wait_h = most_wait_h
        self._parked: list[_Parked] = []

    @property
    def parked_veh(self) -> float:
        """Return the vehicles that are at the station."""
        return sum(vehicle.weight for vehicle in self._parked)

    @property
    def battery_kwh(self) -> float:
        """Return the energy in the batteries of the vehicles at the station."""
        return sum(vehicle.kwh for vehicle in self._parked)

    def holdable_kwh(self, times_h: Array) -> Array:
        """Return what the feeder would get of the vehicles that may still wait at ``times_h``."""
        until_h = np.array([vehicle.arrival_h + self._most_wait_h for vehicle in self._parked])
        kwh = np.array([vehicle.kwh for vehicle in self._parked])
        return np.asarray(self._efficiency * ((until_h[None, :] > times_h[:, None]) * kwh[None, :]).sum(axis=1))

    def step(
        self, begin_h: float, duration_h: float, vehicles: float, arriving_kwh: float, wanted_kw: float, most_kw: float = math.inf
    ) -> Given:
        """Go on by one bin.

        ``vehicles`` with ``arriving_kwh`` in all arrive evenly over it; the feeder asks for ``wanted_kw`` and takes ``most_kw``.
        """
        number = math.ceil(vehicles - _NOTHING)
        arriving = [
            _Parked(begin_h + (i + 0.5) / number * duration_h, arriving_kwh / number, vehicles / number) for i in range(number)
        ]
        now_h, end_h = begin_h, begin_h + duration_h
        battery_kwh = parked_veh_h = 0.0
        while now_h < end_h:
            rates = self._rates_kw(now_h, wanted_kw, most_kw)
            next_h = self._next_event_h(now_h, end_h, rates, arriving)
            parked_veh_h += self.parked_veh * (next_h - now_h)
            battery_kwh += self._discharge(rates, next_h - now_h)
            now_h = next_h
            while arriving and arriving[0].arrival_h <= now_h:
                self._parked.append(arriving.pop(0))
        waiting_veh_h = max(0.0, parked_veh_h - battery_kwh / self._spot_kw)
        return Given(self._efficiency * battery_kwh, battery_kwh, parked_veh_h, waiting_veh_h)

    def _rates_kw(self, now_h: float, wanted_kw: float, most_kw: float) -> list[float]:
        """Return the power at the battery of the vehicles at the spots, the oldest first."""
        full = [vehicle.weight * self._spot_kw for vehicle in self._parked[: self._spots]]
        overdue = sum(
            power for power, v in zip(full, self._parked, strict=False) if now_h >= v.arrival_h + self._most_wait_h - _NOTHING
        )
        left = min(max(wanted_kw / self._efficiency, overdue), most_kw / self._efficiency)
        rates = []
        for power in full:
            rates.append(min(power, left))
            left -= rates[-1]
        return rates

    def _next_event_h(self, now_h: float, end_h: float, rates: list[float], arriving: list[_Parked]) -> float:
        """Return when the powers change next: an arrival, an empty vehicle, one that has waited long enough, the bin's end."""
        events = [end_h, *(vehicle.arrival_h for vehicle in arriving[:1])]
        for vehicle, rate in zip(self._parked, rates, strict=False):
            if rate > 0.0:
                events.append(now_h + vehicle.kwh / rate)
            events.append(vehicle.arrival_h + self._most_wait_h)
        return min(event for event in events if event > now_h + _NOTHING or event == end_h)

    def _discharge(self, rates: list[float], duration_h: float) -> float:
        """Take the energy out of the batteries and return it; the empty leave."""
        given = 0.0
        for vehicle, rate in zip(self._parked, rates, strict=False):
            kwh = rate * duration_h
            kwh = vehicle.kwh if kwh >= vehicle.kwh - _EMPTY_KWH else kwh
            vehicle.kwh -= kwh
            given += kwh
        self._parked = [vehicle for vehicle in self._parked if vehicle.kwh > 0.0]
        return given
