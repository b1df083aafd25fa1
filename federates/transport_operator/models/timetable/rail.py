"""Trains by timetable: the same courses through the day, whatever is asked and paid.

All that the operator decides is which of several interchangeable trains runs which of their courses, and only before the day
begins: min f_T(I) - lambda . I is f_T less the best assignment of courses to trains, which is answer and bound at once. f_T =
trips x cost of a trip. Whoever coordinates may exchange interchangeable trains, so the set of connections must allow it too.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.transport_operator.models.timetable.settings import TimetableSettings, TrainDeparture
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.timetable import Index
from federates.worlds.rail.trains import alike_trains, at_home
from federates.worlds.rail.world import CONNECTION
from federates.worlds.road.messages import LinkObservation

_SAME = 1e-9


class RailTimetable(TransportOperator):
    """Trains that leave as `TimetableSettings.departures` says; in the schemes without mobile storage they stay at home."""

    Settings = TimetableSettings

    def begin(self, session: RailSession, recorder: Recorder) -> None:
        """Lay the timetable out: where each train is, or is going, in every period."""
        self._session, self._recorder = session, recorder
        self._mobile = session.scheme is RailScheme.MOBILE
        trips = self.settings.departures if self._mobile else ()
        self._origin, self._destination, self._left = _courses(trips, session)
        stands = (self._origin == self._destination) & self._mobile
        self._connection = np.zeros(session.connection_shape)
        trains, periods = np.nonzero(stands)
        self._connection[trains, self._origin[stands], periods] = 1.0
        self._cost_usd = self.settings.cost_usd_per_trip * len(trips)
        self._started = False

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Return each train's next stand, and its end (K, 3): station, period from which, and home."""
        self._period = period
        last = self._session.periods - 1
        places = at_home(self._session)
        for k in range(len(places)):
            if period > last:
                places[k, :2] = (self._destination[k, last], period)
            elif self._left[k, period] == period:
                places[k, :2] = (self._origin[k, period], period)  # stands, or is about to leave
            else:
                same_trip = self._left[k] == self._left[k, period]
                places[k, :2] = (self._destination[k, period], np.flatnonzero(same_trip)[-1] + 1)
        return places

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the timetable, by the trains that are paid most for it."""
        price_usd = prices[CONNECTION.name]
        connection = self._open[self._courses_by_train(price_usd)]
        bound_usd = lower_sum([self._cost_usd, lower_dot(-price_usd, connection)])
        return Answer({CONNECTION.name: connection}, self._cost_usd, bound_usd, None, BoundKind.EXACT)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the timetable, by the trains that are asked for it."""
        connection = self._open[self._courses_by_train(given[CONNECTION.name])]
        return Answer({CONNECTION.name: connection}, self._cost_usd, self._cost_usd, None, BoundKind.EXACT)

    def commit(self, given: Quantities) -> None:
        """Carry out the period of the timetable."""
        if self._mobile:
            if not self._started:
                self._start(self._courses_by_train(given[CONNECTION.name]))
            self._record("realised", self._session.periods, self._period)
            moving = int((self._origin != self._destination)[:, self._period].sum())
            self._recorder.progress(period=self._period, trains_moving=moving, trains_late=0)

    @property
    def _open(self) -> Array:
        """Return what is left of the timetable, (K, S, H)."""
        return self._connection[:, :, self._period :]

    def _courses_by_train(self, worth: Array) -> Index:
        """Return whose course each train runs (K,) so that what stands in ``worth`` (K, S, H) is most; of equals its own."""
        course = np.arange(len(self._session.trains))
        if not self._started:
            for group in alike_trains(self._session):
                each = list(group)
                value = (worth[each][:, None] * self._open[each][None]).sum(axis=(2, 3))
                train, chosen = linear_sum_assignment(value, maximize=True)
                if value[train, chosen].sum() > np.trace(value) + _SAME * max(1.0, float(np.abs(value).max())):
                    course[each] = np.array(each)[chosen]
        return course

    def _start(self, course: Index) -> None:
        """Keep to these courses for the day."""
        for name in ("_origin", "_destination", "_left", "_connection"):
            setattr(self, name, getattr(self, name)[course])
        self._started = True
        for period in range(self._session.periods):
            self._record("planned", 0, period)

    def _record(self, phase: str, planned_in: int, period: int) -> None:
        for k, train in enumerate(self._session.trains):
            origin, destination = int(self._origin[k, period]), int(self._destination[k, period])
            leaves = origin != destination and self._left[k, period] == period
            self._recorder.record(
                "train_moves",
                phase=phase,
                planned_in=planned_in,
                train=train.name,
                period=period,
                origin=self._session.stations[origin],
                destination=self._session.stations[destination],
                delay_periods=0,
                cost_usd=self.settings.cost_usd_per_trip if leaves else 0.0,
            )


def _courses(trips: tuple[TrainDeparture, ...], session: RailSession) -> tuple[Index, Index, Index]:
    """Return for every train and period (K, T) the stations it is between (the same: it stands), and when it left."""
    names, trains = session.stations, [train.name for train in session.trains]
    shape = (len(trains), session.periods)
    home = np.array([names.index(train.home) for train in session.trains], dtype=np.int64).reshape(-1, 1)
    origin, destination = np.broadcast_to(home, shape).copy(), np.broadcast_to(home, shape).copy()
    left = np.broadcast_to(np.arange(session.periods), shape).copy()
    for trip in sorted(trips, key=lambda trip: trip.period):
        k, start = trains.index(trip.train), trip.period
        leaves, reaches = names.index(trip.origin), names.index(trip.destination)
        arrival = start + session.trip_periods[leaves][reaches]
        origin[k, start:arrival], destination[k, start:arrival], left[k, start:arrival] = leaves, reaches, start
        origin[k, arrival:] = destination[k, arrival:] = reaches
    return origin, destination, left
