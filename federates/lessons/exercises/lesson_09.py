"""Judges of lesson 9: they sort the drivers' private costs, which the learner never sees, in place of asking at rewards."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_number
from federates.lessons.material.fleet import HourOfFleet

_WORTH_USD_PER_KWH = 2.0
_GOOD_ENOUGH = 0.995
_REWARD_USD_PER_KWH = 1.2


@cache
def _least_rewards(*, warranty: bool = False) -> Array:
    """Return the least reward at which each driver near a station goes, usd/kWh, rising: from the costs, without any question."""
    fleet = HourOfFleet(battery_warranty=warranty)
    fleet.answer(0.0)  # it hears the times of the hour
    costs = np.min(fleet.operator._usd, axis=1)
    return np.sort(costs[np.isfinite(costs)]) / fleet.vehicle_kwh


def _accept(reward: float, *, warranty: bool = False) -> int:
    return int(np.searchsorted(_least_rewards(warranty=warranty), reward, side="left"))


@exercise(
    "9.1",
    "hand in by how much the reward must rise, usd/kWh, so that as many drivers go when each passage costs a toll of 1 usd.",
    (
        "A driver compares one amount of money with the own cost: what is left of the reward of a trip.",
        "A trip carries 10 kWh. What does it earn at w usd/kWh, less the toll?",
    ),
)
def _toll(answer: Any) -> str:
    more, fleet = as_number(answer, "the rise"), HourOfFleet()
    for reward in (0.8, 1.3, 1.9):
        before, after = fleet.accepted(reward), fleet.accepted(reward + more, 1.0)
        if not np.array_equal(before, after):
            word = "fewer" if after.sum() < before.sum() else "more" if after.sum() > before.sum() else "other"
            raise Wrong(f"at {reward:g} usd/kWh without toll, and yours more with it, {word} drivers go.")
    return "with both the same drivers go: a toll and a lower reward are the same to them."


@exercise(
    "9.2",
    "hand in the reward, usd/kWh, at which half of the drivers go whom a very high reward would move.",
    (
        "At 10 usd/kWh nearly everybody goes. How many are that? Use 100 to be sure.",
        "Ask at many rewards, or halve an interval: acceptance never falls.",
    ),
)
def _half(answer: Any) -> str:
    reward = as_number(answer, "the reward")
    share = _accept(reward) / len(_least_rewards())
    if not 0.49 <= share <= 0.51:
        raise Wrong(f"at {reward:g} usd/kWh {100 * share:.0f} % of them go.")
    return "by the drivers' own costs, sorted, half of them go at that reward."


@exercise(
    "9.3",
    "hand in the one reward, usd/kWh, at which the company gains most if a kWh is worth 2 usd to it.",
    (
        "It gains (2 - w) on each kWh, and gets more of them the higher w is.",
        "Work the gain out at many rewards between 0 and 2 and take the best; steps of a cent are fine enough.",
    ),
)
def _best(answer: Any) -> str:
    reward = as_number(answer, "the reward")
    # A gain is best just above the least reward of some driver: at no other reward does anybody more go.
    least = _least_rewards()
    gains = (_WORTH_USD_PER_KWH - least) * np.arange(1, len(least) + 1)
    gain = (_WORTH_USD_PER_KWH - reward) * _accept(reward)
    if gain < _GOOD_ENOUGH * gains.max():
        side = "fewer would go, but each kWh would bring more" if reward > least[int(np.argmax(gains))] else "more would go"
        raise Wrong(f"this brings {100 * gain / gains.max():.1f} % of what can be gained; at another reward {side}.")
    return "no reward at which a further driver goes would bring the company more."


@exercise(
    "9.4",
    "hand in how much less reward, usd/kWh, moves as many drivers as 1.2 usd/kWh does, if the company bears the wear.",
    (
        "HourOfFleet(battery_warranty=True) is the same fleet with that warranty.",
        "How many go at 1.2 without it? Look for the reward at which as many go with it.",
    ),
)
def _warranty(answer: Any) -> str:
    less = as_number(answer, "the difference")
    wanted, found = _accept(_REWARD_USD_PER_KWH), _accept(_REWARD_USD_PER_KWH - less, warranty=True)
    if abs(found - wanted) > 0.01 * wanted:
        raise Wrong(f"with the warranty and that much less reward {found} drivers go, without both {wanted}.")
    return "a warranty is worth that much reward; whether it pays depends on what the wear costs the company."
