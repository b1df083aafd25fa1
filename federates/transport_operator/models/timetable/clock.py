"""How the periods of a run lie in the hours of the day, and what an hour's vehicles come to in a part of it."""

from __future__ import annotations

import math

from federates.boundary.units import S_PER_H
from federates.transport_operator.models.timetable.settings import VehicleDeparture
from federates.worlds.road.session import RoadSession

_DIGITS = 6
"""Of a time in s: what period lengths like 3600 / 7 s leave behind is no part of an hour."""
_SAME_VEH = 1e-6
"""A share that is whole but for this is whole."""


def hours_met(session: RoadSession, period: int) -> dict[int, float]:
    """Return how much of ``period`` lies in each hour of the day that it meets, s, in the order of time."""
    start_s = session.start_hour * S_PER_H
    at_s, end_s = (round(start_s + number * session.period_s, _DIGITS) for number in (period, period + 1))
    met: dict[int, float] = {}
    while at_s < end_s:
        number = math.floor(at_s / S_PER_H)
        until_s = min(end_s, (number + 1) * S_PER_H)
        met[number % 24] = met.get(number % 24, 0.0) + until_s - at_s
        at_s = until_s
    return met


def longest_met(session: RoadSession) -> dict[int, float]:
    """Return the most that one period of the run lies in each hour of the day that the run meets, s."""
    longest: dict[int, float] = {}
    for period in range(session.periods):
        for hour, met_s in hours_met(session, period).items():
            longest[hour] = max(met_s, longest.get(hour, 0.0))
    return longest


def whole_vehicles(entry: VehicleDeparture, met_s: float) -> int:
    """Return the vehicles that leave in ``met_s`` of the entry's hour: rounded down, to keep the hour's limit."""
    return math.floor(entry.vehicles * met_s / S_PER_H + _SAME_VEH)


def fewest_vehicles(met_s: float) -> int:
    """Return how many whole vehicles an hour needs for one to leave in ``met_s`` (> 0) of it."""
    return math.ceil(S_PER_H / met_s - _SAME_VEH)
