"""Exercises of lesson 11: right answers pass, and plausible wrong ones get the sentence that helps."""

from itertools import permutations

import numpy as np
import pytest
from exercise_cases import both_tests_of

from federates.games.core import in_core, least_core
from federates.games.nucleolus import nucleolus
from federates.games.shapley import shapley
from federates.lessons.material.three_fleets import FLEETS, least_cost_usd, supply, three_fleets

GAME = three_fleets()


def by_orders(players, worth):
    added = dict.fromkeys(players, 0.0)
    for order in (orders := list(permutations(players))):
        for i, player in enumerate(order):
            added[player] += (worth(set(order[: i + 1])) - worth(set(order[:i]))) / len(orders)
    return list(added.values())


RIGHT = {"11.1": by_orders, "11.2": {"express", "parcel"}, "11.3": nucleolus(GAME), "11.4": (50, 75, 75)}
WRONG = [
    ("11.1", lambda players, worth: [worth(players) / len(players)] * len(players), "not by what each adds"),
    ("11.1", lambda players, worth: [worth({player}) for player in players], "shares out"),
    ("11.2", {"express"}, "another group would gain more"),
    ("11.2", set(FLEETS), "all fleets together cannot go away"),
    ("11.2", {"commuters"}, "name fleets out of"),
    ("11.2", "express", "hand in a set"),
    ("11.3", shapley(GAME), "objects by more than need be"),
    ("11.3", [1000, 1000, 1000], "you share out 3000.00"),
    ("11.4", (100, 100, 0), "would share that otherwise"),
    ("11.4", (200 / 3, 200 / 3, 200 / 3), "would share that otherwise"),
    ("11.4", (50, 75, 70), "there are 200"),
]


def test_the_lesson_s_story_holds():
    """The Shapley value is outside a core that is not empty; with blocks of 6 000 kWh it is empty."""
    assert not in_core(GAME, shapley(GAME))
    assert in_core(GAME, nucleolus(GAME))
    assert least_core(three_fleets(6000.0)).epsilon_usd > 0
    assert supply("utility")[0][-1] < 4000.0


def test_the_answers_page_says_what_equal_parts_come_to(root):
    page = (root / "docs/instructors/answers/lesson_11.md").read_text(encoding="utf-8")
    each, two, apart = (
        f"{usd:,.{digits}f}".replace(",", " ")
        for usd, digits in ((GAME.total_usd / 3, 1), (2 * GAME.total_usd / 3, 1), (GAME.worth({"express", "parcel"}), 0))
    )
    assert f"Equal parts are {each} usd each; the two companies get {two} and are worth {apart}." in page


def test_what_a_group_delivers_is_no_dearer_than_any_split_of_it():
    for kwh in (2000.0, 4000.0, 7000.0):
        alone = [least_cost_usd({"express"}, part) + least_cost_usd({"parcel"}, kwh - part) for part in np.linspace(0, kwh, 41)]
        assert least_cost_usd({"express", "parcel"}, kwh) <= min(alone) * 1.001  # rewards were tried in steps
        assert least_cost_usd({"express", "parcel"}, kwh) == pytest.approx(min(alone), rel=0.01)


test_right_answers_pass, test_wrong_answers_are_told_what_is_wrong = both_tests_of(RIGHT, WRONG)
