"""Checks of what an operator makes of a connection that it is given, possible or not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, Does, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.entries import Answered, proven_gap_usd, tolerance_usd
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures
from federates.conformance.operator_day import Day
from federates.conformance.replay import difference
from federates.conformance.values import answer_fault, range_fault

__all__ = ["EVALUATE_CHECKS"]

_TOLERANCE = 1e-6
_MOST_GAP_SHARE = 0.01
_HALF = 0.5


EVALUATE_CHECKS: list[Check] = []
_rule = rules(EVALUATE_CHECKS)


@_rule("evaluate.within", *SOUND)
def _within(fixtures: Fixtures) -> str:
    """What is asked for is used at most as far as it is given; of what can be divided at most what is asked is sent; and
    whatever an operator has offered at prices itself it can send, by rail all stands of it.
    """
    evaluated = [heard for heard in fixtures.day.answers if heard.kind is Kind.EVALUATE]
    for heard in evaluated:
        fault = _within_fault(fixtures, fixtures.day, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words} in period {heard.period}")
    return f"{len(evaluated)} times quantities given"


def _within_fault(fixtures: Fixtures, day: Day, heard: Answered) -> str | None:
    """Return how more is used or sent than was given, or less sent than was offered at prices.

    An offer that is carried out as a whole may be more than was asked of it.
    """
    z, given, entries = heard.z, heard.asked, heard.entries
    most = _TOLERANCE * max(1.0, float(np.abs(given).max(initial=0.0)))
    rounded = {name: np.zeros(shape) for name, shape in entries.shapes.items()}
    for name, amount in fixtures.kit.rounded_away(fixtures.session).items():
        if name in rounded:
            rounded[name][:] = amount
    missing = np.where(entries.asks, 0.0, given - z - entries.flat(rounded))
    if _is_own_offer(day, heard) and missing.max(initial=0.0) > np.where(entries.whole, _HALF, most)[missing.argmax()]:
        return f"{missing.max():.6g} of what it offered itself at prices is not sent"
    over = np.where(entries.whole & ~entries.asks, 0.0, z - given)
    if over.max(initial=0.0) <= most:
        return None
    at = int(over.argmax())
    verb = "uses" if entries.asks[at] else "sends"
    return f"it {verb} {z[at]:.6g} of entry {at}, where {given[at]:.6g} is given"


def _is_own_offer(day: Day, heard: Answered) -> bool:
    """Return whether the operator itself has answered this to prices in this period."""
    solved = (other for other in day.answers if other.kind is Kind.SOLVE and other.period == heard.period)
    return any(np.abs(other.z - heard.asked).max(initial=0.0) <= _TOLERANCE for other in solved)


@_rule(
    "evaluate.falling",
    *SOUND,
    "answers.repeatable",
    "answers.deterministic",
    of=(Does.ASK, Does.TRADE),
)
def _falling(fixtures: Fixtures) -> str:
    """The cost of who asks never rises because more is given: it need not use it. That of a fleet never falls, either, because
    more is delivered.
    """
    pairs = 0
    evaluated = [heard for heard in fixtures.day.answers if heard.kind is Kind.EVALUATE]
    for first, second in combinations(evaluated, 2):
        if first.period != second.period:
            continue
        for less, more in ((first, second), (second, first)):
            if not _is_easier(more, less):
                continue
            pairs += 1
            excused = min(proven_gap_usd(more), _MOST_GAP_SHARE * abs(more.answer.cost_usd))
            if more.answer.cost_usd > less.answer.cost_usd + excused + tolerance_usd(more):
                sends = " and no more is sent" if not less.entries.asks.all() else ""
                costs = f"from {less.answer.cost_usd:.8g} to {more.answer.cost_usd:.8g}"
                raise Breach(
                    f"cost_usd rises {costs} though more is given{sends}",
                    f"{less.words}, then {more.words}, in period {less.period}",
                )
    return f"{pairs} pairs of quantities, one within the other"


def _is_easier(first: Answered, second: Answered) -> bool:
    """Return whether the first question was the easier one: at least as much was given of what is asked for, no more is sent."""
    asks = first.entries.asks
    gives_more = (second.asked <= first.asked)[asks].all()
    sends_less = (first.z <= second.z)[~asks].all()
    return bool(gives_more and sends_less and not np.array_equal(first.asked, second.asked))


@_rule("evaluate.infeasible", *SOUND, "answers.repeatable", "answers.deterministic", "evaluate.within")
def _infeasible(fixtures: Fixtures) -> str:
    """A demand that nobody can meet (a million vehicles, a train everywhere at once) is answered, by the same rules, and
    leaves no trace.
    """
    day = fixtures.rough_day
    if day.failure is not None:
        raise Breach(day.failure.error, day.failure.words)
    for heard in day.answers:
        fault = answer_fault(heard.entries, heard.answer) or range_fault(fixtures.session, heard)
        fault = fault or _within_fault(fixtures, day, heard)
        if fault is not None:
            raise Breach(fault, heard.words)
    ordinary = [heard for heard in day.answers if "modest" in heard.words and heard.period == day.answers[-1].period]
    apart = difference(ordinary[0].answer, ordinary[-1].answer)
    if apart is not None and proven_gap_usd(ordinary[0]) <= tolerance_usd(ordinary[0]):
        raise Breach(f"afterwards an ordinary question gets another answer: {apart}", ordinary[-1].words)
    return "; ".join(
        f"{heard.words.removeprefix('evaluate ')}: {heard.answer.cost_usd:.6g} usd"
        for heard in day.answers
        if all(heard is not other for other in ordinary)
    )
