"""Energy of one mobile storage from feeder to feeder (Chen et al., IEEE Network 33(6), 2019: 95 %, 99 %, 95 %)."""

from __future__ import annotations

import numpy as np

from federates.boundary.units import S_PER_H
from federates.station.queues import Array
from federates.station.settings import MobileStorage


class StorageEnergy:
    """Energies of a vehicle in kWh; times may be arrays."""

    def __init__(self, settings: MobileStorage) -> None:
        self._s = settings

    @property
    def drawn_kwh(self) -> float:
        """Return what the resourceful feeder gives for one vehicle."""
        return self._s.energy_kwh / self._s.charge_efficiency

    @property
    def counts_traction(self) -> bool:
        """Return whether the plan takes traction out of the carried energy."""
        return self._s.traction == "on"

    def traction_kwh(self, road_time_s: float | Array) -> Array:
        """Return the traction energy of the counted drives."""
        return np.asarray(self._s.traction_kwh_per_h * self._s.traction_trips * np.asarray(road_time_s) / S_PER_H)

    def arrived_kwh(self, road_time_s: float | Array, traction: bool) -> Array:
        """Return the energy for delivery that is in the battery at the limited station, never below 0."""
        loss_kwh = self.traction_kwh(road_time_s) if traction else np.zeros_like(np.asarray(road_time_s), dtype=np.float64)
        return np.asarray(np.maximum(self._s.energy_kwh * self._s.retention - loss_kwh, 0.0))

    def delivered_kwh(self, road_time_s: float | Array, traction: bool) -> Array:
        """Return the energy that reaches the limited feeder."""
        return np.asarray(self._s.discharge_efficiency * self.arrived_kwh(road_time_s, traction))

    def charging_h(self, spot_kw: float) -> float:
        """Return the time at a charging spot of ``spot_kw`` (at the battery)."""
        return self._s.energy_kwh / spot_kw

    def discharging_h(self, spot_kw: float) -> float:
        """Return the time at a discharging spot of ``spot_kw`` (at the battery), traction aside."""
        return self._s.energy_kwh * self._s.retention / spot_kw
