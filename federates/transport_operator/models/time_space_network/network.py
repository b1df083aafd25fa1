"""The operator's own time-space network: its travel times, costs, closures and slots, as arrays over arcs.

Sets of Ding et al., JMPCE 2025, equations (1)-(4). The arcs are those of `federates.boundary.timetable`, numbered alike; an
arc that a closure forbids keeps its number and is not open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from federates.boundary.messages import Array
from federates.transport_operator.models.time_space_network.settings import ClosedTrack, TimeSpaceNetworkSettings, TrainSettings
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import Index, TimeSpaceNetwork, time_space_network


@dataclass(frozen=True, slots=True)
class RailNetwork:
    """Index sets: K trains, S stations, T periods, A arcs.

    ``open_arcs`` (A,): no closure forbids it. ``cost_usd`` (K, A): C_a of (26), 0 on station arcs; its parts are ``motion_usd``
    per period and ``trip_usd`` per trip, both (K, S, S). ``start``, ``end`` (K,): stations of (3) and (4). ``slots`` (S, T): most
    trains standing, K where there is no limit. ``departures``: per period the open arcs that leave in it, by station, then
    by destination with the station arc last, and where each station's arcs begin. ``late_end_usd``: price of an end elsewhere.
    """

    tsn: TimeSpaceNetwork
    open_arcs: NDArray[np.bool_]
    cost_usd: Array
    motion_usd: Array
    trip_usd: Array
    start: Index
    end: Index
    slots: Index
    departures: tuple[tuple[Index, Index], ...]
    late_end_usd: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (K, S, T), the shape of a connection."""
        return len(self.start), self.tsn.stations, self.tsn.periods

    def connection(self, arc: Index) -> Array:
        """Return I (K, S, T) of trains on arcs ``arc`` (K, T), -1 for none: 1 where a train is on a station arc."""
        standing: Array = (arc[:, None, :] == self.tsn.station_arcs).astype(np.float64)
        return standing

    def route_cost_usd(self, arc: Index) -> float:
        """Return the transport cost of ``arc`` (K, T), every arc counted once, in the period in which it starts."""
        train, period = np.nonzero(arc >= 0)
        used = arc[train, period]
        starts = self.tsn.start[used] == period
        return float(self.cost_usd[train[starts], used[starts]].sum())

    @property
    def dearest_usd(self) -> float:
        """Return a number that no transport cost of all trains in the day exceeds."""
        if not self.cost_usd.size:
            return 0.0
        return float((self.cost_usd / self.tsn.duration).max(axis=1).sum()) * self.tsn.periods


def pair_matrix(value: ArrayLike, stations: int) -> Array:
    """Return one number, or rows of them, as a matrix (S, S) with a diagonal of zeros; ValueError if the rows do not fit."""
    matrix = np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (stations, stations)))
    np.fill_diagonal(matrix, 0.0)
    return matrix


def own_trip_periods(settings: TimeSpaceNetworkSettings, session: RailSession) -> Index:
    """Return the operator's travel times in periods, shape (S, S)."""
    given = session.trip_periods if settings.trip_periods is None else settings.trip_periods
    return pair_matrix(given, len(session.stations)).astype(np.int64)


def build_network(settings: TimeSpaceNetworkSettings, session: RailSession) -> RailNetwork:
    """Return the network; the names, periods and matrices in ``settings`` must be those of the session (see `checks`)."""
    stations, count = list(session.stations), len(session.trains)
    tsn = time_space_network(own_trip_periods(settings, session), session.periods)
    own = [settings.trains.get(train.name, TrainSettings()) for train in session.trains]
    start = [stations.index(o.start or train.home) for o, train in zip(own, session.trains, strict=True)]
    end = [stations.index(o.end) if o.end else s for o, s in zip(own, start, strict=True)]
    factor = np.array([o.cost_factor for o in own]).reshape(count, 1, 1)
    motion, trip = (
        factor * pair_matrix(usd, len(stations)) for usd in (settings.cost_usd_per_period, settings.cost_usd_per_trip)
    )
    slots = np.full((len(stations), session.periods), count, dtype=np.int64)
    for name, most in settings.slots.items():
        slots[stations.index(name)] = np.minimum(count, most)
    open_arcs = _open_arcs(tsn, settings.closed_tracks, stations)
    pair = tsn.origin, tsn.destination
    return RailNetwork(
        tsn=tsn,
        open_arcs=open_arcs,
        cost_usd=motion[:, *pair] * tsn.duration + trip[:, *pair],
        motion_usd=motion,
        trip_usd=trip,
        start=np.array(start, dtype=np.int64),
        end=np.array(end, dtype=np.int64),
        slots=slots,
        departures=_departures(tsn, open_arcs),
        late_end_usd=settings.late_end_usd,
    )


def _open_arcs(tsn: TimeSpaceNetwork, closed: tuple[ClosedTrack, ...], stations: list[str]) -> NDArray[np.bool_]:
    """Return which arcs touch no closed period of their track."""
    free = np.ones(tsn.arcs, dtype=bool)
    for track in closed:
        on_track = (tsn.origin == stations.index(track.origin)) & (tsn.destination == stations.index(track.destination))
        free &= ~(on_track & (tsn.start <= track.to_period) & (tsn.end > track.from_period))
    return free


def _departures(tsn: TimeSpaceNetwork, open_arcs: NDArray[np.bool_]) -> tuple[tuple[Index, Index], ...]:
    stays = tsn.origin == tsn.destination
    order = np.lexsort((tsn.destination, stays, tsn.origin, tsn.start))
    order = order[open_arcs[order]]
    found = []
    for period in range(tsn.periods):
        arcs = order[tsn.start[order] == period]
        first = np.searchsorted(tsn.origin[arcs], np.arange(tsn.stations)).astype(np.int64)
        found.append((arcs, first))
    return tuple(found)
