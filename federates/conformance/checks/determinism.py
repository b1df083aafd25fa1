"""Checks that nothing but the question decides the answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from federates.conformance.call_recorder import Call, Kind
from federates.conformance.check import Check, Does, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.elsewhere import Again
from federates.conformance.entries import Answered, Entries, proven_gap_usd, tolerance_usd, value_usd
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.fixtures import Fixtures
from federates.conformance.operator_day import EXCHANGED, is_long
from federates.conformance.replay import Replay, difference
from federates.conformance.second_process import UnknownThereError

__all__ = ["DETERMINISM_CHECKS"]

_MOST_GAP_SHARE = 0.002
"""A proven gap excuses another answer up to this share of its value: gaps of solvers are smaller."""
_MOST_STATE_SHARE = 0.05
"""And up to this one where a plan with a gap was carried out before: another one as good leaves another state, in which what
really comes may cost a shortage more or less, and nobody says what was spent until then."""
_QUESTIONS = (Kind.SOLVE, Kind.RELAX, Kind.EVALUATE)
_UNASKED = "the same day, but one question only in every other period"
_SOLVERS_DIGITS = 1e-6
_MOST_OBJECTS_BYTES, _MOST_PROCESS_BYTES = 200_000, 2_000_000
"""A round may keep so much: Python's objects are counted exactly, a process also takes what it will use again."""
_SHORT_CALLS, _WHOLE_ANSWERS = 14, 3
"""A long day by rail is expensive: in so many calls arrays are watched, and up to so many whole answers it is held again."""


DETERMINISM_CHECKS: list[Check] = []
_rule = rules(DETERMINISM_CHECKS)


@_rule("answers.repeatable", *SOUND)
def _repeatable(fixtures: Fixtures) -> str:
    """A question that is asked again in the same period, after others, gets the same answer: a repeated message changes
    nothing.
    """
    first: dict[tuple[Kind, int, bytes], int] = {}
    answers, repeated, worst = fixtures.day.answers, 0, 0.0
    for number, heard in enumerate(answers):
        key = (heard.kind, heard.period, heard.asked.tobytes())
        before = answers[first.setdefault(key, number)]
        if before is heard:
            continue
        repeated += 1
        apart = difference(before.answer, heard.answer)
        if apart is None:
            continue
        off, allowed = _apart_usd(before, heard)
        if off > allowed:
            raise Breach(apart, f"{heard.words} in period {heard.period}, as before")
        worst = max(worst, off)
    words = "with the same answers" if worst == 0.0 else f"with answers within their proven gaps ({worst:.3g} usd apart)"
    return f"{repeated} questions asked again, {words}"


def _apart_usd(first: Answered, second: Answered, before_usd: float = 0.0) -> tuple[float, float]:
    """Return how far the values of two answers to one question are apart, and how far they may be, usd.

    A solver with a tolerance may stop elsewhere the second time, but both answers must be as good as they prove to be. Where a
    plan with a proven gap, ``before_usd``, was carried out before, another one as good may have left another state.
    """
    rounding = tolerance_usd(second)
    gap = min(max(proven_gap_usd(first), proven_gap_usd(second)), _MOST_GAP_SHARE * abs(value_usd(first)))
    if before_usd > rounding:
        gap = max(gap, _MOST_STATE_SHARE * abs(value_usd(first)))
    values = abs(value_usd(second) - value_usd(first))
    off = max(values, abs(second.answer.bound_usd - first.answer.bound_usd))
    return off, gap + rounding if gap > rounding else -1.0


