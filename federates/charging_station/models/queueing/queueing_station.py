"""Charging station as a queue of its own (Chen et al., IEEE Network 33(6), 2019).

Plug-in vehicles are served by the chain M/M/c/K; mobile storages by spots. Every period it forecasts what its feeder needs or can
spare, tells it, and keeps account of what fleets brought or took. Formulas and choices: docs/charging_station.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Array
from federates.boundary.names import FLEETS
from federates.boundary.roles import ChargingStation, Recorder
from federates.charging_station.models.queueing.settings import QueueingSettings, find_problems, spot_flow_per_h
from federates.charging_station.models.queueing.sides import LimitedSide, MobileSide, ResourcefulSide, Served
from federates.station.forecast import read_history
from federates.station.outlook import station_outlook
from federates.station.station import build_station, chargers_of
from federates.worlds.fleets.messages import Balance
from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.messages import Gate


class QueueingStation(ChargingStation):
    """See the module's text; settings: `settings.QueueingSettings`."""

    Settings: ClassVar[type[Config]] = QueueingSettings
    worlds = (FLEETS,)

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: QueueingSettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: FleetSession) -> list[Problem]:
        """Return everything wrong with the station's settings and the history file."""
        return find_problems(settings, folder, session)

    def begin(self, session: FleetSession, recorder: Recorder) -> None:
        """Size the station and record it."""
        self._session, self._recorder = session, recorder
        (self._name,) = session.stations
        resourceful = self._name in session.resourceful_stations
        s = self.settings
        _, columns = read_history(self.folder, s.forecast.history_file, [s.shape])
        chargers = chargers_of(s, s)
        flow = spot_flow_per_h(s, session, chargers)
        self._station = build_station(self._name, s, s, columns[s.shape], session, chargers=chargers, spot_flow_per_h=flow)
        side = ResourcefulSide if resourceful else LimitedSide
        self._side: MobileSide = side(self._station, s, session, recorder)
        recorder.record(
            "stations",
            station=self._name,
            kind=self._station.kind,
            feeder_limit_kw=s.feeder_limit_kw,
            chargers=chargers,
            charger_kw=s.charger_kw,
            spots=self._station.spots,
        )

    def open_period(self, period: int, heard: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Account for ``period - 1``, learn from it, and tell gate, balance and receipts."""
        receipts = np.zeros((len(self._session.fleets), 3))
        if heard is not None:
            receipts = self._take_in(period - 1, heard)
        if period >= self._session.periods:
            self._close(period)
        session = self._session
        outlook = station_outlook(
            self._station, session, period, session.horizon_periods, self.settings.demand, self.settings.margins
        )
        need, surplus, due = self._side.balance(period, outlook)
        service_s, flow = self._side.service_s, self._side.flow_veh_per_h(period, outlook)
        wait_s = self._side.wait_s(flow)
        self._told = {
            "told_time_s": service_s + wait_s,
            "told_wait_s": wait_s,
            "expected_veh_per_h": flow,
            "reserved_spots": self._side.reserved_spots(period),
            "spots": float(self._station.spots),
        }
        return {
            "gate": Gate(np.array([service_s + wait_s]), np.array([float(self._station.spots)])),
            "balance": Balance(need[None], surplus[None], due[None]),
            "receipts": receipts[None],
        }

    def _take_in(self, period: int, heard: Mapping[str, Any]) -> Array:
        """Go through ``period`` and return its receipts, (F, 3)."""
        seen = heard["stations"]
        passing_veh = np.asarray(seen.passing_veh[0])
        served = self._side.take_in(period, passing_veh, np.asarray(seen.arrivals_veh[0]), np.asarray(heard["allotments"][0]))
        self._station.forecast.observe(period, float(passing_veh.sum()))
        self._record(period, served)
        return served.receipts

    def _record(self, period: int, served: Served) -> None:
        for fleet, (vehicles, battery_kwh, feeder_kwh) in zip(self._session.fleets, served.receipts.tolist(), strict=True):
            self._recorder.record(
                "station_receipts",
                period=period,
                station=self._name,
                kind=self._station.kind,
                fleet=fleet,
                vehicles=vehicles,
                battery_kwh=battery_kwh,
                feeder_kwh=feeder_kwh,
            )
        self._recorder.record(
            "station_waiting",
            period=period,
            station=self._name,
            kind=self._station.kind,
            **self._told,
            vehicles=float(served.receipts[:, 0].sum()),
            unknown_veh=served.unknown_veh,
            waiting_veh_h=served.waiting_veh_h,
        )
        if served.load_kw is not None:
            shown = {f"{self._name}_load_kw": round(served.load_kw, 1), f"{self._name}_limit_kw": self.settings.feeder_limit_kw}
            self._recorder.progress(period=period, **shown)

    def _close(self, period: int) -> None:
        """Record where the day's energy is."""
        account = self._side.account(period)
        self._recorder.record("station_energy", station=self._name, kind=self._station.kind, **account)
