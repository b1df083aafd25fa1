"""Checks of single answers of an operator: that they come, in time, and are numbers of the right kind."""

from __future__ import annotations

from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, rules
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures
from federates.conformance.values import finite_fault, opening_fault, range_fault, shape_fault

__all__ = ["ANSWER_CHECKS", "SOUND"]

SOUND = ("answers.shape", "answers.finite", "answers.range")
"""What any statement about costs and connections needs."""


ANSWER_CHECKS: list[Check] = []
_rule = rules(ANSWER_CHECKS)


@_rule("opening.shape", "interface.begin")
def _openings(fixtures: Fixtures) -> str:
    """Every period is opened with what partners must know, where anybody hears anything: gates, travel times or the trains'
    places, finite and not negative.
    """
    day = fixtures.day
    failure = day.failure
    if failure is not None and failure.kind is Kind.OPEN and not failure.late:
        raise Breach(failure.error, failure.words)
    for period, opening in day.openings:
        fault = opening_fault(fixtures.role, fixtures.session, period, opening)
        if fault is not None:
            raise Breach(fault, f"open_period in period {period}")
    return f"{len(day.openings)} periods opened"


@_rule("answers.in_time", "opening.shape")
def _in_time(fixtures: Fixtures) -> str:
    """Every call returns within the time limit."""
    timed = [call for call in fixtures.day.caller.calls if call.kind not in (Kind.CREATE, Kind.BEGIN)]
    slowest = fixtures.slowest_in_time(timed)
    if slowest is None:
        return "nothing was answered"
    return f"the slowest of {len(timed)} answers took {slowest.wall_s:.2g} s of {fixtures.target.limit_s:g} s: {slowest.words}"


@_rule("answers.every_round", "opening.shape", "answers.in_time")
def _every_round(fixtures: Fixtures) -> str:
    """Every question of a day is answered: no, small, huge and (by rail) negative prices, and quantities before any price;
    every period can be committed, also one in which nothing was asked.
    """
    day = fixtures.day
    if day.failure is not None and not day.failure.late:
        raise Breach(day.failure.error, day.failure.words)
    return f"{len(day.answers)} questions answered in {len(day.openings)} opened periods, {len(day.commits)} committed"


@_rule("answers.shape", "answers.every_round")
def _shape(fixtures: Fixtures) -> str:
    """Every answer is an Answer: an array of the right shape for each exchange, and numbers for cost and bound."""
    for heard in fixtures.day.answers:
        fault = shape_fault(heard.entries, heard.answer)
        if fault is not None:
            raise Breach(fault, heard.words)
    shapes = [str(shape) for heard in fixtures.day.answers[:1] for shape in heard.entries.shapes.values()]
    return f"{len(fixtures.day.answers)} answers, the first of shape {' and '.join(shapes)}"


@_rule("answers.finite", "answers.shape")
def _finite(fixtures: Fixtures) -> str:
    """Every number of every answer is finite."""
    answers = fixtures.day.answers
    for heard in answers:
        fault = finite_fault(heard.answer)
        if fault is not None:
            raise Breach(fault, heard.words)
    return f"{len(answers)} answers without NaN or infinity"


@_rule("answers.range", "answers.finite")
def _range(fixtures: Fixtures) -> str:
    """No quantity is negative, no transport operator offers more vehicles than any road carries (100 000 an hour), and a fleet
    delivers no more than its vehicles hold. By rail it is at most 1, whole as an answer to solve, and what transport offers
    keeps the timetable: no train is at two stations at once, and trips take their periods.
    """
    for heard in fixtures.day.answers:
        fault = range_fault(fixtures.session, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words}, period {heard.period}")
    largest = max((float(heard.z.max(initial=0.0)) for heard in fixtures.day.answers), default=0.0)
    return f"quantities from 0 to {largest:.6g}"
