"""The road as the framework sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.exchange import Exchange
from federates.boundary.messages import Quantities
from federates.boundary.names import ROAD, Role
from federates.boundary.world import Committed, CostTable, World
from federates.worlds.road.day import RoadDay
from federates.worlds.road.messages import MESSAGES
from federates.worlds.road.session import RoadSession, Scheme
from federates.worlds.road.tables import TABLES

_PRICE_DIGITS = 9
_HALF_A_VEHICLE = 0.5

DELIVERY = Exchange(
    "delivery",
    "veh",
    ("N", "M", "H"),
    asks=(Role.POWER_OPERATOR.value,),
    offers=(Role.TRANSPORT_OPERATOR.value,),
    meaning="Vehicles that leave r for q, h periods after the opened one.",
)


class RoadWorld(World):
    """A horizon that moves on: every period is negotiated, and its own part carried out in whole vehicles."""

    def day(self, session: RoadSession) -> RoadDay:  # noqa: D102
        return RoadDay(session)

    def negotiates(self, session: RoadSession) -> bool:  # noqa: D102
        return session.scheme is Scheme.PROPOSED

    def moves_nothing(self, session: RoadSession) -> bool:  # noqa: D102
        return session.scheme is Scheme.NO_MVES

    def whole_slack(self, session: RoadSession, period: int) -> Mapping[str, ArrayLike]:  # noqa: D102
        return {DELIVERY.name: np.where(np.arange(session.horizon_periods) == 0, _HALF_A_VEHICLE, 0.0)}

    def committed_rows(  # noqa: D102
        self, session: RoadSession, period: int, committed: Committed
    ) -> dict[str, dict[str, list[Any]]]:
        pairs = [(r, q) for r in session.resourceful_stations for q in session.limited_stations]
        vehicles, prices = committed.total[DELIVERY.name][:, :, 0].ravel(), committed.prices
        price = np.full(len(pairs), math.nan) if prices is None else prices[DELIVERY.name][:, :, 0].ravel()
        rows: dict[str, list[Any]] = {
            "period": [period] * len(pairs),
            "origin": [r for r, _ in pairs],
            "destination": [q for _, q in pairs],
            "vehicles": [round(value) for value in vehicles.tolist()],
            "price_usd_per_veh": [round(value, _PRICE_DIGITS) for value in price.tolist()],
            "agreed": [committed.agreed] * len(pairs),
            "reason": [committed.reason] * len(pairs),
        }
        return {"schedule": rows}

    def progress(self, session: RoadSession, period: int, total: Quantities) -> dict[str, float]:  # noqa: D102
        return {"vehicles_sent": round(float(total[DELIVERY.name][:, :, 0].sum()))}


WORLD = RoadWorld(
    ROAD,
    RoadSession,
    (DELIVERY,),
    MESSAGES,
    models=(Role.TRAFFIC.value,),
    package="federates.worlds.road",
    tables=TABLES,
    costs={Role.POWER_OPERATOR.value: CostTable("power_costs"), Role.TRANSPORT_OPERATOR.value: CostTable("transport_costs")},
    letters={
        "N": "resourceful stations",
        "M": "limited stations",
        "H": "periods of the horizon; the first is the opened one",
        "S": "all stations, resourceful and then limited ones",
        "L": "links",
        "B": "bins of a period",
        "E": "any number of rows",
    },
)
