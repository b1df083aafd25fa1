"""Fleet of private drivers (PMVES).

Each decides alone whether a delivery pays (`choice`); given deliveries go to those whom they cost least (`assignment`). A
driver's value of time stays here: no message and no table has one driver's numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Answer
from federates.boundary.roles import Openings
from federates.mves_fleet.models.fleet import Fleet
from federates.mves_fleet.models.private.account import CostAccount, record_drivers
from federates.mves_fleet.models.private.assignment import assign, choose_whole
from federates.mves_fleet.models.private.choice import Costs, acceptance, decide
from federates.mves_fleet.models.private.drivers import draw_drivers
from federates.mves_fleet.models.private.settings import PrivateSettings, find_problems
from federates.mves_fleet.models.records import Sent, record_acceptance, record_state
from federates.mves_fleet.models.settings import at_hour
from federates.mves_fleet.models.trips import Array, Trips, Whole, told_trips
from federates.mves_fleet.models.wear import delivery_wear_usd
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.world import DELIVERY, PASSAGE


class PrivateFleet(Fleet):
    """See the module's text; settings: `settings.PrivateSettings`."""

    Settings: ClassVar[type[Config]] = PrivateSettings

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: PrivateSettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: FleetSession) -> list[Problem]:
        """Return what keeps every driver from any delivery."""
        return find_problems(settings, session.vehicle_kwh[session.fleets[0]])

    def _start(self) -> None:
        s, session = self.settings, self._session
        self._drivers = draw_drivers(s, session.seed, self.name, *session.connection_shape[:2])
        self._wear_usd = delivery_wear_usd(self.kwh, self._drivers.battery_kwh, s.replacement_usd_per_kwh)
        self._account = CostAccount(self._recorder, session.periods)
        record_drivers(self._recorder, self._drivers)

    def _told(self, openings: Openings) -> Trips:
        priority = self.settings.charging_priority_share
        return told_trips(openings["gate"].time_s, openings["road_time_s"], kwh=self.kwh, priority_share=priority)

    def _ready(self) -> Whole:
        here = (self._near[:, :, 0] & self._back[:, :1])[:, :, None] & self._able
        return np.asarray(here.any(axis=2).sum(axis=0))

    def _prepare(self, trips: Trips) -> None:
        s, drivers, horizon = self.settings, self._drivers, self._session.horizon_periods
        hours = self._hours()
        drive_h = trips.back_h.T * (1.0 + s.return_share)
        trip_h = trips.outward_h + s.return_share * trips.back_h.T
        self._traction_kwh = s.traction_kwh_per_h * drive_h
        price = np.array([at_hour(s.energy_usd_per_kwh, hour) for hour in hours])
        self._costs = Costs(
            time_usd=drivers.value_of_time_usd_per_h[:, None, None] * (trip_h[None] + drivers.detour_h[:, None, :]),
            energy_usd=self._traction_kwh[:, :, None] * price,
            wear_usd=np.zeros_like(self._wear_usd) if s.battery_warranty else self._wear_usd,
            threshold_usd=drivers.threshold_usd[:, None] + drivers.inconvenience_usd[:, [int(hour) for hour in hours]],
        )
        own, size = drivers.own_kwh[:, None, None], drivers.battery_kwh[:, None, None]
        self._able = (own - self._traction_kwh[None] >= s.reserve_share * size) & (own + self.kwh <= size)
        self._near = drivers.near([int(hour) for hour in hours], len(trips.charge_s))
        self._back = drivers.back([self._period + h for h in range(horizon)])
        can = self._able[..., None] & (self._near & self._back[:, None, :])[:, :, None, :]
        self._usd = np.where(can, self._costs.total(), np.inf).reshape(drivers.count, -1)

    def _costs_now(self) -> dict[str, Any]:
        usd = np.sort(self._usd.reshape(self._drivers.count, *self._session.connection_shape)[..., 0], axis=0)
        found = {}
        for words, r, q in self._pairs():
            able = int(np.isfinite(usd[:, r, q]).sum())
            found[words] = {str(k): float(usd[k - 1, r, q]) for k in (1, 10, 100, 1000) if k <= able}
        return {"cost_usd_of_kth_driver": found}

    def _offer(self, reward_usd_per_kwh: Array, toll_usd_per_veh: Array) -> Answer:
        decisions = decide(self._usd, (self.kwh * reward_usd_per_kwh - toll_usd_per_veh).ravel())
        self._option = decisions.option
        return self._answer(decisions.accepted, decisions.cost_usd, decisions.bound_usd, BoundKind.EXACT)

    def _serve(self, delivery_kwh: Array, passage_veh: Array) -> Answer:
        found = assign(self._usd, np.minimum(delivery_kwh / self.kwh, passage_veh).ravel())
        return self._answer(found.served, found.cost_usd, found.bound_usd, BoundKind.LINEAR)

    def _answer(self, trips: Array, cost_usd: float, bound_usd: float, kind: BoundKind) -> Answer:
        vehicles = trips.reshape(self._session.connection_shape)
        return Answer({DELIVERY.name: self.kwh * vehicles, PASSAGE.name: vehicles}, cost_usd, bound_usd, None, kind)

    def _record_answers(self) -> None:
        if self._trips is None or self._prices is None:
            return
        horizon = self._session.horizon_periods
        near, back = self._near[:, :, 0], self._back[:, 0]
        counts = acceptance(near, back, self._able, self._costs, self._option, horizon)
        record_acceptance(self._recorder, self._session, self._period, self._prices, counts)

    def _send(self, vehicles: Whole, delivery_kwh: Array, passage_veh: Array) -> Sent:
        shape, horizon = vehicles.shape, self._session.horizon_periods
        back_in = np.full(shape, self._period, dtype=np.int64)
        driving_h, pair = np.zeros(shape), np.zeros(0, dtype=np.int64)
        if self._trips is not None and vehicles.any():
            wanted = np.minimum(delivery_kwh / self.kwh, passage_veh)
            wanted[:, :, 0] = vehicles
            now = np.arange(wanted.size) % horizon == 0
            who, option = choose_whole(self._usd, wanted.ravel(), now)
            pair = option // horizon
            away = np.diagonal(self._trips.away_periods(self._session.period_s), axis1=0, axis2=2).T
            back_in = back_in + away
            driving_h = 2.0 * self._trips.back_h.T * np.bincount(pair, minlength=vehicles.size).reshape(shape)
            self._drivers.leave(who, back_in.ravel()[pair], self._traction_kwh.ravel()[pair])
            self._pay_for(who, pair)
        self._account.close(self._period)
        self._record_state()
        return Sent(np.bincount(pair, minlength=vehicles.size).reshape(shape), driving_h, back_in)

    def _pay_for(self, who: Whole, pair: Whole) -> None:
        costs = self._costs
        rows = np.arange(len(who))
        parts = costs.parts()[:, who]
        by_pair = parts.reshape(4, len(who), int(np.prod(parts.shape[2:])))  # also where nobody goes
        time, energy, wear, threshold = by_pair[:, rows, pair].sum(axis=1).tolist()
        warranted = float(self._wear_usd[who].sum()) if self.settings.battery_warranty else 0.0
        cycles = float((self.kwh / self._drivers.battery_kwh[who]).sum())
        usd = {"time_usd": time, "energy_usd": energy, "wear_usd": wear, "opportunity_usd": threshold}
        self._account.add(self._period, who, usd | {"warranted_wear_usd": warranted, "full_cycles": cycles})

    def _record_state(self) -> None:
        drivers, stations = self._drivers, self._session.resourceful_stations
        hour = int(self._session.hour_of_day(self._period))
        away = drivers.back_in > self._period
        near = drivers.near([hour], len(stations))[:, :, 0] & ~away[:, None]
        free = dict(zip(stations, near.sum(axis=0).tolist(), strict=True))
        nowhere = drivers.count - int(away.sum()) - sum(free.values())
        record_state(self._recorder, self._period, free | {"away": int(away.sum()), "elsewhere": nowhere})
