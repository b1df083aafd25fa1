"""Exercises of lesson 1: right answers pass, and plausible wrong ones get the sentence that helps."""

from exercise_cases import both_tests_of

from federates.lessons.exercise import exercise_of
from federates.lessons.kit import verdict

# Solved by hand: 2 (12 - z) = price = z gives 8 vehicles at 8 usd; (18 - z) = z gives 9; 12 - price / 2 = 6 gives 12.
RIGHT = {
    "1.1": lambda price: max(0.0, 12 - price / 2),
    "1.2": 9.0,
    "1.3": (144 - 16 - 64, 64 - 32),
    "1.4": 12.0,
}
WRONG = [
    ("1.1", lambda price: 12 - price / 2, "at 30 usd your function asks for fewer than no vehicles"),
    ("1.1", lambda price: max(0.0, 12 - price), "at 3 usd more vehicles would cost less in all"),
    ("1.1", lambda price: max(0.0, 12 - price / 4), "at 3 usd fewer vehicles would cost less in all"),
    ("1.1", lambda price: max(24.0 - price, 0.0), "at 3 usd fewer .* yours cost 63.00 usd, 33.75 can be had"),
    ("1.1", lambda price: max(0.0, 11 - price / 2), "at 0 usd more .* yours cost 1.00 usd, 0.00 can be had"),
    ("1.1", lambda price: None, "is the return missing"),
    ("1.1", 8.0, "must be a function"),
    ("1.2", 8.0, "more is asked than offered: 10.00 against 8.00"),
    ("1.2", 12.0, "more is offered than asked: 6.00 against 12.00"),
    ("1.3", (32.0, 64.0), "the power operator comes first"),
    ("1.3", (128.0, 32.0), "also has to pay"),
    ("1.3", (64.0, 64.0), "the gain of the transport operator is not 64"),
    ("1.3", 64.0, r"must have the shape \(2,\)"),
    ("1.4", 8.0, "without the limit"),
    ("1.4", 6.0, "what the sixth vehicle costs; but at it 9.00 vehicles are asked for"),
    ("1.4", 14.0, "5.00 vehicles are asked and 6.00 offered"),
]


def test_at_a_price_of_0_more_vehicles_than_are_needed_are_right_too():
    """The overload is 0 from 12 vehicles on, and they cost nothing: 15 are as good as 12."""
    assert verdict(exercise_of("1.1"), lambda price: max(0.0, 12 - price / 2) if price else 15.0).right


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
