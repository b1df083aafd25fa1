"""Whose energy is parked at a limited station: first in, first out."""

from __future__ import annotations

import numpy as np

from federates.station.queues import Array


class ParkedByFleet:
    """Energy in the batteries at a station by fleet, kWh; what came in together goes out in proportion."""

    def __init__(self, fleets: int) -> None:
        self._fleets = fleets
        self._layers: list[Array] = []

    @property
    def kwh(self) -> Array:
        """Return what is parked, (F,)."""
        return np.sum(self._layers, axis=0) + np.zeros(self._fleets)

    def add(self, kwh: Array) -> None:
        """Park vehicles that hold ``kwh``, (F,)."""
        if kwh.sum() > 0.0:
            self._layers.append(np.array(kwh))

    def take(self, kwh: float) -> Array:
        """Return whose ``kwh`` are given, (F,); all that is there if there is less."""
        taken = np.zeros(self._fleets)
        while kwh > 0.0 and self._layers:
            oldest = self._layers[0]
            here = float(oldest.sum())
            part = min(1.0, kwh / here)
            moved = oldest * part
            taken += moved
            kwh -= float(moved.sum())
            if part < 1.0:
                oldest -= moved
                break
            self._layers.pop(0)
        return taken
