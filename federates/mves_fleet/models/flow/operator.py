"""A fleet whose vehicles have one owner: it answers by the flow programme, and keeps account of every vehicle."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Answer
from federates.boundary.roles import Openings
from federates.boundary.units import hours
from federates.mves_fleet.models.fleet import Fleet
from federates.mves_fleet.models.flow.programme import FlowData, FlowPlan, FlowProgramme
from federates.mves_fleet.models.flow.settings import OwnedFleetSettings
from federates.mves_fleet.models.flow.vehicles import Approach, Charge, Vehicles, whole_parts
from federates.mves_fleet.models.records import Acceptance, Sent, record_acceptance, record_costs, record_state
from federates.mves_fleet.models.settings import at_hour
from federates.mves_fleet.models.trips import Array, Trips, Whole, told_trips
from federates.mves_fleet.models.wear import delivery_wear_usd
from federates.worlds.fleets.world import DELIVERY, PASSAGE


@dataclass(frozen=True, slots=True)
class Business:
    """What vehicles do for their owner beside deliveries, by period of the horizon (H,)."""

    wanted_veh: Array
    missed_usd_per_h: Array
    kwh_per_h: float = 0.0


class FlowFleet(Fleet):
    """The vehicles' costs and state; a subclass says what else they do and how they are charged."""

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: OwnedFleetSettings = settings

    @abstractmethod
    def _charge(self) -> Charge:
        """Return the classes of own charge."""

    @abstractmethod
    def _charge_kwh_per_h(self) -> float:
        """Return by how much own charge rises per hour that a vehicle stands."""

    @abstractmethod
    def _own_kwh(self) -> Array:
        """Return own charge at the start, (V,)."""

    @abstractmethod
    def _battery_kwh(self) -> float:
        """Return the energy of a vehicle's battery."""

    @abstractmethod
    def _business(self) -> Business:
        """Return what the owner wants in the periods of the horizon."""

    def _wear_usd_per_kwh(self) -> float:
        """Return wear per kWh of a full delivery; a smaller one wears less, so this is on the safe side."""
        return float(delivery_wear_usd(self.kwh, self._battery_kwh(), self.settings.replacement_usd_per_kwh)) / self.kwh

    def _start(self) -> None:
        count, places = self.settings.vehicles, len(self._session.resourceful_stations)
        self._levels, self._period_h = self._charge(), hours(self._session.period_s)
        self._approach = Approach(hours(self.settings.approach_most_s), count / places)
        self._vehicles = Vehicles(np.arange(count) % places, np.zeros(count, dtype=np.int64), self._own_kwh())

    def _told(self, openings: Openings) -> Trips:
        power_kw = np.inf if self.settings.power_kw is None else self.settings.power_kw
        return told_trips(openings["gate"].time_s, openings["road_time_s"], kwh=self.kwh, power_kw=power_kw)

    def _ready(self) -> Whole:
        least = self._data.steps.min(axis=(1, 2))
        classes = np.arange(self._levels.classes)
        return np.array([self._data.supply[r, classes >= k, 0].sum() for r, k in enumerate(least)], dtype=np.int64)

    def _prepare(self, trips: Trips) -> None:
        s, horizon = self.settings, self._session.horizon_periods
        self._trip_h = trips.outward_h[:, :, None] + s.return_share * trips.back_h[None]
        self._counted_kwh = s.traction_kwh_per_h * (trips.back_h.T[:, :, None] + s.return_share * trips.back_h[None])
        self._traction_kwh = s.traction_kwh_per_h * trips.driving_h()
        self._away = trips.away_periods(self._session.period_s)
        energy_price = np.array([at_hour(s.energy_usd_per_kwh, hour) for hour in self._hours()])
        usd_per_h = s.driver_usd_per_h + s.vehicle_usd_per_h
        business, levels = self._business(), self._levels
        self._data = FlowData(
            kwh=self.kwh,
            supply=self._vehicles.supply(self._period, horizon, len(trips.charge_s), levels),
            away=self._away,
            steps=levels.steps(self._traction_kwh),
            trip_usd=usd_per_h * self._trip_h[..., None] + self._counted_kwh[..., None] * energy_price,
            load_usd_per_kwh=self._wear_usd_per_kwh(),
            approach_usd=usd_per_h * self._approach.step_h,
            step_veh=self._approach.step_veh,
            charge_steps=int(levels.class_of(np.array(self._charge_kwh_per_h() * self._period_h))),
            business_steps=int(levels.steps(np.array(business.kwh_per_h * self._period_h))),
            wanted_veh=business.wanted_veh,
            missed_usd=self._period_h * business.missed_usd_per_h,
        )
        self._programme = FlowProgramme(self._data)

    def _costs_now(self) -> dict[str, Any]:
        trip_usd = self._data.trip_usd[..., 0].min(axis=2) + self._data.load_usd_per_kwh * self.kwh
        business = {"wanted_veh": float(self._data.wanted_veh[0]), "missed_usd": float(self._data.missed_usd[0])}
        return {"cost_usd_of_full_trip": {words: float(trip_usd[r, q]) for words, r, q in self._pairs()}, "business": business}

    def _offer(self, reward_usd_per_kwh: Array, toll_usd_per_veh: Array) -> Answer:
        self._last = self._programme.best(reward_usd_per_kwh, toll_usd_per_veh)
        return _answer(self._last)

    def _serve(self, delivery_kwh: Array, passage_veh: Array) -> Answer:
        return _answer(self._programme.serve(delivery_kwh, passage_veh))

    def _send(self, vehicles: Whole, delivery_kwh: Array, passage_veh: Array) -> Sent:
        shape = vehicles.shape
        going, driving_h, back_in = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.full(shape, self._period)
        plan: FlowPlan | None = None
        if self._trips is not None:
            delivery, passage = delivery_kwh.copy(), passage_veh.copy()
            delivery[:, :, 0], passage[:, :, 0] = self.kwh * vehicles, vehicles
            plan = self._programme.serve(delivery, passage)
        hours_out, traction = 0.0, 0.0
        for r, q in np.argwhere(vehicles):
            assert plan is not None  # `commit` refuses vehicles without times
            for back, count in enumerate(whole_parts(int(vehicles[r, q]), plan.trips[r, q, :, :, 0].sum(axis=1), r)):
                who = self._able(r, float(self._traction_kwh[r, q, back]))[:count]
                until = self._period + int(self._away[r, q, back])
                self._vehicles.use(who, until, back, float(self._traction_kwh[r, q, back]))
                going[r, q] += who.size
                driving_h[r, q] += who.size * float(self._traction_h(r, q, back))
                back_in[r, q] = max(back_in[r, q], until) if who.size else back_in[r, q]
                hours_out += who.size * float(self._trip_h[r, q, back])
                traction += who.size * float(self._counted_kwh[r, q, back])
        hours_out += sum(self._approach.total_h(int(count)) for count in going.sum(axis=1))
        kwh = np.minimum(delivery_kwh[:, :, 0], self.kwh * going)
        working = self._work_and_charge(plan)
        self._record_costs(int(going.sum()), hours_out, traction, float(kwh.sum()), working)
        return Sent(going, driving_h, back_in)

    def _traction_h(self, r: int, q: int, back: int) -> float:
        assert self._trips is not None  # vehicles leave only where times are known
        return float(self._trips.driving_h()[r, q, back])

    def _able(self, place: int, traction_kwh: float) -> Whole:
        """Return who is free at a place with charge enough for the drive, the emptiest first.

        So the fullest are left for farther drives, whichever is served first: if there is any way to serve all, this one does.
        """
        idle = self._vehicles.idle(self._period, place)
        if self._levels.classes == 1:
            return idle
        able = idle[self._vehicles.own_kwh[idle] >= traction_kwh - 1e-9]
        return able[np.argsort(self._vehicles.own_kwh[able], kind="stable")]

    def _work_and_charge(self, plan: FlowPlan | None) -> int:
        """Let those who stay work for the owner as planned, and the others charge; return how many work."""
        business, vehicles, working = self._business(), self._vehicles, 0
        used, charged = business.kwh_per_h * self._period_h, self._charge_kwh_per_h() * self._period_h
        planned = None if plan is None else plan.business[:, :, 0].sum(axis=1)
        wanted = whole_parts(round(float(planned.sum())), planned) if planned is not None else None
        missing = int(np.floor(business.wanted_veh[0])) if wanted is None else 0
        self._at_work: list[int] = []
        for place in range(len(self._session.resourceful_stations)):
            idle = vehicles.idle(self._period, place)
            able = idle[vehicles.own_kwh[idle] >= used - 1e-9]
            count = int(wanted[place]) if wanted is not None else missing - working
            works, rests = able[:count], np.setdiff1d(idle, able[:count])
            vehicles.use(works, self._period + 1, place, used)
            vehicles.own_kwh[rests] = np.minimum(vehicles.own_kwh[rests] + charged, self._levels.most_kwh)
            working += works.size
            self._at_work.append(int(works.size))
        self._record_state(working)
        return working

    def _record_state(self, working: int) -> None:
        free = self._vehicles.free_from <= self._period
        stations = self._session.resourceful_stations
        counts = {name: int((free & (self._vehicles.place == r)).sum()) for r, name in enumerate(stations)}
        away = self._vehicles.count - sum(counts.values()) - working
        record_state(self._recorder, self._period, counts | {"business": working, "away": away})

    def _record_costs(self, count: int, trip_h: float, traction_kwh: float, kwh: float, working: int) -> None:
        s, business = self.settings, self._business()
        missed = max(0.0, float(business.wanted_veh[0]) - working) * float(business.missed_usd_per_h[0]) * self._period_h
        usd = {
            "driver_usd": s.driver_usd_per_h * trip_h,
            "time_usd": s.vehicle_usd_per_h * trip_h,
            "energy_usd": at_hour(s.energy_usd_per_kwh, self._session.hour_of_day(self._period)) * traction_kwh,
            "wear_usd": self._wear_usd_per_kwh() * kwh,
            "opportunity_usd": missed,
            "full_cycles": kwh / self._battery_kwh(),
        }
        record_costs(self._recorder, self._period, count, usd)

    def _record_answers(self) -> None:
        if self._trips is None or self._prices is None:
            return
        vehicles, shape = self._vehicles, self._away.shape[:2]
        columns = {name: np.zeros(shape, dtype=np.int64) for name in Acceptance.__slots__}
        accepted = np.rint(self._last.passage_veh[:, :, 0]).astype(np.int64)
        for r, q in np.ndindex(*shape):
            idle = vehicles.idle(self._period, r)
            near = int((vehicles.place == r).sum())
            able = self._able(r, float(self._traction_kwh[r, q].min())).size
            left = idle.size
            counts = {"near": near, "away": near - idle.size}
            elsewhere = int(accepted[r].sum() - accepted[r, q])
            works = round(float(self._last.business[r, :, 0].sum()))
            asked = (("accepted", accepted[r, q]), ("energy", idle.size - able), ("elsewhere", elsewhere), ("threshold", works))
            for name, count in asked:
                counts[name] = min(int(count), left)
                left -= counts[name]
            counts[self._main_cost(r, q)] = left
            for name, count in counts.items():
                columns[name][r, q] = count
        record_acceptance(self._recorder, self._session, self._period, self._prices, Acceptance(**columns))

    def _main_cost(self, r: int, q: int) -> str:
        """Return which of a trip's costs is the largest."""
        s, back = self.settings, r
        usd = {
            "time": (s.driver_usd_per_h + s.vehicle_usd_per_h) * self._trip_h[r, q, back],
            "traction": self._data.trip_usd[r, q, back, 0]
            - (s.driver_usd_per_h + s.vehicle_usd_per_h) * self._trip_h[r, q, back],
            "wear": self._data.load_usd_per_kwh * self.kwh,
        }
        return max(usd, key=lambda name: usd[name])


def _answer(plan: FlowPlan) -> Answer:
    quantities = {DELIVERY.name: plan.load_kwh, PASSAGE.name: plan.passage_veh}
    return Answer(quantities, plan.cost_usd, plan.bound_usd, None, BoundKind.LINEAR)
