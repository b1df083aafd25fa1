"""The faults of tests/support/fault_cases.py: who is named, how soon, and that nothing is left running."""

from dataclasses import asdict

import pytest
from fault_cases import CASES
from fault_runs import run_with_fault

_QUICK = ("coordinator is stopped", "negotiation", "road", "portage")
"""The one that is tried by default."""


def _all():
    def one(case, launcher):
        marks = () if (case.name, case.phase, case.world, launcher) == _QUICK else (pytest.mark.faults,)
        return pytest.param(case, launcher, marks=marks, id=f"{launcher}-{case.world}-{case.phase}-{case.name}")

    return [one(case, launcher) for case in CASES for launcher in case.launchers]


@pytest.mark.parametrize(("case", "launcher"), _all())
def test_a_fault_is_named_in_time(tmp_path, environment, case, launcher):
    outcome = run_with_fault(case, launcher, tmp_path, environment)
    assert case.as_wanted(launcher, asdict(outcome)), outcome
