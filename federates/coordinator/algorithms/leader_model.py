"""What a leader knows: its own costs, from its own answers, and how much is accepted at which reward. It chooses rewards by both.

Its cost f is taken as the cheapest mixture of all that it has answered, which is never below the truth where f is convex
(inner approximation, Dantzig and Wolfe, "Decomposition Principle for Linear Programs", Operations Research 8(1), 1960). Every
bound that it has told is a plane never above the truth: at prices p with bound b, f(u) >= b - p . u. Where both are apart, the
question at the mixture's own marginal prices brings them together, as in Kelley's cutting planes.

The choice is a mixed-integer programme: for every entry one reward of several, of what is accepted there so much is used and
paid::

    min  f(u) + sum_e r_e u_e     u_e <= S_e(r_e)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer, Array
from federates.lp.linear_model import LinearModel, Term

_PRICE_DECIMALS, _QUANTITY_DECIMALS = 6, 6
"""Quantities below that are rounding errors, at which HiGHS has called a feasible programme infeasible."""
_PREFERENCE = 1e-6
"""Of rewards that are equally good the lower is taken, 0 where nothing is used: cost, usd, of a reward of 1 usd."""
_MOST_NODES = 1000
_GAP = 1e-4


Choices: TypeAlias = tuple[Array, Array]
"""Rewards to choose from, rising, and what is accepted at each."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Prices, what is expected to be accepted and used of it for the entries proposed for, and what their leaders bear, usd.

    All arrays are (n,); ``accepted`` and ``used`` are 0 elsewhere.
    """

    prices: Array
    accepted: Array
    used: Array
    usd: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What quantities cost leaders at most and at least, usd, their marginal prices, what is used, both (n,), and by whom."""

    most_usd: float
    least_usd: float
    marginal: Array
    used: Array
    wanted: dict[str, Array]


class LeaderModel:
    """Costs of all leaders by what they have answered.

    Parameters
    ----------
    entries : numbers of the entries that each leader asks for, by its name.
    size : number of all entries, n.
    """

    def __init__(self, entries: Mapping[str, NDArray[np.intp]], size: int) -> None:
        self._entries, self._size = entries, size
        self._used: dict[str, list[Array]] = {leader: [] for leader in entries}
        self._costs_usd: dict[str, list[float]] = {leader: [] for leader in entries}
        self._planes: dict[str, list[tuple[float, Array]]] = {leader: [] for leader in entries}

    def add(self, copies: Mapping[str, Array], answers: Mapping[str, Answer]) -> None:
        """Take what leaders say that quantities cost them."""
        for leader in self._entries:
            self._used[leader].append(self._everywhere(leader, copies[leader]))
            self._costs_usd[leader].append(answers[leader].cost_usd)

    def add_bounds(self, prices: Array, answers: Mapping[str, Answer]) -> None:
        """Take the bounds that leaders have proven at prices (n,)."""
        for leader, entries in self._entries.items():
            slope = np.zeros(self._size)
            slope[entries] = prices[entries]
            self._planes[leader].append((answers[leader].bound_usd, slope))

    def _everywhere(self, leader: str, part: Array) -> Array:
        vector = np.zeros(self._size)
        vector[self._entries[leader]] = to_grid(part, _QUANTITY_DECIMALS)
        return vector

    def propose(self, centre: Array, leaders: Sequence[str], entries: NDArray[np.intp], choices: Sequence[Choices]) -> Proposal:
        """Return the best rewards of ``leaders`` for ``entries``, of the ``choices`` for each; other prices are ``centre``'s."""
        place = np.repeat(np.arange(len(entries)), [len(rewards) for rewards, _ in choices])
        rewards, accepted = (np.concatenate([choice[part] for choice in choices]) for part in range(2))
        model = LinearModel()
        chosen = model.variables("chosen", rewards.size, upper=1.0, cost=_PREFERENCE * rewards, integer=True)
        used = model.variables("share used", rewards.size, upper=1.0, cost=rewards * accepted)
        model.rows("accepted", [(1.0, used), (-1.0, chosen)], upper=0.0)
        of_entry = sp.csr_matrix((np.ones(place.size), (place, np.arange(place.size))), shape=(len(entries), place.size))
        model.rows("one reward", [(of_entry, chosen)], lower=1.0, upper=1.0)
        self._add_mixtures(model, leaders, entries, [(-of_entry.multiply(accepted), used)], np.zeros(len(entries)))
        found = model.solver().solve(gap_rel=_GAP, node_limit=_MOST_NODES)
        picked = found.values[chosen] > 0.5
        prices, expected, taken = centre.copy(), np.zeros(self._size), np.zeros(self._size)
        prices[entries], expected[entries] = rewards[picked], accepted[picked]
        taken[entries] = np.bincount(place, weights=accepted * found.values[used], minlength=len(entries))
        return Proposal(prices, expected, to_grid(taken, _QUANTITY_DECIMALS), found.objective)

    def worth(self, leaders: Sequence[str], entries: NDArray[np.intp], used: Array) -> Worth:
        """Return what it is worth to leaders to use ``used`` (n,) of ``entries``."""
        model = LinearModel()
        balance, parts = self._add_mixtures(model, leaders, entries, [], used[entries])
        found = model.solver(presolve="off").solve()
        assert found.row_dual is not None
        marginal, total, wanted, least_usd = np.zeros(self._size), np.zeros(self._size), {}, 0.0
        marginal[entries] = to_grid(np.maximum(-found.row_dual[balance], 0.0), _PRICE_DECIMALS)
        for leader in leaders:
            mixed = (np.array(self._used[leader]) * found.values[parts[leader]][:, None]).sum(axis=0)
            total += mixed
            wanted[leader] = mixed[self._entries[leader]]
            least_usd += max((usd - float((slope * mixed).sum()) for usd, slope in self._planes[leader]), default=-np.inf)
        return Worth(found.objective, least_usd, marginal, to_grid(total, _QUANTITY_DECIMALS), wanted)

    def least_usd(self, leaders: Sequence[str], given: Array) -> Array:
        """Return what each row of ``given`` (K, n) costs leaders at least, by their planes, usd (K,)."""
        total = np.zeros(len(given))
        for leader in leaders:
            usd, slopes = (np.array(part) for part in zip(*self._planes[leader], strict=True))
            total += (usd - (given[:, None, :] * slopes).sum(axis=-1)).max(axis=1)
        return total

    def _add_mixtures(
        self, model: LinearModel, leaders: Sequence[str], entries: NDArray[np.intp], terms: list[Term],
        most: Array,
    ) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:  # fmt: skip
        """Add mixtures of what leaders have answered: their use of ``entries`` plus ``terms`` is at most ``most``.

        Return these rows, and the parts of every leader's answers in its mixture.
        """
        terms, parts = list(terms), {}  # the list given stays as it is
        for leader in leaders:
            part = model.variables(f"part of {leader}", len(self._used[leader]), cost=self._costs_usd[leader])
            model.rows(f"one {leader}", [(1.0, part[None, :])], lower=1.0, upper=1.0, shape=(1,))
            terms.append((sp.csr_matrix(np.array(self._used[leader])[:, entries].T), part))
            parts[leader] = part
        return model.rows("balance", terms, upper=most), parts
