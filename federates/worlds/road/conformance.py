"""What the checks of agents (`federates.conformance`) must know of the road.

The operators that algorithms negotiate with are in closed form. The power operator needs n vehicles per pair and period; what is
missing costs it b (n - z)^2 / 2. The transport operator sends z of them for b z^2 / 2. So the joint optimum is z = n / 2, for
every pair and period on its own, and prices b z bring both to it: there is no duality gap. The needs are even, so it is whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from federates.boundary.exchange import Message
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Openings
from federates.conformance.kit import SEED, ModelKit, Scripted, Stage
from federates.worlds.road.messages import (
    MAX_ROUTE_LINKS,
    Departure,
    Gate,
    LinkObservation,
    StationObservation,
    TrafficObservation,
)
from federates.worlds.road.route_order import order_fault
from federates.worlds.road.session import RoadSession
from federates.worlds.road.world import DELIVERY

__all__ = ["KIT", "RoadKit", "drawn", "opened_by", "seen_traffic"]

_SPEED_M_PER_S, _LINK_TIME_S = 25.0, 300.0
_JAM_SPEED_M_PER_S, _JAM_TIME_S = 5.0, 1500.0
_PASSING_VEH_PER_H = 1500.0
_TRY_VEH, _MOST_PLANNED_VEH, _ABSURD_VEH = 10.0, 50.0, 1e6
_ORDINARY_VEH, _FLOOD_VEH = 8, 5_000
_DELAY_UNTIL = 3
"""On a delayed day, what the first periods should bring is late."""
_MOST_VEH_PER_H = 100_000.0
"""The widest motorways have 26 lanes, of at most about 2 400 veh/h each: nobody sends more from one station to another."""
_SLOPE_USD, _NEEDS_VEH = 1.5, (6.0, 8.0, 12.0, 4.0, 10.0)
_D = DELIVERY.name


def drawn(period: int, number: int) -> np.random.Generator:
    """Return the generator of what is told in a period; ``number`` says of what."""
    return np.random.default_rng((SEED, period, number))


def opened_by(session: RoadSession, period: int) -> dict[str, Any]:
    """Return 10 to 20 minutes of travel; 7 to 12 minutes to leave a station and 10 to 40 spots; other ones in every period."""
    draw, count = drawn(period, 2), len(session.stations)
    gate = Gate(draw.uniform(400.0, 700.0, count), np.floor(draw.uniform(10.0, 41.0, count)))
    return {"gate": gate, "road_time_s": drawn(period, 1).uniform(600.0, 1200.0, session.connection_shape[:2])}


def seen_traffic(session: RoadSession, period: int, sent_veh: Array, *, late: bool = False) -> TrafficObservation:
    """Return free traffic in which ``sent_veh`` (R, Q) set out and arrive; ``late``: jammed roads, on which none arrives."""
    sizes, links = session.sizes(), len(session.links)
    flow = drawn(period, 4).uniform(800.0, 2400.0, links)
    speed = np.full(links, _JAM_SPEED_M_PER_S if late else _SPEED_M_PER_S)
    time_s = np.full(links, _JAM_TIME_S if late else _LINK_TIME_S)
    per_bin = _PASSING_VEH_PER_H * session.period_s / 3600.0 / sizes["B"]
    passing = np.floor(drawn(period, 3).uniform(0.6, 1.4, (sizes["S"], sizes["B"])) * per_bin)
    arrivals = np.zeros((sizes["S"], sizes["B"]))
    arrivals[: sizes["N"], 0] = sent_veh.sum(axis=1)
    if not late:
        arrivals[sizes["N"] :, -1] = sent_veh.sum(axis=0)
    return TrafficObservation(LinkObservation(flow, flow / (speed * 3.6), speed, time_s), StationObservation(passing, arrivals))


class _RoadStage(Stage):
    session: RoadSession

    def __init__(self, session: RoadSession, role: str) -> None:
        super().__init__(session, role)
        self._sent = np.zeros(session.connection_shape[:2])

    def openings(self, period: int, plan: dict[str, Array]) -> dict[str, Any]:
        name = "road_time_s" if self.role == Role.POWER_OPERATOR else "gate"
        return {name: opened_by(self.session, period)[name]}

    def observation(self, period: int) -> LinkObservation | StationObservation | None:
        if not period:
            return None
        seen = seen_traffic(self.session, period - 1, self._sent, late=self.late and period < _DELAY_UNTIL)
        return seen.stations if self.role == Role.POWER_OPERATOR else seen.links

    def committed(self, plan: Quantities) -> dict[str, Array]:
        z = np.array(plan[_D])
        z[:, :, 0] = np.floor(z[:, :, 0] + 1e-9)
        self._sent = z[:, :, 0]
        return {_D: z}

    def modest(self, period: int) -> dict[str, Array]:
        return {_D: np.full(self.session.connection_shape, _TRY_VEH)}

    def trials(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        many = (("twice as much", 2.0), ("ten times as much", 10.0), ("a thousand times as much", 1000.0))
        return [(words, {_D: times * self.modest(period)[_D]}) for words, times in many]

    def impossible(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        return [("a million vehicles", {_D: np.full(self.session.connection_shape, _ABSURD_VEH)})]

    def wanted(self, period: int, answered: Quantities | None) -> dict[str, Array]:
        if answered is None or not answered[_D][:, :, 0].any():
            return self.modest(period)
        return {_D: np.clip(np.floor(answered[_D] + 1e-9), 0.0, _MOST_PLANNED_VEH)}


class _RoadOperators(Scripted):
    def __init__(self, session: RoadSession, period: int = 0, *, stubborn: bool = False) -> None:
        super().__init__(session, period, stubborn=stubborn)
        self._need = np.array([_NEEDS_VEH[i % len(_NEEDS_VEH)] for i in range(self.layout.size)])

    @property
    def openings(self) -> dict[str, Any]:
        return opened_by(self.session, self.period)

    def best(self, agent: str, prices: Array) -> tuple[Array, Array]:
        if self.asks(agent):
            wanted = np.clip(self._need - prices / _SLOPE_USD, 0.0, self._need)
            return wanted, self._unmet(wanted)
        z = np.zeros_like(prices) if self.stubborn else np.maximum(prices, 0.0) / _SLOPE_USD
        return z, self._drive(z)

    def can(self, agent: str, given: Array) -> tuple[Array, Array, Array | None]:
        if self.asks(agent):
            used = np.clip(given, 0.0, self._need)
            return used, self._unmet(used), None
        z = np.zeros_like(given) if self.stubborn else np.maximum(given, 0.0)
        return z, self._drive(z), None

    def optimum_usd(self) -> float:
        z = np.zeros_like(self._need) if self.stubborn else 0.5 * self._need
        return float(self._unmet(z).sum() + self._drive(z).sum())

    def following(self, plan: Array, *, late: bool = False) -> tuple[Scripted, bool]:
        return _RoadOperators(self.session, self.period + 1, stubborn=self.stubborn), False

    def _unmet(self, used: Array) -> Array:
        return np.asarray(0.5 * _SLOPE_USD * (self._need - used) ** 2)

    def _drive(self, z: Array) -> Array:
        return np.asarray(0.5 * _SLOPE_USD * z**2)


class RoadKit(ModelKit):
    """The road: what is exchanged are vehicles."""

    thing = "delivery"
    led: ClassVar[str] = DELIVERY.name
    """The exchange whose vehicles are led over the roads."""

    def session(self) -> RoadSession:
        """Return two resourceful and three limited stations around one hub; a link's name says what it joins.

        Not as many of the one kind as of the other: who mixes up rows and columns is seen.
        """
        return RoadSession(
            schema_version=1,
            name="small_road",
            seed=7,
            periods=6,
            period_s=3600.0,
            start_hour=6,
            horizon_periods=3,
            bins_per_period=2,
            resourceful_stations=("r1", "r2"),
            limited_stations=("q1", "q2", "q3"),
            links=("r1-hub", "r2-hub", "hub-q1", "hub-q2", "hub-q3"),
        )

    def stage(self, session: RoadSession, role: str) -> Stage:  # noqa: D102
        return _RoadStage(session, role)

    def scripted(self, session: RoadSession, *, stubborn: bool = False) -> Scripted:  # noqa: D102
        return _RoadOperators(session, stubborn=stubborn)

    def message_fault(self, session: RoadSession, period: int, message: Message, arrays: Sequence[Array]) -> str | None:
        """Return which count, mean or time is negative."""
        if message.name == "departures":
            return None
        negative = (f"{t.name} has {v.min():.6g}" for t, v in zip(message.rows, arrays, strict=True) if v.min(initial=0.0) < 0)
        return next((f"{words} in period {period}, must not be negative" for words in negative), None)

    def offer_fault(self, session: RoadSession, period: int, offered: Quantities, openings: Openings) -> str | None:
        """Return how more is offered than any road carries."""
        fits = _MOST_VEH_PER_H * session.period_s / 3600.0
        most = float(offered[self.led].max(initial=0.0)) if self.led in offered else 0.0
        return f"the {self.led} has {most:.6g}, but no road carries more than {fits:.6g} in a period" if most > fits else None

    def commit_fault(
        self, session: RoadSession, openings: Mapping[int, Any], commits: Sequence[tuple[int, Quantities, Any]]
    ) -> tuple[str, str] | None:
        """Return which vehicle is not led by known links, in an order that one road can have."""
        for period, plan, departures in commits:
            if (fault := _departures_fault(session, plan[self.led][:, :, 0], departures)) is not None:
                return fault, f"commit in period {period}"
        fault = order_fault(session, (departure for _, _, departures in commits for departure in departures))
        return None if fault is None else (fault, "commit, all periods")

    # The traffic model.

    def dispatches(
        self, session: RoadSession, routes: Sequence[Departure], periods: int, *, flooded: bool
    ) -> Iterable[tuple[str, list[Departure]]]:
        """Return departures of each period, in words too: none in the first and the last, or far too many in the first."""
        known = list(routes) or _routes_by_names(session)
        for period in range(periods):
            leaving = known if 0 < period < periods - 1 else []
            if flooded and period == 0:
                leaving = [dataclasses.replace(route, vehicles=_FLOOD_VEH) for route in known[:1]]
            yield f"run with {sum(departure.vehicles for departure in leaving)} vehicles", list(leaving)

    def sent_to(self, session: RoadSession, departures: Sequence[Departure]) -> Array:
        """Return how many vehicles leave for each limited station, (Q,)."""
        sent = np.zeros(len(session.limited_stations))
        for departure in departures:
            sent[session.limited_stations.index(departure.destination)] += departure.vehicles
        return sent

    def arrived_at(self, session: RoadSession, seen: Any) -> Array:
        """Return how many vehicles have arrived at each limited station, (Q,)."""
        return np.asarray(seen.stations.arrivals_veh[len(session.resourceful_stations) :].sum(axis=1))

    def example(self, session: RoadSession, period: int) -> TrafficObservation:
        """Return an observation of a period in which nobody set out."""
        return seen_traffic(session, period, np.zeros(session.connection_shape[:2]))

    def ordinary(self, session: RoadSession) -> dict[str, Array]:
        """Return vehicles of an ordinary period."""
        return {self.led: np.full(session.connection_shape, float(_ORDINARY_VEH))}


KIT = RoadKit()


def _departures_fault(session: RoadSession, vehicles: Array, departures: object) -> str | None:
    if not isinstance(departures, list) or not all(isinstance(departure, Departure) for departure in departures):
        return f"it returned {type(departures).__name__}, must be a list of Departure"
    led = np.zeros_like(vehicles)
    for departure in departures:
        if (fault := _departure_fault(session, departure)) is not None:
            return fault
        pair = session.resourceful_stations.index(departure.origin), session.limited_stations.index(departure.destination)
        led[pair] += departure.vehicles
    if (led != vehicles).any():
        r, q = np.argwhere(led != vehicles)[0]
        names = f"{session.resourceful_stations[r]} to {session.limited_stations[q]}"
        return f"{led[r, q]:g} vehicles from {names} are led, {vehicles[r, q]:g} were committed"
    return None


def _departure_fault(session: RoadSession, departure: Departure) -> str | None:
    name = f"departure {departure.origin} to {departure.destination}"
    if departure.origin not in session.resourceful_stations or departure.destination not in session.limited_stations:
        return f"{name}: must be from a resourceful to a limited station"
    if departure.vehicles != int(departure.vehicles) or departure.vehicles < 1:
        return f"{name} has {departure.vehicles} vehicles, must be a whole number above 0"
    if not 1 <= len(departure.links) <= MAX_ROUTE_LINKS:
        return f"{name} has {len(departure.links)} links, must have 1 to {MAX_ROUTE_LINKS}"
    unknown = [link for link in departure.links if link not in session.links]
    if unknown:
        return f"{name} has the unknown link {unknown[0]!r}"
    return f"{name} takes a link twice" if len(set(departure.links)) < len(departure.links) else None


def _routes_by_names(session: RoadSession) -> list[Departure]:
    """Return one departure for each pair of stations that links named ``from-to`` join; else one by the first link.

    Only where the names say nothing is the road guessed: a model that knows its road needs routes that it knows.
    """
    ends = {link: tuple(link.split("-", 1)) for link in session.links if link.count("-") == 1}
    pairs = [(origin, destination) for origin in session.resourceful_stations for destination in session.limited_stations]
    ways = {pair: _way(*pair, ends) for pair in pairs}
    found = [Departure(*pair, _ORDINARY_VEH, links) for pair, links in ways.items() if links]
    return found or [Departure(*pairs[0], _ORDINARY_VEH, session.links[:1])]


def _way(origin: str, destination: str, ends: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the links of a shortest way, by number of links; empty if there is none."""
    ways: list[tuple[str, tuple[str, ...]]] = [(origin, ())]
    been = {origin}
    while ways:
        place, links = ways.pop(0)
        if place == destination:
            return links
        for link, (start, end) in ends.items():
            if start == place and end not in been and len(links) < MAX_ROUTE_LINKS:
                been.add(end)
                ways.append((end, (*links, link)))
    return ()
