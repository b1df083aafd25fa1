"""Checks of what is carried out: plans and delays."""

from __future__ import annotations

from federates.boundary.exchange import Moment
from federates.boundary.names import Role
from federates.conformance.bench import Bench
from federates.conformance.check import Check, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.values import answer_fault, range_fault

__all__ = ["CARRIED_OUT_CHECKS"]


CARRIED_OUT_CHECKS: list[Check] = []
_rule = rules(CARRIED_OUT_CHECKS)


@_rule("commit.feasible", *SOUND, roles=(Role.TRANSPORT_OPERATOR,))
def _feasible(bench: Bench) -> str:
    """What is committed is carried out: on the road every vehicle of every pair is led by known links, in an order that one
    road can have; by rail the trains are next where the plan has them, or late on the way there.
    """
    commits = bench.day.commits
    if (fault := bench.kit.commit_fault(bench.session, dict(bench.day.openings), commits)) is not None:
        raise Breach(*fault)
    first = sum(float(values[..., 0].sum()) for _, plan, _ in commits for values in plan.values())
    return f"{len(commits)} periods committed, {first:g} in all of the opened ones, carried out"


@_rule("day.late", *SOUND, "answers.repeatable", "answers.deterministic", "answers.independent")
def _late(bench: Bench) -> str:
    """Delays are taken in: vehicles that do not arrive when they should, jammed roads, a train that comes a period later."""
    if not any(bench.world.told(bench.role, moment) for moment in (Moment.OPENING, Moment.OBSERVATION)):
        raise DoesNotApply("it hears of nothing that could be late: by rail lateness comes from the transport operator itself")
    day = bench.delayed_day
    if day.failure is not None:
        raise Breach(day.failure.error, f"{day.failure.words}, after a delay")
    for heard in day.answers:
        fault = answer_fault(heard.entries, heard.answer) or range_fault(bench.session, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words}, after a delay")
    return f"{len(day.answers)} questions answered and {len(day.commits)} periods committed"
