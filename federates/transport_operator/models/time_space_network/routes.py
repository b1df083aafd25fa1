"""Cheapest routes where trains do not compete: one shortest path per train on the acyclic time-space network.

Without slots the transport subproblem (41) of Ding et al., JMPCE 2025, separates by train, and equations (1)-(4) describe a path
from (start, ready) to (end, T). Its matrix is totally unimodular, so the linear relaxation has the same optimum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ModelError
from federates.boundary.messages import Array
from federates.lp.safe_bound import lower_sum
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.situation import Plan, Situation
from federates.worlds.rail.timetable import Index

_TIE_USD = 1e-9
"""Routes nearer to each other than this are equal: fewer moves win, then the earlier departure, which leaves most time for
lateness, then the first station."""
_MANY = np.iinfo(np.int64).max


def arc_prices(network: RailNetwork, reward_usd: Array) -> Array:
    """Return cost minus reward of every arc (K, A); ``reward_usd`` (K, S, T) is paid for standing."""
    price = network.cost_usd.copy()
    standing = network.tsn.station_arcs.ravel()
    price[:, standing] -= reward_usd.reshape(len(price), standing.size)
    return price


def cheapest_routes(network: RailNetwork, situation: Situation, reward_usd: Array) -> Plan:
    """Return the routes of least cost minus reward, slots apart; the bound is that minimum less what rounding can be.

    Raises
    ------
    ModelError : a train has no route to an end that it is allowed.
    """
    price = arc_prices(network, reward_usd)
    value, chosen = _backward(network, situation, price)
    start = _start_nodes(network, situation)
    trains = np.arange(len(start))
    least = np.where(start >= 0, value[trains, start], network.late_end_usd)
    if not np.isfinite(least).all():
        raise ModelError(f"no route to the end of the day for the trains with numbers {np.flatnonzero(np.isinf(least)).tolist()}")
    arc = _walk(network, situation, chosen)
    bound_usd = lower_sum(least - _rounding_usd(price, situation.end_price_usd(network), network.tsn.periods))
    return Plan(arc, network.route_cost_usd(arc) + end_cost_usd(network, situation, arc), bound_usd)


def _rounding_usd(price: Array, end_usd: Array, periods: int) -> Array:
    """Return what rounding can add to the least price of each train (K,): that of a sum of so many arcs and an end."""
    largest = [np.abs(part).max(axis=1, initial=0.0, where=np.isfinite(part)) for part in (price, end_usd)]
    return np.asarray((periods + 2) * 2.0**-52 * (periods * largest[0] + largest[1]))


def can_end(network: RailNetwork, situation: Situation) -> NDArray[np.bool_]:
    """Return which trains (K,) can reach in time an end that they are allowed."""
    value, _ = _backward(network, situation, network.cost_usd)
    start = _start_nodes(network, situation)
    return (start >= 0) & np.isfinite(value[np.arange(len(start)), start])


def end_cost_usd(network: RailNetwork, situation: Situation, arc: Index) -> float:
    """Return the price of the ends elsewhere of routes ``arc`` (K, T)."""
    last = arc[:, -1]
    station = np.where(last >= 0, network.tsn.destination[last], situation.station)
    price = situation.end_price_usd(network)[np.arange(len(station)), station]
    return float(np.where(situation.out_for_good(network), network.late_end_usd, price).sum())


def _start_nodes(network: RailNetwork, situation: Situation) -> Index:
    """Return the node where each train's free part begins (K,), -1 if it does not arrive before the day ends."""
    node = situation.station * (network.tsn.periods + 1) + situation.ready
    return np.where(situation.out_for_good(network), -1, node)


def _backward(network: RailNetwork, situation: Situation, price: Array) -> tuple[Array, Index]:
    """Return least price from each node to the end (K, N), inf if there is no way, and the arc to take there (K, N)."""
    tsn, trains = network.tsn, len(price)
    head, stations = tsn.head, np.arange(tsn.stations)
    value = np.full((trains, tsn.nodes), np.inf)
    moves, chosen = np.zeros((trains, tsn.nodes), dtype=np.int64), np.full((trains, tsn.nodes), -1, dtype=np.int64)
    value[:, stations * (tsn.periods + 1) + tsn.periods] = situation.end_price_usd(network)
    for period in range(tsn.periods - 1, situation.period - 1, -1):
        arcs, first = network.departures[period]
        node = stations * (tsn.periods + 1) + period
        through = price[:, arcs] + value[:, head[arcs]]
        best = np.minimum.reduceat(through, first, axis=1)
        leaves = tsn.origin[arcs]
        count = moves[:, head[arcs]] + (leaves != tsn.destination[arcs])
        count[through > best[:, leaves] + _TIE_USD] = _MANY
        fewest = np.minimum.reduceat(count, first, axis=1)
        place = np.where(count == fewest[:, leaves], np.arange(len(arcs)), len(arcs))
        chosen[:, node] = arcs[np.minimum.reduceat(place, first, axis=1)]
        value[:, node], moves[:, node] = best, fewest
    return value, chosen


def _walk(network: RailNetwork, situation: Situation, chosen: Index) -> Index:
    """Follow ``chosen`` from where each train is; return the arc per train and period (K, T)."""
    tsn = network.tsn
    arc = np.full((len(chosen), tsn.periods), -1, dtype=np.int64)
    for train, (station, period) in enumerate(zip(situation.station.tolist(), situation.ready.tolist(), strict=True)):
        while period < tsn.periods:
            taken = int(chosen[train, tsn.node(station, period)])
            station, end = int(tsn.destination[taken]), int(tsn.end[taken])
            arc[train, period:end] = taken
            period = end
    return arc
