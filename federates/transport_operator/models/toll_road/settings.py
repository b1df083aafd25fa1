"""Settings of the operator that asks tolls; the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from federates.transport_operator.models.joint_graph.settings import RoadPlanSettings, Station


class TollStation(Station):
    """A station and what the road beside it takes up."""

    most_key: ClassVar[str] = "most_departures_veh_per_h"

    most_departures_veh_per_h: Annotated[float, Field(ge=0, le=100_000)] = 2000.0
    """Mobile storages that the road takes up from this station per hour, of all fleets together, veh/h: about a ramp of one lane.
    Not used for a limited station."""


class TollRoadSettings(RoadPlanSettings[TollStation]):
    """The road's settings. Vehicles and what a trip costs them are the fleets' own."""
