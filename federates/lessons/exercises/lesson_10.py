"""Judges of lesson 10: grids, numerical differences and markets of hidden drivers; no closed form of the lesson is used."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.games.leader import Party, unilateral_gains
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_array, as_function, as_number, ask
from federates.lessons.material.fleet import HourOfFleet

_WORTH, _FIRST, _RISES = 12.0, 2.0, 0.05
"""Of the lesson's market: usd per vehicle, usd per vehicle, usd per vehicle and vehicle."""
_WORTHS = (12.0, 10.0)
_MOST_POSTS, _GOOD_ENOUGH = 8, 0.93


@exercise(
    "10.1",
    "hand in two numbers: the reward that the leader posts, usd per vehicle, and how many vehicles accept.",
    (
        "At reward r, u = (r - 2) / 0.05 vehicles accept. Write what the leader gains as a function of u alone.",
        "It gains 12 u - (2 + 0.05 u) u. Where is its slope zero?",
    ),
)
def _monopsony(answer: Any) -> str:
    reward, vehicles = as_array(answer, (2,), "reward and vehicles").tolist()
    tried = np.linspace(_FIRST, _WORTH, 100_001)
    accepted = (tried - _FIRST) / _RISES
    best = float(((_WORTH - tried) * accepted).max())
    if abs(vehicles - (reward - _FIRST) / _RISES) > 0.5:
        raise Wrong(f"at {reward:g} usd another number of vehicles accepts.")
    gain = (_WORTH - reward) * (reward - _FIRST) / _RISES  # of the vehicles that accept, not of those handed in
    if gain < best - 0.05:
        if abs(reward - _WORTH) < 0.05:
            raise Wrong("this is where all together gain most, and the leader gains nothing.")
        raise Wrong(f"the leader would gain {gain:.1f} usd; of 100 001 rewards that were tried the best brings more.")
    return "of 100 001 rewards that were tried none brings the leader more."


@exercise(
    "10.2",
    "hand in a function lost_usd(a, b, c, d): what all lose together because the leader leads.",
    (
        "Negotiated: a - b z = c + d z. Led: a - b u = c + 2 d u.",
        "What the vehicles between u and z would have brought all: the area between both lines, a triangle.",
        "Its base is z - u; its height at u is (a - b u) - (c + d u).",
    ),
)
def _lost(answer: Any) -> str:
    function = as_function(answer, "lost_usd")
    for a, b, c, d in ((12.0, 0.0, 2.0, 0.05), (30.0, 1.0, 5.0, 0.5), (20.0, 0.2, 2.0, 3.0), (9.0, 4.0, 1.0, 2.0)):
        given = as_number(ask(function, a, b, c, d), "what lost_usd returns")
        tried = np.linspace(0.0, (a - c) / (b + d) * 1.01, 400_001)
        value = a * tried - b * tried**2 / 2
        together = value - (c * tried + d * tried**2 / 2)
        led = int(np.argmax(value - (c + d * tried) * tried))
        lost = float(together.max() - together[led])
        if abs(given - lost) > 1e-3 * max(1.0, lost):
            raise Wrong(f"for a = {a:g}, b = {b:g}, c = {c:g}, d = {d:g} it is not {given:.4g} usd.")
    return "in four markets that were searched by trying it is what all lose."


def _gain(worth: float, own: float, other: float) -> float:
    return (worth - _FIRST - _RISES * (own + other)) * own


@exercise(
    "10.3",
    "hand in how many vehicles each of two companies buys where neither would rather buy another number.",
    (
        "Each takes what the other buys as given: maximise (v - 2 - 0.05 (u + other)) u over u.",
        "The best reply is u = (v - 2 - 0.05 other) / 0.1. Let both reply in turn until nothing moves, or solve both equations.",
    ),
)
def _companies(answer: Any) -> str:
    bought = as_array(answer, (2,), "the two numbers")
    if (bought < 0).any():
        raise Wrong("nobody buys less than no vehicle.")
    grid = np.linspace(0.0, 250.0, 25_001)
    parties = {
        name: Party(
            float(bought[i]),
            lambda own, i=i: _gain(_WORTHS[i], own, float(bought[1 - i])),  # type: ignore[misc]
            [float(grid[np.argmax(_gain(_WORTHS[i], grid, float(bought[1 - i])))])],  # type: ignore[arg-type]
        )
        for i, name in enumerate(("the first company", "the second company"))
    }
    for name, gain in unilateral_gains(parties).items():
        if gain > 0.01:
            raise Wrong(f"{name} would gain {gain:.2f} usd by buying another number while the other stays.")
    return "neither company gains by another number: an equilibrium."


@cache
def _least_rewards(seed: int, hour: int) -> Array:
    fleet = HourOfFleet(seed=seed, hour=hour)
    fleet.answer(0.0)
    costs = np.min(fleet.operator._usd, axis=1)
    return np.sort(costs[np.isfinite(costs)]) / fleet.vehicle_kwh


@exercise(
    "10.4",
    f"hand in a function find_reward(post, worth): a good reward for unknown drivers, after {_MOST_POSTS} posts at most.",
    (
        "post(reward) returns the kWh that are accepted. Gain = (worth - reward) kWh; its maximum lies between 0 and worth.",
        "Post a few rewards spread over that interval, then some near the best of them (or golden-section search).",
        "Or learn the curve: fit_isotonic of federates.games.acceptance, then best_reward of federates.games.leader.",
    ),
)
def _learn(answer: Any) -> str:
    function = as_function(answer, "find_reward")
    for seed, hour, worth in ((11, 17, 2.0), (12, 8, 1.5), (13, 12, 3.0)):
        least, posts = _least_rewards(seed, hour), list[float]()

        def post(reward: float, least: Array = least, posts: list[float] = posts) -> float:
            posts.append(float(reward))
            return 10.0 * float(np.searchsorted(least, float(reward), side="left"))

        reward = as_number(ask(function, post, worth), "what find_reward returns")
        if len(posts) > _MOST_POSTS:
            raise Wrong(f"it posts {len(posts)} rewards, and may post {_MOST_POSTS}.")
        best = float(((worth - least) * np.arange(1, len(least) + 1)).max())
        gain = (worth - reward) * float(np.searchsorted(least, reward, side="left"))
        if gain < _GOOD_ENOUGH * best:
            raise Wrong(
                f"for other drivers, and a worth of {worth:g} usd, it gains {100 * gain / best:.0f} % of what can be gained."
            )
    return f"for three other groups of drivers it gains at least {100 * _GOOD_ENOUGH:.0f} % of what can be gained."
