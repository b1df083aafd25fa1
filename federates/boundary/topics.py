"""Topics: the quantities that may cross between agents. Each world has a table of them (`federates.boundary.world`).

HELICS interfaces, the docs page, the wiring check and the message check are all made from that table; an agent can publish
nothing else. A message carries a vector of 64-bit little-endian floats ``[period, round, *values]``, its values in C order of
the topic's shape, and is signed (docs/integrity.md). Its HELICS type string is ``portage.<topic>/v<version>``: HELICS itself
refuses a partner with another version at start.

A topic's key begins with the name of the agent that sends it. What differs from receiver to receiver, because it is of the
receiver's part of the session alone, is *addressed*: its key names the receiver too, and nobody else hears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

BOUNDARY_VERSION = 6
"""Raised whenever a topic's meaning, unit or shape changes, or the form of messages; with an entry in ``history.py``."""

FREE = "E"
"""Letter of a dimension with any number of rows."""


class Command(IntEnum):
    """What the coordinator tells the operators to do."""

    OPEN = 0
    """A period begins: take in the observation of the last one, tell the partners what they must know."""
    SOLVE = 1
    """Answer the prices with the own best quantities."""
    EVALUATE = 2
    """Say what the given quantities would cost."""
    COMMIT = 3
    """The first period of the given quantities is final: carry it out."""
    STOP = 4
    """The run is over."""
    RELAX = 5
    """Answer the prices with the own best quantities in the linear relaxation: quick, and may be fractional."""


class Rounding(StrEnum):
    """Which point of the grid a value becomes."""

    NEAREST = "nearest"
    UP = "up"
    DOWN = "down"


class Merge(StrEnum):
    """What holds where several agents tell the same entry of a topic that is passed on."""

    MOST = "most"
    LEAST = "least"


@dataclass(frozen=True, slots=True)
class Topic:
    """One quantity that crosses the boundary."""

    sender: str
    """Role that sends it."""
    name: str
    unit: str
    shape: tuple[str | int, ...]
    """Sizes; a letter is an index set of the session, see `Session.sizes`, and ``E`` any number of rows."""
    receivers: tuple[str, ...]
    """Roles that may read it."""
    meaning: str
    addressed: bool = False
    """Every receiver has a topic of its own, of its part of the session."""
    merge: Merge = Merge.MOST
    most_rows: int | None = None
    """Most rows of the free dimension, where there is a limit: room for more could carry what nobody agreed on."""
    decimals: int = 6
    """The grid of its values: they are rounded to so many decimal places where they are sent and again where they are read, so
    that rounding error, which differs between processors, does not cross. Programs need not round."""
    rounding: tuple[Rounding, ...] = (Rounding.NEAREST,)
    """How they are rounded: one rule for all values, or one for each entry of the last dimension."""
    drawn: bool = False
    """Its values are drawn anew whenever they are told, such as a key, or hidden by such: no two runs tell the same."""

    def key(self, sender: str, receiver: str) -> str:
        """Return the HELICS key of what the agent ``sender`` tells the agent ``receiver``."""
        return f"{sender}/{receiver}/{self.name}" if self.addressed else f"{sender}/{self.name}"

    @property
    def pattern(self) -> str:
        """Return the key with roles in place of agents, as the docs show it."""
        return f"{self.sender}/<agent>/{self.name}" if self.addressed else f"{self.sender}/{self.name}"

    @property
    def type_name(self) -> str:
        """Return the HELICS type string, which carries the boundary's version."""
        return f"portage.{self.name}/v{BOUNDARY_VERSION}"
