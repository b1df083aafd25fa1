"""Settings of the time-space-network operator; the text under each field is its documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from federates.boundary.config import Config

_MOST = 1e9


def _is_number(value: Any, whole: bool) -> bool:
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    return fits and 0 <= value <= _MOST


def _one_or_rows(whole: bool) -> Callable[[Any], Any]:
    """Return a validator whose one message stands for those of every type that the field may have."""
    what = "whole number" if whole else "number"

    def check(value: Any) -> Any:
        rows = value if isinstance(value, (list, tuple)) else [[value]]
        if not all(isinstance(row, (list, tuple)) and all(_is_number(v, whole) for v in row) for row in rows):
            raise ValueError(
                f"must be one {what} from 0 to {_MOST:g} for all pairs, or a row of them for each station, in the session's order"
            )
        return value

    return check


def _one_or_list(value: Any) -> Any:
    numbers = value if isinstance(value, (list, tuple)) else [value]
    if not all(_is_number(v, whole=True) for v in numbers):
        raise ValueError("must be one whole number >= 0 for all periods, or a list with one for each")
    return value


PairPeriods: TypeAlias = Annotated[int | tuple[tuple[int, ...], ...], BeforeValidator(_one_or_rows(whole=True))]
PairMoney: TypeAlias = Annotated[float | tuple[tuple[float, ...], ...], BeforeValidator(_one_or_rows(whole=False))]
Slots: TypeAlias = Annotated[int | tuple[int, ...], BeforeValidator(_one_or_list)]
Period = Annotated[int, Field(ge=0)]


class TrainSettings(Config):
    """A train as its operator knows it."""

    start: str | None = None
    """Station where it starts the day; by default the session's home of the train."""
    end: str | None = None
    """Station where it must end the day; by default where it starts."""
    cost_factor: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Its transport cost relative to the costs given below."""


class ClosedTrack(Config):
    """A track, in one direction, that no train may be on for some periods."""

    origin: str
    """Station that it leaves."""
    destination: str
    """Station that it reaches."""
    from_period: Period
    """First closed period."""
    to_period: Period
    """Last closed period."""


class LateTrain(Config):
    """A disturbance that is known beforehand to whoever writes the scenario, but not to the operator."""

    train: str
    """Train whose trip becomes late, if it is under way in the period."""
    period: Period
    """Period in which that happens; the operator learns of it when the next one opens."""
    by_periods: Annotated[int, Field(ge=1, le=10_000)]
    """How much later it arrives."""


class Lateness(Config):
    """Disturbances of trips under way: listed, and random ones drawn from the session's seed."""

    listed: tuple[LateTrain, ...] = ()
    """Disturbances by train and period."""
    probability: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that a trip becomes late in one of its periods (each as likely as the others)."""
    most_periods: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Most periods by which a random disturbance delays the arrival; 1..most are equally likely."""


class TimeSpaceNetworkSettings(Config):
    """What the transport operator keeps to itself: travel times, costs, closures, slots, disturbances."""

    cost_usd_per_period: PairMoney
    """Cost of a period in motion, usd: one number, or a matrix from station (row) to station (column)."""
    cost_usd_per_trip: PairMoney = 0.0
    """Cost of a trip beside that of its periods, usd: one number or a matrix, as above."""
    trip_periods: PairPeriods | None = None
    """Periods that a trip takes: one number or a matrix, as above; nowhere below the session's public minimum, the default."""
    trains: dict[str, TrainSettings] = Field(default_factory=dict)
    """Trains with settings of their own."""
    closed_tracks: tuple[ClosedTrack, ...] = ()
    """Tracks closed for some periods."""
    slots: dict[str, Slots] = Field(default_factory=dict)
    """Most trains that may stand at a station in a period: one number, or a list with one for each period. Default: no limit."""
    lateness: Lateness = Lateness()
    """Disturbances; by default none."""
    late_end_usd: Annotated[float, Field(ge=0, le=1e9)] = 10_000.0
    """Price of a train that ends the day elsewhere, usd; it may do so only where lateness leaves no other way. Assumption."""
