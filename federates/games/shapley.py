"""The Shapley value: what a player adds to those who came before it, on average over all orders in which players may come.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))

Shapley, "A value for n-person games", Contributions to the Theory of Games II (1953): the only rule that shares all
(efficiency), gives alike players the same (symmetry), gives who adds nothing nothing (dummy), and adds up over games
(additivity).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from federates.boundary.errors import ModelError
from federates.games.game import Coalition, Game, Worth, masks
from federates.lp.arithmetic import Array


def shapley(game: Game) -> Array:
    """Return the Shapley value of a game of which all coalitions are known, (n,), usd."""
    worth, count = game.by_mask, len(game.players)
    every = masks(count)
    size = np.array([int(mask).bit_count() for mask in every])
    weight = np.array([math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count) for s in range(count)])
    value = np.empty(count)
    for i in range(count):
        without = every[(every >> i) & 1 == 0]
        value[i] = (weight[size[without]] * (worth[without | (1 << i)] - worth[without])).sum()
    return value


@dataclass(frozen=True)
class SampledShapley:
    """Estimate of the Shapley value, (n,) usd, the half widths of its intervals, and what was learnt of the game."""

    value_usd: Array
    half_width_usd: Array
    level: float
    pairs: int
    seen: Game
    """Every coalition that was asked for."""


def sample_shapley(players: Iterable[str], worth: Worth, pairs: int, seed: int, level: float = 0.95) -> SampledShapley:
    """Return an estimate from ``pairs`` random orders, each with its reverse.

    An order gives each player what it adds to those before it; the mean over all orders is the Shapley value (Castro, Gomez,
    Tejada, "Polynomial calculation of the Shapley value based on sampling", Computers & Operations Research 36(5), 2009). The
    reverse of an order stands where the order is wrong in the other direction, so that the mean of both varies less where a
    player adds less to many (antithetic sampling: Mitchell, Cooper, Frank, Holmes, "Sampling permutations for Shapley value
    estimation", JMLR 23, 2022). The means of pairs are independent and alike, so each player's interval is Student's with
    ``pairs`` - 1 degrees of freedom: right in the limit of many pairs (central limit theorem), for one player at a time.
    Every order shares out all, so the estimate does too.

    Parameters
    ----------
    worth : asked once for each coalition that occurs, at most 2 pairs (n - 1) + 1 times.

    Raises
    ------
    ModelError : fewer than 2 pairs, a level outside (0, 1), or what `Game` refuses.
    """
    names = tuple(players)
    if pairs < 2 or not 0 < level < 1:
        raise ModelError(f"{pairs} pairs, level {level}: there must be 2 pairs at least, and a level between 0 and 1")
    known: dict[Coalition, float] = {frozenset(): 0.0}
    generator, means = np.random.default_rng(seed), np.empty((pairs, len(names)))
    for pair in range(pairs):
        order = generator.permutation(len(names))
        means[pair] = (_added(names, order, worth, known) + _added(names, order[::-1], worth, known)) / 2
    deviation = np.sqrt(((means - means.mean(axis=0)) ** 2).sum(axis=0) / (pairs - 1))
    half = float(stdtrit(pairs - 1, 0.5 + level / 2)) * deviation / math.sqrt(pairs)
    return SampledShapley(means.mean(axis=0), half, level, pairs, Game(names, known))


def _added(names: tuple[str, ...], order: Iterable[int], worth: Worth, known: dict[Coalition, float]) -> Array:
    """Return what each player adds, (n,), where they come in ``order``."""
    added, before = np.empty(len(names)), frozenset[str]()
    for player in order:
        after = before | {names[player]}
        if after not in known:
            known[after] = float(worth(after))
        added[player] = known[after] - known[before]
        before = after
    return added
