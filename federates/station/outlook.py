"""What one station expects of the periods ahead: passing vehicles, energy above its feeder limit, energy left below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.units import hours
from federates.station.queues import Array
from federates.station.settings import Demand, Margins
from federates.station.station import StationModel
from federates.worlds.road.session import RoadSession


@dataclass(frozen=True, slots=True)
class StationOutlook:
    """Forecast of one station, each of shape (periods, bins)."""

    flow_veh_per_h: Array
    """Vehicles that pass."""
    need_kwh: Array
    """Energy above what parked vehicles hold the load at, with margin."""
    room_kwh: Array
    """Energy that the feeder can still give."""


def station_outlook(
    station: StationModel, session: RoadSession, period: int, periods: int, demand: Demand, margins: Margins
) -> StationOutlook:
    """Return the outlook for ``periods`` from ``period`` on; the station itself is not moved on."""
    flow, load_kw = _expected(station, session, period, periods, demand, margins)
    bin_h = hours(session.period_s) / session.bins_per_period
    limit_kw = station.settings.feeder_limit_kw
    above_kwh = np.maximum(load_kw - (1.0 - margins.control_share) * limit_kw, 0.0) * bin_h
    room_kwh = np.maximum(limit_kw - load_kw, 0.0) * bin_h
    return StationOutlook(flow, above_kwh * (1.0 + margins.margin_share), room_kwh)


def _expected(
    station: StationModel, session: RoadSession, period: int, periods: int, demand: Demand, margins: Margins
) -> tuple[Array, Array]:
    """Return forecast flow in veh/h and planned load in kW, each of shape (periods, bins)."""
    flow = station.forecast.flow_veh_per_h(period, periods, session.bins_per_period)
    chain = station.chain.copy()
    bin_h = hours(session.period_s) / session.bins_per_period
    arrivals = demand.arrivals_per_passing * flow
    load = np.array([chain.step(float(a), bin_h).mean_kw for a in arrivals.ravel()]).reshape(arrivals.shape)
    error = min(margins.error_factor * station.forecast.error_share, margins.error_limit)
    return flow, load * (1.0 + error)
