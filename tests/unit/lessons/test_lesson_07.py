"""Exercises of lesson 7: right answers pass, and plausible wrong ones get the sentence that helps."""

import numpy as np
import pytest
from exercise_cases import both_tests_of

from federates.lessons.exercises.lesson_07 import least_cost_usd
from federates.lessons.material.small_railway import SmallRailway

# Of the best answer with whole trains: both trains alike, standing paid less than nothing because it spares moving.
OF_A_TRAIN = [[-6.25, -13.75, -15.0, -15.0, -6.25], [-10.0, -10.0, -0.466964, -6.25, -10.0]]
BEST_DAY = (("farm", "farm", None, "city", None), ("farm", None, "city", None, "farm"))

RIGHT = {"7.1": 16, "7.2": 5420.08, "7.3": (9.51, 0.0), "7.4": [OF_A_TRAIN, OF_A_TRAIN]}
WRONG = [
    ("7.1", 32, "must end at the farm"),
    ("7.1", 5, "may come and go again"),
    ("7.2", 6631.97, "there is a cheaper day"),
    ("7.2", 5000.0, "no day costs so little"),
    ("7.3", (0.0951, 0.0), "per cent, not shares"),
    ("7.3", (0.0, 0.0), "that relaxed answers can prove"),
    ("7.3", (9.51, 2.0), "by the bounds of whole answers"),
    ("7.4", np.zeros((2, 2, 5)), "prove that no day costs less than"),
    ("7.4", np.zeros((2, 5, 2)), "must have the shape"),
]


def test_the_best_day_is_among_those_that_may_be_tried():
    railway = SmallRailway()
    assert BEST_DAY in railway.days
    assert railway.cost_usd(BEST_DAY) == pytest.approx(least_cost_usd(), abs=0.2)
    assert len(railway.routes) == 16
    assert all(route[0] == "farm" or route[0] is None for route in railway.routes)
    crowded = (BEST_DAY[0], BEST_DAY[0])
    assert crowded not in railway.days
    assert crowded in SmallRailway(city_slots=2).days


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
