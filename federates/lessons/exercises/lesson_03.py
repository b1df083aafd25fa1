"""Exercises of lesson 3: subgradients and OCD. The judges add up vehicle by vehicle, simulate, or ask the shipped algorithm."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from federates.boundary.messages import Answer
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.boundary.world import parse_session
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_function, as_number, ask, is_close
from federates.lessons.quiet_road import agreement

_SAVES_USD = (8.0,) * 10
"""What each vehicle saves at q1, one after the other."""
_COSTS_USD = (3.0,) * 6 + (7.0,) * 3 + (10.0,) * 11
"""What each vehicle costs on the road to q1."""
_TOP_USD_PER_VEH = 8.0
_ARRIVED_BY, _WITHIN_USD = 300, 0.05


def answers(price: float) -> tuple[int, int]:
    """Return what is asked and offered at a price: every vehicle that saves more than it costs, and that earns more."""
    return sum(saved > price for saved in _SAVES_USD), sum(cost < price for cost in _COSTS_USD)


def bound(price: float) -> float:
    """Return the lower bound at a price, usd: the whole overload, less what every vehicle that is asked or offered brings."""
    asks = sum(max(0.0, saved - price) for saved in _SAVES_USD)
    offers = sum(max(0.0, price - cost) for cost in _COSTS_USD)
    return sum(_SAVES_USD) - asks - offers


@exercise(
    "3.1",
    "hand in the slope of the bound at 5 dollars, vehicles.",
    (
        "The slope is what is asked less what is offered.",
        "At 5 dollars all 10 are asked; how many cost less than 5 dollars on the road?",
    ),
)
def _slope(answer: Any) -> str:
    slope = as_number(answer, "the slope")
    true = (bound(5.1) - bound(4.9)) / 0.2
    if is_close(slope, -true):
        raise Wrong("the size is right, but the bound rises there: more is asked than offered.")
    if slope in answers(5.0):
        raise Wrong("this is one of the two answers; the slope is their difference.")
    if not is_close(slope, true):
        raise Wrong("ask both operators at 5 dollars: the slope is the difference of their answers.")
    return "and the coordinator knows it without knowing the curve."


def smooth_prices(step: float, rounds: int = 60) -> list[float]:
    """Return the prices of the subgradient method with a constant step and the smooth answers of lesson 1."""
    called = [0.0]
    for _ in range(rounds):
        price = called[-1]
        called.append(max(0.0, price + step * (max(0.0, 12.0 - price / 2.0) - price)))
    return called


def comes_nearer(step: float) -> bool:
    """Return whether every price is nearer to the best one than that before."""
    away = [abs(price - _TOP_USD_PER_VEH) for price in smooth_prices(step)]
    return all(later < before or before < 1e-9 for before, later in pairwise(away))


def largest_step() -> float:
    """Return by halving an interval up to which constant step prices come nearer."""
    low, high = 0.1, 10.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if comes_nearer(middle) else (low, middle)
    return low


@exercise(
    "3.2",
    "hand in the largest constant step with which smooth answers bring the price nearer in every round.",
    (
        "Write the next price less 8 as a factor times this price less 8. The slope is 12 - 1.5 * price.",
        "The factor is 1 - 1.5 * step. In which range must it lie?",
    ),
)
def _largest_step(answer: Any) -> str:
    step = as_number(answer, "the step")
    true = largest_step()
    if is_close(step, true, 5e-3):
        return "the steeper the answers, the shorter the step must be; the coordinator does not know how steep they are."
    if step <= 0:
        raise Wrong("a step must be positive.")
    away = [abs(price - _TOP_USD_PER_VEH) for price in smooth_prices(step, 3)]
    if step > true:
        raise Wrong(
            f"with {step:g} the distance to 8 dollars goes {away[0]:.2f}, {away[1]:.2f}, {away[2]:.2f}: it does not shrink."
        )
    raise Wrong(f"with {step:g} prices come nearer, but there is a larger step with which they do.")


def walked(step: Callable[[int], float], rounds: int) -> list[float]:
    """Return the prices that ``walk`` of the lesson calls out."""
    called = [0.0]
    for k in range(1, rounds):
        asked, offered = answers(called[-1])
        called.append(max(0.0, called[-1] + as_number(ask(step, k), "what step returns") * (asked - offered)))
    return called


@exercise(
    "3.3",
    "hand in the function step(k) with which walk arrives at 8 dollars.",
    (
        "Steps must go to zero, else the swing stays. But if they do so too fast, the walk ends on the way.",
        "Steps like a / k add up to more than any number, and still go to zero.",
    ),
)
def _step(answer: Any) -> str:
    function = as_function(answer, "your answer")
    late = walked(function, 2 * _ARRIVED_BY)[_ARRIVED_BY - 1 :]
    there = _from_arrival(late)
    if any(abs(price - _TOP_USD_PER_VEH) > _WITHIN_USD for price in there):
        swing = max(there) - min(there)
        raise Wrong(f"from round {_ARRIVED_BY} on the price still swings, by {swing:.2f} usd: steps must become shorter.")
    if len(there) < len(late):
        raise Wrong(
            f"in round {_ARRIVED_BY} the price is at {late[0]:.2f} usd and has not arrived yet:"
            " steps are too short, or become short too fast."
        )
    return (
        f"from round {_ARRIVED_BY} on the price stays within 5 cents of 8 usd."
        " Steps that go to zero, but add up to more than any number, arrive from every start; it takes long."
    )


def _from_arrival(prices: list[float]) -> list[float]:
    """Return the prices from the first that is near the best one, or on its other side; before it a walk is on its way."""
    side = np.sign(prices[0] - _TOP_USD_PER_VEH)
    arrived = (k for k, price in enumerate(prices) if side * (price - _TOP_USD_PER_VEH) <= _WITHIN_USD)
    return prices[next(arrived, len(prices)) :]


_ROUND = ((0.0, 10.0, 0.0, 66.0), (56.4, 10.0, 6.0, 62.0), (57.0, 0.0, 9.0, 61.0), (57.0, 0.0, 0.4, 61.0), (20.0, 9.0, 0.0, 61.0))
"""Rounds that the algorithm is told: lower bound, asked, offered, cost of the plan; the third and fourth lower the price."""


def shipped_prices(rho: float) -> list[float]:
    """Return the prices that the shipped algorithm calls out in these rounds."""
    settings = OptimalityConditionDecomposition.Settings(update="residual", step_factor=rho, gap_target=0.0)
    algorithm = OptimalityConditionDecomposition(settings)
    algorithm.begin(parse_session(agreement(), "exercise 3.4"), _Nowhere())
    decision, called = algorithm.start(0, {}), list[float]()
    for lower_usd, asked, offered, cost_usd in _ROUND:
        assert isinstance(decision, Solve)
        called.append(float(decision.prices["delivery"].item()))
        decision = algorithm.next(_told(asked, offered, cost_usd, lower_usd))
        if isinstance(decision, Evaluate):
            decision = algorithm.next(_told(min(asked, offered), min(asked, offered), cost_usd, cost_usd))
    return called


def _told(asked: float, offered: float, cost_usd: float, bound_usd: float) -> RoundResult:
    """Return answers whose costs and bounds add up to these."""
    quantities = {"power_operator": asked, "transport_operator": offered}
    answers = {
        name: Answer({"delivery": np.full((1, 1, 1), number)}, cost_usd / 2, bound_usd / 2) for name, number in quantities.items()
    }
    return RoundResult(answers)


class _Nowhere:
    def record(self, table: str, **row: Any) -> None:
        """Keep nothing."""

    def progress(self, **fields: Any) -> None:
        """Tell nobody."""


@exercise(
    "3.4",
    "hand in the function next_price(price, lower_usd, upper_usd, asked, offered, rho=1.0).",
    (
        "For one station r is asked - offered, and |r|**2 is its square.",
        "Nothing is asked at less than nothing: max(0.0, ...) around all of it.",
    ),
)
def _next_price(answer: Any) -> str:
    function = as_function(answer, "your answer")
    for rho in (1.0, 0.5):
        called = shipped_prices(rho)
        best_usd, plan_usd = -np.inf, np.inf
        for (lower_usd, asked, offered, cost_usd), price, following in zip(_ROUND, called, called[1:], strict=False):
            best_usd, plan_usd = max(best_usd, lower_usd), min(plan_usd, cost_usd)
            given = price, best_usd, plan_usd, asked, offered, rho
            yours = as_number(ask(function, *given), "what next_price returns")
            if not is_close(yours, following, 1e-6):
                raise Wrong(_what_is_wrong(yours, following, given))
    return "Portage's own algorithm calls out the same prices."


def _what_is_wrong(yours: float, true: float, given: tuple[float, ...]) -> str:
    price, lower_usd, upper_usd, asked, offered, rho = given
    where = f"price {price:.4g}, bounds {lower_usd:g} and {upper_usd:g}, asked {asked:g}, offered {offered:g}, rho {rho:g}"
    if is_close(yours, 2 * price - true):
        return f"for {where} your price moves the wrong way."
    if rho != 1.0 and is_close(yours - price, (true - price) / rho):
        return "rho is left out."
    if yours < 0:
        return f"for {where} your price is negative."
    if is_close(yours - price, (true - price) * (asked - offered)) or is_close(
        yours - price, (true - price) * abs(asked - offered)
    ):
        return f"for {where} your step is too long: it is divided by the square of r, and multiplied by r."
    return f"for {where} Portage calls out another price than yours, {yours:.4g}: a {'higher' if true > yours else 'lower'} one."
