"""What a station does with mobile storages: charge them (resourceful) or let them give to the feeder (limited).

Both sides keep account by fleet. Energies are kWh; F counts fleets, B the bins of a period.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from federates.boundary.roles import Recorder
from federates.boundary.units import S_PER_H, hours
from federates.charging_station.models.queueing.announced import Announced
from federates.charging_station.models.queueing.parked import ParkedByFleet
from federates.charging_station.models.queueing.settings import QueueingSettings
from federates.station.operation import LimitedOperation, ResourcefulOperation
from federates.station.outlook import StationOutlook
from federates.station.queues import Array
from federates.station.sizing import expected_wait_h
from federates.station.station import StationModel
from federates.worlds.fleets.session import FleetSession


@dataclass(frozen=True, slots=True)
class Served:
    """A period that is over."""

    receipts: Array
    """(F, 3): vehicles, energy in their batteries when they came (limited) or left (resourceful), energy given to the feeder
    (limited) or drawn from it (resourceful)."""
    waiting_veh_h: float
    unknown_veh: float
    """Counted, but announced by nobody: no spot was reserved for them, and they are not served."""
    load_kw: float | None
    """Mean load of a limited feeder."""


class MobileSide(ABC):
    """What both kinds of station do with announced vehicles."""

    def __init__(
        self, station: StationModel, settings: QueueingSettings, session: FleetSession, road_time_s: float, drive: float
    ) -> None:
        """``road_time_s`` lies between leaving and the count here, and ``drive`` is what is left of the energy then."""
        self._settings, self._session, self._drive = settings, session, drive
        self._fleets = len(session.fleets)
        lost_after_s = settings.mves.lost_after_s
        self._announced = Announced(self._fleets, session.period_s, session.bins_per_period, road_time_s, lost_after_s)
        self._kwh_per_vehicle = self._usual_kwh = settings.mves.energy_kwh
        self._spot_kw, self._spots = station.settings.mves_spot_kw, station.spots
        self._announced_kwh = self._counted_kwh = 0.0

    @property
    def service_s(self) -> float:
        """Return the time that a usual vehicle spends at a spot, s.

        Usual is the median of the vehicles announced last: a few with large batteries would else tell everybody a long stay.
        """
        return S_PER_H * self._drive * self._usual_kwh / self._spot_kw

    def wait_s(self, flow_veh_per_h: float) -> float:
        """Return the mean wait for a spot at a flow of vehicles, s; their mean energy counts, for all keep spots busy."""
        service_per_h = self._spot_kw / (self._drive * self._kwh_per_vehicle)
        return S_PER_H * expected_wait_h(flow_veh_per_h, service_per_h, self._spots)

    @property
    def bins(self) -> int:
        """Return the bins of the horizon."""
        return self._session.horizon_periods * self._session.bins_per_period

    def take_in(self, period: int, passing_veh: Array, counted_veh: Array, allotted: Array) -> Served:
        """Go through ``period``: vehicles that passed and mobile storages counted, each (B,), and what is ``allotted``, (F, 2).

        ``allotted`` says how many vehicles of each fleet leave, and with what energy.
        """
        vehicles, kwh = allotted[:, 0], allotted[:, 1]
        if vehicles.sum() > 0.0:
            self._announced.announce(period, vehicles, kwh)
            self._announced_kwh += float(kwh.sum())
            self._learn(vehicles, kwh)
        return self._serve(period, passing_veh, counted_veh)

    def _learn(self, vehicles: Array, kwh: Array) -> None:
        """Learn mean and median energy of vehicles, (F,) each."""
        if kwh.sum() > 0.0:
            self._kwh_per_vehicle = float(kwh.sum() / vehicles.sum())
            each = np.divide(kwh, vehicles, out=np.full(self._fleets, np.inf), where=vehicles > 0.0)
            order = np.argsort(each, kind="stable")
            half = np.searchsorted(np.cumsum(vehicles[order]), 0.5 * vehicles.sum())
            self._usual_kwh = float(each[order][half])

    @abstractmethod
    def _serve(self, period: int, passing_veh: Array, counted_veh: Array) -> Served: ...

    @abstractmethod
    def balance(self, period: int, outlook: StationOutlook) -> tuple[Array, Array, Array]:
        """Return need, surplus and due, each (H, B), at the start of ``period``."""

    @abstractmethod
    def flow_veh_per_h(self, period: int, outlook: StationOutlook) -> float:
        """Return the mobile storages per hour that are expected in ``period``."""

    @abstractmethod
    def reserved_spots(self, period: int) -> float:
        """Return the spots that vehicles announced or parked take through ``period``."""

    def account(self, period: int) -> dict[str, float]:
        """Return the energies of the day until the start of ``period``; ``closure_kwh`` is what does not add up.

        Whatever was announced is under way, was lost on the drive, or was counted here; and what goes into batteries here, or is
        in them when they come, comes out of them or is their stock. ``lost_kwh`` is the part of what is under way that is no
        longer expected.
        """
        under_way_kwh = float(self._announced.kwh.sum())
        energies = {
            "announced_kwh": self._announced_kwh,
            "under_way_kwh": under_way_kwh,
            "lost_kwh": self._announced.lost_kwh(period),
            "counted_kwh": self._counted_kwh,
            **self._energies(),
        }
        closure_kwh = abs(self._announced_kwh - under_way_kwh - self._counted_kwh) + self._gap_kwh(energies)
        return energies | {"closure_kwh": closure_kwh}

    @abstractmethod
    def _energies(self) -> dict[str, float]:
        """Return drawn from the feeder, taken from vehicles' own charge, given to the feeder, lost, and in stock."""

    @abstractmethod
    def _gap_kwh(self, energies: dict[str, float]) -> float:
        """Return by how much these do not add up."""

    def _spots_for_kwh(self, kwh: float) -> float:
        return min(float(self._spots), kwh / (self._spot_kw * hours(self._session.period_s)))

    def _by_bin(self, values: Array) -> Array:
        return values.reshape(self._session.horizon_periods, self._session.bins_per_period)


