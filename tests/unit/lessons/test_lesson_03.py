"""Exercises of lesson 3: right answers pass, and plausible wrong ones get the sentence that helps."""

import pytest
from exercise_cases import both_tests_of

from federates.lessons.exercise import exercise_of
from federates.lessons.exercises.lesson_03 import bound, largest_step, shipped_prices, walked
from federates.lessons.kit import verdict


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
    ("3.3", lambda k: 10.0, "still swings, by 100.00 usd"),
    ("3.3", lambda k: 20 / k, "still swings"),
    ("3.3", lambda k: 1 / k**0.5, "still swings"),
    ("3.3", lambda k: 0.1 / k**2, "at 1.64 usd and has not arrived yet: steps are too short, or become short too fast"),
    ("3.3", lambda k: 0.3 / k, "in round 300 the price is at 7.82 usd and has not arrived yet: steps are too short"),
    ("3.3", lambda k: 0.33 / k, "at 7.83 usd and has not arrived yet"),  # it is there before round 600, and stays
    ("3.3", lambda k: 0.05 / k**0.5, "has not arrived yet"),
    ("3.3", lambda k: 0.003, "at 5.41 usd and has not arrived yet"),
    ("3.3", lambda k: 0.005, "at 7.21 usd and has not arrived yet"),
    ("3.3", lambda k: 3 / k**3, "at 17.88 usd and has not arrived yet"),  # it comes from above
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


def test_steps_that_happen_to_arrive_are_right_and_nothing_false_is_said_of_them():
    """The sum of 1 / k**2 is limited; from a price of 0 it is enough."""
    found = verdict(exercise_of("3.3"), lambda k: 1 / k**2)
    assert found.right
    assert "from round 300 on the price stays within 5 cents of 8 usd." in found.sentence
    assert max(abs(price - 8.0) for price in walked(lambda k: 1 / k**2, 2000)[299:]) <= 0.05


def test_a_constant_step_that_is_too_short_for_300_rounds_is_so_by_hand():
    """Per round a price below 3 usd rises by ten steps, up to 7 usd by four: 100 rounds, then 200 of the 334 to 7 usd."""
    assert walked(lambda k: 0.003, 301)[-1] == pytest.approx(3.0 + 200 * 0.012, abs=0.02)


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
