"""A world: what is exchanged between which roles, under what rules. It is found by name (entry point ``portage.world``).

Three ship, ``road``, ``rail`` and ``fleets`` (`federates.worlds`). The framework asks the world object and never which world it
is, so another world needs no change in it: a package with a `World` and the entry point is enough.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.config import choices, parse_config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.exchange import COMMAND, SESSION, Exchange, Message, Moment, cost_topic
from federates.boundary.installed import entry_points
from federates.boundary.messages import Quantities
from federates.boundary.names import ROAD, SHIPPED, Role
from federates.boundary.session import Session
from federates.boundary.summed import SummedRole
from federates.boundary.table import Table
from federates.boundary.topics import Topic

_GROUP = "portage.world"
_TRUE = ("true", "yes", "on", "1")
"""How a key that is true may be written; the session checks the key."""
Openings: TypeAlias = Mapping[str, Any]
"""Messages of a period's opening, by name."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a period's negotiation ended with."""

    given: Mapping[str, Quantities]
    """By agent."""
    total: Quantities
    """What is carried out."""
    prices: Quantities | None
    """Those of the best lower bound; None: there is none."""
    reason: str
    agreed: bool


class CostTable(NamedTuple):
    """Table and columns with an agent's own costs, usd, a row a period or more."""

    name: str
    columns: tuple[str, ...] = ("total_usd",)
    always: bool = True
    """Whether every agent of the role leaves it; one that keeps small sums to itself need not."""


@dataclass(frozen=True)
class World:
    """Description of a world. A world with rules of its own overrides the methods; each says what holds without."""

    name: str
    session: type[Session]
    exchanges: tuple[Exchange, ...]
    messages: tuple[Message, ...] = ()
    models: tuple[str, ...] = ()
    """Roles that move the world through a period and take part in no exchange."""
    reporters: tuple[str, ...] = ()
    """Roles that open every period and take part in no exchange."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """What the letters of a shape count."""
    package: str = ""
    """Package whose modules `report`, `published` and `conformance` say more of the world, as far as it has them."""
    tables: tuple[Table, ...] = ()
    """Tables of results that its agents leave, beside those of every world."""
    costs: Mapping[str, CostTable] = field(default_factory=dict)
    """Where agents leave what the day cost them, by role; the sum over all agents is what it cost all. A payment is no cost.
    Empty: it cannot be told."""
    summed: SummedRole | None = None
    """Agents whose answers cross as a private sum alone; None: everybody answers for itself."""
    variants: Mapping[str, str] = field(default_factory=dict)
    """Keys of the agreement by which, where they are true, it is an agreement of another world: what crosses is another."""
    variant_of: str = ""
    """World with whose agents' classes this one works; empty: it is none of another's."""
    takes_long: bool = False
    """An answer may take minutes: the coordinator then waits without asking HELICS for time (docs/decisions/0008)."""

    def __post_init__(self) -> None:
        for role in self.operators:
            if len(seen := [message.name for message in self.told(role, Moment.OBSERVATION)]) > 1:
                raise ValueError(f"world {self.name}: a {role} is given one observation, and is told {' and '.join(seen)}")

    @property
    def roles(self) -> tuple[str, ...]:
        """Return all roles of its agents."""
        return self.session.roles

    @cached_property
    def operators(self) -> tuple[str, ...]:
        """Return the roles that take part in an exchange."""
        taking_part = {role for exchange in self.exchanges for role in exchange.roles}
        return tuple(role for role in self.roles if role in taking_part)

    @cached_property
    def topics(self) -> tuple[Topic, ...]:
        """Return the table of everything that may cross between its agents."""
        others = tuple(role for role in self.roles if role != Role.COORDINATOR)
        return (
            replace(SESSION, receivers=others),
            replace(COMMAND, receivers=self.operators),
            *self._negotiated,
            *(topic for message in self.messages for topic in message.topics()),
        )

    @property
    def _negotiated(self) -> tuple[Topic, ...]:
        """Return the topics of prices, of what is given, and of answers."""
        own = (
            *(topic for exchange in self.exchanges for topic in exchange.topics()),
            *(cost_topic(role) for role in self.operators),
        )
        if self.summed is None:
            return own
        role, given = self.summed.role, {exchange.given.name for exchange in self.exchanges}
        rest = (topic for topic in own if topic.sender != role)
        others = (
            replace(topic, receivers=tuple(name for name in topic.receivers if name != role))
            if topic.sender == Role.COORDINATOR and topic.name in given
            else topic
            for topic in rest
        )
        return (*(topic for topic in others if topic.receivers), *self.summed.topics(self.exchanges))

    @cached_property
    def schemes(self) -> tuple[str, ...]:
        """Return the schemes of its sessions, in the order in which they are compared; none where they have none."""
        field = self.session.model_fields.get("scheme")
        return () if field is None else tuple(str(scheme) for scheme in choices(field.annotation))

    def said(self, role: str, moment: Moment) -> Message | None:
        """Return the message of a role that says at most one at a moment, None if it says nothing then."""
        return next(iter(self.says(role, moment)), None)

    def says(self, role: str, moment: Moment) -> tuple[Message, ...]:
        """Return all messages of a role at a moment."""
        return tuple(entry for entry in self.messages if entry.sender == role and entry.moment is moment)

    def told(self, role: str, moment: Moment) -> tuple[Message, ...]:
        """Return the messages that a role hears of a moment."""
        return tuple(entry for entry in self.messages if role in entry.hearers and entry.moment is moment)

    def day(self, session: Any) -> Any:
        """Return the rules of a day of negotiations, a `federates.boundary.negotiation.Day`: every period is negotiated."""
        from federates.boundary.negotiation import Day

        return Day(session)

    def module(self, name: str) -> Any:
        """Return the module of this name in the world's package; None if it has none."""
        if not self.package:
            return None
        try:
            return import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{self.package}.{name}":
                raise
            return None

    def negotiated(self, session: Any) -> Any:
        """Return the agreement as the coordinator's algorithm has it: members of a private sum are one agent in it."""
        return session

    def whole_part(self, session: Any, quantities: Quantities) -> Quantities:
        """Return a member's quantities with what is carried out in whole numbers rounded up (default: nothing is)."""
        return quantities

    def negotiates(self, session: Any) -> bool:
        """Return whether agents negotiate in the session's scheme."""
        return True

    def moves_nothing(self, session: Any) -> bool:
        """Return whether nothing can be exchanged in the session's scheme."""
        return False

    def least_prices(self, session: Any, period: int, openings: Openings) -> Mapping[str, ArrayLike]:
        """Return the least prices at which the sum of all bounds is one of the joint problem, by exchange; broadcasts.

        Offers that may stay unused need prices of 0 at least; only where all agents must mean the same may prices have any sign.
        """
        return {exchange.name: 0.0 for exchange in self.exchanges}

    def whole_slack(self, session: Any, period: int) -> Mapping[str, ArrayLike]:
        """Return how far what is committed may lie from a costed plan, because it is rounded; by exchange, broadcasts."""
        return {exchange.name: 0.0 for exchange in self.exchanges}

    def cause(self, session: Any, period: int, openings: Openings, plan: Quantities | None) -> str:
        """Return why a negotiation is held in ``period``; ``plan`` is what was carried out last (None: nothing yet)."""
        return "a new period"

    def committed_rows(self, session: Any, period: int, committed: Committed) -> dict[str, dict[str, list[Any]]]:
        """Return the columns of the tables that say what is committed, by table (default: none)."""
        return {}

    def dispatch(self, session: Any, message: Message, given: Mapping[str, Quantities]) -> Any:
        """Return the content of a message that the coordinator sends when a period is committed; ``given`` is by agent."""
        raise NotImplementedError(f"world {self.name} has no content for {message.name}")

    def plan_lasts(self, session: Any) -> bool:
        """Return whether a plan holds until something breaks it, so that a commitment without rounds is no negotiation."""
        return False

    def progress(self, session: Any, period: int, total: Quantities) -> dict[str, float]:
        """Return what a person who watches is told of a commitment."""
        return {exchange.name: float(np.sum(total[exchange.name][..., 0])) for exchange in self.exchanges}


