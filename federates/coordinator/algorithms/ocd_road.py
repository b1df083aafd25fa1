"""The paper's coordination on the road: one negotiation per period over a horizon that moves on by one period."""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.roles import Recorder
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.ocd_steps import OcdSettings, OcdSteps
from federates.coordinator.algorithms.road_day import RoadAlgorithm, shifted
from federates.coordinator.algorithms.rounds import Rounds

__all__ = ["RoadOcd"]


class RoadOcd(RoadAlgorithm):
    """Steps 1-6 in every period, from zero prices or from those of the last one."""

    Settings = OcdSettings

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._multipliers = np.zeros(session.connection_shape)

    def agree(self, period: int) -> Rounds[Outcome]:  # noqa: D102
        warm = self.settings.warm_start and period > 0
        begin_with = shifted(self._multipliers) if warm else np.zeros(self._session.connection_shape)
        steps = OcdSteps(self.settings, self.bounds, begin_with, by_rail=False)
        try:
            return (yield from steps.rounds())
        finally:  # also where a limit ends the rounds
            best = self.bounds.best_multipliers
            self._multipliers = steps.multipliers if best is None else best
