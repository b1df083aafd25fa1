"""Vehicles by timetable: so many may leave per pair and hour, each by its fixed route; what is asked of them is sent.

A period may leave with its share of every hour that it meets, in whole vehicles.

min over 0 <= z <= n of (c - lambda) . z, with n the vehicles of the timetable and c the cost of one, is n where lambda exceeds c,
and 0 elsewhere; its value, the sum of n min(0, c - lambda), is the bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.transport_operator.models.timetable.clock import hours_met, whole_vehicles
from federates.transport_operator.models.timetable.settings import TimetableSettings
from federates.worlds.road.messages import Departure, Gate, LinkObservation
from federates.worlds.road.session import RoadSession
from federates.worlds.road.world import DELIVERY


class RoadTimetable(TransportOperator):
    """Vehicles that may leave as `TimetableSettings.vehicles` says."""

    Settings = TimetableSettings

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Order the timetable by hour and pair."""
        self._session, self._recorder = session, recorder
        self._entries = {
            (e.hour, session.resourceful_stations.index(e.origin), session.limited_stations.index(e.destination)): e
            for e in self.settings.vehicles
        }
        self._link_time_s: dict[str, float] = {}
        self._gate: Gate | None = None

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Return the road times (R, Q) of the timetable's routes in the traffic that was seen last, s."""
        self._period, self._gate = period, None
        if observation is not None:
            seen = zip(self._session.links, observation.travel_time_s.tolist(), strict=True)
            self._link_time_s |= {link: time_s for link, time_s in seen if time_s > 0}
        count, origins, destinations = self._session.horizon_periods, *self._session.connection_shape[:2]
        self._most = np.zeros((origins, destinations, count))
        for ahead in range(count):
            met = hours_met(self._session, period + ahead)
            for (hour, r, q), entry in self._entries.items():
                self._most[r, q, ahead] += whole_vehicles(entry, met.get(hour, 0.0))
        return np.array([[self._road_time_s(self._links(r, q)) for q in range(destinations)] for r in range(origins)])

    def outlook(self) -> dict[str, Any]:
        """Return what the timetable has by pair of stations, over the horizon, and what a vehicle costs."""
        origins, destinations = self._session.resourceful_stations, self._session.limited_stations
        rows = zip(origins, self._most.tolist(), strict=True)
        most_veh = {f"{r} to {q}": most for r, of_r in rows for q, most in zip(destinations, of_r, strict=True)}
        return {"cost_usd_per_veh": self.settings.cost_usd_per_vehicle, "most_veh": most_veh}

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return all vehicles of the timetable that are paid more than they cost."""
        self._gate, price_usd = openings["gate"], prices[DELIVERY.name]
        margin_usd = self.settings.cost_usd_per_vehicle - price_usd
        sent = np.where(margin_usd < 0, self._most, 0.0)
        own_usd = lower_dot(self.settings.cost_usd_per_vehicle, sent)
        bound_usd = lower_sum([own_usd, lower_dot(-price_usd, sent)])
        return Answer({DELIVERY.name: sent}, self._cost_usd(sent), bound_usd, None, BoundKind.EXACT)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return what the timetable has of the vehicles that are asked for."""
        self._gate = openings["gate"]
        sent = np.clip(given[DELIVERY.name], 0.0, self._most)
        return Answer({DELIVERY.name: sent}, self._cost_usd(sent), self._cost_usd(sent), None, BoundKind.EXACT)

    def commit(self, given: Quantities) -> list[Departure]:
        """Send the first period's whole vehicles, each by the route of its pair then."""
        vehicles = np.rint(given[DELIVERY.name][:, :, 0]).astype(int)
        departures = []
        for r, q in np.argwhere(vehicles > 0).tolist():
            links = self._links(r, q)
            ends = self._session.resourceful_stations[r], self._session.limited_stations[q]
            if not links:
                raise ModelError(f"commit: the timetable has no vehicles from {ends[0]} to {ends[1]} in period {self._period}")
            departures.append(Departure(*ends, int(vehicles[r, q]), links))
        for departure in departures:
            self._record(departure)
        self._recorder.progress(period=self._period, vehicles=int(vehicles.sum()), routes=len(departures))
        return departures

    def _links(self, r: int, q: int) -> tuple[str, ...]:
        """Return the route from ``r`` to ``q`` in the opened period; none if the timetable has none then.

        Of several hours it is that of which the period has most, and of equal ones the first.
        """
        met = hours_met(self._session, self._period)
        given = (self._entries.get((hour, r, q)) for hour in sorted(met, key=lambda hour: -met[hour]))
        return next((entry.links for entry in given if entry is not None), ())

    def _road_time_s(self, links: tuple[str, ...]) -> float:
        """Return the time on ``links`` as seen last; the assumed one where a link has not been seen."""
        if not links or any(link not in self._link_time_s for link in links):
            return float(self.settings.road_time_s)
        return sum(self._link_time_s[link] for link in links)

    def _cost_usd(self, sent: Array) -> float:
        return float(self.settings.cost_usd_per_vehicle * sent.sum())

    def _record(self, sent: Departure) -> None:
        time_s = self._road_time_s(sent.links)
        same: dict[str, Any] = {"period": self._period, "origin": sent.origin, "destination": sent.destination}
        same["vehicles"] = sent.vehicles
        self._recorder.record("route_flow", **same, route="|".join(sent.links), road_time_s=time_s)
        if self._gate is None:
            return
        names = self._session.stations
        charging, discharging = (float(self._gate.time_s[names.index(name)]) for name in (sent.origin, sent.destination))
        parts = {"charging_s": charging, "road_time_s": time_s, "discharging_s": discharging}
        self._recorder.record("delivery_forecast", **same, **parts, delivery_time_s=sum(parts.values()))
