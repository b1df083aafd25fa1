"""Checks of a coordinator algorithm, with scripted operators whose joint optimum is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit
from federates.boundary.world import world_of
from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, Does, rules
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.fixtures import Fixtures
from federates.conformance.negotiation import Committed, Negotiated

__all__ = ["DECISION_CHECKS"]

_OF = (Does.COORDINATE,)
_DEFAULT_GAP = 0.01
"""What an algorithm claims by `agreed` if it names no lower bound: `agreed_gap` of broker.yaml where it is left out."""
_ROUNDING = 1e-3


DECISION_CHECKS: list[Check] = []
_rule = rules(DECISION_CHECKS, of=_OF)


@_rule("decisions.in_time", "interface.begin")
def _in_time(fixtures: Fixtures) -> str:
    """Every decision is made within the time limit."""
    calls = [call for call in fixtures.agreeable.caller.calls if call.kind in (Kind.START, Kind.NEXT)]
    slowest = fixtures.slowest_in_time(calls)
    if slowest is None:
        return "no decision was made"
    return f"the slowest of {len(calls)} decisions took {slowest.wall_s:.2g} s of {fixtures.target.limit_s:g} s"


@_rule("decisions.every_round", "interface.begin", "decisions.in_time")
def _every_round(fixtures: Fixtures) -> str:
    """Every answer of the operators is followed by a decision."""
    failure = fixtures.agreeable.failure
    if failure is not None and not failure.late:
        raise Breach(failure.error, failure.words)
    return f"{len(fixtures.agreeable.decisions)} decisions in {len(fixtures.agreeable.periods)} periods"


@_rule("decisions.valid", "decisions.every_round")
def _valid(fixtures: Fixtures) -> str:
    """Every decision is Solve, Evaluate or Commit, its prices and quantities finite and of the session's shape."""
    found = fixtures.agreeable
    if found.malformed is not None:
        raise Breach(found.malformed, "with operators that agree")
    kinds = [type(decision).__name__.lower() for _, decision in found.decisions]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in sorted(set(kinds)))


@_rule("decisions.end", "decisions.valid")
def _ends(fixtures: Fixtures) -> str:
    """Every negotiation ends: with operators that can agree, within 400 rounds."""
    found = fixtures.agreeable
    if found.endless is not None:
        raise Breach(found.endless, "with operators that agree")
    rounds = [period.rounds for period in found.periods]
    return f"{len(rounds)} periods with {', '.join(map(str, rounds))} rounds"


@_rule("plan.feasible", "decisions.end")
def _whole(fixtures: Fixtures) -> str:
    """What is committed is not negative, whole in the opened period (of deliveries of energy their vehicles are), and those who
    offer can carry it out.
    """
    _refuse_broken_plans(fixtures, fixtures.agreeable)
    return f"{len(fixtures.agreeable.periods)} plans committed, whole and possible"


def _refuse_broken_plans(fixtures: Fixtures, found: Negotiated, partners: str = "") -> None:
    for period in found.periods:
        fault = _plan_fault(fixtures, period)
        if fault is not None:
            raise Breach(fault, f"commit in period {period.period}{partners}")


def _plan_fault(fixtures: Fixtures, period: Committed) -> str | None:
    layout, plan = period.operators.layout, period.plan
    for copy in period.copies.values():
        if copy.min(initial=0.0) < 0:
            return f"what is committed has {copy.min():.6g}, must not be negative"
    if np.abs(plan - np.rint(plan))[_must_be_whole(period)].max(initial=0.0) > 1e-6:
        return "what is committed in the opened period must be whole numbers"
    over = layout.residual(period.copies)
    if over.max(initial=0.0) > 1e-6:
        return f"{over.max():.6g} more is given to those who ask than is sent"
    fault = fixtures.kit.offer_fault(fixtures.session, period.period, layout.shaped(plan), period.operators.openings)
    if fault is None and period.operators.cost_usd(period.copies) is None:
        return "those who offer cannot carry the plan out"
    return fault


def _must_be_whole(period: Committed) -> Array:
    """Return where what is committed must be whole, (n,): of what can be divided only where the world rounds it."""
    layout = period.operators.layout
    whole = layout.flat({e.name: float(e.whole) for e in layout.exchanges})
    return np.asarray((whole > 0) | (_slack(period) > 0))


def _slack(period: Committed) -> Array:
    """Return how far what is committed may lie from what was negotiated, (n,)."""
    operators = period.operators
    return operators.layout.flat(world_of(operators.session.world).whole_slack(operators.session, period.period))


@_rule("plan.agreed", "plan.feasible")
def _agreed(fixtures: Fixtures) -> str:
    """A plan is said to be agreed only if it costs at most the claimed gap more than the known joint optimum."""
    if fixtures.target.executable:
        raise DoesNotApply("whether a plan was agreed does not cross the wire")
    worst, agreed = 0.0, 0
    for period in fixtures.agreeable.periods:
        if fixtures.world.plan_lasts(fixtures.session) and period.period > 0:
            continue  # The day is negotiated in its first period.
        if not period.commit.agreed:
            continue
        agreed += 1
        cost, optimum = period.operators.cost_usd(period.copies), period.operators.optimum_usd()
        assert cost is not None
        apart = (cost - optimum) / max(abs(optimum), 1e-9)
        claimed = _claimed_gap(period.commit, cost)
        if apart > claimed + _ROUNDING + _rounding_share(period, optimum):
            raise Breach(
                f"the plan costs {cost:.6g} usd, {apart:.1%} more than the best, {optimum:.6g}; claimed are {claimed:.1%}",
                f"commit in period {period.period}, said to be agreed ({period.commit.reason})",
            )
        worst = max(worst, apart)
    if not agreed:
        return "it never said that the operators agree"
    return f"{agreed} times agreed, at most {worst:.2%} above the known best"


