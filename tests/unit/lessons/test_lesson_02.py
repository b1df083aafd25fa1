"""Exercises of lesson 2: right answers pass, and plausible wrong ones get the sentence that helps."""

import math

import numpy as np
import pytest
from exercise_cases import both_tests_of

from federates.lessons.exercise import exercise_of
from federates.lessons.exercises.lesson_02 import best_bound, best_plan, bound_of_pairs
from federates.lessons.kit import verdict
from federates.lessons.pages import pages


def two_minima(price, power_usd, transport_usd):
    many = np.arange(len(power_usd))
    return (power_usd + price * many).min() + (transport_usd - price * many).min()


def gap(lower, upper):
    if not math.isfinite(lower) or not math.isfinite(upper) or lower > upper:
        return math.inf
    return 100 * (upper - lower) / abs(upper)


RIGHT = {"2.1": two_minima, "2.2": 8.0, "2.3": 4.5, "2.4": gap}  # by hand: 7 <= price <= 9; 19 - (8 + 6.5)
WRONG = [
    ("2.1", lambda p, a, b: (a + b).min() + 1, "this is no bound"),
    ("2.1", lambda p, a, b: a.min() + b.min() - 1, "sum of the least entries of both tables"),
    ("2.1", lambda p, a, b: two_minima(-p, a, b), "who pays the price, and who gets it"),
    ("2.1", lambda p, a, b: two_minima(0, a, b), "at a price of 0 it is right, but not at others"),
    ("2.2", 5.0, "asks for 2, the transport operator offers 0; the bound is 15"),
    ("2.2", 12.0, "asks for 1, the transport operator offers 2"),
    ("2.3", 3.0, "with a team of 8 dollars"),
    ("2.3", 4.5 / 19, "hand in dollars"),
    ("2.3", 0, "there is a gap"),
    ("2.3", 14.5, "one of the two bounds"),
    ("2.3", 6.0, "larger than the true one"),
    ("2.3", 4.0, "smaller than the true one"),
    ("2.4", lambda lower, upper: gap(lower, upper) / 100, "a share, not per cent"),
    ("2.4", lambda lower, upper: 100 * (upper - lower) / upper, "divide by the absolute value"),
    ("2.4", lambda lower, upper: 100 * (upper - lower) / abs(upper), "101 with upper bound 100 proves nothing"),
    ("2.4", lambda lower, upper: max(0, gap(lower, upper)) if lower < upper else 0.0, "101 with upper bound 100 proves nothing"),
]


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)


def test_every_price_of_the_interval_proves_the_plan_and_no_other():
    asked = exercise_of("2.2")
    right = [price for price in np.arange(0, 15, 0.5) if verdict(asked, price).right]
    assert right == [7.0, 7.5, 8.0, 8.5, 9.0]


def test_the_linear_programme_of_mixtures_is_the_top_of_the_bound():
    """Two formulations of the dual: mixtures in balance, and the best of finely spaced prices."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        power, transport = -np.sort(-rng.integers(0, 30, 4)), np.sort(rng.integers(0, 30, 4))
        by_prices = max(bound_of_pairs(price, power, transport) for price in np.arange(0, 31, 1 / 6))  # kinks lie at k / 1, 2, 3
        assert best_bound(power, transport) == pytest.approx(by_prices, abs=1e-9)
        assert best_bound(power, transport) <= best_plan(power, transport) + 1e-9


def test_numbers_of_the_text_are_those_of_the_tables():
    """Two drivers: the bound meets the best plan at 11 usd. One team: 13 and 16 usd, at a price of 5 usd."""
    drivers = np.array([20.0, 8.0, 2.0]), np.array([0.0, 4.0, 9.0])
    team = np.array([20.0, 8.0, 6.0]), np.array([0.0, 9.0, 10.0])
    assert best_bound(*drivers) == pytest.approx(best_plan(*drivers)) == pytest.approx(11)
    assert (best_bound(*team), best_plan(*team), bound_of_pairs(5.0, *team)) == pytest.approx((13, 16, 13))
    (page,) = (found.file for found in pages() if found.lesson == 2)
    text = page.read_text(encoding="utf-8")
    assert "meet at 11 dollars. With a team they stay at 13 and 16 dollars" in text
    assert "rises to a top at 5 dollars" in text
