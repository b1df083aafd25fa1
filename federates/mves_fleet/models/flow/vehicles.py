"""The vehicles of one owner as they are: place, when free, own charge; and who is chosen when whole vehicles leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.mves_fleet.models.trips import Array, Whole

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Charge:
    """Own charge of a vehicle above its reserve, beside what it delivers, in classes of equal width."""

    most_kwh: float
    classes: int = 1

    def class_of(self, own_kwh: Array) -> Whole:
        """Return the class that a charge holds at least, (...,)."""
        if self.classes == 1:
            return np.zeros(np.shape(own_kwh), dtype=np.int64)
        found = np.floor(own_kwh / self.width_kwh + _SAME).astype(np.int64)
        return np.clip(found, 0, self.classes - 1)

    def steps(self, kwh: Array) -> Whole:
        """Return how many classes a use of energy takes at most, (...,); one class alone never runs out."""
        if self.classes == 1:
            return np.zeros(np.shape(kwh), dtype=np.int64)
        return np.ceil(kwh / self.width_kwh - _SAME).astype(np.int64)

    @property
    def width_kwh(self) -> float:
        """Energy from one class to the next."""
        return self.most_kwh / max(1, self.classes - 1)


@dataclass(slots=True)
class Vehicles:
    """Vehicles v = 0..V-1, arrays (V,)."""

    place: Whole
    """Resourceful station where it stands, or will when it is back."""
    free_from: Whole
    """Period from which it can be used."""
    own_kwh: Array

    @property
    def count(self) -> int:
        """Number of vehicles."""
        return self.place.size

    def supply(self, period: int, horizon: int, places: int, charge: Charge) -> Array:
        """Return the vehicles that become free in each period of the horizon, (R, K, H)."""
        ahead = np.maximum(self.free_from - period, 0)
        counts = np.zeros((places, charge.classes, horizon))
        seen = ahead < horizon
        np.add.at(counts, (self.place[seen], charge.class_of(self.own_kwh)[seen], ahead[seen]), 1.0)
        return counts

    def idle(self, period: int, place: int) -> Whole:
        """Return who is free at a place, the fullest first; of equal ones the first."""
        here = np.flatnonzero((self.place == place) & (self.free_from <= period))
        return here[np.argsort(-self.own_kwh[here], kind="stable")]

    def use(self, who: Whole, back: int, place: int, kwh: float) -> None:
        """Let vehicles be away until period ``back``, then at ``place``, with ``kwh`` less of their own charge, never below 0."""
        self.place[who], self.free_from[who] = place, back
        self.own_kwh[who] = np.maximum(self.own_kwh[who] - kwh, 0.0)


@dataclass(frozen=True, slots=True)
class Approach:
    """Vehicles are spread around a place: the way to it takes the n-th of ``vehicles`` there n / vehicles of the longest time."""

    most_h: float
    vehicles: float
    steps: int = 8

    @property
    def step_veh(self) -> float:
        """Vehicles of a step."""
        return self.vehicles / self.steps

    @property
    def step_h(self) -> Array:
        """Return the time of a vehicle of each step, (J,), h."""
        return self.most_h * (np.arange(self.steps) + 0.5) / self.steps

    def total_h(self, count: int) -> float:
        """Return the time of the ``count`` nearest vehicles together, h."""
        begun = self.step_veh * np.arange(self.steps)
        in_step = np.clip(count - begun, 0.0, np.append(np.full(self.steps - 1, self.step_veh), np.inf))
        return float((in_step * self.step_h).sum())


def whole_parts(total: int, wanted: Array, otherwise: int = 0) -> Whole:
    """Return whole numbers of sum ``total`` in the shares of ``wanted``, (n,), by largest remainder.

    Ties go to the first. Where nothing is wanted, all goes to ``otherwise``.
    """
    weight = np.maximum(wanted, 0.0)
    if weight.sum() <= _SAME:
        weight = np.eye(1, weight.size, otherwise)[0]
    exact = total * weight / weight.sum()
    parts = np.floor(exact + _SAME).astype(np.int64)
    rest = total - int(parts.sum())
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[:rest]] += 1
    return parts
