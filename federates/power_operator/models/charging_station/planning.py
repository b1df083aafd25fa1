"""From forecast, fleet and road times to the numbers of a programme; keeps the programme while they stay the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from federates.boundary.units import hours
from federates.power_operator.delivery_programme import PlanData, Programme, reach
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.station.charging import chargeable
from federates.station.delivery import Fleet, arrival_shares
from federates.station.discharge import DischargeSpots
from federates.station.energy import StorageEnergy
from federates.station.outlook import station_outlook
from federates.station.queues import Array
from federates.station.settings import Demand, Margins
from federates.station.station import StationModel
from federates.worlds.road.session import RoadSession


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecast for ``n`` periods of B bins from the opened one on."""

    flow_veh_per_h: Array
    """Mean forecast flow past the limited stations, shape (Q, n)."""
    need_kwh: Array
    """Energy above what parked vehicles hold the load at, with margin, shape (Q, n * B)."""
    room_kwh: Array
    """Energy that the resourceful feeders can give, shape (R, n, B)."""


def look_ahead(
    stations: list[StationModel], session: RoadSession, period: int, periods: int, demand: Demand, margins: Margins
) -> Outlook:
    """Return the outlook from the stations' forecasts; the stations themselves are not moved on."""
    count = len(session.resourceful_stations)
    all_ = [station_outlook(s, session, period, periods, demand, margins) for s in stations]
    flow = np.array([o.flow_veh_per_h for o in all_[count:]])
    need = np.array([o.need_kwh.ravel() for o in all_[count:]])
    return Outlook(flow.mean(axis=2), need, np.array([o.room_kwh for o in all_[:count]]))


