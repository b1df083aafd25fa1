"""When the energy of vehicles that leave in a period arrives, and what is still on the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.station.queues import Array

_NOTHING = 1e-9


def arrival_shares(delay_s: Array, period_s: float, bins: int) -> Array:
    """Return which share of a period's vehicles arrives in which bin from the start of that period on, (..., whole periods).

    Vehicles leave evenly over the period [0, T) and arrive ``delay_s`` later, so evenly over [d, T + d): a bin's share is the
    part of that stretch that lies in it. ``bins`` is the number of bins in a period; the last axis is a multiple of it.
    """
    delay = np.asarray(delay_s, dtype=np.float64)[..., None]
    periods = int(np.floor(delay.max() / period_s)) + 2
    edges = period_s / bins * np.arange(periods * bins + 1)
    arrived = np.clip((edges - delay) / period_s, 0.0, 1.0)
    return np.asarray(np.diff(arrived, axis=-1))


@dataclass(slots=True)
class _Batch:
    period: int
    origin: str
    vehicles: float
    kwh_per_vehicle: float
    traction_kwh: float
    share: Array


class Fleet:
    """Vehicles on their way to one limited station: committed, not yet arrived. Energies are those in the battery on arrival."""

    def __init__(self, lost_after_periods: int, bins: int, usual_kwh: float) -> None:
        """``usual_kwh`` is in the battery of a vehicle of which nothing is known."""
        self._lost_after = lost_after_periods
        self._bins = bins
        self._usual_kwh = usual_kwh
        self._batches: list[_Batch] = []
        self._traction_kwh = 0.0

    @property
    def traction_kwh(self) -> float:
        """Return the traction energy of a vehicle among those that arrived last."""
        return self._traction_kwh

    def send(self, period: int, origin: str, vehicles: float, kwh_per_vehicle: float, traction_kwh: float, share: Array) -> None:
        """Add vehicles that leave ``origin`` in ``period`` and arrive by ``share`` (see `arrival_shares`)."""
        if vehicles > _NOTHING:
            self._batches.append(_Batch(period, origin, vehicles, kwh_per_vehicle, traction_kwh, share))

    def sent_from(self, origin: str, period: int) -> float:
        """Return the vehicles that left ``origin`` in ``period`` and are still under way."""
        batch = self._batch_of(origin, period)
        return batch.vehicles if batch else 0.0

    def leave_short(self, origin: str, period: int, kwh_per_vehicle: float) -> None:
        """Take ``kwh_per_vehicle`` from every vehicle that left ``origin`` in ``period``: it had less than a full charge."""
        batch = self._batch_of(origin, period)
        if batch:
            batch.kwh_per_vehicle = max(0.0, batch.kwh_per_vehicle - kwh_per_vehicle)

    def _batch_of(self, origin: str, period: int) -> _Batch | None:
        return next((batch for batch in self._batches if (batch.origin, batch.period) == (origin, period)), None)

    def arrive(self, period: int, vehicles: Array) -> Array:
        """Return the energy in kWh that ``vehicles``, (bins,), seen to arrive in ``period`` hold; forget those that are lost.

        The oldest arrive first.
        """
        kwh, traction_kwh = np.zeros(len(vehicles)), 0.0
        for number, count in enumerate(vehicles):
            left = float(count)
            for batch in self._batches:
                taken = min(left, batch.vehicles)
                batch.vehicles -= taken
                left -= taken
                kwh[number] += taken * batch.kwh_per_vehicle
                traction_kwh += taken * batch.traction_kwh
            kwh[number] += left * self._usual_kwh
        if vehicles.sum() > _NOTHING:
            self._traction_kwh = traction_kwh / float(vehicles.sum())
        self._batches = [
            batch
            for batch in self._batches
            if batch.vehicles > _NOTHING and period - batch.period < batch.share.size // self._bins + self._lost_after
        ]
        return kwh

    def due(self, period: int, bins: int) -> tuple[Array, Array]:
        """Return the energy in kWh and the vehicles that are expected in each bin from the start of ``period`` on."""
        kwh, vehicles = np.zeros(bins), np.zeros(bins)
        for batch in self._batches:
            ahead = batch.share[max(0, period - batch.period) * self._bins :][:bins]
            # Late vehicles are expected at once: they are on the road and their time is up.
            weight = ahead / ahead.sum() if ahead.sum() > _NOTHING else np.ones(1)
            vehicles[: weight.size] += batch.vehicles * weight
            kwh[: weight.size] += batch.vehicles * batch.kwh_per_vehicle * weight
        return kwh, vehicles