class LimitedSide(MobileSide):
    """Vehicles come, park, and give what the feeder needs above its limit; the oldest first."""

    def __init__(self, station: StationModel, settings: QueueingSettings, session: FleetSession, recorder: Recorder) -> None:
        super().__init__(station, settings, session, settings.mves.assumed_road_time_s, settings.mves.retention)
        self._operation = LimitedOperation(station, settings, session, recorder, settings.waiting_usd_per_h)
        self._parked = ParkedByFleet(self._fleets)
        self._out_kwh = self._given_kwh = 0.0

    def _serve(self, period: int, passing_veh: Array, counted_veh: Array) -> Served:
        efficiency = self._settings.mves.discharge_efficiency
        matched = self._announced.match(period, counted_veh)
        arrived = self._drive * matched.kwh
        done = self._operation.discharge(period, passing_veh, matched.vehicles.sum(axis=1), arrived.sum(axis=1))
        taken = np.zeros(self._fleets)
        for b, out_kwh in enumerate(done.battery_kwh.tolist()):
            self._parked.add(arrived[b])
            taken += self._parked.take(out_kwh)
        self._counted_kwh += float(matched.kwh.sum())
        self._out_kwh += float(done.battery_kwh.sum())
        self._given_kwh += done.feeder_kwh
        receipts = np.column_stack([matched.vehicles.sum(axis=0), arrived.sum(axis=0), efficiency * taken])
        return Served(receipts, float(done.waiting_veh_h.sum()), float(matched.unknown_veh.sum()), done.mean_load_kw)

    def balance(self, period: int, outlook: StationOutlook) -> tuple[Array, Array, Array]:  # noqa: D102
        efficiency = self._settings.mves.discharge_efficiency
        due = efficiency * self._drive * self._announced.due(period, self.bins)[0]
        due[0] += efficiency * self._operation.spots.battery_kwh
        return outlook.need_kwh, np.zeros_like(outlook.need_kwh), self._by_bin(due)

    def flow_veh_per_h(self, period: int, outlook: StationOutlook) -> float:
        """Return the flow that the feeder's need asks for, or that is due, whichever is more."""
        given_kwh = self._settings.mves.discharge_efficiency * self._drive * self._kwh_per_vehicle
        due_veh = float(self._announced.due(period, self._session.bins_per_period)[1].sum())
        return max(float(outlook.need_kwh[0].sum()) / given_kwh, due_veh) / hours(self._session.period_s)

    def reserved_spots(self, period: int) -> float:  # noqa: D102
        due_kwh = self._drive * float(self._announced.due(period, self._session.bins_per_period)[0].sum())
        return self._spots_for_kwh(due_kwh + self._operation.spots.battery_kwh)

    def _energies(self) -> dict[str, float]:
        drive_loss_kwh = (1.0 - self._drive) * self._counted_kwh
        discharge_loss_kwh = (1.0 - self._settings.mves.discharge_efficiency) * self._out_kwh
        return {
            "drawn_kwh": 0.0,
            "own_charge_kwh": 0.0,
            "given_kwh": self._given_kwh,
            "loss_kwh": drive_loss_kwh + discharge_loss_kwh,
            "stock_kwh": float(self._operation.spots.battery_kwh),
        }

    def _gap_kwh(self, energies: dict[str, float]) -> float:
        out_kwh = energies["given_kwh"] + energies["loss_kwh"] + energies["stock_kwh"]
        return abs(self._counted_kwh - out_kwh) + abs(energies["stock_kwh"] - float(self._parked.kwh.sum()))


