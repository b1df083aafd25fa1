"""What happened in a period, from the counts: feeder load without and with mobile storage, and the energies."""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import StationObservation
from federates.boundary.roles import Recorder
from federates.boundary.session import RoadSession
from federates.boundary.units import hours
from federates.power_operator.models.charging_station.delivery import Fleet
from federates.power_operator.models.charging_station.discharge import DischargeSpots
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.power_operator.models.charging_station.station import StationModel

__all__ = ["Realised"]


class Realised:
    """Moves the stations' chains on by what was counted and records the tables ``feeder_load`` and ``mves_energy``."""

    def __init__(
        self, settings: ChargingStationSettings, session: RoadSession, stations: list[StationModel], recorder: Recorder
    ) -> None:
        self._settings = settings
        self._session = session
        self._stations = stations
        self._recorder = recorder
        self._energy = StorageEnergy(settings.mves)
        self._bin_h = hours(session.period_s) / session.bins_per_period
        efficiency = settings.mves.discharge_efficiency
        self._spots = {s.name: DischargeSpots(s.spots, s.settings.mves_spot_kw, efficiency) for s in stations if s.kind == "lcs"}

    def remaining_kwh(self, station: str, period: int) -> float:
        """Return what vehicles at a limited station will still give after the start of ``period``."""
        return self._spots[station].remaining_kwh(period * hours(self._session.period_s))

    def take_in(self, period: int, seen: StationObservation, fleets: dict[str, Fleet]) -> None:
        """Record ``period``; ``fleets`` already know its arrivals."""
        shown: dict[str, float] = {}
        for i, station in enumerate(self._stations):
            traction_kwh = fleets[station.name].traction_kwh if station.kind == "lcs" else 0.0
            load, mves = [], []
            for b in range(self._session.bins_per_period):
                passing, storages = float(seen.passing_veh[i, b]), float(seen.arrivals_veh[i, b])
                mves_kw = self._mves_kw(station, period, b, storages, traction_kwh)
                load.append(self._feeder_row(station, period, b, passing, mves_kw))
                mves.append(mves_kw)
            self._energy_row(station, period, float(seen.arrivals_veh[i].sum()), float(np.sum(mves)) * self._bin_h, traction_kwh)
            if station.kind == "lcs":
                shown[f"{station.name}_load_kw"] = round(float(np.mean(load) - np.mean(mves)), 1)
                shown[f"{station.name}_limit_kw"] = station.settings.feeder_limit_kw
        self._recorder.progress(period=period, **shown)

    def _mves_kw(self, station: StationModel, period: int, b: int, storages: float, traction_kwh: float) -> float:
        """Return the mean power that mobile storage gives (+) or takes (-) in a bin."""
        if station.kind == "rcs":
            return 0.0 - storages * self._energy.drawn_kwh / self._bin_h
        m = self._settings.mves
        loss_kwh = traction_kwh if self._energy.counts_traction else 0.0
        arrived_kwh = max(0.0, m.energy_kwh * m.retention - loss_kwh)
        begin_h = period * hours(self._session.period_s) + b * self._bin_h
        return self._spots[station.name].step(begin_h, self._bin_h, storages, arrived_kwh) / self._bin_h

    def _feeder_row(self, station: StationModel, period: int, b: int, passing_veh: float, mves_kw: float) -> float:
        flow = passing_veh / self._bin_h
        arrivals_per_h = self._settings.demand.arrivals_per_passing * flow
        state = station.chain.step(arrivals_per_h, self._bin_h)
        limit_kw = station.settings.feeder_limit_kw
        bin_s = self._session.period_s / self._session.bins_per_period
        self._recorder.record(
            "feeder_load",
            period=period,
            bin=b,
            time_s=period * self._session.period_s + b * bin_s,
            duration_s=bin_s,
            station=station.name,
            passing_veh_per_h=flow,
            pev_arrivals_per_h=arrivals_per_h,
            load_without_kw=state.mean_kw,
            mves_kw=mves_kw,
            load_with_kw=state.mean_kw - mves_kw,
            limit_kw=limit_kw,
            overload_probability_without=state.exceeds(limit_kw),
            overload_probability_with=state.exceeds(limit_kw + mves_kw),
            blocking_probability=state.all_busy,
        )
        return state.mean_kw

    def _energy_row(self, station: StationModel, period: int, vehicles: float, feeder_kwh: float, traction_kwh: float) -> None:
        """Record both accountings: traction fed by the driver's own charge, and out of the carried energy."""
        m = self._settings.mves
        carried_kwh = m.retention * m.energy_kwh if station.kind == "lcs" else 0.0
        net_kwh = max(0.0, carried_kwh - traction_kwh)
        self._recorder.record(
            "mves_energy",
            period=period,
            station=station.name,
            kind=station.kind,
            vehicles=vehicles,
            drawn_kwh=vehicles * self._energy.drawn_kwh if station.kind == "rcs" else 0.0,
            traction_kwh=vehicles * traction_kwh,
            delivered_without_traction_kwh=vehicles * m.discharge_efficiency * carried_kwh,
            delivered_with_traction_kwh=vehicles * m.discharge_efficiency * net_kwh,
            traction=m.traction,
            feeder_kwh=feeder_kwh,
        )
