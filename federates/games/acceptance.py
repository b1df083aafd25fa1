"""How many followers accept a reward: two curves of theory, and two that are learnt from what was accepted.

A reward is in usd per unit of what is bought (usd/kWh for a delivery). A curve gives the share in [0, 1] of what is available
that is offered at a reward; it never falls. Who learns a curve knows no follower's data, only (reward, accepted, available).
docs/decisions/0401 says when which learnt curve is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import expit, ndtri

from federates.boundary.canonical import canonical
from federates.boundary.errors import ModelError
from federates.lp.arithmetic import Array, product

_STEPS = 200
_SAME = 1e-10
_LONGEST_STEP = 5.0
_DIGITS = 9
"""Of a fit, which is known to its last step only."""


class Observation(NamedTuple):
    """What one reward brought: ``accepted`` of ``available``, in one unit (vehicles, or kWh).

    The confidence of a fit takes ``available`` as a number of independent decisions: divide energy by that of a vehicle first.
    """

    reward_usd: float
    accepted: float
    available: float


class Acceptance(Protocol):
    """Share of what is available that is offered at a reward."""

    def share(self, reward_usd: ArrayLike) -> Array:
        """Return the share in [0, 1] at each reward, in the shape of ``reward_usd``."""


@dataclass(frozen=True)
class UniformAcceptance:
    """Every follower has a threshold, its own cost, and accepts what is not below it; thresholds are uniform in an interval."""

    lowest_usd: float
    highest_usd: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.lowest_usd, self.highest_usd]).all() and self.lowest_usd < self.highest_usd):
            raise ModelError(f"thresholds from {self.lowest_usd} to {self.highest_usd} usd: must be finite, the lowest below")

    def share(self, reward_usd: ArrayLike) -> Array:  # noqa: D102
        width = self.highest_usd - self.lowest_usd
        return np.clip((np.asarray(reward_usd, dtype=np.float64) - self.lowest_usd) / width, 0.0, 1.0)


@dataclass(frozen=True)
class LogitAcceptance:
    """P(r) = 1 / (1 + exp(-slope (r - cost))): the binary logit of a follower whose gain is r - cost plus logistic noise.

    McFadden, "Conditional logit analysis of qualitative choice behavior" (1974). ``cost_usd`` is the reward that half accept,
    ``slope_per_usd`` > 0 how alike the followers are.
    """

    cost_usd: float
    slope_per_usd: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.cost_usd, self.slope_per_usd]).all() and self.slope_per_usd > 0):
            raise ModelError(f"cost {self.cost_usd} usd, slope {self.slope_per_usd}/usd: must be finite, the slope above 0")

    def share(self, reward_usd: ArrayLike) -> Array:  # noqa: D102
        return canonical(expit(self.slope_per_usd * (np.asarray(reward_usd, dtype=np.float64) - self.cost_usd)))


@dataclass(frozen=True)
class IsotonicAcceptance:
    """Shares (K,) at rising rewards (K,), straight lines between them; outside the rewards that were tried the ends hold on."""

    rewards_usd: Array
    shares: Array

    def share(self, reward_usd: ArrayLike) -> Array:  # noqa: D102
        return np.asarray(np.interp(np.asarray(reward_usd, dtype=np.float64), self.rewards_usd, self.shares))


@dataclass(frozen=True)
class LogitFit:
    """A logit curve learnt from observations, with the covariance (2, 2) of its two numbers.

    ``intercept`` and ``slope_per_usd`` are those of log-odds = intercept + slope * reward.
    """

    intercept: float
    slope_per_usd: float
    covariance: Array

    @property
    def curve(self) -> LogitAcceptance:
        """Return the curve.

        Raises
        ------
        ModelError : the observations say that less is offered at a higher reward.
        """
        if self.slope_per_usd <= 0:
            raise ModelError(
                f"slope {self.slope_per_usd:.6g}/usd: less was accepted at higher rewards; no acceptance curve falls"
            )
        return LogitAcceptance(-self.intercept / self.slope_per_usd, self.slope_per_usd)

    def share_interval(self, reward_usd: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
        """Return lower and upper end of the confidence interval of the share at each reward.

        Wald's interval of the log-odds, which are linear in the two numbers, taken to shares: the ends stay in [0, 1].
        """
        reward = np.asarray(reward_usd, dtype=np.float64)
        odds = self.intercept + self.slope_per_usd * reward
        (aa, ab), (_, bb) = self.covariance
        spread = normal_quantile(level) * np.sqrt(np.maximum(aa + 2 * ab * reward + bb * reward * reward, 0.0))
        return canonical(expit(odds - spread)), canonical(expit(odds + spread))


def normal_quantile(level: float) -> float:
    """Return the half width, in standard errors, of the two-sided normal interval of ``level`` in (0, 1)."""
    if not 0 < level < 1:
        raise ModelError(f"level {level}: must be between 0 and 1")
    return float(ndtri(0.5 + level / 2))


def fit_isotonic(observations: Iterable[Observation]) -> IsotonicAcceptance:
    """Return the curve of maximum likelihood of all that never fall: nearest to the shares seen, weighted by what was available.

    Pool adjacent violators (Barlow, Bartholomew, Bremner, Brunk, "Statistical Inference under Order Restrictions", 1972) by
    `scipy.optimize.isotonic_regression`. Observations at one reward are one. It supposes nothing about the curve's shape, and
    says nothing about rewards below the lowest or above the highest that was tried.

    Raises
    ------
    ModelError : no observation, or one that cannot be (see `Observation`).
    """
    rewards, accepted, available = _by_reward(observations)
    return IsotonicAcceptance(rewards, np.asarray(isotonic_regression(accepted / available, weights=available).x))


def fit_logit(observations: Iterable[Observation]) -> LogitFit:
    """Return the logit curve of the largest penalised likelihood.

    The penalty is half the logarithm of the information's determinant (Firth, "Bias reduction of maximum likelihood estimates",
    Biometrika 80(1), 1993): the estimate is finite also where every follower accepts above some reward and none below it, where
    plain maximum likelihood has none (Heinze and Schemper, Statistics in Medicine 21(16), 2002).

    Raises
    ------
    ModelError : fewer than two rewards were tried, or an observation cannot be (see `Observation`).
    """
    rewards, accepted, available = _by_reward(observations)
    if len(rewards) < 2:
        raise ModelError(f"a logit curve needs observations at two rewards at least, but there is only {rewards[0]:.6g} usd")
    # Centred and scaled, so that neither the currency nor a high reward level matters to the steps.
    centre, scale = float(rewards.mean()), float(np.ptp(rewards))
    x = (rewards - centre) / scale
    a, b = 0.0, 0.0
    for _ in range(_STEPS):
        p = expit(a + b * x)
        inverse = _inverse_information(available * p * (1 - p), x)
        leverage = available * p * (1 - p) * (inverse[0, 0] + 2 * inverse[0, 1] * x + inverse[1, 1] * x * x)
        score = accepted - available * p + leverage * (0.5 - p)
        step_a = inverse[0, 0] * score.sum() + inverse[0, 1] * (score * x).sum()
        step_b = inverse[1, 0] * score.sum() + inverse[1, 1] * (score * x).sum()
        shorten = min(1.0, _LONGEST_STEP / max(abs(step_a), abs(step_b), _SAME))
        a, b = a + shorten * step_a, b + shorten * step_b
        if max(abs(step_a), abs(step_b)) < _SAME:
            break
    else:
        raise ModelError(f"the logit fit has not settled after {_STEPS} steps")
    p = expit(a + b * x)
    back = np.array([[1.0, -centre / scale], [0.0, 1.0 / scale]])
    covariance = product(product(back, _inverse_information(available * p * (1 - p), x)), back.T)
    return LogitFit(float(canonical(a - b * centre / scale, _DIGITS)), float(canonical(b / scale, _DIGITS)), covariance)


def _inverse_information(weight: Array, x: Array) -> Array:
    aa, ab, bb = weight.sum(), (weight * x).sum(), (weight * x * x).sum()
    inverse: Array = np.array([[bb, -ab], [-ab, aa]]) / (aa * bb - ab * ab)
    return inverse


def _by_reward(observations: Iterable[Observation]) -> tuple[Array, Array, Array]:
    """Return rewards (K,), which rise, and what was accepted and available at each (K,)."""
    seen = np.array([tuple(o) for o in observations], dtype=np.float64).reshape(-1, 3)
    if not len(seen):
        raise ModelError("an acceptance curve needs an observation")
    wrong = ~np.isfinite(seen).all(axis=1) | (seen[:, 1] < 0) | (seen[:, 1] > seen[:, 2]) | (seen[:, 2] <= 0)
    if wrong.any():
        shown = Observation(*seen[wrong][0].tolist())
        raise ModelError(f"{shown}: all must be finite, and 0 <= accepted <= available, which is above 0")
    rewards, place = np.unique(seen[:, 0], return_inverse=True)
    accepted, available = (np.bincount(place, seen[:, column]).astype(np.float64) for column in (1, 2))
    return rewards, accepted, available
