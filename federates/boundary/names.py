"""Names of worlds and agents, apart from all that is made of them: whoever needs no more loads no more."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Role", "World"]


class World(StrEnum):
    """What moves the energy."""

    ROAD = "road"
    RAIL = "rail"


class Role(StrEnum):
    """Agents of a federation. The value is the federate's name in HELICS and in runner.json."""

    COORDINATOR = "coordinator"
    POWER_OPERATOR = "power_operator"
    TRANSPORT_OPERATOR = "transport_operator"
    TRAFFIC = "traffic_sumo"
