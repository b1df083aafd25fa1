"""Checks of how an operator reacts to prices, and whether its bounds bound."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from federates.boundary.topics import Role
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach
from federates.conformance.life import Kind
from federates.conformance.money import priced, proven_gap_usd, sign_of, tolerance_usd, value_usd
from federates.conformance.operator_calls import Answered

__all__ = ["PRICE_CHECKS"]

_ONE_PER_CENT = 0.01
_MOST_GAP_SHARE = 0.05
"""A proven gap excuses a reaction up to this share of the answer's value: who is further off does not answer the prices."""
_SAME_VEH = 1e-6
_SAME = (*SOUND, "answers.repeatable", "answers.deterministic")


def _own_cost(bench: Bench) -> str:
    role, answers, compared = bench.role, bench.day.answers, 0
    evaluated = [heard for heard in answers if heard.kind is Kind.EVALUATE and _uses_all(heard)]
    for solved in (heard for heard in answers if heard.kind is Kind.SOLVE):
        for other in [*evaluated, *(heard for heard in answers if heard.kind is Kind.SOLVE and heard is not solved)]:
            if other.period != solved.period or not _alike(solved, other):
                continue
            compared += 1
            apart = abs(solved.answer.cost_usd - other.answer.cost_usd)
            # Two plans for one connection may differ by a solver's gap. The gap that the solve proves is no measure of it:
            # who counts the prices into the cost has a gap of just their size.
            paid = np.abs(solved.asked * solved.answer.connection_veh).sum()
            allowed = _ONE_PER_CENT * abs(other.answer.cost_usd) + tolerance_usd(role, solved)
            if apart > allowed:
                raise Breach(
                    f"cost_usd is {solved.answer.cost_usd:.6g} for a connection that costs {other.answer.cost_usd:.6g}"
                    f" by {other.words}; prices times connection are {paid:.6g} usd",
                    f"{solved.words} in period {solved.period}",
                )
    return f"{compared} pairs of answers with the same connection, at the same own cost"


def _uses_all(heard: Answered) -> bool:
    return bool(np.abs(heard.answer.connection_veh - heard.asked).max(initial=0.0) <= _SAME_VEH)


def _alike(first: Answered, second: Answered) -> bool:
    apart = np.abs(first.answer.connection_veh - second.answer.connection_veh).max(initial=0.0)
    return bool(apart <= _SAME_VEH * max(1.0, first.answer.connection_veh.max(initial=0.0)))


def _monotone(bench: Bench) -> str:
    role, pairs, moved = bench.role, 0, 0
    for first, second in _priced_pairs(bench.day.answers):
        pairs += 1
        product = (first.asked - second.asked) * (first.answer.connection_veh - second.answer.connection_veh)
        against = sign_of(role) * float(product.sum())
        excused = sum(min(proven_gap_usd(role, h), _MOST_GAP_SHARE * abs(value_usd(role, h))) for h in (first, second))
        rounding = tolerance_usd(role, first, second.asked) + tolerance_usd(role, second, first.asked)
        moved += int(np.abs(product).max(initial=0.0) > 0)
        if against > excused + rounding:
            direction = (
                "asks for more where prices are higher" if role is Role.POWER_OPERATOR else "offers less where prices are higher"
            )
            raise Breach(
                f"it {direction}: price change times change of connection is {against:+.6g} usd,"
                f" at most {excused:.3g} is excused",
                f"{first.words}, then {second.words}, in period {first.period}",
            )
    return f"{pairs} pairs of prices, of which {moved} moved the connection, all the right way"


def _priced_pairs(answers: list[Answered]) -> Iterator[tuple[Answered, Answered]]:
    """Yield pairs of answers to prices of the same kind and period."""
    for kind in (Kind.SOLVE, Kind.RELAX):
        for first, second in combinations([heard for heard in answers if heard.kind is kind], 2):
            if first.period == second.period:
                yield first, second


def _bound(bench: Bench) -> str:
    role, answers, compared, closest = bench.role, bench.day.answers, 0, np.inf
    for heard in answers:
        if heard.kind is Kind.EVALUATE:
            _own_bound(role, heard)
            compared += _plane(heard, answers)
            continue
        for other in answers:
            # What a relaxation answers need be no connection that there is, and its cost that of no plan: it is held to its own
            # bound only.
            if other.period != heard.period or (other.kind is Kind.RELAX and other is not heard):
                continue
            compared += 1
            value = priced(role, heard.asked, other.answer.connection_veh, other.answer.cost_usd)
            room = value - heard.answer.bound_usd
            if room < -tolerance_usd(role, heard) - tolerance_usd(role, other, heard.asked):
                what = "its own answer" if other is heard else f"the connection of {other.words}"
                raise Breach(
                    f"bound_usd is {heard.answer.bound_usd:.8g}, but {what} has the value {value:.8g} at these prices",
                    f"{heard.words} in period {heard.period}",
                )
            closest = min(closest, room)
    return f"{compared} comparisons; the closest value lies {closest:.3g} usd above its bound"


def _own_bound(role: Role, heard: Answered) -> None:
    if heard.answer.bound_usd > heard.answer.cost_usd + tolerance_usd(role, heard):
        raise Breach(
            f"bound_usd {heard.answer.bound_usd:.8g} lies above cost_usd {heard.answer.cost_usd:.8g}",
            f"{heard.words} in period {heard.period}",
        )


def _plane(heard: Answered, answers: list[Answered]) -> int:
    """Check that the plane of an answer to a connection lies nowhere above a cost that is known; return how many are."""
    slope = heard.answer.slope_usd_per_veh
    if slope is None:
        return 0
    others = [other for other in answers if other.kind in (Kind.EVALUATE, Kind.SOLVE) and other.period == heard.period]
    for other in others:
        connection = other.asked if other.kind is Kind.EVALUATE else other.answer.connection_veh
        steps = slope * (connection - heard.asked)
        plane = heard.answer.bound_usd + float(steps.sum())
        rounding = tolerance_usd(Role.POWER_OPERATOR, other) + 1e-6 * float(np.abs(steps).sum())
        if plane > other.answer.cost_usd + rounding + tolerance_usd(Role.POWER_OPERATOR, heard):
            raise Breach(
                f"its plane has {plane:.8g} usd at the connection of {other.words}, which costs {other.answer.cost_usd:.8g}",
                f"{heard.words} in period {heard.period}",
            )
    return len(others)


PRICE_CHECKS: tuple[Check[Bench], ...] = (
    Check(
        "answers.own_cost",
        "cost_usd is the operator's own cost, without prices: the same for the same connection, whatever was paid for it.",
        _own_cost,
        needs=_SAME,
    ),
    Check(
        "prices.monotone",
        "Higher prices never make the power operator ask for more, nor the transport operator offer less, beyond proven gaps.",
        _monotone,
        needs=_SAME,
    ),
    Check(
        "bound.proven",
        "bound_usd bounds: no connection seen has a lower value at the prices asked, and no slope's plane lies above a known"
        " cost.",
        _bound,
        needs=(*_SAME, "evaluate.within", "answers.own_cost", "prices.monotone"),
    ),
)
