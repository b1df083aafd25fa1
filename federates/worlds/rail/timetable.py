"""The public timetable as a time-space network (TSN): where a train can be when, by least travel times alone.

Sets and arcs of Ding et al., JMPCE 2025, equations (1)-(4), after Sun et al., IEEE Trans. Smart Grid 6(5), 2015. Both operators
know it, for the least travel times are public; what an arc costs and which are closed is the transport operator's.

Nodes are (s, t), station s at the start of period t, t = 0..T; node (s, t) has the number ``s * (T + 1) + t``. In a period a
train is on one arc: a station arc (s, t) -> (s, t + 1), or a transport arc (s, t) -> (r, t + trip).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.worlds.rail.session import RailSession

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TimeSpaceNetwork:
    """Arcs as arrays of shape (A,); station arcs come first, ordered by station, then period: arc ``s * T + t``.

    ``origin`` and ``destination`` are stations, ``start`` and ``end`` the periods at whose beginning it leaves and arrives.
    """

    stations: int
    periods: int
    origin: Index
    destination: Index
    start: Index
    end: Index

    @property
    def arcs(self) -> int:
        """Return A, the number of arcs."""
        return len(self.origin)

    @property
    def station_arcs(self) -> Index:
        """Return the indices of the station arcs, shape (S, T)."""
        return np.arange(self.stations * self.periods, dtype=np.int64).reshape(self.stations, self.periods)

    @property
    def transport_arcs(self) -> Index:
        """Return the indices of the transport arcs, shape (A - S T,)."""
        return np.arange(self.stations * self.periods, self.arcs, dtype=np.int64)

    @property
    def duration(self) -> Index:
        """Return the number of periods that each arc takes, shape (A,)."""
        return self.end - self.start

    @property
    def tail(self) -> Index:
        """Return the node that each arc leaves, shape (A,)."""
        return self.origin * (self.periods + 1) + self.start

    @property
    def head(self) -> Index:
        """Return the node that each arc enters, shape (A,)."""
        return self.destination * (self.periods + 1) + self.end

    @property
    def nodes(self) -> int:
        """Return the number of nodes, S (T + 1)."""
        return self.stations * (self.periods + 1)

    def arcs_in_period(self) -> NDArray[np.float64]:
        """Return which arcs a train may be on in each period, shape (A, T): 1 from an arc's start to its end."""
        period = np.arange(self.periods)
        return ((self.start[:, None] <= period) & (period < self.end[:, None])).astype(np.float64)

    def node(self, station: int, period: int) -> int:
        """Return the number of node (station, period)."""
        return station * (self.periods + 1) + period


def time_space_network(trip_periods: Sequence[Sequence[int]] | NDArray[np.int64], periods: int) -> TimeSpaceNetwork:
    """Return the network of ``periods`` periods with the given travel times, shape (S, S); 0 off the diagonal means no track."""
    trip = np.asarray(trip_periods, dtype=np.int64)
    count = len(trip)
    station, period = (grid.ravel() for grid in np.meshgrid(np.arange(count), np.arange(periods), indexing="ij"))
    pairs = [(s, r, int(trip[s, r])) for s in range(count) for r in range(count) if s != r and trip[s, r] > 0]
    trips = [(s, r, t, t + length) for s, r, length in pairs for t in range(periods - length + 1)]
    moves = np.array(trips, dtype=np.int64).reshape(-1, 4)
    return TimeSpaceNetwork(
        stations=count,
        periods=periods,
        origin=np.concatenate([station, moves[:, 0]]),
        destination=np.concatenate([station, moves[:, 1]]),
        start=np.concatenate([period, moves[:, 2]]),
        end=np.concatenate([period + 1, moves[:, 3]]),
    )


def broken_plan(session: RailSession, period: int, train_ready: NDArray[np.float64], agreed: NDArray[np.float64]) -> str | None:
    """Return why the trains cannot follow what was agreed for ``period`` and later (K, S, H), None if they can.

    A train that is ready at s from t must not be due anywhere before t, and must stand at s in t, or reach the station where it
    is due next by the public timetable.
    """
    for k, train in enumerate(session.trains):
        station, ready = round(float(train_ready[k, 0])), max(round(float(train_ready[k, 1])), period)
        due = np.argwhere(agreed[k].T > 0.5)
        if not len(due):
            continue
        start, place = period + int(due[0, 0]), int(due[0, 1])
        if ready + session.trip_periods[station][place] > start:
            when = f"from period {ready}" if ready < session.periods else "not any more this day"
            return (
                f"{train.name} stands at {session.stations[station]} {when}, "
                f"and cannot be at {session.stations[place]} in period {start}"
            )
    return None
