"""Public agreement by rail."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, unfit
from federates.boundary.names import Role
from federates.boundary.session import Identifier, Session, check_names


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
    """Public agreement by rail. Index sets: K trains, S stations, T = periods, H = T - p in messages of period p."""

    roles: ClassVar[tuple[str, ...]] = (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
    parts: ClassVar[dict[str, str]] = {Role.TRANSPORT_OPERATOR: "trains"}

    world: Literal["rail"]
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
            check_names(field, names)
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
        """Return (K, S, T), the shape of a whole day's connection: entry [k, s, t] is 1 if train k stands at s in period t."""
        return len(self.trains), len(self.rail_stations), self.periods

    def index_names(self, letter: str) -> tuple[str, ...] | None:  # noqa: D102
        return {"N": tuple(train.name for train in self.trains), "M": self.rail_stations, "S": self.rail_stations}.get(letter)

    def sizes(self, period: int = 0) -> dict[str, int]:  # noqa: D102
        count = len(self.rail_stations)
        return {"N": len(self.trains), "M": count, "S": count, "H": self.periods - period}
