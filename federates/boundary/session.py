"""The public agreement of a run: what agents know of it before the first period.

It is the scenario's ``scenario.yaml``. Only the coordinator reads that file; it announces it to the others over HELICS before the
first period, so an agent in another language, or on another computer, needs no file of ours. Each world has a session of its own
(`federates.worlds`); what all have in common is here.

An agent may have a *part* of the session only: two power companies have limited stations each, two railways trains. It is then
announced a session with no more than that in it (`Session.view`), and all its messages have the shapes of that.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from federates.boundary.config import Config, unfit
from federates.boundary.names import Role
from federates.boundary.network import NetworkSettings

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]


class Agent(Config):
    """One agent as everybody knows it."""

    name: Identifier
    """Its name: of its process in runner.json, of its folder, and at the beginning of its topics' keys."""
    role: Identifier
    """What it is, such as `power_operator`: what it may say and hear."""
    part: dict[Identifier, tuple[Identifier, ...]] = Field(default_factory=dict)
    """The part of the session that is its own, by key of the session, such as `limited_stations: [q1]`. A key that is left out:
    all."""


class Session(Config):
    """What the public agreements of all worlds have in common. Read a file with `federates.boundary.world.parse_session`."""

    roles: ClassVar[tuple[str, ...]]
    """Roles of the agents that take part; of each there is one, named after it, where ``agents`` is left out."""
    parts: ClassVar[dict[str, str]] = {}
    """Key of the session that agents of a role may share out, each entry to one of them."""
    unsaid: ClassVar[tuple[str, ...]] = ("network",)
    """Keys that are left out where they say nothing: an agreement without them reads as it always did."""
    many: ClassVar[tuple[str, ...]] = ()
    """Roles of which there may be any number, each of which sees all."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    world: Identifier
    """Name of the world."""
    name: Identifier
    """Name of the scenario."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of everything random in the run."""
    periods: Annotated[int, Field(ge=1, le=10_000)] = 24
    """T, number of scheduling periods."""
    period_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    """Length of a scheduling period, s."""
    start_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour of the day at which period 0 starts."""
    agents: tuple[Agent, ...] = ()
    """All agents; left out: one of each role, named after it."""
    network: NetworkSettings | None = None
    """The network between the agents; left out: every message arrives at once."""
    run_id: str = ""
    """Identity of the run; set at start, never in the file."""
    viewer: str = ""
    """Name of the agent that sees it so; set at start, never in the file."""

    @model_validator(mode="before")
    @classmethod
    def _one_agent_per_role(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("agents"):
            data = data | {"agents": [{"name": role, "role": role} for role in cls.roles]}
        return data

    @model_validator(mode="after")
    def _agents_fit(self) -> Self:
        if self.viewer:
            return self  # what others have is not in it
        check_names("agents", tuple(agent.name for agent in self.agents))
        for agent in self.agents:
            self._check_agent(agent)
        for role in self.roles:
            self._check_role(role)
        if (named := self.of_role(Role.COORDINATOR)[0].name) != Role.COORDINATOR:
            raise unfit(f"agents.{named}.name", named, f"the coordinator's name is {Role.COORDINATOR}")
        return self

    @model_validator(mode="after")
    def _network_fits(self) -> Self:
        if self.network is not None and not self.viewer:
            stations, links = getattr(self, "stations", ()), getattr(self, "links", ())
            wrong = self.network.problem(tuple(self.roster), stations, links)
            if wrong is not None:
                raise unfit(f"network.{wrong[0]}", wrong[1], wrong[2])
        return self

    @model_serializer(mode="wrap")
    def _without_what_says_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = handler(self)
        return {key: value for key, value in told.items() if value or key not in self.unsaid}

    def _check_agent(self, agent: Agent) -> None:
        where = f"agents.{agent.name}"
        if agent.role not in self.roles:
            raise unfit(f"{where}.role", agent.role, f"must be one of {', '.join(self.roles)}")
        for key, names in agent.part.items():
            if self.parts.get(agent.role) != key:
                allowed = self.parts.get(agent.role)
                raise unfit(f"{where}.part.{key}", key, f"must be {allowed}" if allowed else f"a {agent.role} has no part")
            known = [getattr(entry, "name", entry) for entry in getattr(self, key)]
            if not names or (unknown := [name for name in names if name not in known]):
                wrong = ", ".join(unknown) if names else "no name"
                raise unfit(f"{where}.part.{key}", wrong, f"must be some of {', '.join(known)}")
            check_names(f"{where}.part.{key}", names)

    def _check_role(self, role: str) -> None:
        """Check how many agents have a role, and that every entry of what they share out is one agent's."""
        agents, key = self.of_role(role), self.parts.get(role)
        if not agents or (len(agents) > 1 and key is None and role not in self.many):
            allowed = "there must be one" if key is None and role not in self.many else "there must be at least one"
            raise unfit("agents", f"{len(agents)} of the role {role}", allowed)
        if key is None or not (len(agents) > 1 or agents[0].part):
            return
        if without := [agent.name for agent in agents if key not in agent.part]:
            raise unfit(
                f"agents.{without[0]}.part", "missing", f"must name the agent's {key}: there are {len(agents)} of this role"
            )
        for entry in getattr(self, key):
            name = getattr(entry, "name", entry)
            owners = [agent.name for agent in agents if name in agent.part[key]]
            if len(owners) != 1:
                raise unfit("agents", f"{key} {name} is the part of {', '.join(owners) or 'nobody'}", "must be one agent's")

    def of_role(self, *roles: str) -> tuple[Agent, ...]:
        """Return the agents that have one of the roles, in order."""
        return tuple(agent for agent in self.agents if agent.role in roles)

    @property
    def roster(self) -> dict[str, str]:
        """Return the role of every agent by its name."""
        return {agent.name: agent.role for agent in self.agents}

    def role_of(self, agent: str) -> str:
        """Return the role of an agent by its name; raise KeyError if there is none."""
        return self.roster[agent]

    def part_of(self, agent: str) -> dict[str, tuple[str, ...]]:
        """Return the part of the session that is an agent's own; empty: it sees all."""
        return next((entry.part for entry in self.agents if entry.name == agent), {})

    def view(self, agent: str) -> Self:
        """Return the session as one agent sees it: with no more than its own part in it."""
        own = {
            key: tuple(entry for entry in getattr(self, key) if getattr(entry, "name", entry) in names)
            for key, names in self.part_of(agent).items()
        }
        return self.model_copy(update={"viewer": agent, **own})

    @abstractmethod
    def index_names(self, letter: str) -> tuple[str, ...] | None:
        """Return the names of an index set, by the letter that topics' shapes have; None where it has no names."""

    @abstractmethod
    def sizes(self, period: int = 0) -> dict[str, int]:
        """Return the size of every index set that a topic's shape may name, in messages of ``period``."""

    def hour_of_day(self, period: int) -> float:
        """Return the hour of the day, in [0, 24), at which ``period`` starts."""
        return (self.start_hour + period * self.period_s / 3600.0) % 24.0


def check_names(field: str, names: tuple[str, ...]) -> None:
    """Raise a validation error if a name stands twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unfit(field, ", ".join(twice), "every name may stand once")
