"""Public agreement of fleets, stations and companies on the road."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import unfit
from federates.boundary.names import Role
from federates.boundary.session import Identifier
from federates.worlds.road.session import RoadSession, Scheme

_FLEET, _STATION, _COMPANY = Role.MVES_FLEET.value, Role.CHARGING_STATION.value, Role.POWER_OPERATOR.value


class FleetSession(RoadSession):
    """Public agreement of fleets. Index sets: those of the road, and F = fleets.

    An agent sees its own stations only (``resourceful_stations`` or ``limited_stations`` may then be empty), a fleet itself only.
    """

    roles: ClassVar[tuple[str, ...]] = (
        Role.COORDINATOR.value,
        _COMPANY,
        Role.TRANSPORT_OPERATOR.value,
        Role.TRAFFIC.value,
        _FLEET,
        _STATION,
    )
    unsaid: ClassVar[tuple[str, ...]] = ("network", "private_sum")
    parts: ClassVar[dict[str, str]] = {_COMPANY: "stations", _STATION: "stations", _FLEET: "fleets"}

    world: Literal["fleets"] = "fleets"  # type: ignore[assignment]
    """`fleets`: fleets carry energy between charging stations."""
    scheme: Literal[Scheme.PROPOSED, Scheme.NO_MVES] = Scheme.PROPOSED
    """`proposed` or `no_mves`."""
    resourceful_stations: tuple[Identifier, ...] = ()
    """R, stations with energy to spare (RCS)."""
    limited_stations: tuple[Identifier, ...] = ()
    """Q, stations whose feeder overloads (LCS)."""
    vehicle_kwh: dict[Identifier, Annotated[float, Field(gt=0, le=10_000)]]
    """Energy in the battery of a vehicle of each fleet when it leaves for a delivery, kWh: the product that the fleet sells."""

    private_sum: bool = False
    """true: the coordinator hears the sum of all fleets' answers and no single one; needs three fleets."""

    @model_validator(mode="before")
    @classmethod
    def _parts_by_name(cls, data: Any) -> Any:
        """Give a fleet itself as its part, and a station's agent the station that has its name."""
        if not isinstance(data, dict) or data.get("viewer") or not isinstance(data.get("agents"), (list, tuple)):
            return data
        keys = {_FLEET: "fleets", _STATION: "stations"}
        return data | {"agents": [_with_part(agent, keys) for agent in data["agents"]]}

    @model_validator(mode="after")
    def _stations_and_fleets_fit(self) -> Self:
        if self.viewer:
            return self
        for field in ("resourceful_stations", "limited_stations"):
            if not getattr(self, field):
                raise unfit(field, "none", "there must be at least one")
        names = tuple(agent.name for agent in self.of_role(_FLEET))
        if self.fleets != names:
            raise unfit("vehicle_kwh", ", ".join(self.fleets) or "none", f"must name the fleets, in order: {', '.join(names)}")
        return self

    @property
    def fleets(self) -> tuple[str, ...]:
        """Return the names of all fleets, in the agents' order."""
        return tuple(self.vehicle_kwh)

    def view(self, agent: str) -> Self:  # noqa: D102
        part = self.part_of(agent)
        own: dict[str, Any] = {"viewer": agent}
        if "stations" in part:
            for field in ("resourceful_stations", "limited_stations"):
                own[field] = tuple(name for name in getattr(self, field) if name in part["stations"])
        if "fleets" in part:
            own["vehicle_kwh"] = {name: kwh for name, kwh in self.vehicle_kwh.items() if name in part["fleets"]}
        return self.model_copy(update=own)

    def index_names(self, letter: str) -> tuple[str, ...] | None:  # noqa: D102
        return self.fleets if letter == "F" else super().index_names(letter)

    def sizes(self, period: int = 0) -> dict[str, int]:  # noqa: D102
        return super().sizes(period) | {"F": len(self.fleets)}


def _with_part(agent: Any, keys: dict[str, str]) -> Any:
    """Return the entry of an agent of the file, with the part that its name tells where it names none."""
    if not isinstance(agent, dict) or agent.get("part") or agent.get("role") not in keys:
        return agent
    return agent | {"part": {keys[agent["role"]]: [agent.get("name")]}}
