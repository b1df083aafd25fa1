"""What is taken at given prices: the minimum of worth that is missed plus price of what is taken.

    f_P(z) = sum over stations and periods of  worth x max(0, need - sum of z there)

is convex and piecewise linear. On the road every station and period is on its own, and the answer has a closed form: the origin
that is cheapest there is taken up to the need if it costs less than it is worth. By rail a train is at one station at a time and
takes its time from one to the next, so that the answer is a flow on the public timetable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel
from federates.lp.safe_bound import lower_dot
from federates.worlds.rail.timetable import TimeSpaceNetwork, time_space_network

Array = NDArray[np.float64]


def missed_usd(taken: Array, worth_usd: Array, need: Array) -> float:
    """Return f_P: the worth of what is wanted and not had; all of shape (stations, periods)."""
    return float((worth_usd * np.maximum(need - taken, 0.0)).sum())


def missed_slope_usd(taken: Array, worth_usd: Array, need: Array) -> Array:
    """Return a subgradient of f_P, (stations, periods): one more is worth so much where something is wanted still."""
    return np.where(taken < need, -worth_usd, 0.0)


def vehicles_from_origins(price_usd: Array, worth_usd: Array, need: Array) -> Array:
    """Return the vehicles taken on the road, (R, Q, H), at prices of this shape; worth and need are (Q, H)."""
    cheapest = price_usd.argmin(axis=0)
    taken = np.zeros_like(price_usd)
    wanted = np.where(price_usd.min(axis=0) < worth_usd, need, 0.0)
    np.put_along_axis(taken, cheapest[None], wanted[None], axis=0)
    return taken


def stands_of_trains(
    price_usd: Array,
    worth_usd: Array,
    need: Array,
    most: Array,
    trip_periods: Sequence[Sequence[int]],
    ready: Array,
    end: Sequence[int],
    *,
    relaxed: bool = False,
) -> tuple[Array, float]:
    """Return the stands taken by rail, 0/1 (K, S, T), and a proven lower bound of what they come to.

    A train is on one arc of the time-space network in every period; on a station arc it is taken, or idles beside it. Nearly
    always the linear relaxation is whole; ``relaxed`` answers it as it is.

    Parameters
    ----------
    price_usd, most : (K, S, T), price of a stand, and 1 where it may be taken, else 0.
    worth_usd, need : (S, T).
    trip_periods : the public timetable, (S, S).
    ready : (K, 2), the station where a train stands next, and the period from which it does.
    end : (K,), the station where a train ends the day, if it can still be there in time; else, or where it is -1, anywhere.
    """
    trains, _, periods = price_usd.shape
    if not most.any():
        return np.zeros(price_usd.shape), lower_dot(worth_usd, np.maximum(need, 0.0))
    network = time_space_network(trip_periods, periods)
    station_arcs = network.station_arcs.ravel()
    upper = np.ones((trains, network.arcs + station_arcs.size))
    upper[:, station_arcs] = most.reshape(trains, -1)
    model = LinearModel()
    on_arc = model.variables("train_on_arc", upper.shape, upper=upper, integer=True)
    missed = model.variables("missed", need.shape, upper=np.maximum(need, 0.0), cost=worth_usd)
    stands = on_arc[:, network.station_arcs]
    model.add_cost(stands, price_usd)
    model.rows("need", [(1.0, missed), (1.0, stands.transpose(1, 2, 0))], lower=need)
    incidence = _incidence(network)
    for k, (station, period) in enumerate(ready.astype(int).tolist()):
        least, greatest = np.zeros((2, network.stations, periods + 1))
        in_time = end[k] >= 0 and period + trip_periods[station][end[k]] <= periods
        ends = [end[k]] if in_time else list(range(network.stations))
        if period < periods:
            least[ends, periods] = -1.0
            least[station, period] = greatest[station, period] = 1.0
        model.rows("train_goes_on", [(incidence, on_arc[k])], least.ravel(), greatest.ravel())
    solution = model.solver().solve(relaxed=relaxed, gap_abs=1e-6)
    taken = solution.values[stands]
    return (taken if relaxed else np.round(taken)), solution.bound


def _incidence(network: TimeSpaceNetwork) -> sp.csr_matrix:
    """Return what leaves less what enters each node, (nodes, A + S T); idling stands behind the other arcs."""
    idle = network.station_arcs.ravel()
    tail, head = (np.concatenate([ends, ends[idle]]) for ends in (network.tail, network.head))
    arc, ones, shape = np.arange(tail.size), np.ones(tail.size), (network.nodes, tail.size)
    return sp.csr_matrix((ones, (tail, arc)), shape) - sp.csr_matrix((ones, (head, arc)), shape)
