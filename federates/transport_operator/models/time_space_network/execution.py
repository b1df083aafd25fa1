"""Where the trains really are: they carry out a plan period by period, and some are late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from federates.boundary.messages import Array
from federates.transport_operator.models.time_space_network.lateness import Delays
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.situation import Limits, Situation, first_situation
from federates.worlds.rail.timetable import Index


@dataclass(frozen=True, slots=True)
class Move:
    """A train in a period: it stands (``origin`` = ``destination``) or is under way; stations are indices."""

    train: int
    period: int
    origin: int
    destination: int
    delay_periods: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class _Trip:
    """A trip under way; ``arrival`` is the period from which the train stands at ``destination``, with the known delay."""

    origin: int
    destination: int
    departure: int
    arrival: int
    delay_periods: int = 0


class Fleet:
    """All trains of the operator, from the start of the day on."""

    def __init__(self, network: RailNetwork, delays: Delays) -> None:
        self._network, self._delays = network, delays
        start = first_situation(network)
        self._station, self._ready = start.station.copy(), start.ready.copy()
        self._spent_usd = 0.0
        self._trips: dict[int, _Trip] = {}

    def places(self, limits: Limits) -> Array:
        """Return station and period of each train's next stand (T: not any more this day), and its end (-1: open); (K, 3)."""
        ready = np.minimum(self._ready, self._network.tsn.periods)
        end = np.where(limits.end_free, -1, self._network.end)
        return np.column_stack([self._station, ready, end]).astype(np.float64)

    def situation(self, period: int, limits: Limits) -> Situation:
        """Return what is fixed at the start of ``period``."""
        spent_usd = self._spent_usd + sum(move.cost_usd for train in self._trips for move in self._rest(train, period))
        return Situation(period, self._station.copy(), self._ready.copy(), limits, spent_usd)

    def planned(self, period: int, arc: Index) -> Iterator[Move]:
        """Yield what the trains will do from ``period`` on if they carry out ``arc`` (K, T) and nothing more goes wrong."""
        for train in range(len(arc)):
            yield from self._rest(train, period)
            for later in range(period, self._network.tsn.periods):
                if arc[train, later] >= 0:
                    yield self._move(train, later, self._trip(int(arc[train, later])))

    def advance(self, period: int, arc: Index) -> tuple[list[Move], bool]:
        """Carry out ``period`` of the plan ``arc`` (K, T); return what happened, and whether a train has become (more) late."""
        moves, disturbed = [], False
        for train in range(len(self._station)):
            trip = self._trips.pop(train, None) or self._trip(int(arc[train, period]))
            if trip.origin != trip.destination:
                planned_periods = trip.arrival - trip.departure - trip.delay_periods
                late = self._delays.arising(train, trip.departure, planned_periods, period)
                trip = replace(trip, arrival=trip.arrival + late, delay_periods=trip.delay_periods + late)
                disturbed = disturbed or late > 0
            moves.append(self._move(train, period, trip))
            self._arrive(train, period, trip)
        self._spent_usd += sum(move.cost_usd for move in moves)
        return moves, disturbed

    def _arrive(self, train: int, period: int, trip: _Trip) -> None:
        self._station[train], self._ready[train] = trip.destination, trip.arrival
        if trip.origin != trip.destination and trip.arrival > period + 1:
            self._trips[train] = trip

    def _trip(self, arc: int) -> _Trip:
        tsn = self._network.tsn
        return _Trip(*(int(part[arc]) for part in (tsn.origin, tsn.destination, tsn.start, tsn.end)))

    def _rest(self, train: int, period: int) -> Iterator[Move]:
        """Yield the rest, from ``period`` to the end of the day, of the trip that ``train`` is on."""
        trip = self._trips.get(train)
        if trip is not None:
            for later in range(period, min(trip.arrival, self._network.tsn.periods)):
                yield self._move(train, later, trip)

    def _move(self, train: int, period: int, trip: _Trip) -> Move:
        cost_usd = 0.0
        if trip.origin != trip.destination:
            cost_usd = float(self._network.motion_usd[train, trip.origin, trip.destination])
            if period == trip.departure:
                cost_usd += float(self._network.trip_usd[train, trip.origin, trip.destination])
        return Move(train, period, trip.origin, trip.destination, trip.delay_periods, cost_usd)
