"""Base of traffic models that know a time per link and period, and of all vehicles only the mobile storages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import FLEETS, ROAD
from federates.boundary.roles import Recorder, TrafficModel
from federates.traffic_sumo.tables import record_observation, record_trip
from federates.traffic_sumo.trips import Trip, check_routes, plan_trips
from federates.worlds.road.messages import Departure, LinkObservation, StationObservation, TrafficObservation
from federates.worlds.road.session import RoadSession


@dataclass(slots=True)
class _Drive:
    """A mobile storage on the road: how many links of its route it has driven, and when it is at the end of the last of them."""

    trip: Trip
    driven: int
    at_s: float

    @property
    def there(self) -> bool:
        return self.driven == len(self.trip.route)


class LinkTimeTraffic(TrafficModel):
    """Moves mobile storages by the time of each link in the period in which they enter it; a subclass says the times.

    Storages leave an RCS evenly over the period, as in SUMO, and may arrive in a later one. None is lost: in every period, sent =
    arrived + on the road. Each subclass calls `prepare` in its ``begin``, and writes `observe_links` and `passing_veh`.
    """

    worlds = (ROAD, FLEETS)

    def prepare(
        self, session: RoadSession, recorder: Recorder, ends: Mapping[str, tuple[str, str]], station_junction: Mapping[str, str]
    ) -> None:
        """Begin with an empty road; ``ends`` are the junctions of each link, ``station_junction`` where the stations lie."""
        self._session, self._recorder = session, recorder
        self._ends, self._station_junction = ends, station_junction
        self._drives: list[_Drive] = []

    @abstractmethod
    def observe_links(self, period: int) -> LinkObservation:
        """Return the means of ``period``; `entering` tells which storages enter the links at given times."""

    @abstractmethod
    def passing_veh(self, period: int) -> Array:
        """Return the vehicles that pass each station in each bin, without mobile storages, shape (S, B)."""

    def entering(self, period: int, time_s: Array) -> Array:
        """Return how many mobile storages enter each link in ``period`` if links take ``time_s`` (L,) in it: shape (L,)."""
        entered = np.zeros(len(self._session.links))
        for drive in self._drives:
            for link in self._on_from(drive, period, time_s)[0]:
                entered[link] += 1
        return entered

    def run(self, period: int, departures: list[Departure]) -> TrafficObservation:
        """Send the period's storages, see the links, move every storage on."""
        session = self._session
        check_routes(departures, self._ends, self._station_junction)
        begin_s, end_s = period * session.period_s, (period + 1) * session.period_s
        arrivals = np.zeros((len(session.stations), session.bins_per_period))
        for trip in plan_trips(period, begin_s, session.period_s, 0.0, departures):
            trip.depart_s = trip.planned_s
            self._drives.append(_Drive(trip, 0, trip.planned_s))
            # It came to the resourceful station to be charged, so it counts as an arrival there.
            arrivals[session.stations.index(trip.origin), self._bin(trip.planned_s - begin_s)] += 1
        sent = int(arrivals.sum())
        links = self.observe_links(period)
        for drive in self._drives:
            entered, drive.at_s = self._on_from(drive, period, links.travel_time_s)
            drive.driven += len(entered)
        arrived = [drive for drive in self._drives if drive.there and drive.at_s < end_s]
        self._drives = [drive for drive in self._drives if not (drive.there and drive.at_s < end_s)]
        for drive in arrived:
            arrivals[session.stations.index(drive.trip.destination), self._bin(drive.at_s - begin_s)] += 1
            self._leave(drive, round(drive.at_s, 2))
        observation = TrafficObservation(links, StationObservation(self.passing_veh(period), arrivals))
        record_observation(self._recorder, session, period, observation)
        progress = {"mves_sent": sent, "mves_arrived": len(arrived), "mves_on_road": len(self._drives)}
        self._recorder.progress(period=period, **progress)
        if period == session.periods - 1:
            self.close()
        return observation

    def close(self) -> None:
        """Record the storages that did not arrive."""
        for drive in getattr(self, "_drives", []):
            self._leave(drive, -1.0)
        self._drives = []

    def _on_from(self, drive: _Drive, period: int, time_s: Array) -> tuple[list[int], float]:
        """Return the links that a storage enters in ``period``, and when it is at the end of the last of them."""
        end_s, at_s, entered = (period + 1) * self._session.period_s, drive.at_s, []
        for name in drive.trip.route[drive.driven :]:
            if at_s >= end_s:
                break
            link = self._session.links.index(name)
            entered.append(link)
            at_s += float(time_s[link])
        return entered, at_s

    def _leave(self, drive: _Drive, arrive_s: float) -> None:
        drive.trip.arrive_s = arrive_s
        record_trip(self._recorder, drive.trip)

    def _bin(self, since_begin_s: float) -> int:
        bins = self._session.bins_per_period
        return min(int(since_begin_s * bins / self._session.period_s), bins - 1)
