"""Checks of a coordinator algorithm, with scripted operators whose joint optimum is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from federates.boundary.names import RAIL, Role
from federates.boundary.roles import Commit
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.checks.in_time import slowest_in_time
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.life import Kind
from federates.conformance.negotiation import Committed, Negotiated
from federates.conformance.trains import timetable_breach
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["DECISION_CHECKS"]

_ROLES = (Role.COORDINATOR,)
_DEFAULT_GAP = 0.01
"""What an algorithm claims by `agreed` if it names no lower bound: `agreed_gap` of broker.yaml where it is left out."""
_ROUNDING = 1e-3


def _in_time(bench: Bench) -> str:
    calls = [call for call in bench.agreeable.life.calls if call.kind in (Kind.START, Kind.NEXT)]
    slowest = slowest_in_time(bench, calls)
    if slowest is None:
        return "no decision was made"
    return f"the slowest of {len(calls)} decisions took {slowest.wall_s:.2g} s of {bench.target.limit_s:g} s"


def _every_round(bench: Bench) -> str:
    failure = bench.agreeable.failure
    if failure is not None and not failure.late:
        raise Breach(failure.error, failure.words)
    return f"{len(bench.agreeable.decisions)} decisions in {len(bench.agreeable.periods)} periods"


def _valid(bench: Bench) -> str:
    found = bench.agreeable
    if found.malformed is not None:
        raise Breach(found.malformed, "with operators that agree")
    kinds = [type(decision).__name__.lower() for _, decision in found.decisions]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in sorted(set(kinds)))


def _ends(bench: Bench) -> str:
    found = bench.agreeable
    if found.endless is not None:
        raise Breach(found.endless, "with operators that agree")
    rounds = [period.rounds for period in found.periods]
    return f"{len(rounds)} periods with {', '.join(map(str, rounds))} rounds"


def _whole(bench: Bench) -> str:
    _refuse_broken_plans(bench, bench.agreeable)
    return f"{len(bench.agreeable.periods)} plans committed, whole and possible"


def _refuse_broken_plans(bench: Bench, found: Negotiated, partners: str = "") -> None:
    for period in found.periods:
        fault = _plan_fault(bench, period)
        if fault is not None:
            raise Breach(fault, f"commit in period {period.period}{partners}")


def _plan_fault(bench: Bench, period: Committed) -> str | None:
    session, plan = bench.session, period.commit.connection_veh
    part = plan[:, :, 0] if isinstance(session, RoadSession) else plan[:, :, period.period :]
    if part.min(initial=0.0) < 0:
        return f"connection_veh has {part.min():.6g}, must not be negative"
    if np.abs(part - np.rint(part)).max(initial=0.0) > 1e-6:
        return "the opened period of connection_veh must be whole numbers"
    if isinstance(session, RailSession):
        fault = timetable_breach(session, plan, period.pair.places, period.period)  # type: ignore[attr-defined]
        if fault is not None:
            return fault
    if period.pair.cost_usd(plan) is None:
        return "the transport operator cannot carry the plan out"
    return None


def _agreed(bench: Bench) -> str:
    if bench.target.executable:
        raise DoesNotApply("whether a plan was agreed does not cross the wire")
    worst, agreed = 0.0, 0
    for period in bench.agreeable.periods:
        if isinstance(bench.session, RailSession) and period.period > 0:
            continue  # The day is negotiated in its first period.
        if not period.commit.agreed:
            continue
        agreed += 1
        cost, optimum = period.pair.cost_usd(period.commit.connection_veh), period.pair.optimum_usd()
        assert cost is not None
        apart = (cost - optimum) / max(abs(optimum), 1e-9)
        claimed = _claimed_gap(period.commit, cost)
        if apart > claimed + _ROUNDING + _rounding_share(bench, optimum):
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


def _bound(bench: Bench) -> str:
    named = 0
    for period in bench.agreeable.periods:
        bound, optimum = period.commit.lower_bound_usd, period.pair.optimum_usd()
        if not np.isfinite(bound) or (isinstance(bench.session, RailSession) and period.period > 0):
            continue  # By rail the day is negotiated in its first period.
        named += 1
        if bound > optimum + _ROUNDING * max(1.0, abs(optimum)):
            raise Breach(
                f"lower_bound_usd is {bound:.6g}, above the known optimum {optimum:.6g}", f"commit in period {period.period}"
            )
    return f"{named} lower bounds named, none above the known optimum" if named else "it named no lower bound of its own"


def _rounding_share(bench: Bench, optimum: float) -> float:
    """Return what whole vehicles in the opened period may cost: half a vehicle's price for each pair."""
    if isinstance(bench.session, RailSession):
        return 0.0
    pairs = bench.session.connection_shape[0] * bench.session.connection_shape[1]
    return pairs * 0.5 / max(abs(optimum), 1e-9)