@_rule(
    "decisions.deterministic",
    "decisions.valid",
    of=(Does.COORDINATE,),
    holds="Two fresh ones make the same decisions of the same answers, also in another process.",
)
@_rule(
    "traffic.deterministic",
    "traffic.finite",
    of=(Does.MODEL,),
    holds="Two fresh ones, moved through the same periods, see the same traffic, also in another process.",
)
@_rule(
    "reports.deterministic",
    "reports.range",
    of=(Does.REPORT,),
    holds="Two fresh ones, told the same, say the same, also in another process.",
)
@_rule(
    "answers.deterministic",
    "answers.every_round",
    "answers.finite",
    "answers.repeatable",
    holds="Two fresh ones answer the same calls alike, given the session's seed; a class also in another process, where hashes"
    " are others.",
)
def _deterministic(fixtures: Fixtures) -> str:
    most = None
    if _long(fixtures):
        whole = [number for number, call in enumerate(fixtures.main_caller().calls) if call.kind is Kind.SOLVE]
        most = whole[_WHOLE_ANSWERS - 1] if len(whole) >= _WHOLE_ANSWERS else None
    elsewhere = fixtures.repeated_elsewhere(most)
    _refuse_difference(again := fixtures.repeated(most=most), "the same calls to a fresh one")
    if isinstance(elsewhere, str):
        return f"{again.calls} calls to a fresh one, with the same answers; {elsewhere}"
    try:
        again_there = elsewhere.result()
    except UnknownThereError as reason:
        return f"{again.calls} calls to a fresh one, with the same answers; not tried in a second process: {reason}"
    _refuse_difference(again_there, "the same calls to a fresh one in another process")
    return f"{again.calls} calls to a fresh one, and in another process, with the same answers"


@_rule("answers.forgetful", *SOUND, "answers.repeatable", "answers.deterministic", "answers.independent")
def _forgets(fixtures: Fixtures) -> str:
    """What is asked in one period does not change the answers of the next: only what was committed and seen does."""
    # Live the day again with one question only in some periods, and compare the answers of the others.
    periods = sorted({heard.period for heard in fixtures.day.answers})
    compared = 0
    gaps_usd = [(heard.period, proven_gap_usd(heard)) for heard in fixtures.day.answers if heard.kind is Kind.EVALUATE]

    def differs(call: Call, answer: Any) -> str | None:
        apart = difference(call.answer, answer, relative=_SOLVERS_DIGITS)
        if apart is None or call.kind not in _QUESTIONS:
            return apart
        entries = Entries(fixtures.session, fixtures.role, call.period)
        asked = entries.flat(call.args[0])
        pair = [Answered(call.kind, call.period, call.words, asked, said, entries, {}) for said in (call.answer, answer)]
        before_usd = max((gap for period, gap in gaps_usd if period < call.period), default=0.0)
        off, allowed = _apart_usd(pair[0], pair[1], before_usd)
        return apart if off > allowed else None

    for whole in (periods[1::2], periods[2::2]):  # The first period has none before it.
        calls = _with_one_question(fixtures, set(whole))
        again = fixtures.answered_again(calls, differs)
        if again.failure is not None:
            raise Breach(f"{again.failure.words}: {again.failure.error}", _UNASKED)
        if again.difference is not None:
            raise Breach(again.difference, _UNASKED)
        compared += again.calls
    return f"{compared} answers, the same with a single question in the periods before"


def _with_one_question(fixtures: Fixtures, whole: set[int]) -> list[Call]:
    """Return the calls of the day; of the questions all in the periods ``whole``, and the last in the others.

    A transport operator may take the partner's opening from a question, and a whole answer on a long day is too dear.
    """
    calls = fixtures.main_caller().calls
    last = {call.period: number for number, call in enumerate(calls) if call.kind in _QUESTIONS}
    return [
        call
        for number, call in enumerate(calls)
        if call.kind not in _QUESTIONS
        or number == last[call.period]
        or (call.period in whole and not (_long(fixtures) and call.kind is Kind.SOLVE))
    ]


