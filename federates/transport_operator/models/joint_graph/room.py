"""Whether the operator's own forecast of other traffic leaves a road that can be driven."""

from __future__ import annotations

import numpy as np

from federates.boundary.errors import Problem
from federates.boundary.units import hours
from federates.transport_operator.models.joint_graph.background import period_mean
from federates.transport_operator.models.joint_graph.delay import BPR_RISE, TimeCurve
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import RoadNetwork, road_routes
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import MOST_ROAD_TIME_S

__all__ = ["find_room_problems"]


def find_room_problems(
    settings: JointGraphSettings, session: RoadSession, road: RoadNetwork, hourly_veh_per_h: Array
) -> list[Problem]:
    """Return what is wrong with the capacities of a road (L links) beside the given flows (L, 24); every pair has a route."""
    length_h = hours(session.period_s)
    others = np.array(
        [period_mean(hourly_veh_per_h, session.hour_of_day(p), length_h) for p in range(session.periods)]
    )  # fmt: skip
    at = {name: settings.stations[name].junction for name in session.stations}
    routes = {
        (r, q): [list(route) for route in road_routes(road, at[r], at[q], settings.most_detour)]
        for r in session.resourceful_stations
        for q in session.limited_stations
    }
    time_s = TimeCurve(road.free_time_s, BPR_RISE * road.free_time_s, road.capacity_veh_per_h).time_s(others)
    longest_s, (r, q) = max((max(min(t[route].sum() for route in of) for t in time_s), pair) for pair, of in routes.items())
    if longest_s > MOST_ROAD_TIME_S:
        allowed = f"beside the flows of {settings.background_file} the drive from {r} to {q} takes {longest_s:.3g} s, over a day"
        return [_problem("capacity_per_lane_veh_per_h", f"{settings.capacity_per_lane_veh_per_h:g}", allowed)]
    room = settings.capacity_use * road.capacity_veh_per_h - others
    open_ = any((row[route] > 0).all() for row in room for of in routes.values() for route in of)
    if settings.respect_capacity and not open_:
        allowed = (
            f"other traffic ({settings.background_file}) leaves no room: in every period it fills every route to this part of "
            "its capacity; raise it, or set respect_capacity: false"
        )
        return [_problem("capacity_use", f"{settings.capacity_use:g}", allowed)]
    return []


def _problem(field: str, value: str, allowed: str) -> Problem:
    return Problem("config.yaml", f"settings.{field}", value, allowed)
