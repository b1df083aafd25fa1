"""What is known of agents by what they have answered in a negotiation: what may stand for an answer that has not come.

Written f_i for agent i's cost, s_i = +1 where it asks and -1 where it offers, its answers to prices lambda bound its part of the
dual function (40)-(43) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976::

    d_i(lambda) = min over z_i >= 0 of  f_i(z_i) + s_i lambda . z_i

*A cut is no term.* Something that agent i can do, z_k at cost f_k, gives d_i(lambda) <= f_k + s_i lambda . z_k at every lambda: a
plane above d_i. A lower bound of the joint cost is a sum of *lower* bounds of all d_i at the same prices. A plane is none.

*What an old bound proves.* Let b_k <= d_i(lambda_k) be the bound of an old answer. Where s_i lambda >= s_i lambda_k in every
entry, each z_i >= 0 costs at lambda at least what it costs at lambda_k, since s_i (lambda - lambda_k) . z_i >= 0. So
d_i(lambda) >= d_i(lambda_k) >= b_k: who asks proves it at the same and at higher prices, who offers at the same and at lower
ones. The best such b_k is a term of the sum at lambda. Where there is none, nothing is proven at lambda: minus infinity. Only
comparisons are made, so that no rounding can break the proof; prices are compared as they are heard, on their topic's grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.canonical import to_grid
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Evaluate, Solve


@dataclass(slots=True)
class _Known:
    """Of one agent: at which prices (signed, s_i lambda) which bound holds, and what it can do at which cost.

    ``whole``: whether it can do so as it is, or in the linear relaxation only.
    """

    signed: list[Array] = field(default_factory=list)
    bounds: list[tuple[float, BoundKind]] = field(default_factory=list)
    copies: list[Array] = field(default_factory=list)
    costs_usd: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)

    def bound(self, signed: Array) -> tuple[float, BoundKind]:
        """Return the best bound that is proven at signed prices."""
        proven = [bound for at, bound in zip(self.signed, self.bounds, strict=True) if (at <= signed).all()]
        return max(proven, key=lambda bound: bound[0], default=(-math.inf, BoundKind.STATED))

    def best(self, signed: Array, *, relaxed: bool) -> int | None:
        """Return the number of what the agent can do that is cheapest at signed prices, the first of equals; None: nothing."""
        usable = [i for i, whole in enumerate(self.whole) if whole or relaxed]
        return min(usable, key=lambda i: self.costs_usd[i] + float((signed * self.copies[i]).sum()), default=None)


class KnownAnswers:
    """All answers of one negotiation, whenever they came.

    Parameters
    ----------
    session : the whole public agreement.
    period : the opened period.
    """

    def __init__(self, session: Any, period: int) -> None:
        self._layout = Layout(session, period)
        self._known = {agent: _Known() for agent in self._layout.agents}

    def take(self, question: Solve | Evaluate, agent: str, answer: Answer) -> None:
        """Take an answer to ``question``."""
        known = self._known[agent]
        if isinstance(question, Solve):
            known.signed.append(self._signed(question, agent))
            known.bounds.append((answer.bound_usd, answer.bound_kind))
        known.copies.append(self._layout.own(agent, answer.quantities))
        known.costs_usd.append(answer.cost_usd)
        known.whole.append(isinstance(question, Evaluate) or not question.relaxed)

    def stand_in(self, question: Solve, agent: str) -> Answer | None:
        """Return what may stand for an agent's answer to ``question``: its cheapest known, and what is proven; None: nothing."""
        known, signed = self._known[agent], self._signed(question, agent)
        best = known.best(signed, relaxed=question.relaxed)
        if best is None:
            return None
        bound_usd, kind = known.bound(signed)
        return Answer(self._layout.own_shaped(agent, known.copies[best]), known.costs_usd[best], bound_usd, None, kind)

    def _signed(self, question: Solve, agent: str) -> Array:
        """Return s_i lambda of an agent's entries, as it hears the prices."""
        decimals = {exchange.name: exchange.price.decimals for exchange in self._layout.exchanges}
        heard = {name: to_grid(np.asarray(prices), decimals[name]) for name, prices in question.prices.items()}
        return np.asarray(self._layout.sign[agent] * self._layout.flat(heard)[self._layout.entries[agent]])
