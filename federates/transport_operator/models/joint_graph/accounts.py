"""What committed vehicles cost everybody on the road, and what the other ways to lead them would.

All of it is by formula, on the operator's own curves and forecast of the period. Vehicles on the road from the period before are
left out, as everywhere in this model. A price or toll is not in it: it moves between agents and is no cost of everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from federates.boundary.roles import Recorder
from federates.boundary.units import S_PER_H
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, SocialCost
from federates.transport_operator.models.joint_graph.graph import Array


@dataclass(frozen=True, slots=True)
class RoadAccount:
    """Vehicle hours and money of one period; ``total_usd`` is f_T."""

    vehicles: float
    storage_time_h: float
    """Time of the mobile storages: charging, road, discharging."""
    public_delay_h: float
    """Time that other vehicles lose to them."""
    storage_time_usd: float
    public_delay_usd: float
    trip_usd: float

    @property
    def total_usd(self) -> float:
        """Return what everybody on the road pays in time and money."""
        return self.storage_time_usd + self.public_delay_usd + self.trip_usd

    @property
    def delivery_time_s(self) -> float:
        """Return the mean time of a delivery; 0 without a vehicle."""
        return S_PER_H * self.storage_time_h / self.vehicles if self.vehicles > 0 else 0.0


def road_account(costs: EdgeCosts, edge_flow: Array, vehicles: float, length_h: float) -> RoadAccount:
    """Return the account of one period with flows ``edge_flow`` (1, E) in veh/h; ``costs`` are of the same period."""
    background = costs.background_veh_per_h
    time_h = costs.time_s(edge_flow) / S_PER_H
    storage_h = length_h * float((edge_flow * time_h).sum())
    public_h = length_h * float((background * (time_h - costs.curve.time_s(background) / S_PER_H)).sum())
    total_usd = length_h * float(SocialCost(costs).value(edge_flow).sum())
    storage_usd, public_usd = storage_h * costs.driver_usd_per_h, public_h * costs.public_usd_per_h
    return RoadAccount(vehicles, storage_h, public_h, storage_usd, public_usd, total_usd - storage_usd - public_usd)


def record_cost(recorder: Recorder, period: int, driven: RoadAccount) -> None:
    """Write table `transport_costs` of the whole vehicles that are sent."""
    recorder.record(
        "transport_costs",
        period=period,
        vehicles=int(np.rint(driven.vehicles)),
        storage_time_h=driven.storage_time_h,
        public_delay_h=driven.public_delay_h,
        storage_time_usd=driven.storage_time_usd,
        public_delay_usd=driven.public_delay_usd,
        trip_usd=driven.trip_usd,
        total_usd=driven.total_usd,
    )


def record_alternatives(recorder: Recorder, period: int, alternatives: Mapping[str, RoadAccount]) -> None:
    """Write table `routing_alternatives` of the same vehicles under every rule."""
    for routing, account in alternatives.items():
        recorder.record(
            "routing_alternatives",
            period=period,
            routing=routing,
            vehicles=int(np.rint(account.vehicles)),
            delivery_time_s=account.delivery_time_s,
            storage_time_h=account.storage_time_h,
            public_delay_h=account.public_delay_h,
            total_usd=account.total_usd,
        )
