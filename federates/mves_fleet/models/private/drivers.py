"""Private drivers as arrays: what they are like, where they are, and who is away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.canonical import canonical
from federates.boundary.units import S_PER_H
from federates.mves_fleet.models.private.settings import Diary, PrivateSettings
from federates.mves_fleet.models.trips import Array, Whole

NOWHERE = -1
_HOURS = 24


@dataclass(slots=True)
class Drivers:
    """Drivers i = 0..n-1. ``own_kwh`` and ``back_in`` change as they deliver, the rest is theirs for the day."""

    value_of_time_usd_per_h: Array
    threshold_usd: Array
    battery_kwh: Array
    own_kwh: Array
    """Energy in the battery, (n,), kWh."""
    detour_h: Array
    """Time beyond what is told for the way by a limited station, (n, Q), h."""
    inconvenience_usd: Array
    """Wanted beyond the threshold in an hour of the day, (n, 24)."""
    place: Whole
    """Index of the resourceful station that a driver is near in an hour of the day, (n, 24); -1: none, or asleep."""
    back_in: Whole
    """First period in which a driver is back, (n,); 0: never was away."""

    @property
    def count(self) -> int:
        """Number of drivers."""
        return self.own_kwh.size

    def near(self, hours: list[int], stations: int) -> np.ndarray:
        """Return who is near which station in these hours of the day, whether away or not, (n, R, hours), bool."""
        return self.place[:, None, hours] == np.arange(stations)[None, :, None]

    def back(self, periods: list[int]) -> np.ndarray:
        """Return who is not away in these periods, (n, periods), bool."""
        return self.back_in[:, None] <= np.array(periods)[None, :]

    def leave(self, who: Whole, back_in: Whole, traction_kwh: Array) -> None:
        """Send drivers ``who`` off until ``back_in``; the drive takes ``traction_kwh`` out of their own charge."""
        self.back_in[who] = back_in
        self.own_kwh[who] -= traction_kwh


def draw_drivers(settings: PrivateSettings, seed: int, fleet: str, stations: int, limited: int) -> Drivers:
    """Return drivers near ``stations`` R who may go to ``limited`` Q stations.

    They follow from the session's seed and the fleet's name; every kind of number has a stream of its own.
    """
    count = settings.drivers
    streams = np.random.SeedSequence([seed, *fleet.encode()]).spawn(7)
    time, threshold, battery, charge, diary, detour, hour = (np.random.default_rng(stream) for stream in streams)
    size = battery.uniform(settings.battery_least_kwh, settings.battery_most_kwh, count)
    share = charge.uniform(settings.charge_least_share, settings.charge_most_share, count)
    worth = settings.value_of_time_median_usd_per_h * np.exp(settings.value_of_time_sigma * time.standard_normal(count))
    return Drivers(
        value_of_time_usd_per_h=canonical(worth),
        threshold_usd=threshold.uniform(settings.threshold_least_usd, settings.threshold_most_usd, count),
        battery_kwh=size,
        own_kwh=share * size,
        detour_h=detour.uniform(0.0, settings.detour_most_s, (count, limited)) / S_PER_H,
        inconvenience_usd=hour.uniform(0.0, settings.inconvenience_most_usd, (count, _HOURS)),
        place=_places(settings.diary, diary, count, stations),
        back_in=np.zeros(count, dtype=np.int64),
    )


def _places(diary: Diary, draw: np.random.Generator, count: int, stations: int) -> Whole:
    """Return where drivers are in each hour of the day, (n, 24)."""
    shares = np.array([diary.home_share, diary.work_share])
    is_near = draw.random((count, 2)) < shares
    home, work = np.where(is_near, draw.integers(0, stations, (count, 2)), NOWHERE).T
    leave = canonical(np.array([diary.leave_home_h, diary.leave_work_h]) + diary.spread_h * draw.standard_normal((count, 2)))
    middle_h = np.arange(_HOURS) + 0.5
    at_work = (leave[:, :1] <= middle_h) & (middle_h < leave[:, 1:])
    place = np.where(at_work, work[:, None], home[:, None])
    awake = (diary.wake_h <= middle_h) & (middle_h < diary.sleep_h)
    return np.where(awake, place, NOWHERE).astype(np.int64)
