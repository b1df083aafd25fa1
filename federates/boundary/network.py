"""The network between the agents, as the public agreement says it: classes of links, who uses which, what a round waits for.

It is the key ``network`` of ``scenario.yaml``; without it every message arrives at once. What comes of a message: the library
`federates.network`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from federates.boundary.config import Config, Share, unfit
from federates.boundary.yaml_text import parse_yaml

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]
Stretch: TypeAlias = tuple[Share, Share]
_HELD = "must be some of"


class LinkClass(Config):
    """How one class of links carries messages, one way."""

    latency_s: Annotated[float, Field(ge=0.0, le=3600.0)] = 0.0
    """Least time that a message takes, s."""
    jitter_s: Annotated[float, Field(ge=0.0, le=3600.0)] = 0.0
    """Median of what comes on top, s; log-logistic with shape 2, so one message in 101 takes ten times as much or more."""
    loss: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of messages that never arrive."""
    duplication: Share = 0.0
    """Share of messages that arrive twice."""
    reordering: Share = 0.0
    """Share of messages that the next one overtakes: they arrive a round later."""


CLASSES: dict[str, LinkClass] = {
    "fibre": LinkClass(latency_s=0.005, jitter_s=0.0005),
    "cellular": LinkClass(latency_s=0.03, jitter_s=0.02, loss=0.01, duplication=0.001, reordering=0.001),
    "satellite": LinkClass(latency_s=0.25, jitter_s=0.02, loss=0.01, duplication=0.001, reordering=0.001),
    "air": LinkClass(latency_s=0.05, jitter_s=0.05, loss=0.05, duplication=0.001, reordering=0.01),
    "vehicle_to_vehicle": LinkClass(latency_s=0.01, jitter_s=0.02, loss=0.1, duplication=0.01, reordering=0.02),
}
"""Classes that need not be described. The numbers are ours, of the usual order of magnitude (a geostationary satellite is at
least 0.24 s away: twice 35786 km at the speed of light); a study describes its own."""


class NetworkSettings(Config):
    """The network of a run. A message crosses the links of its sender and of its receiver."""

    everyone: Identifier = "fibre"
    """Class of all agents that ``uses`` does not name; the coordinator then stays on fibre."""
    uses: dict[Identifier, Identifier] = Field(default_factory=dict)
    """Class by agent."""
    classes: dict[Identifier, LinkClass] = Field(default_factory=dict)
    """Further classes, or other numbers for fibre, cellular, satellite, air and vehicle_to_vehicle."""
    deadline_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 0.5
    """How long a round waits for its question, and then for its answer, s. What takes longer is late."""
    late: Literal["arrives", "lost"] = "arrives"
    """A late message `arrives` in a later round, or is `lost`."""
    missing: Literal["go_on", "ask_again"] = "go_on"
    """What algorithms that can do either do where an answer is missing: `go_on` with what they know, or `ask_again`."""
    commit_tries: Annotated[int, Field(ge=1, le=1000)] = 20
    """A plan that not all agents have acknowledged after so many rounds is given up for the last agreed one."""
    under_way: dict[Identifier, Annotated[tuple[Identifier, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Classes by which vehicles under way hear, by agent: questions and answers go by the best one where a vehicle is."""
    roads: dict[Identifier, dict[Identifier, Annotated[tuple[Identifier, ...], Field(min_length=1)]]] = Field(
        default_factory=dict
    )
    """Links that vehicles from a station (first key) to another (second) usually take: where they are while under way."""
    coverage: dict[Identifier, dict[Identifier, tuple[Stretch, ...]]] = Field(default_factory=dict)
    """Stretches of links that a class covers, by class and link: from and to, as shares of the link's length from 0 to 1. A class
    that is left out covers everything."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        """Take the name of a class, or a mapping in one line of YAML, as ``--set network=...`` gives them."""
        if not isinstance(data, str):
            return data
        try:
            read = parse_yaml(data)
        except ValueError:
            read = None
        if isinstance(read, str):
            return {"everyone": read}
        if not isinstance(read, dict):
            raise ValueError(f"must be the name of a class ({', '.join(CLASSES)}), or a mapping")
        return read

    @property
    def known(self) -> dict[str, LinkClass]:
        """Return all classes by name."""
        return CLASSES | self.classes

    def class_of(self, agent: str, coordinator: str = "coordinator") -> str:
        """Return the class that an agent uses."""
        return self.uses.get(agent, "fibre" if agent == coordinator else self.everyone)

    @model_validator(mode="after")
    def _classes_exist(self) -> NetworkSettings:
        named = [("everyone", self.everyone), *((f"uses.{agent}", name) for agent, name in self.uses.items())]
        named += [(f"under_way.{agent}", name) for agent, names in self.under_way.items() for name in names]
        named += [(f"coverage.{name}", name) for name in self.coverage]
        for field, name in named:
            if name not in self.known:
                raise unfit(field, name, f"{_HELD} the classes {', '.join(self.known)}")
        for name, links in self.coverage.items():
            for link, stretches in links.items():
                for begin, end in stretches:
                    if begin >= end:
                        raise unfit(
                            f"coverage.{name}.{link}", [begin, end], "must be a stretch: from, below to, both from 0 to 1"
                        )
        return self

    def problem(self, agents: tuple[str, ...], stations: tuple[str, ...], links: tuple[str, ...]) -> tuple[str, Any, str] | None:
        """Return what does not fit agents, stations and links of a session: field, value and what is allowed."""
        trips = [(f"roads.{r}.{q}", q) for r, others in self.roads.items() for q in others]
        checks = (
            (agents, [(f"uses.{name}", name) for name in self.uses] + [(f"under_way.{name}", name) for name in self.under_way]),
            (stations, [(f"roads.{name}", name) for name in self.roads] + trips),
            (
                links,
                [(f"roads.{r}.{q}", link) for r, others in self.roads.items() for q, road in others.items() for link in road]
                + [(f"coverage.{name}.{link}", link) for name, covered in self.coverage.items() for link in covered],
            ),
        )
        for known, named in checks:
            for field, name in named:
                if name not in known:
                    return field, name, f"{_HELD} {_listed(known)}" if known else "must be left out: the world has no such thing"
        return None


def _listed(names: tuple[str, ...], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
