"""What the partners of an operator under test say: openings, observations, and prices to answer. The same in every life."""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.trains import alike_trains
from federates.worlds.road.messages import Gate, LinkObservation, StationObservation
from federates.worlds.road.session import RoadSession

__all__ = ["gate", "link_observation", "price_pattern", "road_times_s", "station_observation"]

_SEED = 20240229
_SPEED_M_PER_S = 25.0
_LINK_TIME_S = 300.0
_JAM_SPEED_M_PER_S, _JAM_TIME_S = 5.0, 1500.0
_PASSING_VEH_PER_H = 1500.0


def road_times_s(session: RoadSession, period: int) -> Array:
    """Return travel times (R, Q) as a transport operator says them: 10 to 20 minutes, other ones in every period."""
    return np.random.default_rng((_SEED, period, 1)).uniform(600.0, 1200.0, session.connection_shape[:2])


def gate(session: RoadSession, period: int) -> Gate:
    """Return gates as a power operator says them: 7 to 12 minutes to leave a station, 10 to 40 spots."""
    draw = np.random.default_rng((_SEED, period, 2))
    count = len(session.stations)
    return Gate(draw.uniform(400.0, 700.0, count), np.floor(draw.uniform(10.0, 41.0, count)))


def station_observation(session: RoadSession, period: int, sent_veh: Array, *, late: bool = False) -> StationObservation:
    """Return what stations count in ``period`` if ``sent_veh`` (R, Q) set out in it; ``late``: none of them arrives in it."""
    sizes, bins = session.sizes, session.bins_per_period
    per_bin = _PASSING_VEH_PER_H * session.period_s / 3600.0 / bins
    passing = np.floor(np.random.default_rng((_SEED, period, 3)).uniform(0.6, 1.4, (sizes["S"], bins)) * per_bin)
    arrivals = np.zeros((sizes["S"], bins))
    arrivals[: sizes["N"], 0] = sent_veh.sum(axis=1)
    if not late:
        arrivals[sizes["N"] :, -1] = sent_veh.sum(axis=0)
    return StationObservation(passing, arrivals)


def link_observation(session: RoadSession, period: int, *, jammed: bool = False) -> LinkObservation:
    """Return a period of free traffic, or of a jam, on every link; flow, density and speed agree with each other."""
    count = len(session.links)
    flow = np.random.default_rng((_SEED, period, 4)).uniform(800.0, 2400.0, count)
    speed = np.full(count, _JAM_SPEED_M_PER_S if jammed else _SPEED_M_PER_S)
    time_s = np.full(count, _JAM_TIME_S if jammed else _LINK_TIME_S)
    return LinkObservation(flow, flow / (speed * 3.6), speed, time_s)


def price_pattern(session: RoadSession | RailSession, number: int, *, alike: bool = True) -> Array:
    """Return factors around 1 in the connection's shape; ``alike``: the same for trains that are interchangeable."""
    shape = session.connection_shape
    pattern = np.random.default_rng((_SEED, number, 5)).uniform(0.4, 1.6, shape)
    if alike and isinstance(session, RailSession):
        for group in alike_trains(session):
            pattern[list(group)] = pattern[group[0]]
    return pattern
