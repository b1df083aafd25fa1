"""Improved optimality condition decomposition (OCD): the paper's coordination, by rail as published and on the road.

Steps and equations (40)-(45) are in `ocd_steps`. By rail, the world of the paper, a day is negotiated once, and again after a
disturbance (`RailOcd`); on the road every period is, over a horizon that moves on (`RoadOcd`).
"""

from __future__ import annotations

import numpy as np

from federates.coordinator.algorithms.both_worlds import BothWorlds
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.ocd_road import RoadOcd
from federates.coordinator.algorithms.ocd_steps import OcdSettings, OcdSteps
from federates.coordinator.algorithms.rail_day import RailAlgorithm
from federates.coordinator.algorithms.rail_problem import RailProblem
from federates.coordinator.algorithms.rounds import Rounds

__all__ = ["OcdSettings", "OptimalityConditionDecomposition", "RailOcd"]


class RailOcd(RailAlgorithm):
    """Steps 1-6 to the letter, from zero prices."""

    Settings = OcdSettings

    def agree(self, problem: RailProblem) -> Rounds[Outcome]:  # noqa: D102
        zero = np.zeros(self._session.connection_shape)
        return (yield from OcdSteps(self.settings, self.bounds, zero, by_rail=True).rounds())


class OptimalityConditionDecomposition(BothWorlds):
    """The paper's algorithm in the session's world."""

    Settings = OcdSettings
    by_road, by_rail = RoadOcd, RailOcd
