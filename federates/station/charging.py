"""Mobile storages that charge at a resourceful station: no more in a bin than its feeder leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.station.queues import Array


def chargeable(room_kwh: Array) -> Array:
    """Return the greatest energy that vehicles leaving evenly can take with them, (...,), from the room of each bin (..., bins).

    Who leaves has charged before, so by the end of bin b (from 0) at least (b + 1) / bins of the energy: it is at most
    bins / (b + 1) times the room until then, for every b.
    """
    bins = room_kwh.shape[-1]
    return np.asarray((np.cumsum(room_kwh, axis=-1) * bins / np.arange(1, bins + 1)).min(axis=-1))


def latest_schedule(leaving_kwh: Array, room_kwh: Array) -> Array:
    """Return the energy to charge in each bin, (bins,): as late as the room of the later bins lets it be, before it leaves."""
    schedule, ahead = np.zeros(len(leaving_kwh)), 0.0
    for b in reversed(range(len(leaving_kwh))):
        wanted = leaving_kwh[b] + ahead
        schedule[b] = min(wanted, room_kwh[b])
        ahead = wanted - schedule[b]
    schedule[0] += ahead  # more than the room: wanted all the same, at once
    return schedule


@dataclass(frozen=True, slots=True)
class Charged:
    """What happened at the spots in a bin; energies in kWh at the battery."""

    into_kwh: float
    carried_kwh: float
    """In the batteries of the vehicles that left."""
    short_kwh: float
    """What these vehicles lack to a full charge."""


class ChargingSpots:
    """Vehicles of a period leave evenly; what leaves in a bin is charged in it, or ahead of it where room will lack.

    A vehicle that the feeder could not charge in time leaves with less. All energies at the battery.
    """

    def __init__(self, spot_kwh_per_bin: float, energy_kwh: float) -> None:
        """``spot_kwh_per_bin`` is what all spots charge in a bin, ``energy_kwh`` the charge of a vehicle."""
        self.most_kwh = spot_kwh_per_bin
        self._energy_kwh = energy_kwh
        self._ahead_kwh: Array = np.zeros(0)
        self._kwh = 0.0

    @property
    def battery_kwh(self) -> float:
        """Return the energy in the batteries of vehicles that have not left yet."""
        return self._kwh

    def expect(self, vehicles: float, room_kwh: Array) -> None:
        """Prepare for ``vehicles`` that leave evenly in the period that begins; ``room_kwh``, (bins,), is forecast."""
        self.expect_kwh(vehicles * self._energy_kwh, room_kwh)

    def expect_kwh(self, kwh: float, room_kwh: Array) -> None:
        """Prepare for vehicles with ``kwh`` in all, as `expect` does."""
        leaving = np.full(len(room_kwh), kwh / len(room_kwh))
        schedule = latest_schedule(leaving, np.minimum(room_kwh, self.most_kwh))
        self._ahead_kwh = np.cumsum(schedule) - np.cumsum(leaving)

    def step(self, b: int, leaving_veh: float, room_kwh: float) -> Charged:
        """Charge in bin ``b`` of the period, with ``room_kwh`` that the feeder leaves, and let ``leaving_veh`` go."""
        return self.step_kwh(b, leaving_veh * self._energy_kwh, room_kwh)

    def step_kwh(self, b: int, full_kwh: float, room_kwh: float) -> Charged:
        """Go on by a bin as `step` does; vehicles leave that hold ``full_kwh`` when fully charged."""
        ahead_kwh = max(0.0, float(self._ahead_kwh[b])) if b < self._ahead_kwh.size else 0.0
        into_kwh = max(0.0, min(full_kwh + ahead_kwh - self._kwh, room_kwh, self.most_kwh))
        carried_kwh = min(full_kwh, self._kwh + into_kwh)
        self._kwh += into_kwh - carried_kwh
        return Charged(into_kwh, carried_kwh, full_kwh - carried_kwh)
