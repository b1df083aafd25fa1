"""When the energy of vehicles that leave in a period arrives, and what is still on the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.power_operator.models.charging_station.queues import Array

__all__ = ["Fleet", "lag_shares"]

_NOTHING = 1e-9


def lag_shares(delay_s: Array, period_s: float) -> Array:
    """Return which share of the energy arrives how many periods after departure, shape ``delay_s.shape + (lags,)``.

    Vehicles leave evenly over a period and each delivers, on average, ``delay_s`` later: with delay = (k + f) periods the
    share 1 - f is delivered k periods after the period of departure and f one period later. Exact also for energy that
    flows evenly around the delay, as long as that stays within one period.
    """
    whole, part = np.divmod(np.asarray(delay_s, dtype=np.float64) / period_s, 1.0)
    first = whole.astype(int)
    lags = int(first.max()) + 2
    number = np.arange(lags)
    share = np.where(number == first[..., None], 1.0 - part[..., None], 0.0)
    return np.asarray(share + np.where(number == first[..., None] + 1, part[..., None], 0.0))


@dataclass(slots=True)
class _Batch:
    period: int
    vehicles: float
    kwh_per_vehicle: float
    traction_kwh: float
    share: Array


class Fleet:
    """Vehicles on their way to one limited station: committed, not yet arrived."""

    def __init__(self, lost_after_periods: int) -> None:
        self._lost_after = lost_after_periods
        self._batches: list[_Batch] = []
        self._traction_kwh = 0.0

    @property
    def traction_kwh(self) -> float:
        """Return the traction energy of a vehicle among those that arrived last."""
        return self._traction_kwh

    def send(self, period: int, vehicles: float, kwh_per_vehicle: float, traction_kwh: float, share: Array) -> None:
        """Add vehicles that leave in ``period`` and deliver by ``share`` (see `lag_shares`)."""
        if vehicles > _NOTHING:
            self._batches.append(_Batch(period, vehicles, kwh_per_vehicle, traction_kwh, share))

    def arrive(self, period: int, vehicles: float) -> None:
        """Take off ``vehicles`` that were seen to arrive in ``period``, the oldest first; forget those that are lost."""
        left, traction_kwh = vehicles, 0.0
        for batch in self._batches:
            taken = min(left, batch.vehicles)
            batch.vehicles -= taken
            left -= taken
            traction_kwh += taken * batch.traction_kwh
        if vehicles - left > _NOTHING:
            self._traction_kwh = traction_kwh / (vehicles - left)
        self._batches = [
            batch
            for batch in self._batches
            if batch.vehicles > _NOTHING and period - batch.period < batch.share.size + self._lost_after
        ]

    def due(self, period: int, periods: int) -> tuple[Array, Array]:
        """Return the energy in kWh and the vehicles that are expected in each period from ``period`` on."""
        kwh, vehicles = np.zeros(periods), np.zeros(periods)
        for batch in self._batches:
            ahead = batch.share[max(0, period - batch.period) :][:periods]
            # Late vehicles are expected at once: they are on the road and their time is up.
            weight = ahead / ahead.sum() if ahead.sum() > _NOTHING else np.ones(1)
            vehicles[: weight.size] += batch.vehicles * weight
            kwh[: weight.size] += batch.vehicles * batch.kwh_per_vehicle * weight
        return kwh, vehicles
