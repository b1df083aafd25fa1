"""Settings of the timetable operator: its part ``settings`` of ``config.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import Config

NotNegative = Annotated[float, Field(ge=0, le=1e9)]


class TrainDeparture(Config):
    """A trip by rail; it takes as many periods as the public timetable says."""

    train: str
    """Train, as the session names it; of interchangeable trains (one kind and home) any may run the courses of all."""
    origin: str
    """Station that it leaves; it must stand there."""
    destination: str
    """Station that it reaches."""
    period: Annotated[int, Field(ge=0)]
    """Period at whose beginning it leaves, from 0."""


class VehicleDeparture(Config):
    """Vehicles on the road that may leave in an hour of the day, all by one route."""

    origin: str
    """Resourceful station that they leave."""
    destination: str
    """Limited station that they reach."""
    hour: Annotated[int, Field(ge=0, le=23)]
    """Hour of the day in which they leave."""
    vehicles: Annotated[float, Field(gt=0, le=1e6)]
    """Most vehicles in this hour; a period has its share of each hour that it meets, in whole vehicles."""
    links: Annotated[tuple[str, ...], Field(min_length=1)]
    """Their route: links of the session, in order, 16 at most; a period of several hours goes by the one it has most of."""


class TimetableSettings(Config):
    """Fixed departures; without any, trains stay at home, and no vehicle drives."""

    departures: tuple[TrainDeparture, ...] = ()
    """Rail: all trips of the day. Every train starts and ends at its home."""
    cost_usd_per_trip: NotNegative = 20.0
    """Rail: cost of a trip, usd."""
    vehicles: tuple[VehicleDeparture, ...] = ()
    """Road: what is offered, by pair of stations and hour."""
    cost_usd_per_vehicle: NotNegative = 10.0
    """Road: cost of a vehicle that is sent, usd."""
    road_time_s: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """Road: time of a trip until the traffic has been seen, and between stations without a route, s."""
