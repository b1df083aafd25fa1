"""The core: shares of what all are worth together from which no coalition would rather go away; and how far a game is from one.

x is in the core if x(N) = v(N) and x(S) >= v(S) for every S (Gillies, 1959). Where it is empty, every share leaves some coalition
worse off than alone: the grand coalition is not stable. The *least core* (Maschler, Peleg, Shapley, "Geometric properties of
the kernel, nucleolus, and related solution concepts", Mathematics of Operations Research 4(4), 1979) has the shares with the
smallest largest excess, epsilon = min max over S of v(S) - x(S): the core is not empty exactly if epsilon <= 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from federates.boundary.canonical import canonical
from federates.boundary.errors import ModelError
from federates.games.game import Coalition, Game
from federates.lp.arithmetic import Array, product

_DIGITS = 9
_SOLVER = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10, "presolve": True}


@dataclass(frozen=True)
class LeastCore:
    """Smallest largest excess of a proper coalition, usd, and one share (n,), usd, that reaches it.

    One player has no proper coalition that could object: epsilon is minus infinity.
    """

    epsilon_usd: float
    share_usd: Array


def excess(game: Game, share_usd: ArrayLike) -> Array:
    """Return v(S) - x(S) of the game's proper coalitions, (K,), usd: what a coalition would gain by going away."""
    return game.proper_worth - product(game.membership, _share(game, share_usd))


def objectors(game: Game, share_usd: ArrayLike, tolerance_usd: float | None = None) -> dict[Coalition, float]:
    """Return the coalitions that would gain by more than a tolerance if they went away, and what; the one that gains most first.

    The tolerance is by default the game's own. A share is in the core if it shares out all (see `in_core`) and nobody objects.
    """
    gains = excess(game, share_usd)
    limit = game.tolerance_usd if tolerance_usd is None else tolerance_usd
    order = np.argsort(-canonical(gains, _DIGITS), kind="stable")  # rounding error must not choose
    return {game.proper[i]: float(gains[i]) for i in order if gains[i] > limit}


def in_core(game: Game, share_usd: ArrayLike, tolerance_usd: float | None = None) -> bool:
    """Return whether a share is in the core, but for a tolerance.

    Raises
    ------
    ModelError : not every coalition's worth is known, so that one might object that is not looked at.
    """
    _ = game.by_mask
    limit = game.tolerance_usd if tolerance_usd is None else tolerance_usd
    shares_all = abs(float(_share(game, share_usd).sum()) - game.total_usd) <= limit
    return shares_all and not objectors(game, share_usd, limit)


def least_core(game: Game) -> LeastCore:
    """Return the least core's epsilon and a share in it, by one linear programme.

    Of a game that is not complete, epsilon is that of the coalitions that are known, a lower bound: where it is above 0, the
    core is empty whatever the others are worth.
    """
    if not game.proper:
        return LeastCore(-np.inf, np.array([game.total_usd] * len(game.players)) / len(game.players))
    count, scale = len(game.players), worth_scale(game)
    found = solve(
        np.append(np.zeros(count), 1.0),
        np.hstack([-game.membership, -np.ones((len(game.proper), 1))]),
        -game.proper_worth / scale,
        np.append(np.ones(count), 0.0)[None],
        np.array([game.total_usd / scale]),
        [(-np.inf, np.inf)] * (count + 1),
    )
    return LeastCore(float(found.x[count]) * scale, np.asarray(found.x[:count]) * scale)


def worth_scale(game: Game) -> float:
    """Return the number by which worths are divided before they are a programme's: the solver's tolerances are absolute."""
    return max(float(np.abs(game.proper_worth).max(initial=0.0)), abs(game.total_usd)) or 1.0


def solve(cost: Array, a: Array, b: Array, equal: Array, right: Array, bounds: list[tuple[float, float]]) -> Any:
    """Return SciPy's result of min cost x with a x <= b, equal x = right; raise `ModelError` if there is none."""
    found = linprog(cost, A_ub=a, b_ub=b, A_eq=equal, b_eq=right, bounds=bounds, method="highs", options=_SOLVER)
    if not found.success:
        raise ModelError(f"the programme of shares has no solution: {found.message}")
    return found


def _share(game: Game, share_usd: ArrayLike) -> Array:
    share = np.asarray(share_usd, dtype=np.float64)
    if share.shape != (len(game.players),):
        raise ModelError(f"a share has one number a player, {len(game.players)}, but this has shape {share.shape}")
    return share
