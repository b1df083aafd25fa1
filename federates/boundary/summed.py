"""A group of agents that answer as one: each tells its answer masked, so that the coordinator learns the total alone.

A world that has such a `SummedRole` has these topics in place of the members' answers and of what each of them would be given
(docs/private_sum.md). The coordinator's algorithm negotiates with one agent, which has the name of the group. A question to it,
or a commitment, is told as *weights* of the members' own last answers, the same for all: what comes of them for each, each
knows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.exchange import Exchange
from federates.boundary.names import Role
from federates.boundary.topics import FREE, Topic

QUANTITY_DECIMALS, COST_DECIMALS = 9, 6
"""Decimals of what is summed. Quantities have more than where they cross alone: their total is rounded to the usual grid once."""
LEAST_MEMBERS = 3
_C = Role.COORDINATOR.value


@dataclass(frozen=True, slots=True)
class SummedRole:
    """Agents of ``role`` answer as one agent named ``name``."""

    role: str
    name: str

    def topics(self, exchanges: Sequence[Exchange]) -> tuple[Topic, ...]:
        """Return the topics in place of the members' own."""
        own = tuple(exchange for exchange in exchanges if self.role in exchange.roles)
        return (mask_key(self.role), masked_answer(self.role), weights(self.role), in_whole(self.role), *self._shares(own))

    def words(self, exchanges: Sequence[Exchange]) -> dict[tuple[str, str], str]:
        """Return in words what its topics are, by sender's role and name."""
        kinds = {mask_key(self.role): "key of masks", masked_answer(self.role): "masked answer"}
        found = {(topic.sender, topic.name): words for topic, words in kinds.items()}
        rest = (topic for topic in self.topics(exchanges) if topic not in kinds)
        return found | {(topic.sender, topic.name): "weights and shares of what is given" for topic in rest}

    def _shares(self, exchanges: Sequence[Exchange]) -> Iterator[Topic]:
        return (share(exchange, self.role) for exchange in exchanges)


@cache
def mask_key(role: str) -> Topic:
    """Return the topic of a member's public key."""
    meaning = "Public X25519 key of the period's masks, byte by byte; it goes to the other members, when a period opens."
    return Topic(role, "mask_key", "1", (32,), (role,), meaning, decimals=0, drawn=True)


@cache
def masked_answer(role: str) -> Topic:
    """Return the topic of a member's masked answer."""
    meaning = (
        "An answer in words of 64 bits, each as its high and low 32 bits, masked: quantities in steps of "
        f"1e-{QUANTITY_DECIMALS}, cost and bound in steps of 1e-{COST_DECIMALS} usd, and a 1 for the bound's kind. Only the sum "
        "over all members says anything."
    )
    return Topic(role, "masked_answer", "1", ("W", 2), (_C,), meaning, decimals=0, drawn=True)


@cache
def weights(role: str) -> Topic:
    """Return the topic of the weights of the members' answers."""
    meaning = (
        "Round and weight: a member takes the mean of its own answers in these rounds of the period, by these weights. With the "
        "shares it is what each is given, to evaluate or as committed."
    )
    return Topic(_C, "answer_weights", "1", (FREE, 2), (role,), meaning, decimals=12)


@cache
def in_whole(role: str) -> Topic:
    """Return the topic that asks members for what they can do in whole numbers."""
    meaning = "1: each member rounds up what the world carries out in whole numbers, for its own part; 0: it does not."
    return Topic(_C, "in_whole", "1", (1,), (role,), meaning, decimals=0)


@cache
def share(exchange: Exchange, role: str) -> Topic:
    """Return the topic of what becomes of the means of one exchange."""
    meaning = (
        f"By entry of {exchange.name}: factor of each member's mean, and what is added to it, the same for all, where no answer "
        "has any."
    )
    return Topic(_C, f"{exchange.name}_share", "1", (2, *exchange.axes), (role,), meaning, decimals=12)


def words_of(sizes: Sequence[int]) -> int:
    """Return W, the number of words in an answer with so many quantities: these, cost and bound, and one for each kind."""
    return sum(sizes) + 2 + len(BoundKind)
