"""What the checks of agents (`federates.conformance`) must know of the rail.

The operators that algorithms negotiate with are by formula. The power operator values train k at station s in period t with a
worth w[k, s, t]: its cost is what it misses of it. The transport operator pays for every period in which a train moves. Both
costs are sums over trains, and linear in the connection, so the joint optimum is a longest path per train on the public
time-space network, found by going backwards in time (dynamic programming), and there is no duality gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from federates.boundary.exchange import Message
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import RAIL, Role
from federates.boundary.roles import Openings
from federates.conformance.kit import Scripted, Stage, WorldKit
from federates.worlds.rail.session import RailSession, Train
from federates.worlds.rail.trains import alike_trains, at_home
from federates.worlds.rail.world import CONNECTION, TRAIN_READY

__all__ = ["KIT", "RailKit", "home_all_day", "timetable_breach"]

_HALF = 0.5
_MOVE_USD, _MISMATCH_USD = 2.0, 1e4
_C = CONNECTION.name


def home_all_day(session: RailSession, period: int = 0) -> Array:
    """Return the connection (K, S, H) of a day on which no train leaves home any more."""
    connection = np.zeros((len(session.trains), len(session.stations), session.periods - period))
    for k, train in enumerate(session.trains):
        connection[k, session.stations.index(train.home)] = 1.0
    return connection


def _excursion(session: RailSession, period: int) -> Array:
    """Return a day like `home_all_day`, but the first train visits its nearest station, if time allows."""
    connection, periods = home_all_day(session, period), session.periods - period
    if not session.trains or len(session.stations) < 2:
        return connection
    home = session.stations.index(session.trains[0].home)
    there = min((s for s in range(len(session.stations)) if s != home), key=lambda s: session.trip_periods[home][s])
    out, back = session.trip_periods[home][there], session.trip_periods[there][home]
    stand = max(1, (periods - 1 - out - back) // 2)
    if 1 + out + stand + back <= periods:
        connection[0, home, 1 : 1 + out + stand + back] = 0.0
        connection[0, there, 1 + out : 1 + out + stand] = 1.0
    return connection


def _next_places(session: RailSession, plan: Array, period: int) -> Array:
    """Return where each train is free when ``period`` opens, (K, 3): station, period from which it can stand there, and its home.

    ``plan`` (K, S, H + 1) begins with the period before. A train that stood somewhere in that is free there, even if it leaves
    now; one that was under way is free where it stands next by the plan. After its last stand: its home, and T.
    """
    places = at_home(session)
    places[:, 1] = session.periods
    for k in range(len(places)):
        stood, ahead = np.flatnonzero(plan[k, :, 0] > _HALF), np.argwhere(plan[k, :, 1:].T > _HALF)
        if len(stood) > 0:
            places[k, :2] = stood[0], period
        elif len(ahead):
            places[k, :2] = ahead[0][1], ahead[0][0] + period
    return places


def _under_way(plan: Array, places: Array, period: int) -> Any:
    """Return the trains that were under way in the period before, and are to arrive when ``period`` opens."""
    return np.flatnonzero(~(plan[:, :, 0] > _HALF).any(axis=1) & (places[:, 1] == period))


def timetable_breach(session: RailSession, connection: Array, places: Array, period: int) -> str | None:
    """Return how the rest of a day (from ``period``) breaks the public timetable or ends elsewhere, in words; None if not."""
    for k, train in enumerate(session.trains):
        ahead = connection[k]
        twice = np.flatnonzero((ahead > _HALF).sum(axis=0) > 1)
        if len(twice):
            names = [session.stations[s] for s in np.flatnonzero(ahead[:, twice[0]] > _HALF)]
            return f"{train.name} stands at {' and '.join(names)} at once, in period {period + twice[0]}"
        at, since, end = (int(value) for value in places[k])
        comes_in_time = end >= 0 and since + session.trip_periods[at][end] <= session.periods
        for offset, station in np.argwhere(ahead.T > _HALF).tolist():
            stand = period + offset
            trip = session.trip_periods[at][station]
            if stand < since + trip:
                came = f"{train.name} stands at {session.stations[station]} in period {stand}"
                return f"{came}, but it is free at {session.stations[at]} from period {since} and the trip takes {trip}"
            at, since = station, stand + 1
        if comes_in_time and since + session.trip_periods[at][end] > session.periods:
            last = f"{train.name} stands at {session.stations[at]} until period {since - 1}"
            return f"{last}, and cannot be at {session.stations[end]}, where it ends the day, in time"
    return None


class _RailStage(Stage):
    session: RailSession

    def __init__(self, session: RailSession, role: str) -> None:
        super().__init__(session, role)
        self._committed: Array | None = None

    def openings(self, period: int, plan: dict[str, Array]) -> dict[str, Any]:
        """Return where the trains are by the plan; on a delayed day the first that moves comes a period late."""
        if self.role == Role.TRANSPORT_OPERATOR:
            return {}
        places = self._places(period)
        if self.late and self._committed is not None and period < self.session.periods:
            moving = _under_way(self._committed, places, period)
            if len(moving):
                places[moving[0], 1] += 1
                plan[_C][moving[0], :, 0] = 0.0
        return {TRAIN_READY: places}

    def is_broken(self, period: int, opening: Any) -> bool:
        if self.role != Role.TRANSPORT_OPERATOR:
            return False
        return not np.array_equal(self._places(period)[:, :2], opening[:, :2])

    def committed(self, plan: Quantities) -> dict[str, Array]:
        self._committed = np.array(plan[_C])
        return {_C: self._committed.copy()}

    def modest(self, period: int) -> dict[str, Array]:
        return {_C: home_all_day(self.session, period)}

    def trials(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        nowhere = np.zeros_like(home_all_day(self.session, period))
        return [("no train anywhere from now on", {_C: nowhere}), ("an excursion", self.wanted(period, None))]

    def impossible(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        everywhere = np.ones_like(home_all_day(self.session, period))
        hopping = np.zeros_like(everywhere)
        for offset in range(hopping.shape[2]):
            hopping[:, (period + offset) % hopping.shape[1], offset] = 1.0
        return [("every train everywhere all day", {_C: everywhere}), ("trains at another station every period", {_C: hopping})]

    def wanted(self, period: int, answered: Quantities | None) -> dict[str, Array]:
        return {_C: _excursion(self.session, period)}

    def _places(self, period: int) -> Array:
        return at_home(self.session) if self._committed is None else _next_places(self.session, self._committed, period)


class _RailOperators(Scripted):
    def __init__(self, session: RailSession, period: int = 0, places: Array | None = None, *, stubborn: bool = False) -> None:
        super().__init__(session, period, stubborn=stubborn)
        self.places = at_home(session) if places is None else places
        self.homes = [session.stations.index(train.home) for train in session.trains]
        self.worth = _worth(session)[:, :, period:]

    @property
    def openings(self) -> dict[str, Any]:
        return {TRAIN_READY: self.places.copy()}

    def best(self, agent: str, prices: Array) -> tuple[Array, Array]:
        if self.asks(agent):
            wanted = np.where(self.worth.ravel() > prices, 1.0, 0.0)
            return wanted, self._missed(wanted)
        return self._best(prices)

    def can(self, agent: str, given: Array) -> tuple[Array, Array, Array | None]:
        if self.asks(agent):
            return given.copy(), self._missed(given), -self.worth.ravel()
        return (*self._best(_MISMATCH_USD * given), None)

    def optimum_usd(self) -> float:
        z, moving = self._best(self.worth.ravel())
        return float(self._missed(z).sum() + moving.sum())

    def cost_usd(self, copies: Mapping[str, Array]) -> float | None:
        plan = self.layout.offered(copies)
        if timetable_breach(self.session, plan.reshape(self.worth.shape), self.places, self.period) is not None:
            return None
        z, moving = self._best(_MISMATCH_USD * plan)
        if (plan > z + _HALF).any():
            return None  # It asks for a stand that no route home has.
        return float(self._missed(plan).sum() + moving.sum())

    def following(self, plan: Array, *, late: bool = False) -> tuple[Scripted, bool]:
        """Move the trains; ``late``: the first that moves comes a period late."""
        stands, period = np.rint(plan).reshape(self.worth.shape), self.period + 1
        places = _next_places(self.session, stands, period)
        moving = _under_way(stands, places, period) if late and period < self.session.periods else []
        if len(moving):
            places[moving[0], 1] += 1
        return _RailOperators(self.session, period, places, stubborn=self.stubborn), len(moving) > 0

    def _missed(self, connection: Array) -> Array:
        return np.asarray(self.worth.ravel() * (1.0 - connection))

    def _best(self, reward: Array) -> tuple[Array, Array]:
        """Return what earns most by standing, less the cost of moving, and that cost, at each train's first entry."""
        connection, moving = np.zeros_like(self.worth), np.zeros_like(self.worth)
        for k in range(len(self.homes)):
            station, since = int(self.places[k, 0]), max(int(self.places[k, 1]), self.period) - self.period
            if self.stubborn:
                connection[k, station, since:] = 1.0
            elif self.worth.size:
                moving[k, 0, 0] = self._route(k, station, since, reward.reshape(self.worth.shape)[k], connection[k])
        return connection.ravel(), moving.ravel()

    def _route(self, k: int, station: int, since: int, reward: Array, stand: Array) -> float:
        """Write train ``k``'s best way from (station, since) to its home into ``stand`` (S, H); return what its moves cost."""
        step, periods = self._steps(self.homes[k], reward), reward.shape[1]
        spent, now, moved = 0.0, station, since
        while moved < periods and step[now][moved] is not None:
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


