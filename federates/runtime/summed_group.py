"""The coordinator's side of a private sum: a group of agents is one, whose answers are totals and whose parts are weights.

**What the group is given** must reach the members though nobody knows their parts. Let X^k be the total of the members' answers
in round k of the period, at the total cost F^k. For weights w >= 0 that add up to 1 each member has, by its own answers,
x_i = sum_k w_k x_i^k. Costs are convex, so sum_i f_i(x_i) <= sum_k w_k F^k, and the parts add up to sum_k w_k X^k: the columns of
Dantzig and Wolfe ("Decomposition Principle for Linear Programs", Operations Research 8(1), 1960), with the same weights for all.
So the coordinator chooses the weights by a linear programme, cheapest with at least what is offered and at most what is asked::

    min sum_k w_k F^k + penalty (short + over)    sum_k w_k X^k + short >= z where offered, - over <= z where asked

and tells them to all members. A factor for each entry, z / sum_k w_k X^k, makes the parts add up to z; where no answer has any,
each member is given the same. A plan that is the total of an answer is that answer: each does what it said.

**Bounds.** F(z) = min {sum_i f_i(z_i) : sum_i z_i = z} is the cost of the group. To prices the sum of proven bounds is one of
F(z) + s lambda z. To given quantities it is none of F (another split may be cheaper), so there it is, of all the answers to
prices, the best plane bound^k - s lambda^k z; to nothing at all, of which there is one split, it is the sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.canonical import to_grid
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Evaluate, Solve
from federates.boundary.summed import (
    COST_DECIMALS,
    QUANTITY_DECIMALS,
    SummedRole,
    in_whole,
    masked_answer,
    share,
    weights,
)
from federates.lp.linear_model import LinearModel
from federates.private_sum.errors import PrivateSumError
from federates.private_sum.fixed_point import from_halves, from_words
from federates.private_sum.masks import total_of
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox

_WEAKEST_FIRST = (BoundKind.STATED, BoundKind.TREE, BoundKind.CONVEX, BoundKind.LINEAR, BoundKind.EXACT)
_PENALTY_USD = 1e4
"""Of a unit that is short or over, far above any cost."""
_WEIGHT_DECIMALS = 9
_SAME = 1e-7
_ANY = 1e-6
"""A total below this is none."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One answer of the group: in which round, all its quantities as a vector, and its cost."""

    round: int
    total: Array
    rounded: Array
    cost_usd: float


