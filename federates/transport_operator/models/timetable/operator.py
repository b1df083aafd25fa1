"""Transport operator with fixed departures, by rail (`rail`) and on the road (`road`): the session's world says which.

For questions of the kind "what would the timetable of today be worth to the grid", and as the partner that does not bargain.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.transport_operator.models.timetable.checks import find_problems
from federates.transport_operator.models.timetable.rail import RailTimetable
from federates.transport_operator.models.timetable.road import RoadTimetable
from federates.transport_operator.models.timetable.settings import TimetableSettings
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Departure, LinkObservation


class TimetableOperator(TransportOperator):
    """Offers its timetable: by rail exactly, on the road up to what is asked."""

    Settings = TimetableSettings

    @classmethod
    def check(cls, settings: TimetableSettings, folder: Path, session: Any) -> list[Problem]:
        """Return names that are unknown and trips that a train cannot make."""
        return find_problems(settings, session)

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take the timetable of the session's world.

        Raises
        ------
        ConfigError : `check` finds something wrong.
        """
        problems = find_problems(self.settings, session)
        if problems:
            raise ConfigError(problems)
        kind = RailTimetable if isinstance(session, RailSession) else RoadTimetable
        self._day: RailTimetable | RoadTimetable = kind(self.settings, self.folder)
        self._day.begin(session, recorder)

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:  # noqa: D102
        return self._day.open_period(period, observation)

    def outlook(self) -> Mapping[str, Any]:  # noqa: D102
        return self._day.outlook()

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self._day.solve(prices, openings)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self._day.evaluate(given, openings)

    def commit(self, given: Quantities) -> list[Departure] | None:  # noqa: D102
        return self._day.commit(given)
