"""The whole problem in its tight form: capacity and energy as flows on the transport operator's own network.

Equations (1)-(36) of Ding et al., JMPCE 2025, with alike trains as one integer flow, which is a relaxation; see
`federates.power_operator.models.unit_commitment.formulations.ding_2025_trains`.
"""

from __future__ import annotations

import numpy as np

from federates.centralised.joint_data import JointData
from federates.power_operator.models.unit_commitment.formulations.ding_2025_trains import TrainGroup, passing_is_pointless
from federates.power_operator.models.unit_commitment.plan_model import PlanModel, PlanOptions
from federates.transport_operator.models.time_space_network.network import RailNetwork


def build_flow_model(data: JointData, *, threads: int = 1, alike: bool = True) -> PlanModel:
    """Return the model of both operators; with ``alike`` false every train is a flow of its own."""
    rail = data.rail
    if rail is None:
        return PlanModel(data.system, data.fleet, (), None, PlanOptions(threads=threads))
    groups = _groups(data, alike=alike and _may_pool(rail))
    plan = PlanModel(data.system, data.fleet, groups, rail.tsn, PlanOptions(threads=threads, idling=False))
    trains = plan.trains
    assert trains is not None
    model = plan.model
    cost_usd = np.array([rail.cost_usd[group.members[0]] for group in groups])
    model.add_cost(trains.on_arc, cost_usd)
    closed = np.flatnonzero(~rail.open_arcs)
    if closed.size:
        model.rows("closed_tracks", [(1.0, trains.on_arc[:, closed])], 0.0, 0.0)
    if (rail.slots < len(data.session.trains)).any():
        model.rows("slots", [(1.0, trains.standing.transpose(1, 2, 0))], upper=rail.slots, shape=rail.slots.shape)
    return plan


def transport_cost_usd(data: JointData, plan: PlanModel, values: np.ndarray) -> tuple[float, float, float]:
    """Return transport cost, trips and periods in motion in a solution."""
    if data.rail is None or plan.trains is None:
        return 0.0, 0.0, 0.0
    used = values[plan.trains.on_arc]
    cost_usd = np.array([data.rail.cost_usd[group.members[0]] for group in plan.trains.groups])
    moves = data.rail.tsn.transport_arcs
    trips = used[:, moves]
    return float((used * cost_usd).sum()), float(trips.sum()), float((trips * data.rail.tsn.duration[moves]).sum())


def _may_pool(rail: RailNetwork) -> bool:
    """Return whether no train would pass a station without standing there: there is room, the direct way is open, fast, cheap."""
    open_tracks = bool(rail.open_arcs.all() and (rail.slots >= len(rail.start)).all())
    tsn = rail.tsn
    trip = np.zeros((tsn.stations, tsn.stations), dtype=np.int64)
    trip[tsn.origin[tsn.transport_arcs], tsn.destination[tsn.transport_arcs]] = tsn.duration[tsn.transport_arcs]
    usd = rail.motion_usd * trip + rail.trip_usd
    cheapest = bool((usd[:, :, None, :] <= usd[:, :, :, None] + usd[:, None, :, :] + 1e-9).all())
    return open_tracks and cheapest and passing_is_pointless(trip)


def _groups(data: JointData, *, alike: bool) -> tuple[TrainGroup, ...]:
    """Return trains of like place, load and cost."""
    rail, fleet = data.rail, data.fleet
    assert rail is not None
    found: dict[tuple[object, ...], list[int]] = {}
    for k, train in enumerate(data.session.trains):
        load = tuple(
            float(part[k])
            for part in (
                fleet.train_capacity_mw,
                fleet.train_energy_mwh,
                fleet.train_start_capacity_mw,
                fleet.train_start_energy_mwh,
            )
        )
        key = (int(rail.start[k]), int(rail.end[k]), train.kind, load, rail.cost_usd[k].tobytes(), -1 if alike else k)
        found.setdefault(key, []).append(k)
    return tuple(
        TrainGroup(tuple(members), int(rail.start[members[0]]), 0, int(rail.end[members[0]])) for members in found.values()
    )
