"""Exercises of lesson 4: right answers pass, and plausible wrong ones get the sentence that helps."""

from exercise_cases import both_tests_of


def lowest(price, power, transport):
    return min(c + price * z for z, c in power) + min(c - price * z for z, c in transport)


def with_penalty(price, other, rho):
    return max(0.0, (24 - price + rho * other) / (2 + rho))


RIGHT = {"4.1": lowest, "4.2": 10.0, "4.3": (5.0, 7.0), "4.4": with_penalty}
WRONG = [
    ("4.1", lambda p, a, b: lowest(-p, a, b), "who pays the price"),
    ("4.1", lambda p, a, b: max(c + p * z for z, c in a) + max(c - p * z for z, c in b), "lies above the model"),
    ("4.1", lambda p, a, b: a[-1][1] + p * a[-1][0] + b[-1][1] - p * b[-1][0], "lies above the model"),
    ("4.1", lambda p, a, b: min(c for _, c in a), "with one answer of each"),
    ("4.2", 12.0, "after 0 and 24"),
    ("4.2", 8.0, "does not know it yet"),
    ("4.2", 5.0, "at 5 usd the model is 60.00 usd; there is a price at which it is 120.00"),
    ("4.3", (7.0, 5.0), "Kelley's method comes first"),
    ("4.3", (10.0, 7.0), "without a box"),
    ("4.3", (5.0, 5.0), "outside the box"),
    ("4.3", (5.0, 8.0), "higher at another price"),
    ("4.3", 5.0, "must have the shape"),
    ("4.4", lambda p, y, rho: max(0, 12 - p / 2), "the one without penalty"),
    ("4.4", lambda p, y, rho: (24 - p + rho * y) / (2 + rho), "fewer than no vehicles"),
    ("4.4", lambda p, y, rho: max(0, (24 - p + rho / 2 * y) / (2 + rho / 2)), "can be had"),
]


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
