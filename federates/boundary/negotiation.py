"""One negotiation: what it is about, how rounds are written down, and how a world makes a day of negotiations.

An algorithm is written as a generator: it yields what to ask (`Solve`, `Evaluate`), is sent all answers, and returns an
`Agreement`. A world's `Day` says when there is a negotiation at all, and what of the agreement is carried out.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Commit, Evaluate, Openings, RoundResult, Solve
from federates.boundary.world import world_of

T = TypeVar("T")
Rounds: TypeAlias = Generator[Solve | Evaluate, RoundResult, T]
"""Rounds that end with a T; ``yield from`` makes them a part of longer ones."""
Copies: TypeAlias = Mapping[str, Array]
"""z_i of every agent: its entries of the vector of all that is exchanged (`Layout`)."""
Index: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a negotiation ended: with which plan, in balance, by agreement or not, why, and what is proven of it.

    ``prices`` (n,) are those at which the plan is paid; None: those of the best lower bound. A plan of up to ``most_usd`` would
    have been agreed to as well.
    """

    plan: Copies
    agreed: bool
    reason: str
    lower_bound_usd: float
    ended_by_time: bool = False
    prices: Array | None = None
    most_usd: float = math.inf


@dataclass(frozen=True)
class Problem:
    """What one negotiation is about.

    ``alike``: groups of blocks of entries, the blocks of a group being interchangeable (trains of one kind in one place), so that
    their entries have the same prices. Without it every entry has a price of its own. Prices are kept once each, (m,).
    """

    session: Any
    period: int
    openings: Openings
    layout: Layout
    alike: tuple[tuple[Index, ...], ...] = ()

    @classmethod
    def of(cls, session: Any, period: int, openings: Openings, alike: tuple[tuple[Index, ...], ...] = ()) -> Problem:
        """Return the negotiation of ``period``."""
        return cls(session, period, openings, Layout(session, period), alike)

    @property
    def agents(self) -> tuple[str, ...]:
        """Return the agents that negotiate."""
        return self.layout.agents

    @cached_property
    def whole(self) -> bool:
        """Whether what is exchanged is 0 or 1, so that an offer is carried out as it is."""
        return all(exchange.whole for exchange in self.layout.exchanges)

    @cached_property
    def _price_of(self) -> Index | None:
        """Number of the price of every entry, (n,); None: that of the entry."""
        if all(len(blocks) == 1 for blocks in self.alike):
            return None
        number, first = np.zeros(self.layout.size, dtype=np.intp), 0
        for blocks in self.alike:
            for block in blocks:
                number[block] = np.arange(first, first + len(block))
            first += len(blocks[0])
        return number

    @cached_property
    def prices(self) -> int:
        """Return m, the number of prices."""
        return self.layout.size if self._price_of is None else int(self._price_of.max(initial=-1)) + 1

    @cached_property
    def floor(self) -> Array:
        """Return the least prices at which the sum of all bounds is one of the joint problem, (m,)."""
        least = self.layout.flat(world_of(self.session.world).least_prices(self.session, self.period, self.openings))
        if self._price_of is None:
            return least
        floor = np.full(self.prices, -np.inf)
        np.maximum.at(floor, self._price_of, least)
        return floor

    def by_entry(self, prices: Array) -> Array:
        """Return prices (m,) for every entry, (n,)."""
        return prices if self._price_of is None else prices[self._price_of]

    def totals(self, vector: Array) -> Array:
        """Return a vector (n,) summed over the entries of each price, (m,)."""
        if self._price_of is None:
            return vector
        return np.asarray(np.bincount(self._price_of, weights=vector, minlength=self.prices), dtype=np.float64)

    def means(self, vector: Array) -> Array:
        """Return a vector (n,) as its mean over the entries of each price, (m,)."""
        return self.totals(vector) / self.totals(np.ones(self.layout.size))

    def ordered(self, vector: Array) -> Array:
        """Return the vector with interchangeable blocks in one order, so that it is the same whichever of them has what."""
        found = vector + 0.0
        for blocks in self.alike:
            for block, values in zip(
                blocks, sorted((found[block] for block in blocks), key=lambda row: row.tobytes()), strict=True
            ):
                found[block] = values
        return found

    def carried_out(self, vector: Array) -> Array:
        """Return the vector as it can be carried out: whole where it must be."""
        return np.round(vector) if self.whole else vector

    def shifted(self, prices: Array) -> Array:
        """Return prices of all entries, (n,), one period on; the last period keeps its own."""
        shaped = self.layout.shaped(prices)
        return self.layout.flat({name: np.concatenate([p[..., 1:], p[..., -1:]], axis=-1) for name, p in shaped.items()})

    def signed(self, agent: str, copy: Array) -> Array:
        """Return s_i z_i summed over the entries of each price, (m,): the slope of the agent's plane in the prices."""
        vector = np.zeros(self.layout.size)
        vector[self.layout.entries[agent]] = self.layout.sign[agent] * copy
        return self.totals(vector)

    def ask(self, prices: Array, *, relaxed: bool = False) -> Solve:
        """Return the question at prices (m,)."""
        return Solve(self.layout.shaped(self.by_entry(prices)), relaxed=relaxed)

    def evaluate(self, copies: Copies) -> Evaluate:
        """Return the question what these quantities cost."""
        return Evaluate({agent: self.layout.own_shaped(agent, copies[agent]) for agent in self.agents})

    def copies(self, result: RoundResult) -> dict[str, Array]:
        """Return all z_i of the answers."""
        return self.layout.copies(result.answers)

    def everyone(self, vector: Array, copies: Copies | None = None) -> dict[str, Array]:
        """Return ``vector`` (n,) given to all: who shares an entry gets a part of it, in proportion to ``copies``."""
        layout = self.layout
        wanted = copies or {agent: np.zeros(len(layout.entries[agent])) for agent in layout.agents}
        return layout.shares(vector, layout.shares(vector, wanted, 1.0), -1.0)


def bound_usd(answers: Mapping[str, Answer]) -> float:
    """Return the sum of all proven bounds."""
    return sum(answer.bound_usd for answer in answers.values())


def cost_usd(answers: Mapping[str, Answer]) -> float:
    """Return the sum of all own costs."""
    return sum(answer.cost_usd for answer in answers.values())


class Negotiate(Protocol):
    """The rounds of one negotiation."""

    def __call__(self, problem: Problem, gap_share: float = 1.0) -> Rounds[Agreement]:
        """Return them; they end at ``gap_share`` of the gap at which the agents agree."""


class Day:
    """Every period is negotiated, and all of the agreement is given to the agents. Base of the days of worlds."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def rounds(self, period: int, openings: Openings, negotiate: Negotiate) -> Rounds[Commit]:
        """Return the rounds of ``period``; ``negotiate`` has those of one negotiation."""
        problem = Problem.of(self.session, period, openings)
        agreement = yield from negotiate(problem)
        return self.commit(problem, agreement)

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision to carry out an agreement."""
        given = problem.evaluate(agreement.plan).given
        prices = None if agreement.prices is None else problem.layout.shaped(agreement.prices)
        return Commit(given, agreement.agreed, agreement.reason, agreement.lower_bound_usd, agreement.ended_by_time, prices)
