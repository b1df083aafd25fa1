"""What all fleets have in common: they hear times and prices, answer, send whole vehicles off, and record it.

A fleet minimises its own cost less reward times delivery plus toll times passage:

    min f(d, p) - reward . d + toll . p        d in kWh, p in vehicles, d <= vehicle_kwh x p

f(d, p) is what the cheapest way costs to deliver all of d with at most p passages. It never falls with d and never rises with p.
Own costs are those of driver, time, traction energy, wear, and of what the vehicle would do otherwise; never a payment.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import FLEETS
from federates.boundary.roles import MvesFleet, Openings, Recorder
from federates.mves_fleet.models.records import Sent, record_trips
from federates.mves_fleet.models.trips import Array, Trips, Whole
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.world import DELIVERY, PASSAGE

_PART = 1e-6
"""A share of a vehicle that is none: in a commitment the next whole number counts from here."""
_MORE = 1e-4
"""By so much more than there is a sum of passages on the boundary's grid is too many."""


class Fleet(MvesFleet):
    """A fleet whose decisions are functions of arrays; what is below is the same for all."""

    worlds = (FLEETS,)

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self._trips: Trips | None = None
        self._period = 0

    def begin(self, session: FleetSession, recorder: Recorder) -> None:
        """Take in the session; the vehicles are made by `_start`."""
        self._session, self._recorder = session, recorder
        (self.name,) = session.fleets
        self.kwh = session.vehicle_kwh[self.name]
        self._start()

    def open_period(self, period: int, observation: Any) -> None:
        """Begin a period; a fleet has nothing to say before it is asked."""
        self._period, self._trips = period, None
        self._prices: tuple[Array, Array] | None = None

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the deliveries, in kWh and in vehicles, that are best at this reward and this toll."""
        self._hear(openings)
        self._prices = np.array(prices[DELIVERY.name]), np.array(prices[PASSAGE.name])
        return self._offer(*self._prices)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the cheapest way to deliver as much as possible of what is given, with at most the passages given."""
        self._hear(openings)
        return self._serve(*self._given(given))

    def commit(self, given: Quantities) -> None:
        """Send the opened period's whole vehicles off; stations hear from the coordinator what comes.

        Raises
        ------
        ModelError : vehicles are to leave, but the times of this period were never told.
        """
        delivery, passage = self._given(given)
        vehicles = np.rint(passage[:, :, 0]).astype(np.int64)
        if vehicles.any() and self._trips is None:
            raise ModelError(f"{self.name}: vehicles are to leave, but no solve or evaluate told the times of this period")
        self._record_answers()
        sent = self._send(vehicles, delivery, passage)
        kwh = np.minimum(delivery[:, :, 0], self.kwh * sent.vehicles)
        record_trips(self._recorder, self._session, self._period, vehicles, sent, kwh)
        self._recorder.progress(period=self._period, vehicles=int(sent.vehicles.sum()), kwh=float(kwh.sum()))

    def outlook(self) -> dict[str, Any]:
        """Return how many vehicles could leave each r now; nothing before the first question of a period."""
        if self._trips is None:
            return {}
        return {
            "ready_veh": dict(zip(self._session.resourceful_stations, self._ready().tolist(), strict=True)),
            **self._costs_now(),
        }

    def _costs_now(self) -> dict[str, Any]:
        """Return what a trip costs in the opened period, by pair of stations; as far as the fleet can say it in few numbers."""
        return {}

    def _pairs(self) -> list[tuple[str, int, int]]:
        """Return the pairs of stations, as words and by number."""
        origins, destinations = self._session.resourceful_stations, self._session.limited_stations
        return [(f"{name} to {other}", r, q) for r, name in enumerate(origins) for q, other in enumerate(destinations)]

    def _hear(self, openings: Openings) -> None:
        told = self._told(openings)
        if self._trips is None or not told.same_as(self._trips):
            self._trips = told
            self._prepare(told)

    def _given(self, given: Quantities) -> tuple[Array, Array]:
        """Return delivery and passage that can be used: no passage without energy, no energy without passage."""
        passage = np.maximum(given[PASSAGE.name], 0.0)
        delivery = np.clip(given[DELIVERY.name], 0.0, self.kwh * passage)
        if self._trips is not None:
            ready = self._ready()
            over = passage[:, :, 0].sum(axis=1) > ready + _MORE
            delivery[over, :, 0] = self.kwh * roundable(delivery[over, :, 0] / self.kwh, ready[over])
        return delivery, passage

    def _hours(self) -> list[float]:
        """Return the hour of the day of each period of the horizon."""
        return [self._session.hour_of_day(self._period + h) for h in range(self._session.horizon_periods)]

    @abstractmethod
    def _start(self) -> None:
        """Make the vehicles."""

    @abstractmethod
    def _told(self, openings: Openings) -> Trips:
        """Return the times of trips as this fleet's vehicles need them."""

    @abstractmethod
    def _ready(self) -> Whole:
        """Return how many vehicles could leave each r in the opened period, (R,)."""

    @abstractmethod
    def _prepare(self, trips: Trips) -> None:
        """Get ready for questions at these times."""

    @abstractmethod
    def _offer(self, reward_usd_per_kwh: Array, toll_usd_per_veh: Array) -> Answer:
        """Answer prices, (R, Q, H)."""

    @abstractmethod
    def _serve(self, delivery_kwh: Array, passage_veh: Array) -> Answer:
        """Answer what is given, (R, Q, H)."""

    @abstractmethod
    def _record_answers(self) -> None:
        """Record what was accepted at the last prices, before anything leaves; `_trips` is None if nothing was asked."""

    @abstractmethod
    def _send(self, vehicles: Whole, delivery_kwh: Array, passage_veh: Array) -> Sent:
        """Choose who goes: at most ``vehicles`` (R, Q), fewer only where there are no more; record cost and state."""


def roundable(vehicles: Array, ready: Whole) -> Array:
    """Return what of ``vehicles`` (R, Q) can leave when each entry is rounded up and ``ready`` (R,) are there.

    Parts of a vehicle are left out where there is no whole one for them, the smallest first. Whole numbers stay as they are. A
    plan that is rounded up for each q may ask for more vehicles at r than its parts did together.
    """
    result = np.array(vehicles)
    for row, there in zip(result, ready.tolist(), strict=True):
        whole = np.floor(row + _PART)
        parts = np.flatnonzero(row - whole > _PART)
        room = max(0, int(there - whole.sum()))
        left_out = parts[np.argsort(-(row - whole)[parts], kind="stable")][room:]
        row[left_out] = whole[left_out]
    return result
