"""An algorithm under one name in both worlds: by road and by rail it is a class each."""

from __future__ import annotations

from typing import Any, ClassVar

from federates.boundary.messages import Array
from federates.boundary.roles import CoordinationAlgorithm, Decision, Recorder, RoundResult
from federates.boundary.session import World
from federates.coordinator.algorithms.rail_day import RailAlgorithm
from federates.coordinator.algorithms.road_day import RoadAlgorithm

__all__ = ["BothWorlds"]


class BothWorlds(CoordinationAlgorithm):
    """Hands everything to the class of the session's world."""

    by_road: ClassVar[type[RoadAlgorithm]]
    by_rail: ClassVar[type[RailAlgorithm]]

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        kind = self.by_rail if session.world is World.RAIL else self.by_road
        self._day: RoadAlgorithm | RailAlgorithm = kind(self.settings, self.folder)
        self._day.begin(session, recorder)

    def start(self, period: int, train_ready: Array | None = None) -> Decision:  # noqa: D102
        return self._day.start(period, train_ready)

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        return self._day.next(result)
