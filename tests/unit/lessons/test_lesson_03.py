"""Exercises of lesson 3: right answers pass, and plausible wrong ones get the sentence that helps."""

import pytest
from exercise_cases import both_tests_of

from federates.lessons.exercises.lesson_03 import bound, largest_step, shipped_prices


def paper(price, lower, upper, asked, offered, rho=1.0):
    r = asked - offered
    return max(0.0, price + rho * (upper - lower) / r**2 * r)


RIGHT = {"3.1": 4, "3.2": 4 / 3, "3.3": lambda k: 1 / k, "3.4": paper}
WRONG = [
    ("3.1", -4, "the bound rises there"),
    ("3.1", 10, "one of the two answers"),
    ("3.1", 16, "the difference of their answers"),
    ("3.2", 2.0, "the distance to 8 dollars goes 8.00, 16.00"),
    ("3.2", 1.0, "there is a larger step"),
    ("3.2", -1, "must be positive"),
    ("3.3", lambda k: 0.1, "still swings, by 0.90 usd"),
    ("3.3", lambda k: 0.1 / k**2, "hardly moves, and is at 1.64 usd"),
    ("3.3", lambda k: 20 / k, "still swings"),
    ("3.3", lambda k: "1/k", "must be a number"),
    ("3.3", 1.0, "must be a function"),
    ("3.4", lambda p, lo, up, a, o, rho=1.0: 2 * p - paper(p, lo, up, a, o, rho), "the wrong way"),
    ("3.4", lambda p, lo, up, a, o, rho=1.0: paper(p, lo, up, a, o), "rho is left out"),
    ("3.4", lambda p, lo, up, a, o, rho=1.0: p + rho * (up - lo), "your step is too long"),
    ("3.4", lambda p, lo, up, a, o, rho=1.0: p + rho * (up - lo) / (a - o) ** 2 * (a - o), "your price is negative"),
    ("3.4", lambda p, lo, up, a, o: 0.0, "takes? .* positional|fails for"),
]


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)


def test_the_largest_step_is_that_of_theory():
    """|1 - 1.5 step| < 1: the slope of what is asked less what is offered is -1.5 vehicles per usd."""
    assert largest_step() == pytest.approx(2 / 1.5, abs=1e-5)


def test_the_bound_is_highest_at_8_usd():
    assert bound(8.0) == 47.0  # 9 vehicles: 8 usd of overload left, 6 * 3 + 3 * 7 usd for the road
    assert max(bound(price / 10) for price in range(200)) == bound(8.0)


def test_the_rounds_that_are_told_move_the_price_both_ways():
    prices = shipped_prices(1.0)
    assert len(prices) == 5
    assert prices[0] == 0.0
    assert prices[1] > 0
    assert 0 < prices[3] < prices[2]
    assert prices[4] == 0.0
