"""Exercises of lesson 1: two agents, one price. Every answer is worked out anew here, by trying many quantities or prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_array, as_function, as_number, ask, is_close

Cost = Callable[[Array], Array]
"""An operator's own cost, usd, of many quantities, vehicles."""

_FINE = np.linspace(0.0, 40.0, 40_001)
"""Quantities that are tried, vehicles: one in a thousand."""
_TRIED = 2e-3
"""How near a quantity that was found by trying is to the best one; prices of this lesson move twice as much."""


def overload_usd(vehicles: Array, need_veh: float = 12.0, usd_per_veh2: float = 2.0) -> Array:
    """Return what is left of the overload costs the power operator, usd: it hurts the more the more vehicles are missing."""
    return usd_per_veh2 / 2 * np.maximum(need_veh - vehicles, 0.0) ** 2


def driving_usd(vehicles: Array, usd_per_veh2: float = 1.0) -> Array:
    """Return what sending vehicles costs the transport operator, usd: the near ones go first."""
    return usd_per_veh2 / 2 * vehicles**2


def asked(cost: Cost, price: float) -> float:
    """Return by trying what minimises cost plus payment, vehicles."""
    return float(_FINE[np.argmin(cost(_FINE) + price * _FINE)])


def offered(cost: Cost, price: float, most_veh: float = np.inf) -> float:
    """Return by trying what minimises cost less payment, vehicles, ``most_veh`` at most."""
    tried = _FINE[most_veh >= _FINE]
    return float(tried[np.argmin(cost(tried) - price * tried)])


def agreed_price(power: Cost, transport: Cost, most_veh: float = np.inf) -> float:
    """Return the least price at which no more is asked than offered, usd per vehicle, by halving an interval."""
    low, high = 0.0, 100.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        short = asked(power, middle) > offered(transport, middle, most_veh)
        low, high = (middle, high) if short else (low, middle)
    return high


@exercise(
    "1.1",
    "hand in the function ask(price): how many vehicles the power operator asks for at a price.",
    (
        "Write down cost plus payment, 1 * (12 - z)**2 + price * z, and look for the z at which its slope is zero.",
        "The slope is -2 * (12 - z) + price. Nobody can ask for less than nothing: what happens at a price of 30?",
    ),
)
def _ask(answer: Any) -> str:
    function = as_function(answer, "your answer")
    for price in (0.0, 3.0, 8.0, 20.0, 24.0, 30.0):
        yours = as_number(ask(function, price), "what ask returns")
        best = asked(overload_usd, price)
        if yours < -_TRIED:
            raise Wrong(f"at {price:g} usd your function asks for fewer than no vehicles.")
        pays = float(overload_usd(np.array(yours)) + price * yours)
        least = float(overload_usd(np.array(best)) + price * best)
        # At a price of 0 each number from 12 on costs nothing: none of them is wrong.
        if abs(yours - best) > _TRIED and pays > least:
            more = "more" if best > yours else "fewer"
            raise Wrong(
                f"at {price:g} usd {more} vehicles would cost less in all: yours cost {pays:.2f} usd, {least:.2f} can be had."
            )
    return "at each of six prices no other number of vehicles costs the power operator less."


@exercise(
    "1.2",
    "hand in the price, usd per vehicle, at which as many vehicles are asked as are offered in the second hour.",
    (
        "In the second hour 18 vehicles would be needed and the overload costs half as much: slope of cost -(18 - z).",
        "Set what is asked, 18 - price, equal to what is offered, price.",
    ),
)
def _price(answer: Any) -> str:
    def power(z: Array) -> Array:
        return overload_usd(z, need_veh=18.0, usd_per_veh2=1.0)

    price = as_number(answer, "the price")
    best = agreed_price(power, driving_usd)
    if not is_close(price, best, 1e-3):
        want, have = asked(power, price), offered(driving_usd, price)
        word = "more is asked than offered" if want > have else "more is offered than asked"
        raise Wrong(f"at {price:g} usd {word}: {want:.2f} against {have:.2f} vehicles.")
    return "at this price both want the same number of vehicles."


@exercise(
    "1.3",
    "hand in two numbers, usd: by how much the power and the transport operator are better off with the trade of the first hour.",
    (
        "Compare with no trade at all: the power operator then has the whole overload, the transport operator has no cost.",
        "Gain of the power operator: cost without trade, less cost with it, less what it pays. 8 vehicles at 8 usd are 64 usd.",
    ),
)
def _gains(answer: Any) -> str:
    yours = as_array(answer, (2,), "the two gains")
    price = agreed_price(overload_usd, driving_usd)
    z = np.array(asked(overload_usd, price))
    power = float(overload_usd(np.array(0.0)) - overload_usd(z) - price * z)
    transport = float(price * z - driving_usd(z))
    if is_close(yours[0], transport, 1e-2) and is_close(yours[1], power, 1e-2):
        raise Wrong("the numbers are right, but the power operator comes first.")
    if is_close(yours[0], power + float(price * z), 1e-2):
        raise Wrong("the power operator also has to pay for the vehicles.")
    for who, value, true in (("power", yours[0], power), ("transport", yours[1], transport)):
        if not is_close(value, true, 1e-2):
            raise Wrong(
                f"the gain of the {who} operator is not {value:g} usd; compare its cost, with payment, to no trade at all."
            )
    return "both gain: nobody has to be forced, and neither has seen the other's cost."


@exercise(
    "1.4",
    "hand in the price, usd per vehicle, at which they agree in the first hour if there are 6 vehicles and no more.",
    (
        "Above a price of 6 the offer no longer grows. Which price brings the request down to 6?",
        "Solve 12 - price / 2 = 6.",
    ),
)
def _scarce(answer: Any) -> str:
    price = as_number(answer, "the price")
    most_veh = 6.0
    best = agreed_price(overload_usd, driving_usd, most_veh)
    if is_close(price, agreed_price(overload_usd, driving_usd), 1e-3):
        raise Wrong("this is the price without the limit; how many vehicles are asked for at it?")
    if not is_close(price, best, 1e-3):
        want, have = asked(overload_usd, price), offered(driving_usd, price, most_veh)
        if is_close(price, most_veh, 1e-3):
            raise Wrong(f"this is what the sixth vehicle costs; but at it {want:.2f} vehicles are asked for, and 6 are there.")
        raise Wrong(f"at {price:g} usd {want:.2f} vehicles are asked and {have:.2f} offered.")
    return "a price does two things: it covers the cost of the last vehicle, and it decides who goes without."
