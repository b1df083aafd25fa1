"""How much followers accept at which reward, learned from their answers alone: one rising curve per entry.

The curve of an entry is the isotonic regression (pool adjacent violators; Barlow, Bartholomew, Bremner and Brunk, "Statistical
Inference under Order Restrictions", 1972) of what was offered against the reward that was posted there. What is offered also
depends on the rewards of other entries, because followers have one fleet for all of them. So only answers at similar rewards
elsewhere count, and the nearer they are, the more: then the curve is right where the leader stands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Array

_PRICE_DECIMALS, _QUANTITY_DECIMALS = 6, 6
_STEPS = 3
"""Rewards that are tried on either side of the last one, apart from those that were posted before."""
_SAME_PRICE = 1e-9
_SAME_PLACE = 1e-3
"""Distance within which answers count alike."""
_FEW, _MUCH = 3, 3.0
"""Answers further away than so many times the last of the few nearest say nothing."""
_OLDER = 1.0
"""Distance that a period adds to its answers."""
_PERIODS = 4
"""Answers that are kept from before, in memories."""


class Curve(NamedTuple):
    """Rewards, rising, and what is expected to be accepted at each of them, never falling; linear in between."""

    rewards: Array
    accepted: Array

    def at(self, rewards: Array) -> Array:
        """Return what is expected at ``rewards``; above the highest known one nothing more."""
        return np.interp(rewards, self.rewards, self.accepted)

    def near(self, centre: float, span: float) -> tuple[Array, Array]:
        """Return rewards within ``span`` of ``centre`` and what is accepted there: known ones, none, and steps between."""
        known = self.rewards[np.abs(self.rewards - centre) <= span]
        steps = centre + span * np.arange(-_STEPS, _STEPS + 1) / _STEPS
        rewards = to_grid(np.maximum(np.concatenate([[0.0], known, steps]), 0.0), _PRICE_DECIMALS)
        return _lowest(rewards, self.at(rewards))


def _lowest(rewards: Array, accepted: Array) -> tuple[Array, Array]:
    """Return rewards, rising, and what is accepted there: of those at which the same is, the lowest."""
    order = np.argsort(rewards, kind="stable")
    different, first = np.unique(to_grid(accepted[order], _QUANTITY_DECIMALS), return_index=True)
    return rewards[order][first], different


class Acceptance:
    """All that followers have offered at which rewards.

    Parameters
    ----------
    rewarded : which of all entries have a reward, (n,).
    memory : answers that the curve of an entry rests on.
    """

    def __init__(self, rewarded: NDArray[np.bool_], memory: int) -> None:
        self._rewarded, self._memory = rewarded, memory
        self._rewards, self._offered, self._away = np.empty((0, rewarded.size)), np.empty((0, rewarded.size)), np.empty(0)

    def add(self, prices: Array, offered: Array, away: float = 0.0) -> None:
        """Take in what all followers together offer at ``prices``, both (n,); ``away``: how little it says, as a distance."""
        self._rewards = np.vstack([self._rewards, np.where(self._rewarded, prices, 0.0)])
        self._offered = np.vstack([self._offered, offered])
        self._away = np.append(self._away, away)

    def next_period(self, was: NDArray[np.intp]) -> None:
        """Go one period on: entry i is from now on what entry ``was[i]`` has been, (n,)."""
        kept = slice(-_PERIODS * self._memory, None)
        self._rewards, self._offered = self._rewards[kept][:, was], self._offered[kept][:, was]
        self._away = self._away[kept] + _OLDER

    def curve(self, entry: int, centre: Array, scale: Array) -> Curve:
        """Return the curve of an entry near the rewards ``centre``; ``scale`` is a usual price of every entry, both (n,)."""
        away = np.where(self._rewarded, np.abs(self._rewards - centre) / scale, 0.0)
        away[:, entry] = 0.0
        rewards, offered, weights = self._chosen(entry, away.max(axis=1, initial=0.0) + self._away)
        places, which = np.unique(rewards, return_inverse=True)
        total = np.bincount(which, weights=weights)
        means = np.bincount(which, weights=weights * offered) / total
        fitted = np.asarray(isotonic_regression(means, weights=total).x)
        if places[0] > _SAME_PRICE:  # nothing is known of no reward: then nothing is accepted
            places, fitted = np.append(0.0, places), np.append(0.0, fitted)
        return Curve(places, fitted)

    def _chosen(self, entry: int, distance: Array) -> tuple[Array, Array, Array]:
        """Return rewards, offers, weights of the nearest answers and of the nearest without reward, where the curve begins.

        Of answers at the same reward only the nearest counts, and none that is much further away than the few nearest ones.
        """
        order = np.lexsort((-np.arange(distance.size), distance))
        _, first = np.unique(to_grid(self._rewards[order, entry], _PRICE_DECIMALS), return_index=True)
        free = order[self._rewards[order, entry] <= _SAME_PRICE][:1]
        nearest = order[np.sort(first)[: self._memory]]
        near = distance[nearest] <= _MUCH * distance[nearest[:_FEW]].max() + _SAME_PLACE
        chosen = np.unique(np.concatenate([nearest[near], free]))
        return self._rewards[chosen, entry], self._offered[chosen, entry], 1.0 / (distance[chosen] + _SAME_PLACE)
