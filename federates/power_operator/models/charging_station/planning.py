"""From forecast, fleet and road times to the numbers of a programme; keeps the programme while they stay the same."""

from __future__ import annotations

import math

import numpy as np

from federates.boundary.session import RoadSession
from federates.boundary.units import hours
from federates.power_operator.models.charging_station.delivery import Fleet, lag_shares
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.outlook import Outlook, look_ahead
from federates.power_operator.models.charging_station.programme import PlanData, Programme
from federates.power_operator.models.charging_station.queues import Array
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.power_operator.models.charging_station.station import StationModel

__all__ = ["Planner"]


class Planner:
    """Builds the programme of the opened period; call `open` first."""

    def __init__(
        self, settings: ChargingStationSettings, session: RoadSession, stations: list[StationModel], fleets: dict[str, Fleet]
    ) -> None:
        self.energy = StorageEnergy(settings.mves)
        self._settings = settings
        self._session = session
        self._stations = stations
        self._fleets = fleets
        self._count_r = len(session.resourceful_stations)
        self._outlook: Outlook | None = None
        self._period = -1

    @property
    def outlook(self) -> Outlook:
        """Return the forecast behind the present programme."""
        if self._outlook is None:
            raise RuntimeError("no programme was built in this period")
        return self._outlook

    def open(self, period: int, remaining_kwh: Array, delivery_delay_s: Array, gate_time_s: Array) -> None:
        """Begin ``period``; what is given of each station: time to the middle of its discharge, time at the gate (both (S,)).

        ``remaining_kwh``, shape (Q,), is what vehicles at the limited stations still hold.
        """
        if period != self._period:
            self._outlook = None
        self._period = period
        self._remaining_kwh = remaining_kwh
        self._delay_s = delivery_delay_s
        self._gate_time_s = gate_time_s
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
        horizon, count = self._session.horizon_periods, self._count_r
        delay_s = road_time_s + self._delay_s[None, count:]
        if self._settings.mves.charging_delays:
            delay_s = delay_s + self._gate_time_s[:count, None]
        share = lag_shares(delay_s, self._session.period_s)
        periods = horizon + share.shape[2] - 1
        outlook = self._look(periods)
        due_kwh, due_veh = zip(*(self._fleets[q].due(self._period, periods) for q in self._session.limited_stations), strict=True)
        due = np.array(due_kwh)
        due[:, 0] += self._remaining_kwh
        period_h = hours(self._session.period_s)
        spots_veh = period_h * np.array([s.spot_flow_per_h for s in self._stations])
        return PlanData(
            period=self._period,
            cost_usd=self._cost_usd(road_time_s),
            kwh_per_vehicle=self.energy.delivered_kwh(road_time_s, self.energy.counts_traction),
            share=share,
            need_kwh=outlook.need_kwh[:, :periods] * _reach(share, horizon),
            due_kwh=due,
            surplus_veh=outlook.surplus_kwh[:, :horizon] / self.energy.drawn_kwh,
            charging_veh=np.repeat(spots_veh[:count, None], horizon, axis=1),
            discharging_veh=np.maximum(spots_veh[count:, None] - np.array(due_veh), 0.0),
            unmet_usd_per_kwh=self._settings.costs.unmet_usd_per_kwh,
        )

    def _look(self, periods: int) -> Outlook:
        """Return the outlook, made anew only when more periods are asked for than before."""
        if self._outlook is None or self._outlook.need_kwh.shape[1] < periods:
            s = self._settings
            self._outlook = look_ahead(self._stations, self._session, self._period, periods, s.demand, s.margins)
        return self._outlook

    def _cost_usd(self, road_time_s: Array) -> Array:
        """Return energy and reward per vehicle, shape (R, Q, H)."""
        c, count, horizon = self._settings.costs, self._count_r, self._session.horizon_periods
        paid_h = (road_time_s + self._gate_time_s[:count, None] + self._gate_time_s[None, count:]) / 3600.0
        reward = c.reward_usd_per_trip + c.reward_usd_per_h * paid_h
        price = np.array([self._price_usd_per_kwh(self._period + t) for t in range(horizon)])
        return np.asarray(reward[:, :, None] + self.energy.drawn_kwh * price[None, None, :])

    def _price_usd_per_kwh(self, period: int) -> float:
        price = self._settings.costs.energy_price_usd_per_kwh
        if not isinstance(price, list):
            return price
        return price[math.floor(self._session.hour_of_day(period))]


def _reach(share: Array, horizon: int) -> Array:
    """Return which part of each period's need departures within the horizon can be asked to cover, shape (Q, H + L - 1).

    All of it within the horizon. Of the periods after it, only the part that vehicles would bring that left before
    its end, had they left evenly; else the end of the horizon would ask for vehicles that later ones replace.
    """
    late = np.cumsum(share[:, :, ::-1], axis=2)[:, :, ::-1].mean(axis=0)
    reach = np.ones((share.shape[1], horizon + share.shape[2] - 1))
    reach[:, horizon:] = late[:, 1:]
    return reach
