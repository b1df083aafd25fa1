"""The public agreement of a run: what every agent knows before the first period.

It is the scenario's ``scenario.yaml``. Only the coordinator reads that file; it announces it to the others over
HELICS before the first period, so an agent in another language, or on another computer, needs no file of ours.

There are two worlds. On the road (`RoadSession`) a connection counts vehicles that leave a resourceful station for a limited one;
by rail (`RailSession`) it says which train stands at which station when. Messages and round loop are the same.
"""

from __future__ import annotations

from abc import abstractmethod
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, parse_config, unfit
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import World

__all__ = ["SCHEMES", "RailScheme", "RailSession", "RoadSession", "Scheme", "Session", "Train", "World", "parse_session"]

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]


class Scheme(StrEnum):
    """How vehicles are sent."""

    PROPOSED = "proposed"
    """Power and transport operator negotiate; routes are the system optimum."""
    FASTEST_ROUTE = "fastest_route"
    """The power operator asks, every vehicle takes the route that is fastest now (the paper's baseline)."""
    NO_MVES = "no_mves"
    """No vehicle is sent: the day without mobile storage."""


class RailScheme(StrEnum):
    """Where the batteries are: the models M1-M3 (30 buses) and M4-M6 (118 buses) of the paper."""

    MOBILE = "mobile"
    """Trains carry batteries between stations; the operators negotiate (M1, M4)."""
    FIXED = "fixed"
    """The same batteries, fixed at the stations (M2, M5)."""
    CENTRAL = "central"
    """The same batteries, fixed at one bus (M3, M6)."""
    NO_STORAGE = "no_storage"
    """No batteries: the cost that the others are compared with."""


SCHEMES: dict[World, tuple[str, ...]] = {
    World.ROAD: tuple(scheme.value for scheme in Scheme),
    World.RAIL: tuple(scheme.value for scheme in RailScheme),
}
"""Schemes of a world, in the order in which they are compared."""


class Session(Config):
    """What the public agreements of both worlds have in common. Read a file with `parse_session`."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    world: World
    """`road` or `rail`."""
    name: Identifier
    """Name of the scenario."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random in the run."""
    periods: Annotated[int, Field(ge=1, le=10_000)] = 24
    """T, number of scheduling periods."""
    period_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    """Length of a scheduling period, s."""
    start_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour of the day at which period 0 starts."""
    run_id: str = ""
    """Identity of the run; set at start, never in the file."""

    @property
    @abstractmethod
    def stations(self) -> tuple[str, ...]:
        """Return all stations, in the order of every array."""

    @property
    @abstractmethod
    def connection_shape(self) -> tuple[int, int, int]:
        """Return the shape of a connection and of its multipliers."""

    @property
    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return the size of every index set that a topic's shape may name."""

    def hour_of_day(self, period: int) -> float:
        """Return the hour of the day, in [0, 24), at which ``period`` starts."""
        return (self.start_hour + period * self.period_s / 3600.0) % 24.0


class RoadSession(Session):
    """Public agreement on the road. Index sets: R, Q, S = R + Q, L, T = periods, H = horizon, B = bins."""

    world: Literal[World.ROAD] = World.ROAD
    """`road`: vehicles from resourceful to limited stations."""
    scheme: Scheme = Scheme.PROPOSED
    """`proposed`, `fastest_route` or `no_mves`."""
    horizon_periods: Annotated[int, Field(ge=1, le=96)] = 4
    """H, periods that are planned ahead; only the first is committed."""
    bins_per_period: Annotated[int, Field(ge=1, le=60)] = 4
    """B, equal intervals of a period for which the traffic model reports station counts."""
    resourceful_stations: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """R, stations with energy to spare (RCS)."""
    limited_stations: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """Q, stations whose feeder overloads (LCS)."""
    links: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """L, road links that the traffic model reports on."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for field, names in (("limited_stations", self.stations), ("links", self.links)):
            _check_names(field, names)
        return self

    @property
    def stations(self) -> tuple[str, ...]:
        """Return all stations: the resourceful ones, then the limited ones."""
        return self.resourceful_stations + self.limited_stations

    @property
    def connection_shape(self) -> tuple[int, int, int]:
        """Return (R, Q, H): entry [r, q, h] counts vehicles that leave r for q, h periods after the opened one."""
        return (
            len(self.resourceful_stations),
            len(self.limited_stations),
            self.horizon_periods,
        )

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of every index set that a topic's shape may name."""
        return {
            "N": len(self.resourceful_stations),
            "M": len(self.limited_stations),
            "S": len(self.stations),
            "H": self.horizon_periods,
            "L": len(self.links),
            "B": self.bins_per_period,
        }


