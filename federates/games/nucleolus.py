"""The nucleolus: the share whose excesses v(S) - x(S), largest first, are the smallest in lexicographic order.

Schmeidler, "The nucleolus of a characteristic function game", SIAM Journal on Applied Mathematics 17(6), 1969: it is one
share, and in the core where that is not empty. It is found by a sequence of linear programmes (Kopelowitz, "Computation of
the kernels of simple games and the nucleolus of n-person games", Hebrew University, 1967). Each makes the largest excess of
the coalitions that are still open as small as it can be, and the coalitions that have this excess *in every* optimum are then
held at it.

Which those are is not read off one optimum, which may hit more by chance. A coalition with a positive dual value is tight in
every optimum (complementary slackness), and the dual values of open coalitions sum to 1, so there is one. Those that are
tight everywhere without a dual value come up in a later programme with the same excess. A coalition that is a linear
combination of held ones is held itself and leaves the programme. So each programme raises the rank of what is held, and after
at most n the share is the only one left (Solymosi, "On computing the nucleolus of cooperative games", 1993; Benedek, Fliege,
Nguyen, "Finding and verifying the nucleolus of cooperative games", Mathematical Programming 190, 2021).
"""

from __future__ import annotations

import numpy as np

from federates.boundary.errors import ModelError
from federates.games.core import solve, worth_scale
from federates.games.game import Game
from federates.lp.arithmetic import Array, product

_DUAL = 1e-6
"""Dual values above this are positive. A vertex has at most n + 1 of them and they sum to 1, so one is well above; a positive one
that is missed is no harm, for its coalition comes up again."""
_INDEPENDENT = 1e-6
"""A row of zeros and ones is a combination of others if what is left of it without them is shorter than this."""


def nucleolus(game: Game) -> Array:
    """Return the nucleolus, (n,), usd: of the shares that give every player at least what it is worth alone.

    Raises
    ------
    ModelError : not every coalition's worth is known; or players are worth less together than each alone, so that there is no
    such
        share: `prenucleolus` asks for none.
    """
    alone = np.array([game.worth({name}) for name in game.players])
    if alone.sum() > game.total_usd + game.tolerance_usd:
        raise ModelError(
            f"together the players are worth {game.total_usd:.6g} usd, each alone {alone.sum():.6g} usd in all: no share gives "
            "everyone what it is worth alone, so there is no nucleolus; the prenucleolus is there all the same"
        )
    # What is missing by rounding alone must not make the programme infeasible.
    return _share(game, alone - max(0.0, float(alone.sum()) - game.total_usd) / len(alone))


def prenucleolus(game: Game) -> Array:
    """Return the prenucleolus, (n,), usd: as the nucleolus, but a player may get less than it is worth alone.

    It always exists, and is the nucleolus where that gives everyone what it is worth alone (such as where the core is not empty).

    Raises
    ------
    ModelError : not every coalition's worth is known.
    """
    return _share(game, None)


def _share(game: Game, least_usd: Array | None) -> Array:
    _ = game.by_mask  # all must be known
    count, scale = len(game.players), worth_scale(game)
    least = np.full(count, -np.inf) if least_usd is None else least_usd / scale
    bounds = [(float(low), np.inf) for low in np.append(least, -np.inf)]
    open_rows, open_worth = game.membership, game.proper_worth / scale
    held, right = np.ones((1, count)), np.array([game.total_usd / scale])
    while len(held) < count:
        found = solve(
            np.append(np.zeros(count), 1.0),
            np.hstack([-open_rows, -np.ones((len(open_rows), 1))]),
            -open_worth,
            np.hstack([held, np.zeros((len(held), 1))]),
            right,
            bounds,
        )
        epsilon = float(found.x[count])
        for i in np.nonzero(-found.ineqlin.marginals > _DUAL)[0]:
            if _left(held, open_rows[i : i + 1])[0] > _INDEPENDENT:
                held, right = np.vstack([held, open_rows[i]]), np.append(right, open_worth[i] - epsilon)
        still_open = _left(held, open_rows) > _INDEPENDENT
        open_rows, open_worth = open_rows[still_open], open_worth[still_open]
    share: Array = np.linalg.solve(held, right) * scale
    return share


def _left(held: Array, rows: Array) -> Array:
    """Return the length of what is left of each row without its part in the span of ``held``, (K,)."""
    basis = np.linalg.qr(held.T)[0]
    rest = rows - product(product(rows, basis), basis.T)
    return np.asarray(np.sqrt((rest * rest).sum(axis=1)))