class ResourcefulSide(MobileSide):
    """Vehicles are charged in the period in which they leave, no faster than the feeder has energy to spare.

    What it could not give in time comes from the vehicle's own charge: the vehicle leaves with what was agreed all the same.
    """

    def __init__(self, station: StationModel, settings: QueueingSettings, session: FleetSession, recorder: Recorder) -> None:
        super().__init__(station, settings, session, 0.0, 1.0)
        self._operation = ResourcefulOperation(station, settings, session, recorder, settings.waiting_usd_per_h)
        self._room_kwh: Array = np.zeros(session.bins_per_period)
        self._left_veh = 0.0
        self._drawn_kwh = self._own_kwh = 0.0

    def _serve(self, period: int, passing_veh: Array, counted_veh: Array) -> Served:
        efficiency = self._settings.mves.charge_efficiency
        self._operation.spots.expect_kwh(float(self._announced.kwh.sum()), efficiency * self._room_kwh)
        matched = self._announced.match(period, counted_veh)
        leaving_veh, leaving_kwh = matched.vehicles.sum(axis=1), matched.kwh.sum(axis=1)
        done = self._operation.charge(period, passing_veh, leaving_veh, leaving_kwh, self._kwh_per_vehicle)
        charged_part = np.divide(done.carried_kwh, leaving_kwh, out=np.zeros_like(leaving_kwh), where=leaving_kwh > 0.0)
        charged = (matched.kwh * charged_part[:, None]).sum(axis=0)
        self._left_veh = float(leaving_veh.sum())
        self._drawn_kwh += done.drawn_kwh
        self._own_kwh += done.short_kwh
        self._counted_kwh += float(leaving_kwh.sum())
        receipts = np.column_stack([matched.vehicles.sum(axis=0), matched.kwh.sum(axis=0), charged / efficiency])
        return Served(receipts, float(done.waiting_veh_h.sum()), float(matched.unknown_veh.sum()), None)

    def balance(self, period: int, outlook: StationOutlook) -> tuple[Array, Array, Array]:
        """Return no need; the surplus is what the feeder has left when those that should have left by now are charged."""
        self._room_kwh = outlook.room_kwh[0]
        late_kwh = self._late_kwh() / self._settings.mves.charge_efficiency
        free_kwh = np.maximum(np.cumsum(outlook.room_kwh) - late_kwh, 0.0)
        surplus = self._by_bin(np.diff(free_kwh, prepend=0.0))
        return np.zeros_like(surplus), surplus, np.zeros_like(surplus)

    def flow_veh_per_h(self, period: int, outlook: StationOutlook) -> float:
        """Return the flow of the last period."""
        return self._left_veh / hours(self._session.period_s)

    def reserved_spots(self, period: int) -> float:  # noqa: D102
        return self._spots_for_kwh(self._late_kwh())

    def _late_kwh(self) -> float:
        """Return what vehicles still have to be charged with that should have left."""
        return max(0.0, float(self._announced.kwh.sum()) - self._operation.spots.battery_kwh)

    def _energies(self) -> dict[str, float]:
        return {
            "drawn_kwh": self._drawn_kwh,
            "own_charge_kwh": self._own_kwh,
            "given_kwh": 0.0,
            "loss_kwh": (1.0 - self._settings.mves.charge_efficiency) * self._drawn_kwh,
            "stock_kwh": float(self._operation.spots.battery_kwh),
        }

    def _gap_kwh(self, energies: dict[str, float]) -> float:
        into_kwh = energies["drawn_kwh"] + energies["own_charge_kwh"] - energies["loss_kwh"]
        return abs(into_kwh - self._counted_kwh - energies["stock_kwh"])
