"""Lines of a run: every topic between the agents that take part, with sender, receivers and HELICS key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from federates.boundary.exchange import SESSION
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.topics import Topic
from federates.boundary.world import world_of


class Federation(Protocol):
    """Who takes part in a run."""

    @property
    def world(self) -> str:
        """Return the name of its world."""

    @property
    def agents(self) -> Mapping[str, str]:
        """Return the role of every agent by its name."""


class Roster(NamedTuple):
    """World and agents (name to role) of a run."""

    world: str
    agents: Mapping[str, str]

    @classmethod
    def of(cls, session: Session) -> Roster:
        """Return who takes part by the public agreement."""
        return cls(session.world, session.roster)


class Line(NamedTuple):
    """What one agent publishes under one key, and who reads it."""

    key: str
    topic: Topic
    sender: str
    receivers: tuple[str, ...]


def lines(federation: Federation) -> tuple[Line, ...]:
    """Return all lines of a federation, in the order of its topic table."""
    found = []
    for topic in world_of(federation.world).topics:
        receivers = tuple(agent for agent, role in federation.agents.items() if role in topic.receivers)
        for sender in (agent for agent, role in federation.agents.items() if role == topic.sender):
            if topic.addressed:
                found += [Line(topic.key(sender, receiver), topic, sender, (receiver,)) for receiver in receivers]
            else:
                others = tuple(agent for agent in receivers if agent != sender)
                found.append(Line(topic.key(sender, ""), topic, sender, others))
    return tuple(found)


def lines_from(agent: str, federation: Federation) -> tuple[Line, ...]:
    """Return what an agent publishes."""
    return tuple(line for line in lines(federation) if line.sender == agent)


def lines_to(agent: str, federation: Federation) -> tuple[Line, ...]:
    """Return what an agent reads."""
    return tuple(line for line in lines(federation) if agent in line.receivers)


def session_key(agent: str) -> str:
    """Return the key under which the coordinator announces the public agreement to an agent."""
    return SESSION.key(Role.COORDINATOR.value, agent)
