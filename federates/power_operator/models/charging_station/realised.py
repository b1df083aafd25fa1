"""What happened in a period, from the counts: feeder load without and with mobile storage, and the energies.

The spots are controlled bin by bin, by what is known in the bin: the load of the feeder and who is at the station.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.roles import Recorder
from federates.boundary.units import hours
from federates.power_operator.models.charging_station.chain import ChargerState
from federates.power_operator.models.charging_station.charging import ChargingSpots
from federates.power_operator.models.charging_station.delivery import Fleet
from federates.power_operator.models.charging_station.discharge import DischargeSpots
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.queues import Array
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.power_operator.models.charging_station.station import StationModel
from federates.worlds.road.messages import StationObservation
from federates.worlds.road.session import RoadSession


class Realised:
    """Moves chains and spots on by what was counted; records loads, energies, stocks and what the period cost."""

    def __init__(
        self, settings: ChargingStationSettings, session: RoadSession, stations: list[StationModel], recorder: Recorder
    ) -> None:
        self._settings = settings
        self._session = session
        self._stations = stations
        self._recorder = recorder
        self._energy = StorageEnergy(settings.mves)
        self._bin_h = hours(session.period_s) / session.bins_per_period
        m = settings.mves
        self.parked = {
            s.name: DischargeSpots(s.spots, s.settings.mves_spot_kw, m.discharge_efficiency, hours(m.most_wait_s))
            for s in stations
            if s.kind == "lcs"
        }
        self._charging = {
            s.name: ChargingSpots(s.spots * s.settings.mves_spot_kw * self._bin_h, m.energy_kwh)
            for s in stations
            if s.kind == "rcs"
        }

    def expect(self, station: str, vehicles: float, room_kwh: Array) -> None:
        """Prepare a resourceful station for ``vehicles`` leaving in the period that begins; ``room_kwh`` (bins,) is forecast."""
        self._charging[station].expect(vehicles, self._settings.mves.charge_efficiency * room_kwh)

    def take_in(self, period: int, seen: StationObservation, fleets: dict[str, Fleet]) -> None:
        """Record ``period``; the resourceful stations come first, for what they charged is what arrives."""
        shown: dict[str, float] = {}
        self._drawn_kwh = self._unmet_kwh = self._waiting_veh_h = 0.0
        for i, station in sorted(enumerate(self._stations), key=lambda pair: pair[1].kind != "rcs"):
            states = self._states(station, seen.passing_veh[i])
            if station.kind == "rcs":
                self._charge(station, period, seen.arrivals_veh[i], states, fleets)
            else:
                self._discharge(station, period, seen.arrivals_veh[i], states, fleets[station.name])
                shown[f"{station.name}_load_kw"] = round(self._mean_load_kw, 1)
                shown[f"{station.name}_limit_kw"] = station.settings.feeder_limit_kw
        self._recorder.progress(period=period, **shown)
        self._costs_row(period)

    def _states(self, station: StationModel, passing_veh: Array) -> list[tuple[float, ChargerState]]:
        """Return flow, veh/h, and state of the chargers in each bin."""
        flows = [float(passing) / self._bin_h for passing in passing_veh]
        arrivals = self._settings.demand.arrivals_per_passing
        return [(flow, station.chain.step(arrivals * flow, self._bin_h)) for flow in flows]

    def _charge(
        self,
        station: StationModel,
        period: int,
        leaving_veh: Array,
        states: list[tuple[float, ChargerState]],
        fleets: dict[str, Fleet],
    ) -> None:
        m, spots = self._settings.mves, self._charging[station.name]
        short_kwh = drawn_kwh = 0.0
        for b, (flow, state) in enumerate(states):
            room_kwh = m.charge_efficiency * max(0.0, station.settings.feeder_limit_kw - state.mean_kw) * self._bin_h
            vehicles = float(leaving_veh[b])
            charged = spots.step(b, vehicles, room_kwh)
            short_kwh += charged.short_kwh
            drawn_kwh += charged.into_kwh / m.charge_efficiency
            self._feeder_row(station, period, b, flow, state, 0.0 - charged.into_kwh / m.charge_efficiency / self._bin_h)
            ready_veh = spots.battery_kwh / m.energy_kwh
            waiting_h = ready_veh * self._bin_h
            ledger = (charged.into_kwh, charged.carried_kwh, spots.battery_kwh)
            self._stock_row(station, period, b, vehicles, ledger, ready_veh, waiting_h)
        self._drawn_kwh += drawn_kwh
        self._leave_short(station.name, short_kwh, fleets)
        self._energy_row(station, period, float(leaving_veh.sum()), drawn_kwh, 0.0, -drawn_kwh, 0.0)

    def _leave_short(self, station: str, short_kwh: float, fleets: dict[str, Fleet]) -> None:
        """Tell the fleets what their vehicles of this station lack: it does not arrive."""
        vehicles = sum(fleet.sent_from(station) for fleet in fleets.values())
        if short_kwh > 0.0 and vehicles > 0.0:
            for fleet in fleets.values():
                fleet.leave_short(station, self._settings.mves.retention * short_kwh / vehicles)

    def _discharge(
        self, station: StationModel, period: int, storages: Array, states: list[tuple[float, ChargerState]], fleet: Fleet
    ) -> None:
        spots, limit_kw = self.parked[station.name], station.settings.feeder_limit_kw
        arriving_kwh = fleet.arrive(period, storages)
        held_kw = (1.0 - self._settings.margins.control_share) * limit_kw
        loads, feeder_kwh = [], 0.0
        for b, (flow, state) in enumerate(states):
            begin_h = period * hours(self._session.period_s) + b * self._bin_h
            wanted_kw = max(0.0, state.mean_kw - held_kw)
            kwh = float(arriving_kwh[b])
            given = spots.step(begin_h, self._bin_h, float(storages[b]), kwh, wanted_kw, state.mean_kw)
            feeder_kwh += given.feeder_kwh
            loads.append(state.mean_kw - given.feeder_kwh / self._bin_h)
            self._feeder_row(station, period, b, flow, state, given.feeder_kwh / self._bin_h)
            ledger = (kwh, given.battery_kwh, spots.battery_kwh)
            self._stock_row(station, period, b, float(storages[b]), ledger, spots.parked_veh, given.waiting_veh_h)
        self._mean_load_kw = float(np.mean(loads))
        self._energy_row(station, period, float(storages.sum()), 0.0, fleet.traction_kwh, feeder_kwh, float(arriving_kwh.sum()))

    def _feeder_row(self, station: StationModel, period: int, b: int, flow: float, state: ChargerState, mves_kw: float) -> None:
        limit_kw = station.settings.feeder_limit_kw
        if station.kind == "lcs":
            self._unmet_kwh += max(0.0, state.mean_kw - mves_kw - limit_kw) * self._bin_h
        bin_s = self._session.period_s / self._session.bins_per_period
        self._recorder.record(
            "feeder_load",
            period=period,
            bin=b,
            time_s=period * self._session.period_s + b * bin_s,
            duration_s=bin_s,
            station=station.name,
            passing_veh_per_h=flow,
            pev_arrivals_per_h=self._settings.demand.arrivals_per_passing * flow,
            load_without_kw=state.mean_kw,
            mves_kw=mves_kw,
            load_with_kw=state.mean_kw - mves_kw,
            limit_kw=limit_kw,
            overload_probability_without=state.exceeds(limit_kw),
            overload_probability_with=state.exceeds(limit_kw + mves_kw),
            blocking_probability=state.all_busy,
        )

    def _costs_row(self, period: int) -> None:
        """Record what the period cost the power operator; what it pays to others for the deliveries is no part of it."""
        costs = self._settings.costs
        energy_usd = costs.energy_usd_per_kwh(self._session.hour_of_day(period)) * self._drawn_kwh
        waiting_usd, unmet_usd = costs.waiting_usd_per_h * self._waiting_veh_h, costs.unmet_usd_per_kwh * self._unmet_kwh
        self._recorder.record(
            "power_costs",
            period=period,
            drawn_kwh=self._drawn_kwh,
            waiting_veh_h=self._waiting_veh_h,
            unmet_kwh=self._unmet_kwh,
            energy_usd=energy_usd,
            waiting_usd=waiting_usd,
            unmet_usd=unmet_usd,
            total_usd=energy_usd + waiting_usd + unmet_usd,
        )

    def _stock_row(
        self,
        station: StationModel,
        period: int,
        b: int,
        vehicles: float,
        ledger_kwh: tuple[float, float, float],
        parked_veh: float,
        waiting_veh_h: float,
    ) -> None:
        """Record what came into the batteries at a station, what went out of them, and what is in them at the end of the bin."""
        self._waiting_veh_h += waiting_veh_h
        self._recorder.record(
            "mves_stock",
            period=period,
            bin=b,
            station=station.name,
            kind=station.kind,
            vehicles=vehicles,
            into_kwh=ledger_kwh[0],
            out_kwh=ledger_kwh[1],
            stock_kwh=ledger_kwh[2],
            parked_veh=parked_veh,
            waiting_veh_h=waiting_veh_h,
            waiting_usd=waiting_veh_h * self._settings.costs.waiting_usd_per_h,
        )

    def _energy_row(
        self,
        station: StationModel,
        period: int,
        vehicles: float,
        drawn_kwh: float,
        traction_kwh: float,
        feeder_kwh: float,
        arrived_kwh: float,
    ) -> None:
        """Record both accountings: traction fed by the driver's own charge, and out of the carried energy."""
        m = self._settings.mves
        driven_kwh = vehicles * traction_kwh
        carried_kwh = arrived_kwh + (driven_kwh if self._energy.counts_traction else 0.0)
        self._recorder.record(
            "mves_energy",
            period=period,
            station=station.name,
            kind=station.kind,
            vehicles=vehicles,
            drawn_kwh=drawn_kwh,
            traction_kwh=driven_kwh,
            delivered_without_traction_kwh=m.discharge_efficiency * carried_kwh,
            delivered_with_traction_kwh=m.discharge_efficiency * max(0.0, carried_kwh - driven_kwh),
            traction=m.traction,
            feeder_kwh=feeder_kwh,
        )
