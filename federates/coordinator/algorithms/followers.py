"""What followers have answered, and what follows for prices: tolls among them, and the least rewards that keep a plan.

Every answer is something its agent can do at the cost that it named. So at any prices a follower has no less than the best of its
answers would give it.

*Tolls.* Followers that ask for something themselves, such as fleets for passages, are a market of their own at any rewards r. Its
prices maximise the concave dual function of the followers alone, with planes of all their answers (as in `box_step`)::

    max over tolls >= 0   sum of followers' min over their answers k:  f_k - r . d_k + tolls . p_k

At the best tolls several answers of a follower may be equally good. The mixture of them that is in balance is the one that the
planes' weights (dual values) tell.

*Least rewards.* A follower keeps its plan z at prices at which none of its answers would give it more (incentive compatibility,
by revealed preference: Afriat, "The Construction of Utility Functions from Expenditure Data", International Economic Review 8(1),
1967). The cheapest such prices are a linear programme. Where an answer that is not known yet would give more, it is the answer
to these prices, and a row of the next programme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from federates.boundary.canonical import to_grid
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.lp.linear_model import LinearModel

_DECIMALS = 6
_PREFERENCE = 1e-6
"""Among prices that are equally good the nearest to the last, or the lowest: cost, usd, of a price that moves by 1 usd."""
_SAME_USD = 1e-6
_MARGIN = 1e-3
"""A plan is kept if it gives more than another one by this share of the usual prices of what differs; else it is a toss-up."""
_MARGIN_WEIGHT = 10.0
"""What a lack of that margin costs, usd per usd: more than most rewards that would make it."""
_BREACH_WEIGHT = 1e6
"""What it costs, usd per usd, that another answer gives more: so much that it is done only where no prices avoid it."""


class Own(NamedTuple):
    """What a follower does, z_i, and what that costs it, usd."""

    copy: Array
    cost_usd: float


class Followers:
    """What followers have answered.

    Parameters
    ----------
    layout : where all entries lie.
    names : names of the followers.
    tolled : numbers of the entries whose price is a toll.
    """

    def __init__(self, layout: Layout, names: Sequence[str], tolled: NDArray[np.intp]) -> None:
        self._layout, self.names, self.tolled = layout, names, tolled
        self._copies: dict[str, list[Array]] = {agent: [] for agent in names}
        self._costs_usd: dict[str, list[float]] = {agent: [] for agent in names}

    def add(self, copies: Mapping[str, Array], answers: Mapping[str, Answer]) -> None:
        """Take what followers can do at which cost."""
        for agent in self.names:
            self._copies[agent].append(copies[agent])
            self._costs_usd[agent].append(answers[agent].cost_usd)

    def rounds(self) -> list[dict[str, Own]]:
        """Return what followers have answered together, every different round once."""
        found: dict[bytes, dict[str, Own]] = {}
        for number in range(len(self._copies[self.names[0]])):
            own = {agent: Own(self._copies[agent][number], self._costs_usd[agent][number]) for agent in self.names}
            found[np.concatenate([each.copy for each in own.values()]).tobytes()] = own
        return list(found.values())

    def _signed(self, agent: str, copies: Array) -> Array:
        """Return s_i z_i of all entries, (..., n)."""
        signed = np.zeros((*copies.shape[:-1], self._layout.size))
        signed[..., self._layout.entries[agent]] = self._layout.sign[agent] * copies
        return signed

    def tolls(self, prices: Array, box: Array) -> tuple[Array, float, dict[str, Own]]:
        """Return the best tolls near those in ``prices``, what the planes promise of them, usd, and the mixed answers.

        ``prices`` (n,) has all rewards; of its tolls none moves further than ``box`` (of the tolled entries).
        """
        model, centre = LinearModel(), prices[self.tolled]
        preference = _PREFERENCE * (1.0 + np.arange(centre.size) / max(1, centre.size))
        up = model.variables("up", centre.size, upper=box, cost=preference)
        down = model.variables("down", centre.size, upper=np.minimum(centre, box), cost=preference)
        rows = {}
        for agent in self.names:
            least = model.variables(f"least of {agent}", 1, lower=-np.inf, cost=-1.0)
            signed = self._signed(agent, np.array(self._copies[agent]))
            costs_usd = np.array(self._costs_usd[agent]) + (signed * prices).sum(axis=1)
            slopes, count = signed[:, self.tolled], len(costs_usd)
            every = np.broadcast_to(up, (count, up.size)), np.broadcast_to(down, (count, down.size))
            terms = [(1.0, np.repeat(least, count)), (-slopes, every[0]), (slopes, every[1])]
            rows[agent] = model.rows(f"planes of {agent}", terms, upper=costs_usd)
        found = model.solver(presolve="off").solve()
        assert found.row_dual is not None
        tolls = to_grid(centre + found.values[up] - found.values[down], _DECIMALS)
        mixed = {agent: self._mixed(agent, -found.row_dual[rows[agent]]) for agent in self.names}
        moved_usd = float((preference * (found.values[up] + found.values[down])).sum())
        return tolls, moved_usd - found.objective, mixed

    def _mixed(self, agent: str, weights: Array) -> Own:
        weights = np.maximum(weights, 0.0)
        weights = weights / weights.sum()
        copy = (np.array(self._copies[agent]) * weights[:, None]).sum(axis=0)
        return Own(np.asarray(copy), float((np.array(self._costs_usd[agent]) * weights).sum()))

    def least_prices(
        self, prices: Array, own: Mapping[str, Own], paid: Array, free: NDArray[np.intp], scale: Array
    ) -> Array | None:
        """Return the prices at which followers do ``own`` rather than anything else, and that cost least for ``paid``.

        None: there are no such prices.

        Parameters
        ----------
        prices : prices of all entries, (n,); those not in ``free`` stay.
        own : what each follower does.
        paid : quantities whose payment is least, (n,).
        free : numbers of the entries whose prices may change.
        scale : a usual price of every entry, (n,).
        """
        model = LinearModel()
        breaches: list[NDArray[np.int64]] = []
        free_prices = model.variables("prices", free.size, cost=paid[free] + _PREFERENCE)
        for agent in self.names:
            copies, kept = np.array(self._copies[agent]), own[agent]
            away = self._signed(agent, copies) - self._signed(agent, kept.copy)
            costs_usd = np.array(self._costs_usd[agent])
            fixed = prices.copy()
            fixed[free] = 0.0
            margin_usd = _MARGIN * (np.abs(away) * scale).sum(axis=1)
            least_usd = kept.cost_usd - costs_usd - (away * fixed).sum(axis=1) + margin_usd
            lack = model.variables(f"lack of {agent}", len(costs_usd), upper=margin_usd, cost=_MARGIN_WEIGHT)
            breach = model.variables(f"breach of {agent}", len(costs_usd), cost=_BREACH_WEIGHT)
            breaches.append(breach)
            every = np.broadcast_to(free_prices, (len(costs_usd), free.size))
            model.rows(f"answers of {agent}", [(away[:, free], every), (1.0, lack), (1.0, breach)], lower=least_usd)
        found = model.solver(presolve="off").solve()
        if any((found.values[breach] > _SAME_USD).any() for breach in breaches):
            return None
        least = prices.copy()
        least[free] = to_grid(found.values[free_prices], _DECIMALS)
        return least
