"""Checks of how an operator reacts to prices, and whether its bounds bound."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.entries import Answered, priced, proven_gap_usd, tolerance_usd, value_usd
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures

__all__ = ["PRICE_CHECKS"]

_MOST_GAP_SHARE = 0.05
"""A proven gap excuses a reaction up to this share of the answer's value: who is further off does not answer the prices."""
_MOST_MISSED_SHARE = 0.02
"""A proven gap excuses that a better connection is known up to this share."""
_SAME_PLAN_SHARE = 0.002
"""Two plans for one connection may differ by proven gaps up to this share of the cost: gaps of solvers are smaller."""
_SAME_VEH = 1e-6
_SAME = (*SOUND, "answers.repeatable", "answers.deterministic")


PRICE_CHECKS: list[Check] = []
_rule = rules(PRICE_CHECKS)


@_rule("answers.own_cost", *_SAME, "evaluate.within", "evaluate.falling")
def _own_cost(fixtures: Fixtures) -> str:
    """cost_usd is the operator's own cost, without prices: the same for the same quantities, whatever was paid for them."""
    compared = 0
    answers = [heard for heard in fixtures.day.answers if heard.kind is not Kind.RELAX]
    for first, second in combinations(answers, 2):
        if first.period != second.period or not _alike(first, second):
            continue
        compared += 1
        less, more = sorted((first, second), key=lambda heard: heard.answer.cost_usd)
        apart = more.answer.cost_usd - less.answer.cost_usd
        excused = min(proven_gap_usd(more), _SAME_PLAN_SHARE * abs(less.answer.cost_usd))
        if apart > excused + tolerance_usd(more) + tolerance_usd(less):
            asked = more if more.kind is Kind.SOLVE else less
            paid = 0.0 if asked.kind is not Kind.SOLVE else np.abs(asked.asked * asked.z).sum()
            raise Breach(
                f"cost_usd is {more.answer.cost_usd:.8g} for quantities that cost {less.answer.cost_usd:.8g} by {less.words};"
                f" prices times quantities are {paid:.6g} usd",
                f"{more.words} in period {more.period}",
            )
    return f"{compared} pairs of answers with the same quantities, at the same own cost"


def _alike(first: Answered, second: Answered) -> bool:
    apart = np.abs(first.z - second.z).max(initial=0.0)
    return bool(apart <= _SAME_VEH * max(1.0, first.z.max(initial=0.0)))


@_rule("prices.monotone", *_SAME)
def _monotone(fixtures: Fixtures) -> str:
    """Higher prices never make an operator ask for more, nor offer less, beyond proven gaps."""
    pairs, moved = 0, 0
    for first, second in _priced_pairs(fixtures.day.answers):
        pairs += 1
        product = (first.asked - second.asked) * (first.z - second.z)
        against = float((first.entries.sign * product).sum())
        excused = sum(min(proven_gap_usd(h), _MOST_GAP_SHARE * abs(value_usd(h))) for h in (first, second))
        rounding = tolerance_usd(first, second.asked) + tolerance_usd(second, first.asked)
        moved += int(np.abs(product).max(initial=0.0) > 0)
        if against > excused + rounding:
            ways = {True: "asks for more where prices are higher", False: "offers less where prices are higher"}
            direction = " or ".join(ways[asks] for asks in sorted(set(first.entries.asks.tolist()), reverse=True))
            raise Breach(
                f"it {direction}: price change times change of quantities is {against:+.6g} usd,"
                f" at most {excused:.3g} is excused",
                f"{first.words}, then {second.words}, in period {first.period}",
            )
    return f"{pairs} pairs of prices, of which {moved} moved the quantities, all the right way"


def _priced_pairs(answers: list[Answered]) -> Iterator[tuple[Answered, Answered]]:
    """Yield pairs of answers to prices of the same kind and period."""
    for kind in (Kind.SOLVE, Kind.RELAX):
        for first, second in combinations([heard for heard in answers if heard.kind is kind], 2):
            if first.period == second.period:
                yield first, second


