"""Exercises of lesson 4: cutting planes and ADMM. The judges look at all pairs of answers, solve linear programmes, or try."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import linprog

from federates.lessons.exercise import Wrong, exercise
from federates.lessons.exercises.lesson_01 import asked, driving_usd, offered, overload_usd
from federates.lessons.judging import as_array, as_function, as_number, ask, is_close

Known = Sequence[tuple[float, float]]
"""Answers of one operator: vehicles and own cost, usd."""
_FIRST_USD = (0.0, 20.0)
_MORE_USD = (0.0, 20.0, 10.0)
_BOX_USD = 3.0


def pairs_model(price: float, power: Known, transport: Known) -> float:
    """Return the model at a price, usd, as the least of all pairs of answers."""
    return min(own + other + price * (want - have) for (want, own), (have, other) in product(power, transport))


def known_at(prices: Sequence[float]) -> tuple[Known, Known]:
    """Return the answers of the operators of lesson 1 at these prices, found by trying."""
    wants, haves = [asked(overload_usd, price) for price in prices], [offered(driving_usd, price) for price in prices]
    power = [(want, float(overload_usd(np.array(want)))) for want in wants]
    return power, [(have, float(driving_usd(np.array(have)))) for have in haves]


def top_of_model(prices: Sequence[float], low: float, high: float) -> float:
    """Return the price between ``low`` and ``high`` at which the model of the answers at ``prices`` is highest.

    A linear programme in price, least of the power operator and least of the transport operator.
    """
    power, transport = known_at(prices)
    rows = [[-want, 1.0, 0.0] for want, _ in power] + [[have, 0.0, 1.0] for have, _ in transport]
    most = [cost for _, cost in power] + [cost for _, cost in transport]
    found = linprog([0.0, -1.0, -1.0], A_ub=rows, b_ub=most, bounds=[(low, high), (None, None), (None, None)])
    return float(found.x[0])


@exercise(
    "4.1",
    "hand in the function model(price, power_answers, transport_answers).",
    (
        "The power operator's line of an answer (z, cost) is cost + price * z; the transport operator's cost - price * z.",
        "The lowest of each operator's lines, added: min(... for z, cost in power_answers) + min(...).",
    ),
)
def _model(answer: Any) -> str:
    function = as_function(answer, "your answer")
    rng = np.random.default_rng(4)
    for many in (1, 2, 4):
        power = [(float(z), float(cost)) for z, cost in rng.integers(0, 30, (many, 2))]
        transport = [(float(z), float(cost)) for z, cost in rng.integers(0, 30, (many, 2))]
        for price in (0.0, 3.5, 11.0):
            yours = as_number(ask(function, price, power, transport), "what model returns")
            true = pairs_model(price, power, transport)
            if is_close(yours, true):
                continue
            if is_close(yours, pairs_model(-price, power, transport)):
                raise Wrong("who pays the price, and who gets it? Your lines have the wrong slope.")
            if many == 1:
                raise Wrong(f"with one answer of each, {power[0]} and {transport[0]}, at {price:g} usd it is not {yours:g}.")
            word = "above" if yours > true else "below"
            raise Wrong(f"with {many} answers of each yours lies {word} the model: take the lowest line of each operator.")
    return "the model is the lowest line of each operator, added up."


@exercise(
    "4.2",
    "hand in the price, usd per vehicle, that Kelley's method calls out after 0 and 20.",
    (
        "At 0 the answers are (12, 0) and (0, 0); at 20 they are (2, 100) and (20, 200). Draw the four lines.",
        "12 * price crosses 100 + 2 * price where 0 crosses 200 - 20 * price.",
    ),
)
def _kelley(answer: Any) -> str:
    price = as_number(answer, "the price")
    true = top_of_model(_FIRST_USD, 0.0, 100.0)
    if is_close(price, true, 5e-3):
        return "the top of the model lies where the lines of both operators cross."
    if is_close(price, top_of_model((0.0, 24.0), 0.0, 100.0), 5e-3):
        raise Wrong("this is the price after 0 and 24; now the second price was 20.")
    if is_close(price, 8.0, 5e-3):
        raise Wrong("this is the price on which they agree in the end; Kelley's method does not know it yet.")
    power, transport = known_at(_FIRST_USD)
    here, top = pairs_model(price, power, transport), pairs_model(true, power, transport)
    raise Wrong(f"at {price:g} usd the model is {here:.2f} usd; there is a price at which it is {top:.2f} usd.")


@exercise(
    "4.3",
    "hand in two prices, usd per vehicle: what Kelley's method calls out after 0, 20 and 10, and what it does in the box.",
    (
        "At 10 the answers are (7, 25) and (10, 50). Which of the three prices has the highest lower bound?",
        "The best price so far is 10, so the box is from 7 to 13. Where in it is the model highest?",
    ),
)
def _box(answer: Any) -> str:
    yours = as_array(answer, (2,), "the two prices")
    power, transport = known_at(_MORE_USD)
    bounds = [pairs_model(price, [one], [other]) for price, one, other in zip(_MORE_USD, power, transport, strict=True)]
    centre = _MORE_USD[int(np.argmax(bounds))]
    free = top_of_model(_MORE_USD, 0.0, 100.0)
    boxed = top_of_model(_MORE_USD, centre - _BOX_USD, centre + _BOX_USD)
    if is_close(yours[0], boxed, 5e-3) and is_close(yours[1], free, 5e-3):
        raise Wrong("the numbers are right, but Kelley's method comes first.")
    if not is_close(yours[0], free, 5e-3):
        here, top = pairs_model(yours[0], power, transport), pairs_model(free, power, transport)
        raise Wrong(f"without a box: at {yours[0]:g} usd the model is {here:.2f} usd, and its top is {top:.2f} usd.")
    if abs(yours[1] - centre) > _BOX_USD + 1e-9:
        raise Wrong(f"{yours[1]:g} usd is outside the box: it is around the price with the highest lower bound so far.")
    if not is_close(yours[1], boxed, 5e-3):
        raise Wrong(f"{yours[1]:g} usd is inside the box, but the model is higher at another price of it.")
    return "the box stays near the best price known, and its next price is nearer to the best one than Kelley's."


@exercise(
    "4.4",
    "hand in the function ask_with_penalty(price, other_veh, rho).",
    (
        "Set the slope of (12 - z)**2 + price * z + rho / 2 * (z - other)**2 to zero.",
        "-2 * (12 - z) + price + rho * (z - other) = 0. What if z came out below 0?",
    ),
)
def _penalty(answer: Any) -> str:
    function = as_function(answer, "your answer")
    tried = np.linspace(0.0, 60.0, 60_001)
    for price, other, rho in ((0.0, 0.0, 1.0), (8.0, 8.0, 0.5), (4.0, 10.0, 2.0), (30.0, 1.0, 1.0)):
        yours = as_number(ask(function, price, other, rho), "what ask_with_penalty returns")

        def total(z: Any, price: float = price, other: float = other, rho: float = rho) -> Any:
            return overload_usd(z) + price * z + rho / 2 * (z - other) ** 2

        best = float(tried[np.argmin(total(tried))])
        if abs(yours - best) <= 2e-3:
            continue
        where = f"at {price:g} usd, with {other:g} vehicles offered and a penalty of {rho:g}"
        if yours < 0:
            raise Wrong(f"{where} your answer is fewer than no vehicles.")
        if is_close(yours, max(0.0, 12.0 - price / 2), 1e-3):
            raise Wrong(f"{where} your answer is the one without penalty.")
        least, costs = total(best), total(yours)
        raise Wrong(
            f"{where} yours, {yours:.2f} vehicles, costs {costs:.3f} usd with payment and penalty; {least:.3f} can be had."
        )
    return "the penalty draws the answer towards the other one's."
