"""All checks, in the order in which they are made: what others build on comes first."""

from __future__ import annotations

from federates.conformance.check import Check, in_order
from federates.conformance.checks.answers import ANSWER_CHECKS
from federates.conformance.checks.carried_out import CARRIED_OUT_CHECKS
from federates.conformance.checks.decisions import DECISION_CHECKS
from federates.conformance.checks.given import GIVEN_CHECKS
from federates.conformance.checks.interface import INTERFACE_CHECKS
from federates.conformance.checks.prices import PRICE_CHECKS
from federates.conformance.checks.records import RECORD_CHECKS
from federates.conformance.checks.sameness import SAMENESS_CHECKS
from federates.conformance.checks.traffic import TRAFFIC_CHECKS

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = in_order(
    *INTERFACE_CHECKS,
    *ANSWER_CHECKS,
    *TRAFFIC_CHECKS,
    *DECISION_CHECKS,
    *SAMENESS_CHECKS,
    *GIVEN_CHECKS,
    *PRICE_CHECKS,
    *CARRIED_OUT_CHECKS,
    *RECORD_CHECKS,
)
