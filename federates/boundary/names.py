"""Names of the roles and worlds that ship, apart from all that is made of them: whoever needs no more loads no more.

A role and a world are texts, and others than these may be installed (entry point ``portage.world``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

ROAD: Final = "road"
RAIL: Final = "rail"
FLEETS: Final = "fleets"
SHIPPED: Final = (ROAD, RAIL, FLEETS)
"""Worlds that ship."""


class Role(StrEnum):
    """Roles of the agents that ship."""

    COORDINATOR = "coordinator"
    POWER_OPERATOR = "power_operator"
    TRANSPORT_OPERATOR = "transport_operator"
    TRAFFIC = "traffic_sumo"
    MVES_FLEET = "mves_fleet"
    CHARGING_STATION = "charging_station"
