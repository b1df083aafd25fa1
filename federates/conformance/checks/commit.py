"""Checks of what is carried out: plans and delays."""

from __future__ import annotations

from federates.boundary.exchange import Moment
from federates.conformance.check import Check, Does, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.fixtures import Fixtures
from federates.conformance.values import answer_fault, range_fault

__all__ = ["COMMIT_CHECKS"]


COMMIT_CHECKS: list[Check] = []
_rule = rules(COMMIT_CHECKS)


@_rule("commit.feasible", *SOUND, of=(Does.OFFER,))
def _feasible(fixtures: Fixtures) -> str:
    """What is committed is carried out: on the road every vehicle of every pair is led by known links, in an order that one
    road can have; by rail the trains are next where the plan has them, or late on the way there.
    """
    commits = fixtures.day.commits
    if (fault := fixtures.kit.commit_fault(fixtures.session, dict(fixtures.day.openings), commits)) is not None:
        raise Breach(*fault)
    first = sum(float(values[..., 0].sum()) for _, plan, _ in commits for values in plan.values())
    return f"{len(commits)} periods committed, {first:g} in all of the opened ones, carried out"


@_rule("day.late", *SOUND, "answers.repeatable", "answers.deterministic", "answers.independent")
def _late(fixtures: Fixtures) -> str:
    """Delays are taken in: vehicles that do not arrive when they should, jammed roads, a train that comes a period later."""
    if not any(fixtures.world.told(fixtures.role, moment) for moment in (Moment.OPENING, Moment.OBSERVATION)):
        raise DoesNotApply("it hears of nothing that could be late: by rail lateness comes from the transport operator itself")
    day = fixtures.delayed_day
    if day.failure is not None:
        raise Breach(day.failure.error, f"{day.failure.words}, after a delay")
    for heard in day.answers:
        fault = answer_fault(heard.entries, heard.answer) or range_fault(fixtures.session, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words}, after a delay")
    return f"{len(day.answers)} questions answered and {len(day.commits)} periods committed"
