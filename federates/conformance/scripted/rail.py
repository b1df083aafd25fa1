"""Operators by rail whose joint optimum is a cheapest path per train on the public time-space network.

The power operator values train k at station s in period t with a worth w[k, s, t]: its cost is what it misses of it. The
transport operator pays for every period in which a train moves. Both costs are sums over trains, and linear in the connection,
so the joint optimum is a longest path per train, found by going backwards in time (dynamic programming), and there is no duality
gap.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import RoundResult
from federates.conformance.scripted.pair import ScriptedPair, sent
from federates.conformance.trains import timetable_breach
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.trains import alike_trains, at_home

__all__ = ["RailPair"]

_MOVE_USD = 2.0
_MISMATCH_USD = 1e4


class RailPair(ScriptedPair):
    """Scripted operators from ``period`` on.

    Parameters
    ----------
    places : where each train stands next and ends, (K, 3): station, period, station.
    past : the day as it was carried out before ``period``, (K, S, T).
    stubborn : the transport operator leaves every train where it is, whatever it is asked or paid.
    """

    def __init__(
        self,
        session: RailSession,
        period: int = 0,
        places: Array | None = None,
        past: Array | None = None,
        *,
        stubborn: bool = False,
    ) -> None:
        self.session, self.period, self.stubborn = session, period, stubborn
        homes = [session.stations.index(train.home) for train in session.trains]
        self.homes = homes
        self.places = at_home(session) if places is None else places
        self.past = np.zeros(session.connection_shape) if past is None else past.copy()
        self.past[:, :, period:] = 0.0
        self.worth = _worth(session)

    def solve(self, multipliers_usd_per_veh: Array) -> RoundResult:  # noqa: D102
        price = multipliers_usd_per_veh
        wanted = np.where(self.worth > price, 1.0, 0.0)
        wanted[:, :, : self.period] = self.past[:, :, : self.period]
        missed = self._missed(wanted)
        asked = sent(wanted, missed, missed + (price * wanted).sum())
        z, moving = self._best(price)
        return RoundResult(asked, sent(z, moving, moving - (price * z).sum()))

    def evaluate(self, power_connection: Array, transport_connection: Array) -> RoundResult:  # noqa: D102
        missed = self._missed(power_connection)
        z, moving = self._best(_MISMATCH_USD * transport_connection)
        return RoundResult(sent(power_connection.copy(), missed, missed, -self.worth), sent(z, moving, moving))

    def optimum_usd(self) -> float:  # noqa: D102
        z, moving = self._best(self.worth)
        return self._missed(z) + moving

    def cost_usd(self, connection: Array) -> float | None:  # noqa: D102
        if timetable_breach(self.session, connection, self.places, self.period) is not None:
            return None
        z, moving = self._best(_MISMATCH_USD * connection)
        rest = connection[:, :, self.period :]
        if (rest > z[:, :, self.period :] + 0.5).any():
            return None  # It asks for a stand that no route home has.
        return self._missed(connection) + moving

    def _missed(self, connection: Array) -> float:
        return float((self.worth * (1.0 - connection)).sum())

    def _best(self, reward: Array) -> tuple[Array, float]:
        """Return the connection that earns most by standing, less the cost of moving, and that cost."""
        connection, moving = self.past.copy(), 0.0
        for k in range(len(self.homes)):
            station, since = int(self.places[k, 0]), max(int(self.places[k, 1]), self.period)
            if self.stubborn:
                connection[k, station, since:] = 1.0
                continue
            moving += self._route(k, station, since, reward[k], connection[k])
        return connection, moving

    def _route(self, k: int, station: int, since: int, reward: Array, stand: Array) -> float:
        """Write train ``k``'s best way from (station, since) to its home into ``stand`` (S, T); return what its moves cost."""
        step = self._steps(self.homes[k], reward)
        spent, now, moved = 0.0, station, since
        while moved < self.session.periods and step[now][moved] is not None:
            goal = step[now][moved]
            assert goal is not None
            if goal == now:
                stand[now, moved] = 1.0
                moved += 1
            else:
                trip = self.session.trip_periods[now][goal]
                spent += _MOVE_USD * trip
                now, moved = goal, moved + trip
        return spent

    def _steps(self, home: int, reward: Array) -> list[list[int | None]]:
        """Return where to go next from (s, t): s itself to stay; None where home cannot be reached any more."""
        stations, periods = reward.shape
        value = np.full((stations, periods + 1), -np.inf)
        value[home, periods] = 0.0
        step: list[list[int | None]] = [[None] * periods for _ in range(stations)]
        for t in range(periods - 1, -1, -1):
            for s in range(stations):
                best = value[s, t + 1] + reward[s, t]
                goal: int | None = s
                for other, trip in enumerate(self.session.trip_periods[s]):
                    if other != s and t + trip <= periods and value[other, t + trip] - _MOVE_USD * trip > best:
                        best, goal = value[other, t + trip] - _MOVE_USD * trip, other
                value[s, t], step[s][t] = best, goal if np.isfinite(best) else None
        return step


def _worth(session: RailSession) -> Array:
    """Return w[k, s, t], usd: trains are wanted at home at both ends of the day and elsewhere between; alike ones alike."""
    _, stations, periods = session.connection_shape
    worth = np.zeros(session.connection_shape)
    number_of = {k: number for number, group in enumerate(alike_trains(session)) for k in group}
    for k, train in enumerate(session.trains):
        number = number_of[k]
        for s in range(stations):
            at_home = session.stations[s] == train.home
            for t in range(periods):
                midday = periods // 4 <= t < periods - periods // 4
                worth[k, s, t] = (1.0 if at_home else 5.0 + 1.5 * s + number) if midday else (3.0 if at_home else 0.5)
    return worth