class SummedGroup:
    """All members of a private sum, as one agent named ``name``.

    Parameters
    ----------
    session : the agreement as the algorithm has it, in which the group is an agent.
    """

    def __init__(self, federate: Federate, session: Any, summed: SummedRole) -> None:
        self.name, self._role, self._federate = summed.name, summed.role, federate
        self.members = tuple(agent for agent, role in federate.identity.agents.items() if role == summed.role)
        self._exchanges = [exchange for exchange in federate.world.exchanges if summed.role in exchange.roles]
        self._session = session

    def open(self, period: int) -> None:
        """Begin a period."""
        self._layout = Layout(self._session, period)
        self._columns: list[_Column] = []
        self._planes: list[tuple[Array, float]] = []
        """Of each answer to prices: s lambda, and the bound."""

    def keys(self) -> list[str]:
        """Return the keys of a round's answers."""
        return [masked_answer(self._role).key(member, "") for member in self.members]

    def give(self, given: Quantities, whole: bool, period: int, round_: int) -> None:
        """Tell all members by what weights of their answers they have their parts of ``given``."""
        wanted = self._layout.own(self.name, given)
        chosen = self._weights(wanted)
        mean = np.zeros_like(wanted)
        for column, weight in chosen:
            mean = mean + weight * column.total
        some = mean > _ANY
        factor = np.where(some, wanted / np.where(some, mean, 1.0), 0.0)
        added = np.where(some, 0.0, wanted / len(self.members))
        if len(chosen) == 1 and (chosen[0][0].rounded == wanted).all():
            factor, added = np.ones_like(wanted), np.zeros_like(wanted)  # to the bit what each has said
        publish, role = self._federate.publish, self._role
        rows = np.array([(column.round, weight) for column, weight in chosen]).reshape(-1, 2)
        publish(weights(role), period, round_, rows)
        publish(in_whole(role), period, round_, np.array([float(whole)]))
        factors, parts = (self._layout.own_shaped(self.name, vector) for vector in (factor, added))
        for exchange in self._exchanges:
            publish(share(exchange, role), period, round_, np.stack([factors[exchange.name], parts[exchange.name]]))

    def _weights(self, wanted: Array) -> list[tuple[_Column, float]]:
        for column in reversed(self._columns):
            if (np.abs(column.rounded - wanted) <= _SAME).all():
                return [(column, 1.0)]
        if not self._columns:
            return []
        offered = self._layout.sign[self.name] < 0
        model = LinearModel()
        costs_usd = np.array([column.cost_usd for column in self._columns])
        weight = model.variables("weight", len(self._columns), upper=1.0, cost=costs_usd)
        missed = model.variables("missed", wanted.size, cost=_PENALTY_USD)
        totals = np.array([column.total for column in self._columns]).T
        sign = np.where(offered, 1.0, -1.0)
        model.rows("one", [(1.0, weight)], lower=1.0, upper=1.0, shape=())
        terms = [(sign[:, np.newaxis] * totals, np.broadcast_to(weight, totals.shape)), (1.0, missed)]
        model.rows("enough", terms, lower=sign * wanted, shape=(wanted.size,))
        found = to_grid(model.solver(presolve="off").solve().values[weight], _WEIGHT_DECIMALS)
        found = np.maximum(found, 0.0) / found.sum()
        return [(column, float(w)) for column, w in zip(self._columns, found, strict=True) if w > 0.0]

    def answer(self, inbox: Inbox, period: int, round_: int, question: Solve | Evaluate) -> Answer:
        """Return the total of all members' answers.

        Raises
        ------
        PrivateSumError : what has come is no answer.
        """
        topic = masked_answer(self._role)
        came = {name: from_halves(inbox.take(topic.key(name, ""), period, round_)) for name in self.members}
        words, size = total_of(came, self.members), self._layout.sign[self.name].size
        total = from_words(words[:size], QUANTITY_DECIMALS)
        cost_usd, bound_usd = (float(usd) for usd in from_words(words[size : size + 2], COST_DECIMALS))
        rounded = to_grid(total, self._exchanges[0].quantity.decimals)
        kind = self._kind(from_words(words[size + 2 :], 0))
        if isinstance(question, Solve):
            self._planes.append((self._slope(question.prices), bound_usd))
        elif any(np.any(values) for values in question.given[self.name].values()):
            z = self._layout.own(self.name, question.given[self.name])
            bound_usd = max((bound - float((slope * z).sum()) for slope, bound in self._planes), default=-math.inf)
        if not (isinstance(question, Solve) and question.relaxed):
            self._columns.append(_Column(round_, total, rounded, cost_usd))
        return Answer(self._layout.own_shaped(self.name, rounded), cost_usd, bound_usd, None, kind)

    def _slope(self, prices: Mapping[str, Array]) -> Array:
        layout = self._layout
        return np.asarray(layout.sign[self.name] * layout.flat(prices)[layout.entries[self.name]], dtype=np.float64)

    def _kind(self, counts: Array) -> BoundKind:
        """Return the kind of the sum: the weakest of its terms'."""
        if counts.sum() != len(self.members) or (counts < 0).any():
            raise PrivateSumError(
                "the masked answers do not add up: the members have not all been asked the same, or one has told something else"
            )
        told = {kind for kind, count in zip(BoundKind, counts, strict=True) if count}
        return next(kind for kind in _WEAKEST_FIRST if kind in told)