class Planner:
    """Builds the programme of the opened period; call `open` first."""

    def __init__(
        self,
        settings: ChargingStationSettings,
        session: RoadSession,
        stations: list[StationModel],
        fleets: dict[str, Fleet],
        parked: dict[str, DischargeSpots],
    ) -> None:
        self.energy = StorageEnergy(settings.mves)
        self._settings = settings
        self._session = session
        self._stations = stations
        self._fleets = fleets
        self._parked = parked
        self._count_r = len(session.resourceful_stations)
        self._bin_h = hours(session.period_s) / session.bins_per_period
        self._outlook: Outlook | None = None
        self._period = -1

    @property
    def outlook(self) -> Outlook:
        """Return the forecast behind the present programme."""
        if self._outlook is None:
            raise RuntimeError("no programme was built in this period")
        return self._outlook

    def open(self, period: int, wait_s: Array, service_s: Array) -> None:
        """Begin ``period``; of each station, (S,): expected wait for a free spot and time at it."""
        if period != self._period:
            self._outlook = None
        self._period = period
        self._wait_s, self._service_s = wait_s, service_s
        self._road_time_s: Array | None = None

    def programme(self, road_time_s: Array) -> Programme:
        """Return the programme for these road times, shape (R, Q)."""
        self._prepare(road_time_s)
        return self._programme

    def data(self, road_time_s: Array) -> PlanData:
        """Return the numbers of the programme for these road times."""
        self._prepare(road_time_s)
        return self._data

    def _prepare(self, road_time_s: Array) -> None:
        if self._road_time_s is not None and np.array_equal(self._road_time_s, road_time_s):
            return
        self._road_time_s = np.array(road_time_s, dtype=np.float64)
        self._data = self._numbers(self._road_time_s)
        self._programme = Programme(self._data)

    def _numbers(self, road_time_s: Array) -> PlanData:
        session, horizon = self._session, self._session.horizon_periods
        delay_s = self._delay_s(road_time_s)
        share = arrival_shares(delay_s, session.period_s, session.bins_per_period)
        bins = (horizon - 1) * session.bins_per_period + share.shape[2]
        outlook = self._look(bins // session.bins_per_period)
        delivered = self.energy.delivered_kwh(road_time_s, self.energy.counts_traction)
        due = np.array([self._fleets[q].due(self._period, bins)[0] for q in session.limited_stations])
        stock, holdable = self._now_parked(bins)
        surplus = chargeable(outlook.room_kwh[:, :horizon]) / self.energy.drawn_kwh
        spots_veh = hours(session.period_s) * np.array([s.spot_flow_per_h for s in self._stations[: self._count_r]])
        return PlanData(
            period=self._period,
            cost_usd=np.broadcast_to(self._cost_usd(), session.connection_shape),
            kwh_per_vehicle=delivered,
            share=share,
            need_kwh=outlook.need_kwh[:, :bins] * reach(delay_s, session, bins),
            due_kwh=self._settings.mves.discharge_efficiency * due,
            stock_kwh=stock,
            holdable_kwh=holdable,
            surplus_veh=surplus,
            charging_veh=np.repeat(spots_veh[:, None], horizon, axis=1),
            discharging_kwh=np.array([self._most_given_kwh(s) for s in self._stations[self._count_r :]]),
            waiting_usd_per_kwh=self._settings.costs.waiting_usd_per_h * self._bin_h / np.maximum(delivered.mean(axis=0), 1e-3),
            wait_bins=self._wait_bins(),
            bins=session.bins_per_period,
            unmet_usd_per_kwh=self._settings.costs.unmet_usd_per_kwh,
        )

    def _delay_s(self, road_time_s: Array) -> Array:
        """Return the time from leaving to when the energy is to be there, (R, Q), taken as the middle of the discharge."""
        s, count = self._settings, self._count_r
        delay_s = road_time_s + (self._wait_s + 0.5 * self._service_s)[None, count:] + s.margins.lead_time_s
        if s.mves.charging_delays:
            delay_s = delay_s + (self._wait_s + self._service_s)[:count, None]
        return np.asarray(delay_s)

    def _now_parked(self, bins: int) -> tuple[Array, Array]:
        """Return the energy that is parked, (Q,), and what of it may still wait at the end of each bin, (Q, J)."""
        begin_h = self._period * hours(self._session.period_s)
        ends_h = begin_h + self._bin_h * np.arange(1, bins + 1, dtype=np.float64)
        parked = [self._parked[q] for q in self._session.limited_stations]
        efficiency = self._settings.mves.discharge_efficiency
        return np.array([efficiency * p.battery_kwh for p in parked]), np.array([p.holdable_kwh(ends_h) for p in parked])

    def _most_given_kwh(self, station: StationModel) -> float:
        """Return what the spots give in a bin at the flow that keeps the wait target."""
        used = station.spot_flow_per_h / (station.spots * station.spot_service_per_h)
        power_kw = self._settings.mves.discharge_efficiency * station.settings.mves_spot_kw * station.spots
        return used * power_kw * self._bin_h

    def _wait_bins(self) -> int:
        """Return how many bins energy may wait in the plan, which counts from when it is to be there."""
        s = self._settings
        longest_s = s.mves.most_wait_s - s.margins.lead_time_s - 0.5 * float(self._service_s[self._count_r :].max())
        return max(1, math.floor(hours(longest_s) / self._bin_h + 1e-9))

    def _look(self, periods: int) -> Outlook:
        """Return the outlook, made anew only when more periods are asked for than before."""
        if self._outlook is None or self._outlook.room_kwh.shape[1] < periods:
            s = self._settings
            self._outlook = look_ahead(self._stations, self._session, self._period, periods, s.demand, s.margins)
        return self._outlook

    def _cost_usd(self) -> Array:
        """Return energy and waiting for the lead time per vehicle, shape (1, 1, H); waiting that the plan chooses comes besides.

        What drivers are paid for their trip is no cost: the transport operator's cost has their time (decision 0217).
        """
        session, costs, margins = self._session, self._settings.costs, self._settings.margins
        price = [costs.energy_usd_per_kwh(session.hour_of_day(self._period + t)) for t in range(session.horizon_periods)]
        waiting_usd = costs.waiting_usd_per_h * hours(margins.lead_time_s)
        return np.asarray(waiting_usd + self.energy.drawn_kwh * np.array(price)[None, None, :])
