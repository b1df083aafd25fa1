"""Broken files: `check` names what is wrong with each in a line, and neither crashes, hangs, nor takes nonsense for data."""

import collections

import pytest
from broken_files import Scenarios, complaints, mutants


def found(folder, count, seed):
    """Return all complaints about ``count`` mutants; the sound scenarios must have nothing wrong before and after."""
    scenarios = Scenarios(folder)
    said, verdicts = [], collections.Counter()
    for mutant in mutants(scenarios, count, seed):
        outcome = scenarios.outcome(mutant)
        said += complaints(mutant, outcome)
        verdicts[mutant.verdict, bool(outcome.problems)] += 1
    assert sum(verdicts.values()) == count
    assert verdicts["refuse", True] > count / 2, "most mutants must be refused, or the generator has lost its teeth"
    return said


def test_sixty_broken_files(tmp_path):
    assert found(tmp_path, 60, seed=7) == []


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_thousand_broken_files(tmp_path):
    assert found(tmp_path, 2000, seed=1) == []
