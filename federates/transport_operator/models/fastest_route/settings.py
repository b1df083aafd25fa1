"""Settings of the fastest-route operator; the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.config import Config
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings
from federates.transport_operator.models.joint_graph.settings import StationSettings as JointGraphStation

__all__ = ["FastestRouteSettings", "StationSettings"]


class StationSettings(Config):
    """A station as the transport operator knows it."""

    junction: str
    """Junction at which the station lies (column ``id`` of the junctions file)."""
    fleet_veh_per_h: Annotated[float, Field(ge=0, le=100_000)] = 400.0
    """Mobile storages that can set out from this station per hour, veh/h. Not used for a limited station."""


class FastestRouteSettings(Config):
    """Road network, fleets, and what a trip costs. The data files are those of `joint_graph`."""

    stations: dict[str, StationSettings]
    """Where each station of the session lies, and its fleet."""
    junctions_file: str = "data/junctions.csv"
    """Columns ``id``, ``lat``, ``lon``; relative to the operator's folder."""
    links_file: str = "data/links.csv"
    """Columns ``link``, ``from``, ``to``, ``length_km``, ``lanes``, ``hov_lanes``."""
    background_file: str = "data/background_hourly.csv"
    """Columns ``link``, ``hour`` (0..23), ``flow_veh_per_h``; for the first period, when nothing is observed yet."""
    free_speed_m_per_s: Annotated[float, Field(gt=0, le=70)] = 30.0
    """Speed on an empty road, m/s."""
    capacity_per_lane_veh_per_h: Annotated[float, Field(gt=0, le=4000)] = 1900.0
    """Capacity of a lane, veh/h/lane; for the first period too."""
    value_of_time_usd_per_h: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """What an hour of a mobile storage and its driver is worth, at the gates and on the road, usd/h."""
    trip_cost_usd: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """What a trip costs beside time, usd/veh."""

    def of_joint_graph(self) -> JointGraphSettings:
        """Return what the reader of the data files wants to know."""
        shared = ("junctions_file", "links_file", "background_file", "free_speed_m_per_s", "capacity_per_lane_veh_per_h")
        stations = {
            name: JointGraphStation(junction=station.junction, fleet_veh_per_h=station.fleet_veh_per_h)
            for name, station in self.stations.items()
        }
        return JointGraphSettings(stations=stations, **{key: getattr(self, key) for key in shared})
