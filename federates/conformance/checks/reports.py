"""Checks of an agent that reports: what it says when a period opens, and whether that closes with what it was told."""

from __future__ import annotations

from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, Does, rules
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures
from federates.conformance.report_day import ReportDay
from federates.conformance.values import report_value_fault

__all__ = ["REPORT_CHECKS"]

REPORT_CHECKS: list[Check] = []
_rule = rules(REPORT_CHECKS, of=(Does.REPORT,))


@_rule("reports.in_time", "interface.begin")
def _in_time(fixtures: Fixtures) -> str:
    """Every period is opened within the time limit."""
    slowest = fixtures.slowest_in_time([call for call in fixtures.reports.caller.calls if call.kind is Kind.OPEN])
    if slowest is None:
        return "no period was opened"
    return f"the slowest of {len(fixtures.reports.said)} openings took {slowest.wall_s:.2g} s of {fixtures.target.limit_s:g} s"


@_rule("reports.every_period", "interface.begin", "reports.in_time")
def _every_period(fixtures: Fixtures) -> str:
    """Every period is opened, and once more behind the last, where the account of the day is closed."""
    failure = fixtures.reports.failure
    if failure is not None and not failure.late:
        raise Breach(failure.error, failure.words)
    return f"{len(fixtures.reports.said)} openings of {fixtures.session.periods} periods"


@_rule("reports.shape", "reports.every_period")
def _shape(fixtures: Fixtures) -> str:
    """Every opening is a mapping with all messages of the role, in the shapes of the topic table."""
    if (malformed := fixtures.reports.malformed) is not None:
        raise Breach(malformed[1], _opening(malformed[0]))
    return f"{len(fixtures.reports.said)} openings with {', '.join(fixtures.reports.said[0])}"


@_rule("reports.range", "reports.shape")
def _range(fixtures: Fixtures) -> str:
    """Every number is finite and not negative; a resourceful station needs nothing, a limited one has nothing to spare."""
    _refuse_values(fixtures, fixtures.reports)
    return f"{len(fixtures.reports.said)} openings, finite and not negative"


@_rule("reports.account", "reports.range")
def _account(fixtures: Fixtures) -> str:
    """The receipts close: no vehicle and no energy arrives that has not left, all that are counted at the gate are in them,
    and a feeder gets no more than has arrived.
    """
    day = fixtures.reports
    _refuse_account(fixtures, day)
    return f"{len(day.said) - 1} periods accounted for"


@_rule("reports.flooded", "reports.account")
def _flooded(fixtures: Fixtures) -> str:
    """Far more vehicles than a station has spots for are reported, by the same rules."""
    day = fixtures.flooded_reports
    if day.failure is not None:
        raise Breach(day.failure.error, day.failure.words)
    if day.malformed is not None:
        raise Breach(day.malformed[1], _opening(day.malformed[0]))
    _refuse_values(fixtures, day)
    _refuse_account(fixtures, day)
    return f"{len(day.said)} openings"


def _refuse_values(fixtures: Fixtures, day: ReportDay) -> None:
    for period, said in enumerate(day.said):
        if (fault := report_value_fault(fixtures.role, fixtures.session, period, said)) is not None:
            raise Breach(fault, _opening(period))


def _refuse_account(fixtures: Fixtures, day: ReportDay) -> None:
    found = fixtures.reporter_kit.report_fault(fixtures.session, day.heard, day.said)
    if found is not None:
        raise Breach(found[1], _opening(found[0]))


def _opening(period: int) -> str:
    return f"open_period in period {period}"
