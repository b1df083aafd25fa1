"""What agents must agree on, and the messages that carry it: one row for each, of which all topics of a world are made.

An `Exchange` is a quantity of which some agents ask for as much as others offer. It stands for five topics: its price and what an
agent is given (from the coordinator), and what an agent answers with its slope (to the coordinator), each of the agent's part of
the exchange. A `Message` is what agents tell each other beside it: one Python object, sent as one or more topics at one moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.names import Role
from federates.boundary.topics import FREE, Rounding, Topic

_C = Role.COORDINATOR.value
_MONEY = (Rounding.UP, Rounding.DOWN, Rounding.NEAREST)
"""Of a cost, its bound and the bound's kind: the cost stays one that is enough, the bound stays proven."""
_KINDS = "number of the bound's kind: " + ", ".join(f"{kind.value} {kind.word}" for kind in BoundKind)


@dataclass(frozen=True)
class Exchange:
    """A quantity on which agents agree: sum asked = sum offered, or at most that where offers may stay unused.

    ``axes`` are letters of the session's index sets; the last is the horizon, whose entry 0 is the opened period. ``whole``: the
    quantity is 0 or 1, and an offer is carried out as a whole; else it can be divided.
    """

    name: str
    unit: str
    axes: tuple[str, ...]
    asks: tuple[str, ...]
    offers: tuple[str, ...]
    meaning: str
    whole: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles that take part."""
        return self.asks + self.offers

    @property
    def price_unit(self) -> str:
        """Return the unit of its multipliers."""
        return "usd" if self.unit == "1" else f"usd/{self.unit}"

    @cached_property
    def quantity(self) -> Topic:
        """Return the topic of what an agent answers."""
        return Topic(
            "",
            self._named("", self.unit),
            self.unit,
            self.axes,
            (_C,),
            f"{self.meaning} As an answer: the own best (solve, relax), or what is used or can be sent of the given (evaluate).",
        )

    @cached_property
    def slope(self) -> Topic:
        """Return the topic of the slope that an agent may give with its answer."""
        return Topic(
            "",
            self._named("_slope", self.price_unit),
            self.price_unit,
            (FREE, *self.axes),
            (_C,),
            "No row, or one (evaluate): with the proven bound as its value at what was given, a plane below own cost.",
            most_rows=1,
            decimals=9,
        )

    @cached_property
    def price(self) -> Topic:
        """Return the topic of its multipliers."""
        meaning = f"Price of one unit of {self.name}."
        return Topic(_C, self._named("_price", self.price_unit), self.price_unit, self.axes, self.roles, meaning, addressed=True)

    @cached_property
    def given(self) -> Topic:
        """Return the topic of what the coordinator gives an agent."""
        meaning = f"{self.meaning} Given to the agent, to evaluate or as committed."
        return Topic(_C, self._named("", self.unit), self.unit, self.axes, self.roles, meaning, addressed=True)

    def topics(self) -> tuple[Topic, ...]:
        """Return all its topics."""
        answers = [replace(topic, sender=role) for role in self.roles for topic in (self.quantity, self.slope)]
        return (self.price, self.given, *answers)

    def _named(self, part: str, unit: str) -> str:
        suffix = unit.replace("/", "_per_").lower()
        return f"{self.name}{part}" + ("" if unit == "1" else f"_{suffix}")


@cache
def cost_topic(role: str) -> Topic:
    """Return the topic of the cost in an answer of ``role``."""
    meaning = (
        "Own cost without prices; proven lower bound of own cost plus price times asked minus price times offered quantities "
        f"(solve, relax), or of own cost at what was given (evaluate); {_KINDS}."
    )
    return Topic(role, "cost_usd", "usd", (3,), (_C,), meaning, rounding=_MONEY)


class Moment(StrEnum):
    """When a message is sent."""

    OPENING = "opening"
    """When a period opens; the coordinator passes it on, unless it is `Message.direct`."""
    DISPATCH = "dispatch"
    """When a period is committed."""
    OBSERVATION = "observation"
    """When a period has been carried out; it is heard when the next one opens."""


@dataclass(frozen=True, slots=True)
class Message:
    """What agents of one role tell those of others at one moment.

    ``pack`` turns the Python object into one array per topic, in their order, and ``unpack`` these into the object again; both
    are given the session too. Without them the object is the one topic's array.
    """

    name: str
    moment: Moment
    sender: str
    hearers: tuple[str, ...]
    rows: tuple[Topic, ...]
    """Topics without sender and receivers, which follow from the message."""
    pack: Callable[[Any, Any], tuple[Any, ...]] | None = None
    unpack: Callable[[Any, tuple[Any, ...]], Any] | None = None
    direct: bool = False
    """Of an opening: it goes to the hearers themselves, and the coordinator does not learn it."""

    @property
    def passed_on(self) -> bool:
        """Return whether the hearers hear it from the coordinator."""
        return self.moment is Moment.OPENING and not self.direct

    def sent(self) -> tuple[Topic, ...]:
        """Return the topics that the sender publishes, in the order of `pack`."""
        if self.passed_on:
            return tuple(replace(row, sender=self.sender, receivers=(_C,)) for row in self.rows)
        return tuple(replace(row, sender=self.sender, receivers=self.hearers) for row in self.rows)

    def heard(self) -> tuple[Topic, ...]:
        """Return the topics that a hearer reads: of an opening those that the coordinator passes on."""
        if not self.passed_on:
            return self.sent()
        of = f"the {self.sender}'s topic of this name, passed on."
        return tuple(
            replace(row, sender=_C, receivers=self.hearers, addressed=True, meaning=of[0].upper() + of[1:]) for row in self.rows
        )

    def topics(self) -> tuple[Topic, ...]:
        """Return all its topics."""
        return (*self.sent(), *self.heard()) if self.passed_on else self.sent()

    def packed(self, session: Any, message: Any) -> tuple[Any, ...]:
        """Return one array per topic."""
        return (message,) if self.pack is None else self.pack(session, message)

    def unpacked(self, session: Any, arrays: tuple[Any, ...]) -> Any:
        """Return the message in one array per topic."""
        return arrays[0] if self.unpack is None else self.unpack(session, arrays)


SESSION = Topic(
    _C,
    "session",
    "json",
    (),
    (),
    "Public agreement of the run, as the receiver sees it: JSON text, sent once at the start.",
    True,
)
"""Read by every agent but the coordinator; its receivers are the world's other roles."""
COMMAND = Topic(
    _C, "command", "1", (1,), (), "What to do now: 0 open, 1 solve, 2 evaluate, 3 commit, 4 stop, 5 relax.", decimals=0
)
"""Read by every agent that takes part in an exchange."""
