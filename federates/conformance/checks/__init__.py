"""All checks, in the order in which they are made: what others build on comes first."""

from __future__ import annotations

from federates.conformance.check import Check, in_order
from federates.conformance.checks.answers import ANSWER_CHECKS
from federates.conformance.checks.commit import COMMIT_CHECKS
from federates.conformance.checks.decisions import DECISION_CHECKS
from federates.conformance.checks.determinism import DETERMINISM_CHECKS
from federates.conformance.checks.evaluate import EVALUATE_CHECKS
from federates.conformance.checks.interface import INTERFACE_CHECKS
from federates.conformance.checks.prices import PRICE_CHECKS
from federates.conformance.checks.records import RECORD_CHECKS
from federates.conformance.checks.reports import REPORT_CHECKS
from federates.conformance.checks.traffic import TRAFFIC_CHECKS

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = in_order(
    *INTERFACE_CHECKS,
    *ANSWER_CHECKS,
    *TRAFFIC_CHECKS,
    *REPORT_CHECKS,
    *DECISION_CHECKS,
    *DETERMINISM_CHECKS,
    *EVALUATE_CHECKS,
    *PRICE_CHECKS,
    *COMMIT_CHECKS,
    *RECORD_CHECKS,
)
