"""How long the trip of a vehicle that carries energy takes, and when the vehicle is back.

A trip from r to q: it charges at r, drives, and discharges at q. These times are told: by the gates (waiting included) and by the
transport operator. Then it drives back, to r or to another resourceful station, at the road time of the same way there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.units import S_PER_H

Array: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Trips:
    """Times of all trips: at the gates ``charge_s`` (R,) and ``discharge_s`` (Q,), on the road ``road_s`` (R, Q)."""

    charge_s: Array
    discharge_s: Array
    road_s: Array

    @property
    def outward_h(self) -> Array:
        """Return the time from reaching r until the energy is given at q, (R, Q), h."""
        return np.asarray((self.charge_s[:, None] + self.road_s + self.discharge_s[None, :]) / S_PER_H)

    @property
    def back_h(self) -> Array:
        """Return the time of the way back from q to each resourceful station, (Q, R), h."""
        return np.asarray(self.road_s.T / S_PER_H)

    def away_periods(self, period_s: float) -> Whole:
        """Return after how many periods a vehicle that leaves r for q can leave r' again, (R, Q, R'), at least 1.

        It leaves again a whole number of periods later at the earliest, since vehicles leave evenly over a period.
        """
        back_s = self.road_s.T[None, :, :] + self.charge_s[None, None, :]
        away_s = self.road_s[:, :, None] + self.discharge_s[None, :, None] + back_s
        return np.maximum(1, np.ceil(away_s / period_s - _SAME)).astype(np.int64)

    def same_as(self, other: Trips) -> bool:
        """Return whether all times are the same."""
        pairs = ((self.charge_s, other.charge_s), (self.discharge_s, other.discharge_s), (self.road_s, other.road_s))
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    def driving_h(self) -> Array:
        """Return the driving time there and back to each resourceful station, (R, Q, R'), h."""
        return np.asarray(self.road_s[:, :, None] / S_PER_H + self.back_h[None, :, :])


def told_trips(gate_s: Array, road_s: Array, *, kwh: float, power_kw: float = math.inf, priority_share: float = 0.0) -> Trips:
    """Return the trips as the gates (S,) and the transport operator (R, Q) tell them.

    A vehicle that takes longer than its gate says, because ``kwh`` at its own ``power_kw`` take longer, needs that time.
    ``priority_share`` is the part of the told time that its drivers are spared.
    """
    stay_s = np.maximum((1.0 - priority_share) * np.asarray(gate_s, dtype=np.float64), S_PER_H * kwh / power_kw)
    count = road_s.shape[0]
    return Trips(stay_s[:count], stay_s[count:], np.array(road_s, dtype=np.float64))
