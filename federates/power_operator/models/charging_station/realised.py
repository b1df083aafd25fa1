"""What happened in a period at all stations of the group, and what it cost."""

from __future__ import annotations

from federates.boundary.names import Role
from federates.boundary.roles import Recorder
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.station.delivery import Fleet
from federates.station.discharge import DischargeSpots
from federates.station.energy import StorageEnergy
from federates.station.operation import LimitedOperation, ResourcefulOperation, StationOperation
from federates.station.queues import Array
from federates.station.station import StationModel
from federates.worlds.road.messages import StationObservation
from federates.worlds.road.session import RoadSession


class Realised:
    """Takes the stations through a period by what was counted; records energies and what the period cost."""

    def __init__(
        self, settings: ChargingStationSettings, session: RoadSession, stations: list[StationModel], recorder: Recorder
    ) -> None:
        self._settings = settings
        self._session = session
        self._recorder = recorder
        self._energy = StorageEnergy(settings.mves)
        waiting_usd_per_h = settings.costs.waiting_usd_per_h
        self._stations: list[StationOperation] = [
            (ResourcefulOperation if s.kind == "rcs" else LimitedOperation)(s, settings, session, recorder, waiting_usd_per_h)
            for s in stations
        ]

    @property
    def parked(self) -> dict[str, DischargeSpots]:
        """Return the spots of the limited stations by name."""
        return {o.station.name: o.spots for o in self._stations if isinstance(o, LimitedOperation)}

    def expect(self, station: str, vehicles: float, room_kwh: Array) -> None:
        """Prepare a resourceful station for ``vehicles`` leaving in the period that begins; ``room_kwh`` (bins,) is forecast."""
        for operation in self._stations:
            if operation.station.name == station and isinstance(operation, ResourcefulOperation):
                operation.spots.expect(vehicles, self._settings.mves.charge_efficiency * room_kwh)

    def take_in(self, period: int, seen: StationObservation, fleets: dict[str, Fleet]) -> None:
        """Record ``period``; the resourceful stations come first, for what they charged is what arrives."""
        shown: dict[str, float] = {}
        self._drawn_kwh = self._unmet_kwh = self._waiting_veh_h = 0.0
        for i, operation in enumerate(self._stations):
            if isinstance(operation, ResourcefulOperation):
                self._charge(operation, period, seen.passing_veh[i], seen.arrivals_veh[i], fleets)
        for i, operation in enumerate(self._stations):
            if isinstance(operation, LimitedOperation):
                name = operation.station.name
                load_kw = self._discharge(operation, period, seen.passing_veh[i], seen.arrivals_veh[i], fleets[name])
                shown[f"{name}_load_kw"] = round(load_kw, 1)
                shown[f"{name}_limit_kw"] = operation.station.settings.feeder_limit_kw
        self._recorder.progress(period=period, **shown)
        self._costs_row(period)

    def _charge(
        self, operation: ResourcefulOperation, period: int, passing: Array, leaving_veh: Array, fleets: dict[str, Fleet]
    ) -> None:
        energy_kwh, name = self._settings.mves.energy_kwh, operation.station.name
        share = self._share(float(leaving_veh.sum()), sum(fleet.sent_from(name, period) for fleet in fleets.values()))
        own_veh = share * leaving_veh
        done = operation.charge(period, passing, own_veh, own_veh * energy_kwh, energy_kwh, share)
        self._drawn_kwh += done.drawn_kwh
        self._add_waiting(done.waiting_veh_h)
        self._leave_short(name, period, done.short_kwh, fleets)
        self._energy_row(operation.station, period, float(own_veh.sum()), done.drawn_kwh, 0.0, -done.drawn_kwh, 0.0)

    def _share(self, leaving_veh: float, sent_veh: float) -> float:
        """Return which part of the vehicles that leave a station is this operator's: others of its role may send some too.

        Each then has the same part of the feeder's room. Who leaves later than it was sent is counted with those of its hour.
        """
        if len(self._session.of_role(Role.POWER_OPERATOR)) < 2 or leaving_veh <= 0.0:
            return 1.0
        return min(1.0, sent_veh / leaving_veh)

    def _leave_short(self, station: str, period: int, short_kwh: float, fleets: dict[str, Fleet]) -> None:
        """Tell the fleets what their vehicles of this station lack: it does not arrive."""
        vehicles = sum(fleet.sent_from(station, period) for fleet in fleets.values())
        if short_kwh > 0.0 and vehicles > 0.0:
            for fleet in fleets.values():
                fleet.leave_short(station, period, self._settings.mves.retention * short_kwh / vehicles)

    def _discharge(self, operation: LimitedOperation, period: int, passing: Array, storages: Array, fleet: Fleet) -> float:
        """Return the mean load of the feeder."""
        arriving_kwh = fleet.arrive(period, storages)
        done = operation.discharge(period, passing, storages, arriving_kwh)
        for unmet_kwh in done.unmet_kwh.tolist():
            self._unmet_kwh += unmet_kwh
        self._add_waiting(done.waiting_veh_h)
        vehicles, arrived_kwh = float(storages.sum()), float(arriving_kwh.sum())
        self._energy_row(operation.station, period, vehicles, 0.0, fleet.traction_kwh, done.feeder_kwh, arrived_kwh)
        return done.mean_load_kw

    def _add_waiting(self, waiting_veh_h: Array) -> None:
        for hours_waited in waiting_veh_h.tolist():  # one after the other: the sum has the same last digits however it is split
            self._waiting_veh_h += hours_waited

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
