"""From hourly flows per link to single vehicles with a path and a departure time.

A path is a chain of links; its vehicles enter the network by the on-ramp of its first link and leave it by the off-ramp of
its last. Hourly path counts are whole numbers and meet the given flow of every link exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from federates.boundary.canonical import to_grid
from federates.boundary.units import S_PER_H
from federates.traffic_sumo.data import HOURS, Road

Path: TypeAlias = tuple[str, ...]
_EXACT = 100.0
"""Weight of meeting a link's flow against keeping path flows even; rounding mends what is left."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Vehicles:
    """Background vehicles in order of departure; arrays have one entry a vehicle."""

    depart_s: NDArray[np.float64]
    path: NDArray[np.int64]
    truck: NDArray[np.bool_]
    name: list[str]


def enumerate_paths(road: Road) -> list[Path]:
    """Return all chains of links without a repeated junction, single links first."""
    paths: list[Path] = []
    front: list[Path] = [(name,) for name in road.links]
    while front:
        paths.extend(front)
        longer = []
        for path in front:
            visited = {road.links[name].start for name in path}
            for link in road.out_of(road.links[path[-1]].end):
                if link.end not in visited and link.start not in visited:
                    longer.append((*path, link.name))
        front = longer
    return paths


def count_paths(road: Road, paths: list[Path], scale: float) -> NDArray[np.int64]:
    """Return vehicles per hour of day and path, shape (24, P), such that every link gets exactly its flow times ``scale``.

    Among the many solutions the non-negative least-squares one with the most even path flows is taken. Its chains of
    several links are rounded down, and the single-link paths take the rest, which is never negative.
    """
    names = list(road.links)
    incidence = np.array([[name in path for path in paths] for name in names], dtype=float)
    counts = np.zeros((HOURS, len(paths)), dtype=np.int64)
    for hour in range(HOURS):
        wanted = np.array([round(float(road.flow_veh_per_h[name][hour]) * scale) for name in names], dtype=np.int64)
        counts[hour] = _solve_hour(incidence, wanted)
    return counts


def _solve_hour(incidence: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    links, paths = incidence.shape
    matrix = np.vstack((_EXACT * incidence, np.eye(paths)))
    even, _ = nnls(matrix, np.concatenate((_EXACT * wanted, np.zeros(paths))))
    # Its last bits differ from processor to processor, and a path that takes exactly one vehicle must not lose it to them.
    count = np.floor(to_grid(even, _DECIMALS)).astype(np.int64)
    count[:links] = 0
    uses = incidence.astype(np.int64)
    for _ in range(int(count.sum()) + 1):
        surplus = uses @ count - wanted
        worst = int(np.argmax(surplus))
        if surplus[worst] <= 0:
            break
        # Take the excess off the largest chain over that link: nnls meets the flows up to a few vehicles only.
        largest = int(np.argmax(np.where(uses[worst] > 0, count, 0)))
        count[largest] -= min(count[largest], surplus[worst])
    count[:links] = wanted - uses @ count
    return np.asarray(count, dtype=np.int64)


def movement_peaks(paths: list[Path], counts: NDArray[np.int64]) -> dict[tuple[str, str], int]:
    """Return the largest hourly count of each movement; ("", link) is its on-ramp and (link, "") its off-ramp."""
    flow: dict[tuple[str, str], NDArray[np.int64]] = {}
    for index, path in enumerate(paths):
        for pair in zip(("", *path), (*path, ""), strict=True):
            flow[pair] = flow.get(pair, np.zeros(HOURS, dtype=np.int64)) + counts[:, index]
    return {pair: int(values.max()) for pair, values in flow.items()}


def leads_s(road: Road, paths: list[Path], speed_m_per_s: float) -> NDArray[np.float64]:
    """Return the time from a path's start to its middle at ``speed_m_per_s``, in s, shape (P,).

    Vehicles depart this much ahead of the hour they are counted for: a link far down a path would otherwise see the morning's
    rise a quarter of an hour late.
    """
    return np.array([500.0 * sum(road.links[name].length_km for name in path) / speed_m_per_s for path in paths])


def draw_vehicles(
    counts: NDArray[np.int64],
    lead_s: NDArray[np.float64],
    seed: int,
    window_s: tuple[float, float],
    start_hour: int,
    truck_share: float,
) -> Vehicles:
    """Return the vehicles that depart in the half-open ``window_s``, time 0 being ``start_hour``.

    The n vehicles of a path and clock hour depart one in each of n equal slots, at a random time of the slot, ``lead_s`` of
    the path earlier than the slot: the count of an hour is exact and vehicles do not come in platoons. Each clock hour has
    random numbers of its own, so a short run is a piece of the long one.
    """
    begin_s, end_s = window_s
    latest_s = end_s + float(lead_s.max(initial=0.0))
    hours = range(math.floor(begin_s / S_PER_H), math.ceil(latest_s / S_PER_H))
    parts = [_draw_hour(counts, lead_s, seed, hour, start_hour, truck_share) for hour in hours]
    depart, path, truck = (np.concatenate([part[i] for part in parts]) for i in range(3))
    names = [name for part in parts for name in part[3]]
    inside = np.flatnonzero((depart >= begin_s) & (depart < end_s))
    order = inside[np.argsort(depart[inside], kind="stable")]
    return Vehicles(depart[order], path[order], truck[order], [names[i] for i in order])


def _draw_hour(
    counts: NDArray[np.int64], lead_s: NDArray[np.float64], seed: int, hour: int, start_hour: int, truck_share: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_], list[str]]:
    number = counts[(start_hour + hour) % HOURS]
    random = np.random.default_rng([seed, start_hour + hour + HOURS])
    path = np.repeat(np.arange(number.size), number)
    slot = np.arange(path.size) - np.repeat(np.cumsum(number) - number, number)
    depart = S_PER_H * (hour + (slot + random.random(path.size)) / number[path]) - lead_s[path]
    truck = random.random(path.size) < truck_share
    return np.round(depart, 2), path, truck, [f"c{start_hour + hour}_{i}" for i in range(path.size)]
