"""Vehicles that fleets have announced to a station, matched with those that are counted there.

Vehicles are anonymous: a count says how many, not whose. Who comes is taken to be who was announced first; within a period all
fleets in proportion. So every vehicle and every kWh is counted once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from federates.station.delivery import arrival_shares
from federates.station.queues import Array

_NOTHING = 1e-9
"""Fewer vehicles than this are none: counts cross the boundary with six decimals."""


@dataclass(slots=True)
class _Batch:
    period: int
    vehicles: Array
    kwh: Array
    sent_veh: float
    """Vehicles when it was announced."""
    came_veh_s: float = 0.0
    """Sum of the vehicles' times of passing, s from the start of the batch's period."""

    @property
    def left_veh(self) -> float:
        return float(self.vehicles.sum())


@dataclass(frozen=True, slots=True)
class Matched:
    """What was counted in a period, by bin and fleet, each (B, F); ``unknown_veh`` (B,) were announced by nobody."""

    vehicles: Array
    kwh: Array
    unknown_veh: Array


class Announced:
    """Vehicles on their way to the point where the station counts them; energies in kWh, as announced.

    The oldest come first. Those that are lost, because they have not come for so long, come last.
    """

    def __init__(self, fleets: int, period_s: float, bins: int, delay_s: float, lost_after_s: float) -> None:
        """``delay_s`` is the time from leaving to the count that is expected before any was seen."""
        self._fleets = fleets
        self._period_s = period_s
        self._bins = bins
        self._delay_s = delay_s
        # By the first guess: where vehicles are lost all the time, the way that is learned becomes longer and longer.
        self._lost_after_s = period_s * (math.floor(delay_s / period_s) + 2) + lost_after_s
        self._batches: list[_Batch] = []

    @property
    def delay_s(self) -> float:
        """Return the mean time from leaving to the count, of the last period's vehicles that have all come."""
        return self._delay_s

    @property
    def kwh(self) -> Array:
        """Return the energy announced that has not come, by fleet, (F,)."""
        return np.sum([batch.kwh for batch in self._batches], axis=0) + np.zeros(self._fleets)

    @property
    def vehicles(self) -> Array:
        """Return the vehicles announced that have not come, by fleet, (F,)."""
        return np.sum([batch.vehicles for batch in self._batches], axis=0) + np.zeros(self._fleets)

    def lost_kwh(self, period: int) -> float:
        """Return the energy of vehicles that are no longer expected at the start of ``period``."""
        return float(sum(batch.kwh.sum() for batch in self._batches if self._is_lost(batch, period)))

    def announce(self, period: int, vehicles: Array, kwh: Array) -> None:
        """Add the vehicles of every fleet, (F,), that leave evenly over ``period``, and their energy, (F,)."""
        if vehicles.sum() > _NOTHING:
            self._batches.append(_Batch(period, np.array(vehicles), np.array(kwh), float(vehicles.sum())))

    def match(self, period: int, counted_veh: Array) -> Matched:
        """Return whose the vehicles are that were counted in the bins of ``period``, (B,)."""
        vehicles, kwh = np.zeros((2, len(counted_veh), self._fleets))
        unknown = np.zeros(len(counted_veh))
        order = sorted(self._batches, key=lambda batch: (self._is_lost(batch, period), batch.period))
        for b, count in enumerate(counted_veh):
            left = float(count)
            for batch in order:
                if left <= _NOTHING:
                    break
                taken = self._take(batch, left, vehicles[b], kwh[b])
                passed_s = (period - batch.period) * self._period_s + (b + 0.5) * self._period_s / self._bins
                batch.came_veh_s += taken * passed_s
                left -= taken
            unknown[b] = left if left > _NOTHING else 0.0
        self._learn()
        return Matched(vehicles, kwh, unknown)

    def due(self, period: int, bins: int) -> tuple[Array, Array]:
        """Return energy and vehicles expected in each of ``bins`` bins from the start of ``period`` on; the lost not."""
        kwh, vehicles = np.zeros(bins), np.zeros(bins)
        share = arrival_shares(np.array(self._delay_s), self._period_s, self._bins)
        for batch in self._batches:
            if self._is_lost(batch, period):
                continue
            ahead = share[max(0, period - batch.period) * self._bins :][:bins]
            # Late vehicles are expected at once: they are on the road and their time is up.
            weight = ahead / ahead.sum() if ahead.sum() > _NOTHING else np.ones(1)
            kwh[: weight.size] += float(batch.kwh.sum()) * weight
            vehicles[: weight.size] += batch.left_veh * weight
        return kwh, vehicles

    def _take(self, batch: _Batch, most_veh: float, vehicles: Array, kwh: Array) -> float:
        """Move vehicles of a batch, all fleets in proportion, into ``vehicles`` and ``kwh``; return how many."""
        here = batch.left_veh
        if here <= most_veh + _NOTHING:
            part, taken = 1.0, min(here, most_veh)
        else:
            part, taken = most_veh / here, most_veh
        for total, rest in ((vehicles, batch.vehicles), (kwh, batch.kwh)):
            moved = rest * part
            total += moved
            rest -= moved
        return taken

    def _learn(self) -> None:
        """Learn from the youngest batch of which all have come; forget those."""
        done = [batch for batch in self._batches if batch.left_veh <= _NOTHING]
        if done:
            last = max(done, key=lambda batch: batch.period)
            self._delay_s = max(0.0, last.came_veh_s / last.sent_veh - 0.5 * self._period_s)
        self._batches = [batch for batch in self._batches if batch.left_veh > _NOTHING]

    def _is_lost(self, batch: _Batch, period: int) -> bool:
        return (period - batch.period) * self._period_s >= self._lost_after_s
