"""Public agreement on the road."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.names import Role
from federates.boundary.session import Identifier, Session, check_names


class Scheme(StrEnum):
    """How vehicles are sent."""

    PROPOSED = "proposed"
    """Power and transport operator negotiate; routes are the system optimum."""
    FASTEST_ROUTE = "fastest_route"
    """The power operator asks, every vehicle takes the route that is fastest now (the paper's baseline)."""
    NO_MVES = "no_mves"
    """No vehicle is sent: the day without mobile storage."""


class RoadSession(Session):
    """Public agreement on the road. Index sets: R, Q, S = R + Q, L, T = periods, H = horizon, B = bins."""

    roles: ClassVar[tuple[str, ...]] = (
        Role.COORDINATOR.value,
        Role.POWER_OPERATOR.value,
        Role.TRANSPORT_OPERATOR.value,
        Role.TRAFFIC.value,
    )
    parts: ClassVar[dict[str, str]] = {Role.POWER_OPERATOR: "limited_stations"}

    world: Literal["road"] = "road"
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
            check_names(field, names)
        return self

    @property
    def stations(self) -> tuple[str, ...]:
        """Return all stations: the resourceful ones, then the limited ones."""
        return self.resourceful_stations + self.limited_stations

    @property
    def connection_shape(self) -> tuple[int, int, int]:
        """Return (R, Q, H), the shape of a delivery: entry [r, q, h] is of h periods after the opened one."""
        return len(self.resourceful_stations), len(self.limited_stations), self.horizon_periods

    def index_names(self, letter: str) -> tuple[str, ...] | None:  # noqa: D102
        return {"N": self.resourceful_stations, "M": self.limited_stations, "S": self.stations, "L": self.links}.get(letter)

    def sizes(self, period: int = 0) -> dict[str, int]:  # noqa: D102
        return {
            "N": len(self.resourceful_stations),
            "M": len(self.limited_stations),
            "S": len(self.stations),
            "H": self.horizon_periods,
            "L": len(self.links),
            "B": self.bins_per_period,
        }