class RailKit(WorldKit):
    """The rail: what is exchanged are trains that stand at stations."""

    thing = "connection"

    def session(self) -> RailSession:
        """Return three stations, two trains that are alike and a third of another kind; trips take one or two periods."""
        return RailSession(
            schema_version=1,
            world=RAIL,
            name="small_rail",
            seed=7,
            periods=8,
            period_s=3600.0,
            rail_stations=("west", "middle", "east"),
            trains=(
                Train(name="train1", home="west"),
                Train(name="train2", home="west"),
                Train(name="train3", home="middle", kind="short"),
            ),
            trip_periods=((0, 1, 2), (1, 0, 1), (2, 1, 0)),
        )

    def stage(self, session: RailSession, role: str) -> Stage:  # noqa: D102
        return _RailStage(session, role)

    def scripted(self, session: RailSession, *, stubborn: bool = False) -> Scripted:  # noqa: D102
        return _RailOperators(session, stubborn=stubborn)

    def message_fault(self, session: RailSession, period: int, message: Message, arrays: Sequence[Array]) -> str | None:
        """Return which train is nowhere, or there before the opened period."""
        (places,) = arrays
        if not len(places):
            return None
        if places[:, :2].min() < 0:
            return f"the trains' places have {places[:, :2].min():.6g}, must not be negative"
        if (places != np.rint(places)).any():
            return "the trains' places must be whole numbers"
        if (places[:, 0] >= len(session.stations)).any():
            return f"a train stands at station {int(places[:, 0].max())}, but there are {len(session.stations)}"
        if ((places[:, 2] < -1) | (places[:, 2] >= len(session.stations))).any():
            return f"a train ends the day at none of the stations 0 to {len(session.stations) - 1}, nor at -1 (open)"
        if (places[:, 1] < period).any():
            return f"a train is where it stands next since period {int(places[:, 1].min())}, before the opened period {period}"
        return None

    def offer_fault(self, session: RailSession, period: int, offered: Quantities, openings: Openings) -> str | None:
        """Return how what is offered breaks the timetable."""
        return timetable_breach(session, offered[_C], openings[TRAIN_READY], period)

    def commit_fault(
        self, session: RailSession, openings: Mapping[int, Any], commits: Sequence[tuple[int, Quantities, Any]]
    ) -> tuple[str, str] | None:
        """Return which train is not next where the plan has it, nor late on the way there."""
        for period, plan, _ in commits:
            places = openings.get(period + 1)
            if places is None or period + 1 >= session.periods:
                continue
            expected = _next_places(session, plan[_C], period + 1)
            for k, train in enumerate(session.trains):
                station, since = (int(value) for value in expected[k, :2])
                stood = bool(plan[_C][k, station, 0] > _HALF)
                if since < session.periods and not _follows(session, places[k], station, since, stood=stood):
                    said = f"{session.stations[int(places[k, 0])]} from period {places[k, 1]:g}"
                    return (
                        f"{train.name} is said to be at {said}; by the plan it is at {session.stations[station]} from {since}",
                        f"commit in period {period}, then open_period({period + 1})",
                    )
        return None

    def alike(self, session: RailSession, prices: dict[str, Array]) -> dict[str, Array]:
        """Return the prices of the first for all trains that are interchangeable."""
        for group in alike_trains(session):
            prices[_C][list(group)] = prices[_C][group[0]]
        return prices

    def twin(self, session: RailSession, openings: Openings, values: Quantities) -> dict[str, Array] | None:
        """Return the values with two trains exchanged that are interchangeable and in one place; None if there are none."""
        places = openings[TRAIN_READY]
        for first, *others in alike_trains(session):
            for other in others:
                if np.array_equal(places[first], places[other]):
                    order = np.arange(len(session.trains))
                    order[[first, other]] = other, first
                    return {_C: np.asarray(values[_C][order])}
        return None


KIT = RailKit()


def _follows(session: RailSession, place: Array, station: int, since: int, *, stood: bool) -> bool:
    """Return whether a train's place agrees with the plan: where it stood it still is; under way it may be late."""
    at, free = int(place[0]), int(place[1])
    if at == station:
        return free == since if stood else free >= since
    return not stood and free + session.trip_periods[at][station] <= since


def _worth(session: RailSession) -> Array:
    """Return w[k, s, t], usd: trains are wanted at home at both ends of the day and elsewhere between; alike ones alike."""
    _, stations, periods = session.connection_shape
    worth = np.zeros(session.connection_shape)
    number_of = {k: number for number, group in enumerate(alike_trains(session)) for k in group}
    for k, train in enumerate(session.trains):
        for s in range(stations):
            home = session.stations[s] == train.home
            for t in range(periods):
                midday = periods // 4 <= t < periods - periods // 4
                worth[k, s, t] = (1.0 if home else 5.0 + 1.5 * s + number_of[k]) if midday else (3.0 if home else 0.5)
    return worth
