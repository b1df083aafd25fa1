"""Fleets, charging stations and companies on the road, as the framework sees them: Chen et al., IEEE Network 33(6), 2019."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.exchange import Exchange, Message
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import FLEETS, Role
from federates.boundary.world import Committed, CostTable, World
from federates.worlds.fleets.day import FleetsDay
from federates.worlds.fleets.messages import MESSAGES
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.tables import TABLES
from federates.worlds.road.session import Scheme
from federates.worlds.road.world import WORLD as ROAD_WORLD

_DIGITS = 9

_FLEET_COSTS = ("driver_usd", "time_usd", "energy_usd", "wear_usd", "opportunity_usd", "warranted_wear_usd")

DELIVERY = Exchange(
    "delivery",
    "kWh",
    ("N", "M", "H"),
    asks=(Role.POWER_OPERATOR.value,),
    offers=(Role.MVES_FLEET.value,),
    meaning="Energy in the batteries of vehicles when they leave r for q, h periods after the opened one.",
)
"""Its price is the reward."""
PASSAGE = Exchange(
    "passage",
    "veh",
    ("N", "M", "H"),
    asks=(Role.MVES_FLEET.value,),
    offers=(Role.TRANSPORT_OPERATOR.value,),
    meaning="Vehicles that are led from r to q, h periods after the opened one.",
)
"""Its price is the toll."""


class FleetsWorld(World):
    """A horizon that moves on: every period is negotiated, and its own part carried out in whole vehicles."""

    @property
    def schemes(self) -> tuple[str, ...]:  # type: ignore[override]  # noqa: D102
        return Scheme.PROPOSED.value, Scheme.NO_MVES.value

    def day(self, session: FleetSession) -> FleetsDay:  # noqa: D102
        return FleetsDay(session)

    def negotiates(self, session: FleetSession) -> bool:  # noqa: D102
        return session.scheme is Scheme.PROPOSED

    def moves_nothing(self, session: FleetSession) -> bool:  # noqa: D102
        return session.scheme is Scheme.NO_MVES

    def whole_slack(self, session: FleetSession, period: int) -> Mapping[str, ArrayLike]:
        """Return one vehicle of each fleet: they are rounded up."""
        opened = np.arange(session.horizon_periods) == 0
        return {DELIVERY.name: 0.0, PASSAGE.name: np.where(opened, float(len(session.fleets)), 0.0)}

    def committed_rows(  # noqa: D102
        self, session: FleetSession, period: int, committed: Committed
    ) -> dict[str, dict[str, list[Any]]]:
        pairs, prices = [(r, q) for r in session.resourceful_stations for q in session.limited_stations], committed.prices
        reward, toll = (
            np.full(len(pairs), math.nan) if prices is None else prices[e.name][:, :, 0].ravel() for e in (DELIVERY, PASSAGE)
        )
        rows: dict[str, list[Any]] = {name: [] for name in _SCHEDULE}
        ended = committed.agreed, committed.reason
        for fleet in session.fleets:
            kwh, vehicles = (committed.given[fleet][e.name][:, :, 0].ravel() for e in (DELIVERY, PASSAGE))
            for number, (r, q) in enumerate(pairs):
                row = (period, fleet, r, q, round(float(vehicles[number])), float(kwh[number]), float(reward[number]))
                paid = float(reward[number] * kwh[number]), float(toll[number] * vehicles[number])
                for name, value in zip(_SCHEDULE, (*row, float(toll[number]), *paid, *ended), strict=True):
                    rows[name].append(round(value, _DIGITS) if isinstance(value, float) else value)
        return {"schedule": rows}

    def dispatch(self, session: FleetSession, message: Message, given: Mapping[str, Quantities]) -> Array:
        """Return what each fleet sends by station: vehicles and kWh, (S, F, 2)."""
        told = np.zeros((len(session.stations), len(session.fleets), 2))
        for number, fleet in enumerate(session.fleets):
            for entry, exchange in enumerate((PASSAGE, DELIVERY)):
                sent = given[fleet][exchange.name][:, :, 0]
                told[:, number, entry] = np.concatenate([sent.sum(axis=1), sent.sum(axis=0)])
        return told

    def progress(self, session: FleetSession, period: int, total: Quantities) -> dict[str, float]:  # noqa: D102
        kwh, vehicles = (round(float(total[e.name][:, :, 0].sum()), 3) for e in (DELIVERY, PASSAGE))
        return {"delivery_kwh": kwh, "vehicles_sent": vehicles}


_SCHEDULE = next(table for table in TABLES if table.name == "schedule").columns

WORLD = FleetsWorld(
    FLEETS,
    FleetSession,
    (DELIVERY, PASSAGE),
    MESSAGES,
    models=(Role.TRAFFIC.value,),
    reporters=(Role.CHARGING_STATION.value,),
    takes_long=True,
    package="federates.worlds.fleets",
    tables=TABLES,
    costs={
        Role.POWER_OPERATOR.value: CostTable("power_costs"),
        Role.TRANSPORT_OPERATOR.value: CostTable("transport_costs"),
        # A private fleet tells nothing of fewer drivers than hide one.
        Role.MVES_FLEET.value: CostTable("fleet_costs", _FLEET_COSTS, always=False),
    },
    letters={**ROAD_WORLD.letters, "F": "fleets"},
    variants={"private_sum": "fleets_private_sum"},
)
