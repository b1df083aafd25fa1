"""Transport operator (RTSO) of the rail world: routes trains on its own time-space network.

It minimises its transport cost minus multipliers times connection, equation (41) of Ding et al., JMPCE 2025, over (1)-(4), with
closed tracks, station slots and late trains as additions. See ``docs/transport_operator.md``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.names import RAIL
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.transport_operator.models.time_space_network.checks import find_problems
from federates.transport_operator.models.time_space_network.execution import Fleet
from federates.transport_operator.models.time_space_network.lateness import Delays
from federates.transport_operator.models.time_space_network.network import build_network
from federates.transport_operator.models.time_space_network.planner import Planner, possible_limits
from federates.transport_operator.models.time_space_network.results import Journal
from federates.transport_operator.models.time_space_network.settings import TimeSpaceNetworkSettings
from federates.transport_operator.models.time_space_network.situation import first_situation
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.timetable import Index
from federates.worlds.rail.world import CONNECTION
from federates.worlds.road.messages import LinkObservation


class TimeSpaceNetworkOperator(TransportOperator):
    """Trains by cheapest routes; in the schemes without mobile storage they stay at home and cost nothing."""

    Settings = TimeSpaceNetworkSettings
    worlds = (RAIL,)

    settings: TimeSpaceNetworkSettings

    @classmethod
    def check(cls, settings: TimeSpaceNetworkSettings, folder: Path, session: RailSession) -> list[Problem]:
        """Return what is wrong with names, periods and matrices, and which trains have no route for the day."""
        return find_problems(settings, session)

    def begin(self, session: RailSession, recorder: Recorder) -> None:
        """Build the network and put the trains at their start stations.

        Raises
        ------
        ConfigError : `check` finds something wrong.
        """
        problems = find_problems(self.settings, session)
        if problems:
            raise ConfigError(problems)
        self._session = session
        self._idle = session.scheme is not RailScheme.MOBILE or not session.trains
        self._network = build_network(self.settings, session)
        self._fleet = Fleet(self._network, Delays(self.settings.lateness, session))
        self._limits = first_situation(self._network).limits
        self._journal = Journal(recorder, session, self._network)
        self._planner = Planner(self._network, first_situation(self._network))
        self._routes: Index | None = None
        self._agreed: Array | None = None
        self._asked = self._disturbed = False

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Return each train's next stand and its end (K, 3): station, period from which (T: not this day), end (-1: open).

        A delay shows here first. Where it makes the end stations or the slots impossible to keep, these limits are widened from
        now on.
        """
        self._period = period
        if self._idle:
            stays = self._network.start
            return np.column_stack([stays, np.full(len(stays), period), stays]).astype(np.float64)
        situation = self._fleet.situation(period, self._limits)
        if self._disturbed:
            self._limits = possible_limits(self._network, situation)
            self._journal.disturbance(period, situation, self._limits)
            situation = self._fleet.situation(period, self._limits)
            self._routes = None
        if period == self._session.periods:
            self._journal.late_ends(situation)
        self._planner = Planner(self._network, situation)
        self._asked = self._disturbed = False
        return self._fleet.places(self._limits)

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the connection that minimises f_T minus price times connection, (41), with a proven lower bound.

        The cost is that of the whole day: what was carried out, trips under way, and the plan.
        """
        self._asked = True
        return self._nothing() if self._idle else self._planner.solve(prices[CONNECTION.name])

    def relax(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the same in the linear relaxation; it differs from `solve` only where slots bind."""
        self._asked = True
        return self._nothing() if self._idle else self._planner.relax(prices[CONNECTION.name])

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the connection of the cheapest of the routes that agree most with what is given, and its f_T.

        A train may stand where it was not asked to, (38): what is offered is at least what is asked wherever that is possible.
        """
        self._asked = True
        return self._nothing() if self._idle else self._planner.evaluate(given[CONNECTION.name])

    def commit(self, given: Quantities) -> None:
        """Carry out the opened period of the cheapest routes that agree with what is given.

        Routes are chosen once per negotiation, and again if a train is late or the connection is another one.
        """
        if self._idle:
            return
        period, connection = self._planner.situation.period, given[CONNECTION.name]
        changed = self._agreed is None or not np.array_equal(connection, self._agreed)
        if self._routes is None or self._asked or changed:
            self._routes = self._planner.agree(connection).arc
            self._journal.planned(period, self._fleet.planned(period, self._routes))
        moves, self._disturbed = self._fleet.advance(period, self._routes)
        self._journal.realised(period, moves)
        self._agreed = connection[:, :, 1:].copy()

    def _nothing(self) -> Answer:
        trains, stations, periods = self._session.connection_shape
        nothing = np.zeros((trains, stations, periods - self._period))
        return Answer({CONNECTION.name: nothing}, 0.0, 0.0, None, BoundKind.EXACT)
