"""A game of three shipped fleets, for lesson 11: a tender buys whole blocks of energy, so fleets gain by offering together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from federates.boundary.messages import Array
from federates.games.game import Game
from federates.lessons.material.fleet import HourOfFleet

__all__ = ["FLEETS", "PAYS_USD_PER_KWH", "least_cost_usd", "supply", "tender_worth_usd", "three_fleets"]

FLEETS = ("express", "parcel", "utility")
PAYS_USD_PER_KWH = 1.2
"""What the tender pays."""
_REWARDS = np.linspace(0.0, 3.0, 121)


@cache
def supply(fleet: str) -> tuple[Array, Array]:
    """Return what a fleet answers at rising rewards from 17 to 18 o'clock: energy, kWh, and its own cost of it, usd."""
    asked = HourOfFleet(fleet)
    answers = [asked.answer(reward) for reward in _REWARDS]
    kwh = np.array([answer.quantities["delivery"].sum() for answer in answers])
    return kwh, np.array([answer.cost_usd for answer in answers])


def least_cost_usd(group: Iterable[str], kwh: float) -> float:
    """Return the least cost at which a group delivers so much; infinite if it cannot.

    At one reward for all, what all offer together is cheapest for that sum; between two such sums mixtures of both are.
    """
    curves = [supply(fleet) for fleet in group]
    energy, cost = (sum((curve[i] for curve in curves), np.zeros(len(_REWARDS))) for i in (0, 1))
    return float(np.interp(kwh, energy, cost, right=np.inf)) if kwh > 0 else 0.0


def tender_worth_usd(group: Iterable[str], block_kwh: float = 4000.0) -> float:
    """Return what a group earns at most in a tender that takes whole blocks only, beyond its own cost, usd."""
    members = tuple(group)
    most = sum(float(supply(fleet)[0][-1]) for fleet in members)
    sold = block_kwh * np.arange(int(most // block_kwh) + 1)
    return max(PAYS_USD_PER_KWH * kwh - least_cost_usd(members, float(kwh)) for kwh in sold)


def three_fleets(block_kwh: float = 4000.0) -> Game:
    """Return the game: what each group of the fleets is worth in the tender."""
    return Game.tabulate(FLEETS, lambda group: tender_worth_usd(group, block_kwh))
