"""When a search for rewards that lead has come to rest, and what it says of that."""

from types import SimpleNamespace

import numpy as np
import pytest

from federates.coordinator.algorithms.best_response import BestResponse


class Improving(BestResponse):
    """A search whose first ``changes`` passes find something better."""

    def __init__(self, changes):
        posts = SimpleNamespace(leaders=("a",), entries={"a": np.array([0])}, rounds=1)
        super().__init__(posts, {}, tolerance=0.01, most=100, tries=1)
        self.left = changes

    def _scaled(self, best, players, entries):
        yield from ()
        self.left -= 1
        return SimpleNamespace() if self.left >= 0 else best

    def _same(self, best, players, entries):
        yield from ()
        return best

    _climb = _revealed = _same


def ended(search):
    with pytest.raises(StopIteration) as end:
        next(search.together(SimpleNamespace()))
    return end.value.value


def test_a_search_that_changes_nothing_any_more_is_settled():
    found = ended(Improving(3))
    assert (found.settled, found.words) == (True, "the search finds no better rewards for the leaders")


def test_a_search_that_is_cut_off_while_it_still_improves_is_not():
    found = ended(Improving(1000))
    assert (found.settled, found.words) == (False, "still better after 10 searches")