@_rule("answers.memory", "answers.deterministic", classes_only=True)
def _memory(fixtures: Fixtures) -> str:
    """The same questions asked again and again take no more memory every time."""
    pending = fixtures.growth_elsewhere()
    if isinstance(pending, str):
        raise DoesNotApply(pending)
    try:
        growth = pending.result()
    except UnknownThereError as reason:
        raise DoesNotApply(f"not tried in a second process: {reason}") from None
    each = max(1, growth.repeats)
    for words, size, most in (
        ("objects", growth.objects_bytes, _MOST_OBJECTS_BYTES),
        ("the process", growth.process_bytes, _MOST_PROCESS_BYTES),
    ):
        if size > each * most:
            seen = f"{words} took {size / each / 1e6:.3g} MB more every time"
            raise Breach(seen, f"the same questions {growth.repeats} times, after a warm-up")
    return f"the same questions {growth.repeats} times: {growth.objects_bytes / each / 1e3:.3g} kB more each"


@_rule("decisions.read_only", "decisions.valid", "decisions.deterministic", of=(Does.COORDINATE,), classes_only=True)
def _read_only(fixtures: Fixtures) -> str:
    """The answers that are given are only read, not changed."""
    calls = fixtures.main_caller().calls
    for call in calls:
        if call.changed:
            raise Breach("the array that was given came back changed", call.words)
    return f"{len(calls)} calls, whose arrays came back as they were"


@_rule("reports.independent", "reports.range", "reports.deterministic", of=(Does.REPORT,), classes_only=True)
@_rule("answers.independent", "answers.every_round", "answers.finite", "answers.deterministic", classes_only=True)
def _independent(fixtures: Fixtures) -> str:
    """The arrays that are given are neither changed nor kept: what happens to them afterwards does not matter."""
    _read_only(fixtures)
    most = _SHORT_CALLS if _long(fixtures) else None
    _refuse_difference(again := fixtures.repeated(scribble=True, most=most), "arrays overwritten after each call")
    return f"{again.calls} calls, whose arrays were overwritten afterwards, with the same answers"


def _refuse_difference(again: Replay | Again, asked: str) -> None:
    if again.failure is not None:
        raise Breach(f"{again.failure.words}: {again.failure.error}", asked)
    if again.difference is not None:
        raise Breach(again.difference, asked)


def _long(fixtures: Fixtures) -> bool:
    return fixtures.role in fixtures.world.operators and is_long(fixtures.session)


@_rule("alike.exchanged", *SOUND, "answers.repeatable", "answers.deterministic", "bound.proven", whole_only=True)
def _exchanged(fixtures: Fixtures) -> str:
    """Trains of one kind and one home are interchangeable: asked the same of the one as of the other, it says the same."""
    pairs = [pair for pair in pairwise(fixtures.day.answers) if EXCHANGED in pair[1].words]
    if not pairs:
        raise DoesNotApply("nothing is interchangeable: no two trains of one kind and home are in one place")
    for own, twin in pairs:
        for heard, other in ((own, twin), (twin, own)):
            fault = _bound_fault(heard, other) or _route_fault(heard, other)
            if fault is not None:
                raise Breach(fault, f"{own.words}, then {twin.words}, in period {own.period}")
    return f"{len(pairs)} questions asked of the one train, then of the other"


def _bound_fault(heard: Answered, other: Answered) -> str | None:
    """Return how the one train costs less than the least that the other can cost."""
    value_other = value_usd(other)
    if heard.answer.bound_usd <= value_other + tolerance_usd(heard) + tolerance_usd(other):
        return None
    return f"{heard.answer.bound_usd:.8g} usd is the least for one train, but {value_other:.8g} usd is enough for the other"


def _route_fault(heard: Answered, other: Answered) -> str | None:
    """Return how what can be had of the one train cannot be had of the other."""
    offers = ~heard.entries.asks
    if not offers.any() or heard.kind is not Kind.EVALUATE:
        return None
    met, met_other = (float(np.minimum(h.asked, h.z)[offers].sum()) for h in (heard, other))
    return f"the one train meets {met:g} of the stands asked for, the other {met_other:g}" if abs(met - met_other) > 0.5 else None
