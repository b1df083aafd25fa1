"""Disturbances of trips under way; what they will be is hidden from the operator's plans."""

from __future__ import annotations

import numpy as np

from federates.transport_operator.models.time_space_network.settings import Lateness
from federates.worlds.rail.session import RailSession

_STREAM = 0x7534
"""Keeps these draws apart from those of other agents that start from the same seed."""


class Delays:
    """Delays by train and period.

    A random one belongs to a train and a period of departure, not to a plan: two runs with one seed differ only by the trips that
    they make.
    """

    def __init__(self, settings: Lateness, session: RailSession) -> None:
        self._settings, self._seed = settings, session.seed
        self._listed: dict[tuple[int, int], int] = {}
        names = [train.name for train in session.trains]
        for late in settings.listed:
            key = names.index(late.train), late.period
            self._listed[key] = self._listed.get(key, 0) + late.by_periods

    def arising(self, train: int, departure: int, trip_periods: int, period: int) -> int:
        """Return by how many periods the trip that left in ``departure`` becomes later in ``period``."""
        rng = np.random.default_rng((self._seed, _STREAM, train, departure))
        happens = rng.random() < self._settings.probability
        by_periods = int(rng.integers(1, self._settings.most_periods, endpoint=True))
        in_period = departure + int(rng.integers(trip_periods))
        random = by_periods if happens and in_period == period else 0
        return random + self._listed.get((train, period), 0)