@cache
def world_of(name: str) -> World:
    """Return the installed world of this name; raise KeyError if there is none."""
    for entry in entry_points(group=_GROUP):
        if entry.name == name:
            found: World = entry.load()
            return found
    raise KeyError(name)


def world_names() -> tuple[str, ...]:
    """Return the names of all installed worlds."""
    return tuple(sorted({entry.name for entry in entry_points(group=_GROUP)}))


def shipped_worlds() -> tuple[World, ...]:
    """Return the worlds that ship."""
    return tuple(world_of(name) for name in SHIPPED)


def played_as(data: Mapping[str, Any]) -> Any:
    """Return the name of the world that an agreement is of: the one it names, or its variant by a key of the agreement."""
    name = data.get("world", ROAD)
    if not isinstance(name, str) or name not in world_names():
        return name
    base = world_of(world_of(name).variant_of or name)
    said = {key: str(data[key]).strip().lower() in _TRUE for key in base.variants if key in data}
    return next((base.variants[key] for key, true in said.items() if true), base.name if said else name)


def parse_session(data: dict[str, Any], file: str) -> Any:
    """Return the public agreement in ``data``; ``file`` is the name that errors show. Without ``world`` it is the road.

    Raises
    ------
    ConfigError : with everything that is wrong.
    """
    name = played_as(data)
    if not isinstance(name, str) or name not in world_names():
        offered = [known for known in world_names() if not world_of(known).variant_of]
        near = difflib.get_close_matches(str(name), offered, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError([Problem(file, "world", repr(name), f"must be one of {', '.join(offered)}{hint}")])
    return parse_config({**data, "world": name}, world_of(name).session, file)
