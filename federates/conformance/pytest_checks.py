"""The checks as tests of pytest, one item a check: see `parametrize_with_checks`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from federates.conformance.check import Check
from federates.conformance.errors import ConformanceError
from federates.conformance.report import State, breach_lines
from federates.conformance.run import CheckRun
from federates.conformance.target import Target

__all__ = ["CheckItem", "parametrize_with_checks"]


@dataclass(frozen=True)
class CheckItem:
    """One check of one target. A call makes it, and first what it needs and was not made yet."""

    run: CheckRun
    check: Check

    def __call__(self) -> None:
        """Fail the test if the rule is broken, skip it if the check is not reached or does not apply.

        Raises
        ------
        ConformanceError : the kit itself failed, which says nothing of the agent.
        """
        with self.run.leak_detector:
            outcome = self.run.outcome(self.check)
        if outcome.state is State.BROKEN:
            pytest.fail("\n".join(breach_lines(outcome)), pytrace=False)
        if outcome.state is State.NO_VERDICT:
            raise ConformanceError(outcome.seen)
        if outcome.state is not State.HOLDS:
            pytest.skip(f"{outcome.state}: {outcome.seen}")
        print(f"{outcome.holds}\nSeen: {outcome.seen}")


def parametrize_with_checks(*targets: Target) -> pytest.MarkDecorator:
    """Return a decorator that makes one test of every check of ``targets``; the test function calls its ``check``.

    As scikit-learn has it for estimators::

        @parametrize_with_checks(ClassTarget("power_operator", MyOperator))
        def test_it_conforms(check):
            check()

    A test's id is role, target and check, such as ``power_operator-MyOperator-answers.shape``. What several checks look at is
    made once in each process of pytest.
    """
    items = [CheckItem(run, check) for run in map(CheckRun, targets) for check in run.checks.values()]
    names = [f"{item.run.target.role}-{item.run.target.name}-{item.check.id}" for item in items]
    return pytest.mark.parametrize("check", items, ids=names)
