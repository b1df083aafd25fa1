"""How tests of exercises look at a verdict: right, or wrong with a sentence that helps and does not tell the answer."""

import re

import pytest

from federates.lessons.exercise import exercise_of
from federates.lessons.kit import verdict


def both_tests_of(right, wrong):
    """Return two tests: right answers, by exercise, pass; wrong ones, with exercise and a sentence (regex), are told so."""

    @pytest.mark.parametrize("number", right)
    def test_right(number):
        found = verdict(exercise_of(number), right[number])
        assert found.right, found.sentence

    @pytest.mark.parametrize(("number", "answer", "sentence"), wrong)
    def test_wrong(number, answer, sentence):
        _assert_told(number, answer, sentence, right.get(number))

    return test_right, test_wrong


def _assert_told(number, answer, sentence, right):
    """Hand in a wrong ``answer``; ``right`` is the right one: if it is a number, the sentence must not have it."""
    found = verdict(exercise_of(number), answer)
    assert found.right is False
    assert re.search(sentence, found.sentence), found.sentence
    if isinstance(right, int | float):
        told = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", found.sentence)]
        mine = [float(answer)] if isinstance(answer, int | float) else []
        assert right not in [value for value in told if value not in mine], found.sentence
