"""Whether a station's receipts close with what it was told: no vehicle and no energy comes of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.worlds.fleets.session import FleetSession

_CLOSES = 1e-6
"""Relative difference that rounding to the boundary's grid may leave in a sum."""


def account_fault(
    session: FleetSession, heard: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]
) -> tuple[int, str] | None:
    """Return in which opening the receipts do not close, and how; None if all do.

    ``heard[p]`` are ``allotments`` (S, F, 2) and ``stations`` (a `StationObservation`) of period p; ``said[p + 1]["receipts"]``
    (S, F, 3) is what came of it. ``session`` is the station's view.
    """
    origins, sizes = len(session.resourceful_stations), (len(session.stations), len(session.fleets))
    allotted, told, arrived = np.zeros((*sizes, 2)), np.zeros((*sizes, 3)), np.zeros(sizes[0])
    for period, known in enumerate(heard[: len(said) - 1]):
        receipts = np.asarray(said[period + 1]["receipts"])
        allotted, told = allotted + known["allotments"], told + receipts
        arrived = arrived + known["stations"].arrivals_veh.sum(axis=1)
        for words, more, less in _bounds(allotted, told, origins):
            if (at := _above(more, less)) is not None:
                station = session.stations[at[0] + (origins if "at q" in words else 0)]
                what, than = words.removesuffix(" at q").split(", but ")
                fleet = session.fleets[at[1]]
                return period + 1, f"{station}: {more[at]:.9g} {what} of {fleet}, but {less[at]:.9g} {than}"
        counted = told[:, :, 0].sum(axis=1)
        for q in range(origins, len(session.stations)):
            if abs(counted[q] - arrived[q]) > _CLOSES * max(1.0, arrived[q]):
                words = f"{counted[q]:.9g} vehicles are said to have arrived, {arrived[q]:.9g} were counted at its gate"
                return period + 1, f"{session.stations[q]}: {words}"
    return None


def _bounds(allotted: Array, told: Array, origins: int) -> Iterator[tuple[str, Array, Array]]:
    """Yield sums up to now of which the first may not be above the second, each by station and fleet."""
    yield "vehicles have left, but were allotted", told[:origins, :, 0], allotted[:origins, :, 0]
    yield "kWh have left in batteries, but were allotted", told[:origins, :, 1], allotted[:origins, :, 1]
    yield "vehicles have arrived, but have left for it at q", told[origins:, :, 0], allotted[origins:, :, 0]
    yield "kWh have arrived in batteries, but have left for it at q", told[origins:, :, 1], allotted[origins:, :, 1]
    yield "kWh are given to the feeder, but have arrived at q", told[origins:, :, 2], told[origins:, :, 1]


def _above(more: Array, less: Array) -> tuple[int, int] | None:
    """Return where ``more`` is above ``less`` by more than rounding."""
    over = more - less - _CLOSES * np.maximum(1.0, np.abs(less))
    if over.max(initial=0.0) <= 0.0:
        return None
    station, fleet = np.unravel_index(int(over.argmax()), over.shape)
    return int(station), int(fleet)