def _claimed_gap(commit: Commit, cost: float) -> float:
    if not np.isfinite(commit.lower_bound_usd):
        return _DEFAULT_GAP
    return max(0.0, (cost - commit.lower_bound_usd) / max(abs(cost), 1e-9))


@_rule("plan.bound", "plan.feasible")
def _bound(fixtures: Fixtures) -> str:
    """A lower bound that comes with a plan lies at most at the known joint optimum."""
    named = 0
    for period in fixtures.agreeable.periods:
        bound, optimum = period.commit.lower_bound_usd, period.operators.optimum_usd()
        if not np.isfinite(bound) or (fixtures.world.plan_lasts(fixtures.session) and period.period > 0):
            continue  # A plan that lasts is negotiated in the first period.
        named += 1
        if bound > optimum + _ROUNDING * max(1.0, abs(optimum)):
            raise Breach(
                f"lower_bound_usd is {bound:.6g}, above the known optimum {optimum:.6g}", f"commit in period {period.period}"
            )
    return f"{named} lower bounds named, none above the known optimum" if named else "it named no lower bound of its own"


def _rounding_share(period: Committed, optimum: float) -> float:
    """Return what whole numbers in the opened period may cost: the slack that the world gives, at a dollar each."""
    return float(_slack(period).sum()) / max(abs(optimum), 1e-9)


def _refuse_broken_off(found: Negotiated, partners: str) -> None:
    """Refuse a negotiation that did not come to its end; ``partners`` says with whom."""
    if found.failure is not None:
        raise Breach(found.failure.error, found.failure.words)
    if broken := found.malformed or found.endless:
        raise Breach(broken, partners)


@_rule("decisions.stubborn", "plan.feasible")
def _stubborn(fixtures: Fixtures) -> str:
    """An operator that never offers anything does not keep a negotiation from ending with a plan that can be carried out."""
    found = fixtures.stubborn
    _refuse_broken_off(found, "with an operator that offers nothing")
    _refuse_broken_plans(fixtures, found, ", with an operator that offers nothing")
    return f"{len(found.periods)} periods end, after at most {max(p.rounds for p in found.periods)} rounds"


@_rule("decisions.unproven", "plan.feasible")
def _unproven(fixtures: Fixtures) -> str:
    """Operators whose bounds leave a gap that nothing closes do not keep a negotiation from ending."""
    found = fixtures.unproven
    _refuse_broken_off(found, "with operators whose bounds leave a gap")
    _refuse_broken_plans(fixtures, found, ", with operators whose bounds leave a gap")
    return f"{len(found.periods)} periods end, after at most {max(p.rounds for p in found.periods)} rounds"


@_rule("day.goes_on", "plan.feasible")
def _day_goes_on(fixtures: Fixtures) -> str:
    """Every period of the day is committed; by rail the plan is kept while every train is where it should be."""
    found = fixtures.agreeable
    if len(found.periods) < fixtures.session.periods:
        raise Breach(f"only {len(found.periods)} of {fixtures.session.periods} periods were committed", "the whole day")
    if fixtures.world.plan_lasts(fixtures.session):
        plans = [period.operators.layout.shaped(period.plan) for period in found.periods]
        for period, (before, after) in enumerate(pairwise(plans), start=1):
            if any((np.rint(before[name][..., 1:]) != np.rint(after[name])).any() for name in after):
                raise Breach("the plan is another one, though every train is where it should be", f"commit in period {period}")
    return f"{len(found.periods)} periods committed"


@_rule("day.late_train", "day.goes_on", whole_only=True)
def _late(fixtures: Fixtures) -> str:
    """After a train was late, the plan is one that it can keep."""
    found = fixtures.delayed
    _refuse_broken_off(found, "with a train that is late")
    if found.late_period is None:
        raise DoesNotApply("no train moves in the plan")
    _refuse_broken_plans(fixtures, found)
    rounds = found.periods[found.late_period].rounds
    return f"a train is late in period {found.late_period}; {rounds} rounds later there is a plan that it can keep"


@_rule("decisions.reason", "decisions.valid")
def _says_why(fixtures: Fixtures) -> str:
    """Every commit says in words why the rounds ended."""
    for words, decision in fixtures.agreeable.decisions:
        if isinstance(decision, Commit) and not (isinstance(decision.reason, str) and decision.reason.strip()):
            raise Breach(f"reason is {decision.reason!r}, must say in words why the rounds ended", words)
    reasons = [period.commit.reason for period in fixtures.agreeable.periods]
    return f"for example: {reasons[0]}" if reasons else "nothing was committed"
