"""Settings of operators on the joint graph; the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from federates.boundary.config import Config

ROUTING_RULES = ("system_optimum", "storage_optimum", "user_equilibrium", "fastest_route")
"""How vehicles can be led: at least cost to everybody; at least time of all mobile storages together, other traffic's delay not
counted; so that no driver gains by another route (Wardrop 1952); all on the route that was fastest last."""


class Station(Config):
    """A station as the transport operator knows it."""

    most_key: ClassVar[str]
    """Name of the field that limits how many mobile storages set out."""

    junction: str
    """Junction at which the station lies (column ``id`` of the junctions file)."""
    service_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Time that one mobile storage holds a spot, s: energy / power. 10 kWh: 400 s at 90 kW, 600 s at 60 kW."""

    @property
    def most_veh_per_h(self) -> float:
        """Return how many mobile storages can set out from here per hour."""
        return float(getattr(self, self.most_key))


class StationSettings(Station):
    """A station with its fleet."""

    most_key: ClassVar[str] = "fleet_veh_per_h"

    fleet_veh_per_h: Annotated[float, Field(ge=0, le=100_000)] = 400.0
    """Mobile storages that can set out from this station per hour, veh/h. Not used for a limited station."""


S = TypeVar("S", bound=Station)


class RoadPlanSettings(Config, Generic[S]):
    """Road network, delay law, forecast, and what time is worth: of every operator on the joint graph."""

    stations: dict[str, S]
    """Where each station of the session lies, and how many mobile storages can set out from it."""
    junctions_file: str = "data/junctions.csv"
    """Columns ``id``, ``lat``, ``lon``; relative to the operator's folder."""
    links_file: str = "data/links.csv"
    """Columns ``link``, ``from``, ``to``, ``length_km``, ``lanes``, ``hov_lanes``."""
    background_file: str = "data/background_hourly.csv"
    """Columns ``link``, ``hour`` (0..23), ``flow_veh_per_h``: the operator's own history."""
    free_speed_m_per_s: Annotated[float, Field(gt=0, le=70)] = 30.0
    """Speed on an empty road, m/s (67 mph; PeMS medians of I-5 N, October 2025: 66.5-69.4 mph)."""
    capacity_per_lane_veh_per_h: Annotated[float, Field(gt=0, le=4000)] = 1900.0
    """Capacity of a lane, veh/h/lane (largest 5-min flow observed on I-5 N: 1,750-1,905)."""
    delay_law: Literal["bpr", "calibrated"] = "calibrated"
    """``bpr``: free time x (1 + 0.15 (flow / capacity)^4). ``calibrated``: that curve put through what the road shows."""
    calibration_memory: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Weight of an observation relative to the one a period later; 0: only the last counts."""
    background: Literal["profile", "persistence"] = "profile"
    """Forecast of other traffic: ``profile`` scales the last observation by history, ``persistence`` keeps it."""
    routing: Literal["by_scheme", "system_optimum", "storage_optimum", "user_equilibrium", "fastest_route"] = "by_scheme"
    """How committed vehicles are led. ``by_scheme``: fastest route in the scheme `fastest_route`, else the system optimum.
    ``storage_optimum``: least cost of the mobile storages alone, the delay of others not counted."""
    most_detour: Annotated[float, Field(ge=1, le=20)] = 3.0
    """Routes whose free time exceeds this multiple of the fastest are left out."""
    respect_capacity: bool = False
    """Keep other traffic plus mobile storages within the capacity of every link, at the price of a capacity toll."""
    capacity_use: Annotated[float, Field(gt=0, le=2)] = 1.0
    """Part of a link's capacity that may be used, if ``respect_capacity``."""
    driver_value_of_time_usd_per_h: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """What an hour of a mobile storage and its driver is worth, usd/h. Assumption, of the order of US DOT's guidance."""
    public_value_of_time_usd_per_h: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """What an hour of any other vehicle is worth, usd/h. Assumption, as above, one person per vehicle."""
    station_wait_factor: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Extra wait at a station whose spots are all used by mobile storages, in service times. 0: the gate's time is all; more only
    beside a power operator whose gate quotes the time of a vehicle that comes alone, or the wait counts twice."""
    gap_tolerance: Annotated[float, Field(ge=1e-13, le=1e-2)] = 1e-9
    """Relative gap at which an assignment is solved."""


class JointGraphSettings(RoadPlanSettings[StationSettings]):
    """The road's settings, and what trips cost beside time: fleets are the transport operator's own."""

    trip_cost_usd: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """What a trip costs the readiest driver beside time, usd/veh. Assumption. Energy and rewards are the power operator's."""
    trip_cost_spread_usd: Annotated[float, Field(ge=0, le=1000)] = 4.0
    """How much more a trip costs the last driver of a fleet than the readiest, usd/veh. Assumption; > 0 makes supply smooth."""