@_rule("prices.best", *_SAME, "evaluate.within", "answers.own_cost", "prices.monotone")
def _best(fixtures: Fixtures) -> str:
    """The answer to prices is the best at these prices: no other quantities that are known are better, beyond proven gaps."""
    # Compare each answer to prices with all other quantities whose cost is known.
    compared = 0
    for heard in (heard for heard in fixtures.day.answers if heard.kind is Kind.SOLVE):
        value = value_usd(heard)
        excused = min(proven_gap_usd(heard), _MOST_MISSED_SHARE * abs(value))
        for other in fixtures.day.answers:
            if other.period != heard.period or other.kind is Kind.RELAX or other is heard:
                continue
            compared += 1
            better = priced(heard, other)
            if better < value - excused - tolerance_usd(heard) - tolerance_usd(other, heard.asked):
                raise Breach(
                    f"its answer has the value {value:.8g} usd at these prices, that of {other.words} {better:.8g};"
                    f" {excused:.3g} are excused",
                    f"{heard.words} in period {heard.period}",
                )
    return f"{compared} comparisons with other quantities, none of them better"


@_rule("bound.proven", *_SAME, "evaluate.within", "answers.own_cost", "prices.monotone", "prices.best")
def _bound(fixtures: Fixtures) -> str:
    """bound_usd bounds: no quantities seen have a lower value at the prices asked, and no slope's plane lies above a known
    cost.
    """
    answers, compared, closest = fixtures.day.answers, 0, np.inf
    for heard in answers:
        if heard.kind is Kind.EVALUATE:
            _own_bound(heard)
            compared += _plane(heard, answers)
            continue
        for other in answers:
            # What a relaxation answers need be no connection that there is, and its cost that of no plan: it is held to its own
            # bound only.
            if other.period != heard.period or (other.kind is Kind.RELAX and other is not heard):
                continue
            compared += 1
            value = priced(heard, other)
            room = value - heard.answer.bound_usd
            if room < -tolerance_usd(heard) - tolerance_usd(other, heard.asked):
                what = "its own answer" if other is heard else f"what came of {other.words}"
                raise Breach(
                    f"bound_usd is {heard.answer.bound_usd:.8g}, but {what} has the value {value:.8g} at these prices",
                    f"{heard.words} in period {heard.period}",
                )
            closest = min(closest, room)
    return f"{compared} comparisons; the closest value lies {closest:.3g} usd above its bound"


def _own_bound(heard: Answered) -> None:
    if heard.answer.bound_usd > heard.answer.cost_usd + tolerance_usd(heard):
        raise Breach(
            f"bound_usd {heard.answer.bound_usd:.8g} lies above cost_usd {heard.answer.cost_usd:.8g}",
            f"{heard.words} in period {heard.period}",
        )


def _plane(heard: Answered, answers: list[Answered]) -> int:
    """Check that what bounds the cost of quantities lies nowhere above a cost that is known; return how many are.

    With a slope it bounds the cost of all quantities, without one that of the same.
    """
    slope, asks = heard.slope, heard.entries.asks
    others = [other for other in answers if other.kind is not Kind.RELAX and other.period == heard.period]
    compared = 0
    for other in others:
        # Who offers has the cost of what it sends, who asks that of what it is given.
        given = np.where(asks, other.asked, other.z) if other.kind is Kind.EVALUATE else other.z
        asked = np.where(asks, heard.asked, heard.z)
        if slope is None and np.abs(given - asked).max(initial=0.0) > _SAME_VEH:
            continue
        compared += 1
        steps = np.zeros(1) if slope is None else slope * (given - asked)
        plane = heard.answer.bound_usd + float(steps.sum())
        rounding = tolerance_usd(other) + 1e-6 * float(np.abs(steps).sum())
        if plane > other.answer.cost_usd + rounding + tolerance_usd(heard):
            raise Breach(
                f"it bounds the cost of what came of {other.words} by {plane:.8g} usd, which costs {other.answer.cost_usd:.8g}",
                f"{heard.words} in period {heard.period}",
            )
    return compared
