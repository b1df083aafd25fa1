"""Exercises of lesson 9: right answers pass, and plausible wrong ones get the sentence that helps."""

import numpy as np
from exercise_cases import both_tests_of

from federates.lessons.material.fleet import HourOfFleet

PLAIN, COVERED = HourOfFleet(), HourOfFleet(battery_warranty=True)
TRIED = np.arange(0.0, 2.5, 0.002)


def go(fleet, reward):
    return fleet.accepted(reward).sum()


RIGHT = {
    "9.1": 0.1,
    "9.2": next(w for w in TRIED if go(PLAIN, w) >= go(PLAIN, 100.0) / 2),
    "9.3": max(TRIED, key=lambda w: (2.0 - w) * go(PLAIN, w)),
    "9.4": 1.2 - next(w for w in TRIED if go(COVERED, w) >= go(PLAIN, 1.2)),
}
WRONG = [
    ("9.1", 0.0, "fewer drivers go"),
    ("9.1", 1.0, "more drivers go"),
    ("9.2", 1.0, r"17 % of them go"),
    ("9.3", 2.0, "fewer would go, but each kWh would bring more"),
    ("9.3", 0.5, "more would go"),
    ("9.4", 0.5, "drivers go, without both"),
]


def test_an_answer_has_the_energy_of_its_vehicles():
    answer = PLAIN.answer(1.0)
    np.testing.assert_allclose(answer.quantities["delivery"], PLAIN.vehicle_kwh * answer.quantities["passage"])
    assert PLAIN.energy_kwh(1.0) == PLAIN.vehicle_kwh * go(PLAIN, 1.0) > 0


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
