"""A leader posts a reward, followers accept or not: the reward that is best for the leader, and a check that nobody would move.

The leader gains ``value - reward`` by every unit that is offered and expects the share of an acceptance curve, so it maximises
(v - r) P(r). Rewards and values are in usd per unit. The leader moves first and knows how followers answer: the equilibrium of
Stackelberg ("Marktform und Gleichgewicht", 1934).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import wrightomega

from federates.boundary.canonical import canonical
from federates.boundary.errors import ModelError
from federates.games.acceptance import (
    Acceptance,
    IsotonicAcceptance,
    LogitAcceptance,
    LogitFit,
    UniformAcceptance,
    normal_quantile,
)
from federates.lp.arithmetic import Array


def profit(curve: Acceptance, value_usd: ArrayLike, reward_usd: ArrayLike) -> Array:
    """Return the leader's expected gain (v - r) P(r), usd per unit that is available."""
    reward = np.asarray(reward_usd, dtype=np.float64)
    return (np.asarray(value_usd, dtype=np.float64) - reward) * curve.share(reward)


def best_reward(curve: Acceptance, value_usd: ArrayLike, lowest_usd: float = 0.0, highest_usd: float = np.inf) -> Array:
    """Return the reward in [lowest, highest] that maximises (v - r) P(r), in the shape of ``value_usd``.

    Logit and uniform curves have closed forms. A learnt isotonic curve is a line between rewards, so the optimum is at a reward
    that was tried or where the derivative of a piece is 0; of rewards that are as good the lowest is returned. A reward outside
    what was tried is returned only where all that was tried costs more than the value: then it is the value, which gains and
    loses nothing. A reward equal to the value is also what a uniform curve gets where no threshold is below it.

    Raises
    ------
    ModelError : the interval is empty, a value is not finite, or the curve is of an unknown kind.
    """
    value = np.asarray(value_usd, dtype=np.float64)
    if not (lowest_usd <= highest_usd and np.isfinite(value).all()):
        raise ModelError(f"values {value}, rewards from {lowest_usd} to {highest_usd}: must be finite, the lowest not above")
    if isinstance(curve, LogitAcceptance):
        # P is log-concave: (v - r) P(r) rises up to its maximum and falls behind it, so the nearest end of an interval is best.
        return np.clip(value - logit_margin(curve, value), lowest_usd, highest_usd)
    if isinstance(curve, UniformAcceptance):
        inner = np.clip((value + curve.lowest_usd) / 2, curve.lowest_usd, curve.highest_usd)
        return np.clip(np.where(value > curve.lowest_usd, inner, value), lowest_usd, highest_usd)
    if isinstance(curve, IsotonicAcceptance):
        found = [_best_on_pieces(curve, float(v), lowest_usd, highest_usd) for v in value.ravel()]
        return np.array(found).reshape(value.shape)
    raise ModelError(f"{type(curve).__name__}: no rule for the best reward of such a curve is known")


def logit_margin(curve: LogitAcceptance, value_usd: ArrayLike) -> Array:
    """Return the margin v - r* of the best reward against a logit curve: (1 + W(exp(slope (v - cost) - 1))) / slope.

    W is Lambert's function; the margin solves the first-order condition v - r = 1 / (slope (1 - P(r))). Of an exponential W is
    Wright's omega, W(exp(z)) = omega(z), which has no overflow for a large z (Corless and Jeffrey, "The Wright omega function",
    2002).
    """
    value = np.asarray(value_usd, dtype=np.float64)
    return canonical((1 + wrightomega(curve.slope_per_usd * (value - curve.cost_usd) - 1)) / curve.slope_per_usd)


def reward_interval(fit: LogitFit, value_usd: float, level: float = 0.95) -> tuple[float, float, float]:
    """Return the best reward of a fitted logit curve and the ends of its confidence interval (delta method), usd.

    With u = slope v + intercept - 1 and w = omega(u): r* = v - (1 + w) / slope, dr*/dintercept = -w / ((1 + w) slope),
    dr*/dslope = (1 + w) / slope^2 - v w / ((1 + w) slope).

    Raises
    ------
    ModelError : the curve falls (see `LogitFit.curve`), or the level is not in (0, 1).
    """
    slope, reward = fit.slope_per_usd, float(value_usd - logit_margin(fit.curve, value_usd))
    w = float(wrightomega(slope * value_usd + fit.intercept - 1))
    gradient = np.array([-w / (1 + w), (1 + w) / slope - value_usd * w / (1 + w)]) / slope
    variance = float((gradient[:, None] * fit.covariance * gradient).sum())
    spread = normal_quantile(level) * float(np.sqrt(max(variance, 0.0)))
    return reward, reward - spread, reward + spread


def _best_on_pieces(curve: IsotonicAcceptance, value: float, lowest: float, highest: float) -> float:
    """Return the best reward against straight pieces: at an end of a piece, or at the vertex of its parabola."""
    left, right, width = curve.rewards_usd[:-1], curve.rewards_usd[1:], np.diff(curve.rewards_usd)
    rise = np.diff(curve.shares)
    rising = rise > 0
    # (v - r)(s0 + k (r - r0)) has its vertex midway between v and where the piece's line meets zero.
    zero = left[rising] - curve.shares[:-1][rising] * width[rising] / rise[rising]
    vertices = np.clip((value + zero) / 2, left[rising], right[rising])
    tried = np.unique(np.clip(np.concatenate([curve.rewards_usd, vertices, [value]]), lowest, highest))
    return float(tried[np.argmax(profit(curve, value, tried))])


@dataclass(frozen=True)
class Party:
    """One who decides: its ``choice``, what a choice of its own brings it, and other choices it might have made instead.

    ``payoff_usd`` holds what the others do as they do it; a leader's payoff holds the followers' answers to its choice. Where the
    best response can be computed, ``alternatives`` are that one alone; else all choices, or many.
    """

    choice: Any
    payoff_usd: Callable[[Any], float]
    alternatives: Iterable[Any]


def unilateral_gains(parties: Mapping[str, Party]) -> dict[str, float]:
    """Return what each party would gain at most by another choice while the others stay, usd; 0 where nothing is better.

    In an equilibrium (Nash, "Non-cooperative games", Annals of Mathematics 54(2), 1951) all are 0.
    """
    gains = {}
    for name, party in parties.items():
        now = party.payoff_usd(party.choice)
        gains[name] = max([0.0, *(party.payoff_usd(other) - now for other in party.alternatives)])
    return gains


def nobody_gains(parties: Mapping[str, Party], tolerance_usd: float = 1e-6) -> bool:
    """Return whether no party gains more than ``tolerance_usd`` by a unilateral change."""
    return all(gain <= tolerance_usd for gain in unilateral_gains(parties).values())