def _refuse_broken_off(found: Negotiated, partners: str) -> None:
    """Refuse a negotiation that did not come to its end; ``partners`` says with whom."""
    if found.failure is not None:
        raise Breach(found.failure.error, found.failure.words)
    if broken := found.malformed or found.endless:
        raise Breach(broken, partners)


def _stubborn(bench: Bench) -> str:
    found = bench.stubborn
    _refuse_broken_off(found, "with an operator that offers nothing")
    _refuse_broken_plans(bench, found, ", with an operator that offers nothing")
    return f"{len(found.periods)} periods end, after at most {max(p.rounds for p in found.periods)} rounds"


def _unproven(bench: Bench) -> str:
    found = bench.unproven
    _refuse_broken_off(found, "with operators whose bounds leave a gap")
    _refuse_broken_plans(bench, found, ", with operators whose bounds leave a gap")
    return f"{len(found.periods)} periods end, after at most {max(p.rounds for p in found.periods)} rounds"


def _day_goes_on(bench: Bench) -> str:
    found = bench.agreeable
    if len(found.periods) < bench.session.periods:
        raise Breach(f"only {len(found.periods)} of {bench.session.periods} periods were committed", "the whole day")
    if isinstance(bench.session, RailSession):
        plans = [period.commit.connection_veh for period in found.periods]
        for period, (before, after) in enumerate(pairwise(plans), start=1):
            if (np.rint(before[:, :, period:]) != np.rint(after[:, :, period:])).any():
                raise Breach("the plan is another one, though every train is where it should be", f"commit in period {period}")
    return f"{len(found.periods)} periods committed"


def _late(bench: Bench) -> str:
    found = bench.delayed
    _refuse_broken_off(found, "with a train that is late")
    if found.late_period is None:
        raise DoesNotApply("no train moves in the plan")
    _refuse_broken_plans(bench, found)
    rounds = found.periods[found.late_period].rounds
    return f"a train is late in period {found.late_period}; {rounds} rounds later there is a plan that it can keep"


def _says_why(bench: Bench) -> str:
    for words, decision in bench.agreeable.decisions:
        if isinstance(decision, Commit) and not (isinstance(decision.reason, str) and decision.reason.strip()):
            raise Breach(f"reason is {decision.reason!r}, must say in words why the rounds ended", words)
    reasons = [period.commit.reason for period in bench.agreeable.periods]
    return f"for example: {reasons[0]}" if reasons else "nothing was committed"


def _check(
    name: str, holds: str, run: Callable[[Bench], str], *needs: str, worlds: tuple[World, ...] = tuple(World)
) -> Check[Bench]:
    return Check(name, holds, run, roles=_ROLES, worlds=worlds, needs=needs)


DECISION_CHECKS: tuple[Check[Bench], ...] = (
    _check("decisions.in_time", "Every decision is made within the time limit.", _in_time, "interface.begin"),
    _check(
        "decisions.every_round",
        "Every answer of the operators is followed by a decision.",
        _every_round,
        "interface.begin",
        "decisions.in_time",
    ),
    _check(
        "decisions.valid",
        "Every decision is Solve, Evaluate or Commit, its prices and connections finite and of the session's shape.",
        _valid,
        "decisions.every_round",
    ),
    _check(
        "decisions.end", "Every negotiation ends: with operators that can agree, within 400 rounds.", _ends, "decisions.valid"
    ),
    _check("decisions.reason", "Every commit says in words why the rounds ended.", _says_why, "decisions.valid"),
    _check(
        "plan.feasible",
        "What is committed is whole in the opened period, not negative, and one that the transport operator can carry out.",
        _whole,
        "decisions.end",
    ),
    _check(
        "plan.agreed",
        "A plan is said to be agreed only if it costs at most the claimed gap more than the known joint optimum.",
        _agreed,
        "plan.feasible",
    ),
    _check(
        "plan.bound",
        "A lower bound that comes with a plan lies at most at the known joint optimum.",
        _bound,
        "plan.feasible",
    ),
    _check(
        "day.goes_on",
        "Every period of the day is committed; by rail the plan is kept while every train is where it should be.",
        _day_goes_on,
        "plan.feasible",
    ),
    _check(
        "decisions.stubborn",
        "An operator that never offers anything does not keep a negotiation from ending with a plan that can be carried out.",
        _stubborn,
        "plan.feasible",
    ),
    _check(
        "decisions.unproven",
        "Operators whose bounds leave a gap that nothing closes do not keep a negotiation from ending.",
        _unproven,
        "plan.feasible",
    ),
    _check(
        "day.late_train",
        "After a train was late, the plan is one that it can keep.",
        _late,
        "day.goes_on",
        worlds=(RAIL,),
    ),
)