def _check_names(field: str, names: tuple[str, ...]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unfit(field, ", ".join(twice), "every name may stand once")


class Train(Config):
    """A train as everybody knows it: what it can carry is the power operator's, what it costs the transport operator's."""

    name: Identifier
    """Name of the train."""
    home: Identifier
    """Station at which it starts and ends the day."""
    kind: Identifier = "train"
    """Trains of one kind and one home are interchangeable for everyone; each operator's `check` refuses private data that differ
    between them. Trains that are unlike for anybody get kinds of their own."""


class RailSession(Session):
    """Public agreement by rail. Index sets: K trains, S stations, T = periods."""

    world: Literal[World.RAIL]
    """`rail`: trains between storage stations."""
    scheme: RailScheme = RailScheme.MOBILE
    """`mobile`, `fixed`, `central` or `no_storage`."""
    rail_stations: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """S, stations at which trains can exchange batteries."""
    trains: tuple[Train, ...] = ()
    """K, trains that carry batteries; only the scheme `mobile` uses them."""
    trip_periods: Annotated[tuple[tuple[Annotated[int, Field(ge=0, le=10_000)], ...], ...], Field(min_length=1)]
    """Public timetable: least number of periods from a station (row) to another (column); 0 on the diagonal. What a trip costs,
    which tracks are closed and where trains are late stays with the transport operator."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        count = len(self.rail_stations)
        for field, names in (("rail_stations", self.rail_stations), ("trains", tuple(train.name for train in self.trains))):
            _check_names(field, names)
        for train in self.trains:
            if train.home not in self.rail_stations:
                raise unfit(f"trains.{train.name}.home", train.home, f"must be one of {', '.join(self.rail_stations)}")
        if len(self.trip_periods) != count or any(len(row) != count for row in self.trip_periods):
            shape = [len(row) for row in self.trip_periods]
            raise unfit("trip_periods", f"rows of {shape}", f"must be {count} rows of {count} numbers, one per station")
        for origin, row in enumerate(self.trip_periods):
            for destination, trip in enumerate(row):
                self._check_trip(origin, destination, trip)
        return self

    def _check_trip(self, origin: int, destination: int, trip: int) -> None:
        where = f"trip_periods[{self.rail_stations[origin]}][{self.rail_stations[destination]}]"
        if origin == destination and trip != 0:
            raise unfit(where, trip, "must be 0")
        if origin != destination and not 1 <= trip <= self.periods:
            raise unfit(where, trip, f"must be from 1 to {self.periods}, the periods of the run")

    @property
    def stations(self) -> tuple[str, ...]:
        """Return all stations, in the order of every array."""
        return self.rail_stations

    @property
    def connection_shape(self) -> tuple[int, int, int]:
        """Return (K, S, T): entry [k, s, t] is 1 if train k stands at station s in period t of the day, else 0."""
        return (len(self.trains), len(self.rail_stations), self.periods)

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of every index set that a topic's shape may name."""
        return {"N": len(self.trains), "M": len(self.rail_stations), "S": len(self.rail_stations), "H": self.periods}


_MODELS: dict[str, type[RoadSession] | type[RailSession]] = {World.ROAD: RoadSession, World.RAIL: RailSession}


def parse_session(data: dict[str, Any], file: str) -> RoadSession | RailSession:
    """Return the public agreement in ``data``; ``file`` is the name that errors show. Without ``world`` it is the road.

    Raises
    ------
    ConfigError : with everything that is wrong.
    """
    world = data.get("world", World.ROAD)
    if not isinstance(world, str) or world not in _MODELS:
        raise ConfigError([Problem(file, "world", repr(world), "must be road or rail")])
    return parse_config(data, _MODELS[world], file)
