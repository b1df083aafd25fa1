"""What the plan must cover: forecast need of the limited stations and what the resourceful ones have left, bin by bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.units import hours
from federates.power_operator.models.charging_station.queues import Array
from federates.power_operator.models.charging_station.settings import Demand, Margins
from federates.power_operator.models.charging_station.station import StationModel
from federates.worlds.road.session import RoadSession

__all__ = ["Outlook", "look_ahead"]


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
    bin_h = hours(session.period_s) / session.bins_per_period
    flow, load = zip(*(_expected(s, session, period, periods, demand, margins) for s in stations), strict=True)
    load_kw, limit_kw = np.array(load), np.array([s.settings.feeder_limit_kw for s in stations])[:, None, None]
    above = np.maximum(load_kw - (1.0 - margins.control_share) * limit_kw, 0.0) * bin_h
    below = np.maximum(limit_kw - load_kw, 0.0) * bin_h
    need = above[count:].reshape(len(stations) - count, -1) * (1.0 + margins.margin_share)
    return Outlook(np.array(flow)[count:].mean(axis=2), need, below[:count])


def _expected(
    station: StationModel, session: RoadSession, period: int, periods: int, demand: Demand, margins: Margins
) -> tuple[Array, Array]:
    """Return forecast flow in veh/h and planned load in kW of one station, each of shape (periods, bins)."""
    flow = station.forecast.flow_veh_per_h(period, periods, session.bins_per_period)
    chain = station.chain.copy()
    bin_h = hours(session.period_s) / session.bins_per_period
    arrivals = demand.arrivals_per_passing * flow
    load = np.array([chain.step(float(a), bin_h).mean_kw for a in arrivals.ravel()]).reshape(arrivals.shape)
    error = min(margins.error_factor * station.forecast.error_share, margins.error_limit)
    return flow, load * (1.0 + error)
