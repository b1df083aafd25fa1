"""Exercises of lesson 5: right answers pass, and plausible wrong ones get the sentence that helps."""

import math

from exercise_cases import both_tests_of

from federates.lessons.exercises.lesson_05 import last_vehicle_usd


def told(audit, name):
    return sum(topic.numbers for agent in audit.agents if agent.name == name for topic in agent.told)


def messages(audit, name):
    return sum(topic.messages for agent in audit.agents if agent.name == name for topic in agent.told)


def halve(ask, questions=15):
    low, high = 0.0, 100.0
    for _ in range(questions):
        middle = (low + high) / 2
        low, high = (middle, high) if ask(middle) > 0 else (low, middle)
    return (low + high) / 2


def hide(bound_usd, secret):
    return round((math.floor(100 * bound_usd) - 1) / 100 + secret / 10_000, 4)


def show(told_usd):
    return round(10_000 * told_usd) % 100


RIGHT = {"5.1": told, "5.2": last_vehicle_usd(), "5.3": halve, "5.4": (hide, show)}
WRONG = [
    ("5.1", messages, "how many messages, not numbers"),
    ("5.1", lambda audit, name: 1, "written down another number"),
    ("5.2", last_vehicle_usd() / 2, "falls by another amount"),
    ("5.3", lambda ask: halve(ask, 8), "misses the worth"),
    ("5.3", lambda ask: halve(ask, 40), "asks 40 times, and may ask 20"),
    ("5.4", hide, r"hand in two functions"),
    ("5.4", (lambda b, s: round(math.floor(100 * b) / 100 + s / 1000, 4), show), "too high"),
    ("5.4", (lambda b, s: math.floor(b) - 1 + s / 1000, show), "more than 5 cents below"),
    ("5.4", (lambda b, s: math.floor(100 * b) / 100 - 0.01 + s * 1e-9, show), "is read from"),
]


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
