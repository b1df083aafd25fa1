"""The public agreement of a run: what every agent knows before the first period.

It is the scenario's ``scenario.yaml``. Only the coordinator reads that file; it announces it to the others over
HELICS before the first period, so an agent in another language, or on another computer, needs no file of ours.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config

__all__ = ["Scheme", "Session"]

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]


class Scheme(StrEnum):
    """How vehicles are sent."""

    PROPOSED = "proposed"
    """Power and transport operator negotiate; routes are the system optimum."""
    FASTEST_ROUTE = "fastest_route"
    """The power operator asks, every vehicle takes the route that is fastest now (the paper's baseline)."""
    NO_MVES = "no_mves"
    """No vehicle is sent: the day without mobile storage."""


class Session(Config):
    """Public agreement. Index sets: R, Q, S = R + Q, L, T = periods, H = horizon, B = bins."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    name: Identifier
    """Name of the scenario."""
    scheme: Scheme = Scheme.PROPOSED
    """`proposed`, `fastest_route` or `no_mves`."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random in the run."""
    periods: Annotated[int, Field(ge=1, le=10_000)] = 24
    """T, number of scheduling periods."""
    period_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    """Length of a scheduling period, s."""
    start_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour of the day at which period 0 starts."""
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
    run_id: str = ""
    """Identity of the run; set at start, never in the file."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for field, names in (("stations", self.stations), ("links", self.links)):
            if len(set(names)) != len(names):
                raise ValueError(f"{field}: every name may stand once, but got {list(names)}")
        return self

    @property
    def stations(self) -> tuple[str, ...]:
        """Return all stations: the resourceful ones, then the limited ones."""
        return self.resourceful_stations + self.limited_stations

    @property
    def connection_shape(self) -> tuple[int, int, int]:
        """Return (R, Q, H), the shape of a connection and of its multipliers."""
        return (
            len(self.resourceful_stations),
            len(self.limited_stations),
            self.horizon_periods,
        )

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of every index set that a topic's shape may name."""
        return {
            "R": len(self.resourceful_stations),
            "Q": len(self.limited_stations),
            "S": len(self.stations),
            "H": self.horizon_periods,
            "L": len(self.links),
            "B": self.bins_per_period,
        }

    def hour_of_day(self, period: int) -> float:
        """Return the hour of the day, in [0, 24), at which ``period`` starts."""
        return (self.start_hour + period * self.period_s / 3600.0) % 24.0
