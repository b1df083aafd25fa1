"""Everything that is exchanged in a period as one vector, and each agent's part of it: the mathematics of a negotiation.

z is the vector of all entries of all exchanges, in their order, each in C order of its shape. Agent i has a copy z_i of the
entries it takes part in, with the sign s_i = +1 where it asks and -1 where it offers. In balance, sum_i s_i z_i = 0 (or <= 0
where offers may stay unused); lambda are the multipliers of that, one per entry::

    L(lambda) = sum_i min { f_i(z_i) + sum s_i lambda z_i }
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.parts import places
from federates.boundary.session import Session
from federates.boundary.world import World, world_of


class Layout:
    """Where everything lies in the vector, in messages of one period.

    Parameters
    ----------
    session : the whole public agreement, as the coordinator has it.
    """

    def __init__(self, session: Session, period: int) -> None:
        world: World = world_of(session.world)
        sizes = session.sizes(period)
        self.exchanges = world.exchanges
        self.shapes = {e.name: tuple(sizes[axis] for axis in e.axes) for e in world.exchanges}
        bounds = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes.values())]).tolist()
        self.size: int = bounds[-1]
        self._slices = {name: slice(*ends) for name, ends in zip(self.shapes, pairwise(bounds), strict=True)}
        self.agents: tuple[str, ...] = tuple(agent.name for agent in session.of_role(*world.operators))
        self.entries: dict[str, NDArray[np.intp]] = {}
        """Numbers of the entries that an agent takes part in."""
        self.sign: dict[str, Array] = {}
        """+1 where it asks, -1 where it offers, by entry of its own."""
        self._own: dict[str, dict[str, tuple[int, ...]]] = {}
        numbers = self.shaped(np.arange(self.size))
        for agent in session.of_role(*world.operators):
            view = session.view(agent.name)
            parts = {
                e.name: numbers[e.name][places(e.axes, self.shapes[e.name], session, view)]
                for e in world.exchanges
                if agent.role in e.roles
            }
            signs = [
                np.full(parts[e.name].size, 1.0 if agent.role in e.asks else -1.0) for e in world.exchanges if e.name in parts
            ]
            self._own[agent.name] = {name: part.shape for name, part in parts.items()}
            self.entries[agent.name] = np.concatenate([part.ravel() for part in parts.values()])
            self.sign[agent.name] = np.concatenate(signs)
        self.askers = np.zeros(self.size, dtype=np.intp)
        """How many agents ask for each entry."""
        self.offerers = np.zeros(self.size, dtype=np.intp)
        for name, entries in self.entries.items():
            self.askers[entries] += self.sign[name] > 0
            self.offerers[entries] += self.sign[name] < 0

    def only_offers(self, agent: str) -> bool:
        """Return whether an agent asks for nothing."""
        return bool((self.sign[agent] < 0).all())

    def only_asks(self, agent: str) -> bool:
        """Return whether an agent offers nothing."""
        return bool((self.sign[agent] > 0).all())

    def shaped(self, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the vector as an array per exchange."""
        return {name: vector[self._slices[name]].reshape(shape) for name, shape in self.shapes.items()}

    def flat(self, arrays: Mapping[str, ArrayLike]) -> Array:
        """Return arrays per exchange, which broadcast to its shape, as the vector."""
        vector = np.empty(self.size)
        for name, shape in self.shapes.items():
            vector[self._slices[name]] = np.broadcast_to(np.asarray(arrays[name], dtype=np.float64), shape).ravel()
        return vector

    def own(self, agent: str, arrays: Quantities) -> Array:
        """Return an agent's arrays as its part of the vector."""
        shapes = self._own[agent]
        return np.concatenate(
            [np.asarray(arrays[name], dtype=np.float64).reshape(shape).ravel() for name, shape in shapes.items()]
        )

    def own_shaped(self, agent: str, part: Array) -> dict[str, Array]:
        """Return an agent's part of the vector as its arrays."""
        arrays, start = {}, 0
        for name, shape in self._own[agent].items():
            end = start + int(np.prod(shape))
            arrays[name] = part[start:end].reshape(shape)
            start = end
        return arrays

    def part(self, agent: str, vector: Array) -> dict[str, Array]:
        """Return an agent's part of a vector of all entries, as its arrays."""
        return self.own_shaped(agent, vector[self.entries[agent]])

    def copies(self, answers: Mapping[str, Answer]) -> dict[str, Array]:
        """Return every agent's z_i."""
        return {agent: self.own(agent, answers[agent].quantities) for agent in self.agents}

    def asked(self, copies: Mapping[str, Array]) -> Array:
        """Return the sum of what is asked, by entry."""
        return self._sum(copies, 1.0)

    def offered(self, copies: Mapping[str, Array]) -> Array:
        """Return the sum of what is offered, by entry."""
        return self._sum(copies, -1.0)

    def residual(self, copies: Mapping[str, Array]) -> Array:
        """Return sum_i s_i z_i: what is asked and not offered."""
        return self.asked(copies) - self.offered(copies)

    def _sum(self, copies: Mapping[str, Array], sign: float) -> Array:
        total = np.zeros(self.size)
        for agent, entries in self.entries.items():
            total[entries] += np.where(self.sign[agent] == sign, copies[agent], 0.0)
        return total

    def shares(self, total: Array, copies: Mapping[str, Array], sign: float) -> dict[str, Array]:
        """Share ``total`` out to those who ask (``sign`` 1) or offer (-1), in proportion to ``copies``; other entries stay.

        Where nobody wants anything all get the same; the only one gets all.
        """
        sums, count = self._sum(copies, sign), self.askers if sign > 0 else self.offerers
        shared = {}
        for agent, entries in self.entries.items():
            own, wanted = self.sign[agent] == sign, sums[entries]
            alone = count[entries] == 1
            part = np.divide(copies[agent], wanted, out=1.0 / np.maximum(count[entries], 1.0), where=wanted > 0.0)
            shared[agent] = np.where(own, np.where(alone, total[entries], total[entries] * part), copies[agent])
        return shared

    def equal_parts(self, total: Array, able: Mapping[str, NDArray[np.bool_]]) -> tuple[dict[str, Array], Array]:
        """Share ``total`` out in equal parts, by entry to those who are ``able``; return the parts, and how many are able."""
        many = np.zeros(self.size)
        for agent, entries in able.items():
            many[self.entries[agent]] += entries
        part = total / np.maximum(many, 1.0)
        return {agent: np.where(entries, part[self.entries[agent]], 0.0) for agent, entries in able.items()}, many

    def price_of(self, agent: str, quantities: Array, prices: Array) -> float:
        """Return sum s_i lambda z_i, usd: what an agent pays (or, if negative, is paid)."""
        return float((self.sign[agent] * prices[self.entries[agent]] * quantities).sum())
