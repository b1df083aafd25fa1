"""Exercises of lesson 2: bounds and duality. The judges look at all pairs of answers, or solve the dual as a linear programme."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import linprog

from federates.boundary.bounds import proven_gap
from federates.boundary.messages import Array
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_function, as_number, ask, is_close

_NEXT_HOUR_USD = np.array([30.0, 14.0, 5.0]), np.array([0.0, 6.0, 13.0])
_TEAM_USD = np.array([20.0, 8.0, 6.0]), np.array([0.0, 12.0, 13.0])
_CHEAPER_TEAM_USD = _TEAM_USD[0], np.array([0.0, 9.0, 10.0])


def bound_of_pairs(price: float, power_usd: Array, transport_usd: Array) -> float:
    """Return the lower bound at a price, usd, as the least of all pairs of answers."""
    asked, offered = np.meshgrid(np.arange(len(power_usd)), np.arange(len(transport_usd)), indexing="ij")
    return float((power_usd[asked] + transport_usd[offered] + price * (asked - offered)).min())


def best_bound(power_usd: Array, transport_usd: Array) -> float:
    """Return the largest lower bound of all prices, usd.

    By linear programming duality it is the least cost of *mixtures* of answers that are in balance on average, without any price.
    """
    many = len(power_usd)
    numbers = np.arange(many)
    ones, zeros = np.ones(many), np.zeros(many)
    rows = np.array([np.r_[ones, zeros], np.r_[zeros, ones], np.r_[numbers, -numbers]])
    found = linprog(np.r_[power_usd, transport_usd], A_eq=rows, b_eq=[1.0, 1.0, 0.0])
    return float(found.fun)


def best_plan(power_usd: Array, transport_usd: Array) -> float:
    """Return the cost of the best plan, usd."""
    return float((power_usd + transport_usd).min())


@exercise(
    "2.1",
    "hand in the function lower_bound(price, power_usd, transport_usd).",
    (
        "Each operator has a minimum of its own: the power operator over power_usd[i] + price * i.",
        "The transport operator is paid: over transport_usd[i] - price * i. Add both minima.",
    ),
)
def _lower_bound(answer: Any) -> str:
    function = as_function(answer, "your answer")
    rng = np.random.default_rng(2)
    for many in (3, 3, 5):
        power_usd, transport_usd = -np.sort(-rng.integers(0, 40, many) * 1.0), np.sort(rng.integers(0, 40, many) * 1.0)
        for price in (0.0, 2.5, 7.0, 15.0):
            yours = as_number(ask(function, price, power_usd, transport_usd), "what lower_bound returns")
            true = bound_of_pairs(price, power_usd, transport_usd)
            least = best_plan(power_usd, transport_usd)
            if yours > least + 1e-9:
                case = f"power {power_usd.tolist()}, transport {transport_usd.tolist()} at {price:g} usd"
                raise Wrong(f"this is no bound: for {case} it is {yours:g}, and a plan costs {least:g} usd.")
            if not is_close(yours, true):
                if price == 0.0:
                    raise Wrong("at a price of 0 it must be the sum of the least entries of both tables, and yours is not.")
                raise Wrong("at a price of 0 it is right, but not at others: who pays the price, and who gets it?")
    return "two minima, each of one operator alone, bound the cost of every plan."


@exercise(
    "2.2",
    "hand in a price, usd per vehicle, that proves the best plan of the next hour.",
    (
        "Add both tables to find the best plan. At which prices does the power operator ask for just that?",
        "The second vehicle saves 14 - 5 dollars and costs 13 - 6 dollars: between these both want it.",
    ),
)
def _proof_price(answer: Any) -> str:
    price = as_number(answer, "the price")
    power_usd, transport_usd = _NEXT_HOUR_USD
    numbers = np.arange(3)
    if is_close(bound_of_pairs(price, power_usd, transport_usd), best_plan(power_usd, transport_usd)):
        return "both want the best plan at this price, so the bound is its cost."
    want = int(np.argmin(power_usd + price * numbers))
    have = int(np.argmin(transport_usd - price * numbers))
    bound = bound_of_pairs(price, power_usd, transport_usd)
    raise Wrong(
        f"at {price:g} usd the power operator asks for {want}, the transport operator offers {have}; the bound is {bound:g} usd."
    )


@exercise(
    "2.3",
    "hand in the gap that the best price leaves, usd.",
    (
        "At which price does the team begin to come? Below it the offer is none, above it it is two.",
        "The team comes where 13 - 2 * price is below 0. The largest bound is the one at just that price.",
    ),
)
def _duality_gap(answer: Any) -> str:
    gap = as_number(answer, "the gap")
    least, top = best_plan(*_TEAM_USD), best_bound(*_TEAM_USD)
    if is_close(gap, least - top):
        return "no price can prove more: the cost of a team cannot be split."
    if is_close(gap, best_plan(*_CHEAPER_TEAM_USD) - best_bound(*_CHEAPER_TEAM_USD)):
        raise Wrong("this is the gap with a team of 8 dollars; now it costs 11.")
    if is_close(gap, (least - top) / least, 1e-2) or is_close(gap, 100 * (least - top) / least, 1e-2):
        raise Wrong("this is the share; hand in dollars.")
    if is_close(gap, 0.0):
        raise Wrong("there is a gap: find a price at which both want the same, if you can.")
    if is_close(gap, top) or is_close(gap, least):
        raise Wrong("this is one of the two bounds; the gap is their difference.")
    word = "larger" if gap > least - top else "smaller"
    raise Wrong(f"your gap is {word} than the true one: draw the bound for the new table, and look for its top.")


@exercise(
    "2.4",
    "hand in the function gap_percent(lower_usd, upper_usd).",
    (
        "math.isfinite and np.isfinite tell whether a bound is known.",
        "A lower bound above the upper one is a contradiction, no gap of less than nothing. And mind the abs.",
    ),
)
def _gap_percent(answer: Any) -> str:
    function = as_function(answer, "your answer")
    known = ((95.0, 100.0), (100.0, 100.0), (-220.0, -200.0), (0.0, 50.0), (-20.0, 80.0))
    for lower_usd, upper_usd in known:
        yours = as_number(ask(function, lower_usd, upper_usd), f"the gap of ({lower_usd:g}, {upper_usd:g})")
        true = 100 * proven_gap(lower_usd, upper_usd)
        if not is_close(yours, true):
            share = " You return a share, not per cent." if true and is_close(100 * yours, true) else ""
            sign = " Bounds may be negative: divide by the absolute value." if is_close(yours, -true) and true else ""
            raise Wrong(f"for lower bound {lower_usd:g} and upper bound {upper_usd:g} it is not {yours:g} per cent.{share}{sign}")
    for lower_usd, upper_usd in ((101.0, 100.0), (-math.inf, 100.0), (95.0, math.inf), (-math.inf, math.inf), (-90.0, -100.0)):
        value = ask(function, lower_usd, upper_usd)
        if value != math.inf:
            raise Wrong(f"lower bound {lower_usd:g} with upper bound {upper_usd:g} proves nothing, and you return {value!r}.")
    return "a gap is claimed only where both bounds are known and do not contradict each other."
