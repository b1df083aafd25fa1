"""Exercises of lesson 10: right answers pass, and plausible wrong ones get the sentence that helps."""

import numpy as np
from exercise_cases import both_tests_of

from federates.games.acceptance import Observation, fit_isotonic
from federates.games.leader import best_reward
from federates.lessons.exercise import exercise_of
from federates.lessons.kit import verdict


def lost(a, b, c, d):
    negotiated, led = (a - c) / (b + d), (a - c) / (b + 2 * d)
    return (b + d) / 2 * (negotiated - led) ** 2


def search(post, worth):
    tried = {reward: (worth - reward) * post(reward) for reward in np.linspace(0.15, 0.85, 5) * worth}
    best = max(tried, key=tried.get)
    for reward in (best - worth / 17, best + worth / 17):
        tried[reward] = (worth - reward) * post(reward)
    return max(tried, key=tried.get)


def learn(post, worth):
    """Return the best reward by the curve that eight posts have shown; what is available only scales it."""
    seen = [Observation(reward, post(reward), 1e6) for reward in np.linspace(0.2, 0.9, 8) * worth]
    return float(best_reward(fit_isotonic(seen), worth))


RIGHT = {"10.1": (7.0, 100.0), "10.2": lost, "10.3": (80.0, 40.0), "10.4": search}
WRONG = [
    ("10.1", (12.0, 200.0), "the leader gains nothing"),
    ("10.1", (7.0, 120.0), "another number of vehicles accepts"),
    ("10.1", (8.0, 120.0), "the best brings more"),
    ("10.1", (6.7, 94.4), "would gain 498.2 usd"),  # 5.3 usd for each of the 94 that accept
    ("10.2", lambda a, b, c, d: 2 * lost(a, b, c, d), "it is not"),
    ("10.3", (100.0, 80.0), "the first company would gain"),
    ("10.3", (80.0, 80.0), "the first company would gain|the second company would gain"),
    ("10.3", (-1.0, 40.0), "less than no vehicle"),
    ("10.4", lambda post, worth: worth / 4, "gains"),
    ("10.4", lambda post, worth: max(np.linspace(0, worth, 40), key=lambda r: (worth - r) * post(r)), "may post 8"),
]


def test_a_learnt_curve_is_good_enough_too():
    found = verdict(exercise_of("10.4"), learn)
    assert found.right, found.sentence


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
