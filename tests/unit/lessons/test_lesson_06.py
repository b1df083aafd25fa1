"""Exercises of lesson 6: right answers pass, and plausible wrong ones get the sentence that helps."""

import numpy as np
import pytest
from exercise_cases import both_tests_of

from federates.lessons.exercise import exercise_of
from federates.lessons.kit import verdict
from federates.lessons.material.toll_road import TollRoad

ROAD = TollRoad()


def cost_usd(vehicles):
    return ROAD.cost_usd([[0.0, 0.0], [0.0, vehicles]])


# By hand: 10 (6 - x) + 50 + x = 20 (6 - x) + 10 + 6 - 2 x; v t'(v) at the optimum; 83 - 70.
RIGHT = {"6.1": 2, "6.2": [30, 3, 3, 30, 0], "6.3": 13.0, "6.4": (cost_usd(301) - cost_usd(299)) / 2}
WRONG = [
    ("6.1", 0, "somebody would gain by another route"),
    ("6.1", 3, "there is no such spread|somebody would gain"),
    ("6.1", 7, "no such spread"),
    ("6.2", [0, 0, 0, 0, 5], "a driver who goes by u would gain by going over the bridge, tolls counted"),
    ("6.2", [29.5, 3, 3, 30, 0], "a driver who goes by v would gain by going by u"),
    ("6.2", [1e6, 0, 0, 0, 0], "a driver who goes by u would gain by going by v"),
    ("6.2", [0, 1e6, 1e6, 0, 0], "would gain by going over the bridge"),
    ("6.2", [0, 0, 0, 0, -1], "subsidy"),
    ("6.2", [40, 2, 2, 40], r"shape \(5,\)"),
    ("6.3", 12.0, "still gain by taking the bridge"),
    ("6.3", 20.0, "a lower toll does, too"),
    ("6.4", cost_usd(300) / 300, "is it the cost of one vehicle"),
]


# Who closes the bridge, in any way that leaves both outer routes alike; and the tolls at the flows of the equilibrium.
OTHER_TOLLS = [
    [0, 0, 0, 0, 13],
    [0, 0, 0, 0, 14],
    [0, 0, 0, 0, 1e5],
    [0, 0, 0, 0, 1e6],
    [1e5, 0, 0, 1e5, 0],
    [1e6] * 5,
    [40, 2, 2, 40, 2],
]


@pytest.mark.parametrize("toll", OTHER_TOLLS)
def test_other_tolls_that_work_are_right_too(toll):
    """By hand: at three vehicles a route the outer ones take 83 min each, and the bridge route 70, all without tolls."""
    upper, lower, bridge = toll[0] + toll[1] + 83, toll[2] + toll[3] + 83, toll[0] + toll[4] + toll[3] + 70
    assert upper == lower <= bridge
    found = verdict(exercise_of("6.2"), toll)
    assert found.right, found.sentence


def test_tolls_that_are_a_little_too_low_are_wrong():
    assert verdict(exercise_of("6.2"), [0, 0, 0, 0, 12]).right is False
    assert verdict(exercise_of("6.2"), [0, 0, 0, 0, 12.9]).right is False


def test_the_road_is_the_operator_of_the_shipped_scenario():
    """Nobody on it costs nothing; what the table of tolls says is the slope of the cost, pair by pair."""
    assert ROAD.cost_usd(np.zeros((2, 2))) == 0.0
    vehicles = np.array([[20.0, 30.0], [40.0, 100.0]])
    for row, pair in zip(ROAD.tolls(vehicles), np.ndindex(2, 2), strict=True):
        more = vehicles.copy()
        more[pair] += 1e-3
        assert row["toll_usd"] == pytest.approx((ROAD.cost_usd(more) - ROAD.cost_usd(vehicles)) / 1e-3, rel=1e-3, abs=2e-3)


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
