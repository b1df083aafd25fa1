"""Small public agreements for classes that come without a scenario."""

from __future__ import annotations

from federates.boundary.names import RAIL, ROAD
from federates.boundary.roles import Plugin
from federates.worlds.rail.session import RailSession, Train
from federates.worlds.road.session import RoadSession

__all__ = ["builtin_session", "small_rail", "small_road", "world_of"]


def small_road(periods: int = 6, horizon_periods: int = 3) -> RoadSession:
    """Return two resourceful and three limited stations around one hub; a link's name says what it joins.

    Not as many of the one kind as of the other: who mixes up rows and columns is seen.
    """
    return RoadSession(
        schema_version=1,
        name="small_road",
        seed=7,
        periods=periods,
        period_s=3600.0,
        start_hour=6,
        horizon_periods=horizon_periods,
        bins_per_period=2,
        resourceful_stations=("r1", "r2"),
        limited_stations=("q1", "q2", "q3"),
        links=("r1-hub", "r2-hub", "hub-q1", "hub-q2", "hub-q3"),
    )


def small_rail(periods: int = 8) -> RailSession:
    """Return three stations, two trains that are alike and a third of another kind; trips take one or two periods."""
    return RailSession(
        schema_version=1,
        world=RAIL,
        name="small_rail",
        seed=7,
        periods=periods,
        period_s=3600.0,
        rail_stations=("west", "middle", "east"),
        trains=(
            Train(name="train1", home="west"),
            Train(name="train2", home="west"),
            Train(name="train3", home="middle", kind="short"),
        ),
        trip_periods=((0, 1, 2), (1, 0, 1), (2, 1, 0)),
    )


def world_of(cls: type[Plugin]) -> World:
    """Return the first world in which ``cls`` can work."""
    return next(iter(getattr(cls, "worlds", (ROAD,))), ROAD)


def builtin_session(world: World) -> RoadSession | RailSession:
    """Return the small session of ``world``."""
    return small_road() if world == ROAD else small_rail()
