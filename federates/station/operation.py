"""What happened at one station in a period, from the counts: feeder load without and with mobile storage, and its batteries.

The spots are controlled bin by bin, by what is known in the bin: the load of the feeder and who is at the station.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.roles import Recorder
from federates.boundary.units import hours
from federates.station.chain import ChargerState
from federates.station.charging import ChargingSpots
from federates.station.discharge import DischargeSpots
from federates.station.queues import Array
from federates.station.settings import StationRules
from federates.station.station import StationModel
from federates.worlds.road.session import RoadSession


@dataclass(frozen=True, slots=True)
class ChargingPeriod:
    """A period at a resourceful station."""

    drawn_kwh: float
    """What its feeder gave."""
    carried_kwh: Array
    """In the batteries of the vehicles that left, (bins,)."""
    short_kwh: float
    """What these lack to a full charge."""
    waiting_veh_h: Array
    """Hours that charged vehicles wait until they leave, (bins,)."""


@dataclass(frozen=True, slots=True)
class DischargingPeriod:
    """A period at a limited station."""

    feeder_kwh: float
    """What its feeder got."""
    battery_kwh: Array
    """What came out of batteries for it, (bins,)."""
    unmet_kwh: Array
    """Energy above the feeder limit all the same, (bins,)."""
    waiting_veh_h: Array
    """Hours that vehicles wait beyond the time that giving takes, (bins,)."""
    mean_load_kw: float
    """Load of the feeder, mobile storage taken off."""


class StationOperation:
    """Moves the chargers of a station on by what was counted, and records ``feeder_load`` and ``mves_stock``."""

    def __init__(
        self, station: StationModel, rules: StationRules, session: RoadSession, recorder: Recorder, waiting_usd_per_h: float
    ) -> None:
        self.station = station
        self._rules = rules
        self._session = session
        self._recorder = recorder
        self._waiting_usd_per_h = waiting_usd_per_h
        self._bin_h = hours(session.period_s) / session.bins_per_period

    def _states(self, passing_veh: Array) -> list[tuple[float, ChargerState]]:
        """Return flow, veh/h, and state of the chargers in each bin."""
        flows = [float(passing) / self._bin_h for passing in passing_veh]
        arrivals = self._rules.demand.arrivals_per_passing
        return [(flow, self.station.chain.step(arrivals * flow, self._bin_h)) for flow in flows]

    def _feeder_row(self, period: int, b: int, flow: float, state: ChargerState, mves_kw: float) -> None:
        limit_kw = self.station.settings.feeder_limit_kw
        bin_s = self._session.period_s / self._session.bins_per_period
        self._recorder.record(
            "feeder_load",
            period=period,
            bin=b,
            time_s=period * self._session.period_s + b * bin_s,
            duration_s=bin_s,
            station=self.station.name,
            passing_veh_per_h=flow,
            pev_arrivals_per_h=self._rules.demand.arrivals_per_passing * flow,
            load_without_kw=state.mean_kw,
            mves_kw=mves_kw,
            load_with_kw=state.mean_kw - mves_kw,
            limit_kw=limit_kw,
            overload_probability_without=state.exceeds(limit_kw),
            overload_probability_with=state.exceeds(limit_kw + mves_kw),
            blocking_probability=state.all_busy,
        )

    def _stock_row(
        self,
        period: int,
        b: int,
        vehicles: float,
        ledger_kwh: tuple[float, float, float],
        parked_veh: float,
        waiting_veh_h: float,
    ) -> None:
        """Record what came into batteries at the station, what went out of them, and what is in them at the end of the bin."""
        self._recorder.record(
            "mves_stock",
            period=period,
            bin=b,
            station=self.station.name,
            kind=self.station.kind,
            vehicles=vehicles,
            into_kwh=ledger_kwh[0],
            out_kwh=ledger_kwh[1],
            stock_kwh=ledger_kwh[2],
            parked_veh=parked_veh,
            waiting_veh_h=waiting_veh_h,
            waiting_usd=waiting_veh_h * self._waiting_usd_per_h,
        )


class ResourcefulOperation(StationOperation):
    """Charges the vehicles that leave, no faster than the feeder has energy to spare."""

    def __init__(
        self, station: StationModel, rules: StationRules, session: RoadSession, recorder: Recorder, waiting_usd_per_h: float
    ) -> None:
        super().__init__(station, rules, session, recorder, waiting_usd_per_h)
        self.spots = ChargingSpots(station.spots * station.settings.mves_spot_kw * self._bin_h, rules.mves.energy_kwh)

    def charge(
        self,
        period: int,
        passing_veh: Array,
        leaving_veh: Array,
        leaving_kwh: Array,
        kwh_per_vehicle: float,
        share: float = 1.0,
    ) -> ChargingPeriod:
        """Charge through ``period``.

        Parameters
        ----------
        passing_veh, leaving_veh : vehicles that passed, and mobile storages that left, (bins,).
        leaving_kwh : what the latter should have in their batteries, (bins,); one of them ``kwh_per_vehicle``.
        share : part of the feeder's room and of the spots that these vehicles have; others have the rest.
        """
        efficiency = self._rules.mves.charge_efficiency
        drawn_kwh = short_kwh = 0.0
        carried_kwh, waiting_veh_h = np.zeros(len(leaving_veh)), np.zeros(len(leaving_veh))
        for b, (flow, state) in enumerate(self._states(passing_veh)):
            room_kwh = efficiency * max(0.0, self.station.settings.feeder_limit_kw - state.mean_kw) * self._bin_h
            if share < 1.0:
                room_kwh = share * min(room_kwh, self.spots.most_kwh)
            charged = self.spots.step_kwh(b, float(leaving_kwh[b]), room_kwh)
            short_kwh += charged.short_kwh
            drawn_kwh += charged.into_kwh / efficiency
            self._feeder_row(period, b, flow, state, 0.0 - charged.into_kwh / efficiency / self._bin_h)
            ready_veh = self.spots.battery_kwh / kwh_per_vehicle
            carried_kwh[b], waiting_veh_h[b] = charged.carried_kwh, ready_veh * self._bin_h
            ledger = (charged.into_kwh, charged.carried_kwh, self.spots.battery_kwh)
            self._stock_row(period, b, float(leaving_veh[b]), ledger, ready_veh, float(waiting_veh_h[b]))
        return ChargingPeriod(drawn_kwh, carried_kwh, short_kwh, waiting_veh_h)


class LimitedOperation(StationOperation):
    """Lets parked vehicles give what holds the feeder at its limit."""

    def __init__(
        self, station: StationModel, rules: StationRules, session: RoadSession, recorder: Recorder, waiting_usd_per_h: float
    ) -> None:
        super().__init__(station, rules, session, recorder, waiting_usd_per_h)
        m = rules.mves
        self.spots = DischargeSpots(station.spots, station.settings.mves_spot_kw, m.discharge_efficiency, hours(m.most_wait_s))

    def discharge(self, period: int, passing_veh: Array, arriving_veh: Array, arriving_kwh: Array) -> DischargingPeriod:
        """Go through ``period``: vehicles that passed, mobile storages that arrived, and what these held, each (bins,)."""
        limit_kw = self.station.settings.feeder_limit_kw
        held_kw = (1.0 - self._rules.margins.control_share) * limit_kw
        loads, feeder_kwh = [], 0.0
        battery_kwh, unmet_kwh, waiting_veh_h = np.zeros((3, len(arriving_veh)))
        for b, (flow, state) in enumerate(self._states(passing_veh)):
            begin_h = period * hours(self._session.period_s) + b * self._bin_h
            wanted_kw = max(0.0, state.mean_kw - held_kw)
            kwh = float(arriving_kwh[b])
            given = self.spots.step(begin_h, self._bin_h, float(arriving_veh[b]), kwh, wanted_kw, state.mean_kw)
            feeder_kwh += given.feeder_kwh
            mves_kw = given.feeder_kwh / self._bin_h
            loads.append(state.mean_kw - mves_kw)
            battery_kwh[b], waiting_veh_h[b] = given.battery_kwh, given.waiting_veh_h
            unmet_kwh[b] = max(0.0, state.mean_kw - mves_kw - limit_kw) * self._bin_h
            self._feeder_row(period, b, flow, state, mves_kw)
            ledger = (kwh, given.battery_kwh, self.spots.battery_kwh)
            self._stock_row(period, b, float(arriving_veh[b]), ledger, self.spots.parked_veh, given.waiting_veh_h)
        return DischargingPeriod(feeder_kwh, battery_kwh, unmet_kwh, waiting_veh_h, float(np.mean(loads)))
