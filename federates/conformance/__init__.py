"""Does an agent play by the rules of its role? Checks of behaviour for classes and executables; see docs/conformance.md.

In a test of your own::

    from federates.conformance import ClassTarget, conform

    def test_it_conforms():
        conform(ClassTarget("power_operator", MyOperator)).raise_if_broken()

With one test for each check: `federates.conformance.pytest_checks`.
"""

from federates.conformance.check import Check
from federates.conformance.class_target import ClassTarget
from federates.conformance.errors import Breach, ConformanceError
from federates.conformance.report import Outcome, Report, State
from federates.conformance.run import checks_for, conform
from federates.conformance.target import Target

__all__ = ["Breach", "Check", "ClassTarget", "ConformanceError", "Outcome", "Report", "State", "Target", "checks_for", "conform"]
