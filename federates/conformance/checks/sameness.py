"""Checks that nothing but the question decides the answer."""

from __future__ import annotations

from federates.boundary.topics import Role
from federates.conformance.bench import Bench
from federates.conformance.check import OPERATORS, Check
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach
from federates.conformance.life import Kind
from federates.conformance.money import proven_gap_usd, tolerance_usd, value_usd
from federates.conformance.operator_day import OperatorDay
from federates.conformance.replay import Replay, difference

__all__ = ["SAMENESS_CHECKS"]

_SHORT_CALLS, _WHOLE_ANSWERS = 14, 3
"""A long day by rail is expensive: in so many calls arrays are watched, and up to so many whole answers it is held again."""


def _repeatable(bench: Bench) -> str:
    first: dict[tuple[Kind, int, bytes], int] = {}
    answers, repeated, worst = bench.day.answers, 0, 0.0
    for number, heard in enumerate(answers):
        key = (heard.kind, heard.period, heard.asked.tobytes())
        before = answers[first.setdefault(key, number)]
        if before is heard:
            continue
        repeated += 1
        apart = difference(before.answer, heard.answer)
        if apart is None:
            continue
        # A solver with a tolerance may stop elsewhere the second time, but both answers must be as good as they prove to be.
        gap = max(proven_gap_usd(bench.role, before), proven_gap_usd(bench.role, heard))
        off = max(
            abs(value_usd(bench.role, heard) - value_usd(bench.role, before)),
            abs(heard.answer.bound_usd - before.answer.bound_usd),
        )
        if off > gap + tolerance_usd(bench.role, heard) or gap <= tolerance_usd(bench.role, heard):
            raise Breach(apart, f"{heard.words} in period {heard.period}, as before")
        worst = max(worst, off)
    words = "with the same answers" if worst == 0.0 else f"with answers within their proven gaps ({worst:.3g} usd apart)"
    return f"{repeated} questions asked again, {words}"


def _deterministic(bench: Bench) -> str:
    most = None
    if _long(bench):
        whole = [number for number, call in enumerate(bench.main_life().calls) if call.kind is Kind.SOLVE]
        most = whole[_WHOLE_ANSWERS - 1] if len(whole) >= _WHOLE_ANSWERS else None
    _refuse_difference(again := bench.repeated(most=most), "the same calls to a fresh one")
    return f"{again.calls} calls to a fresh one, with the same answers"


def _read_only(bench: Bench) -> str:
    calls = bench.main_life().calls
    for call in calls:
        if call.changed:
            raise Breach("the array that was given came back changed", call.words)
    return f"{len(calls)} calls, whose arrays came back as they were"


def _independent(bench: Bench) -> str:
    _read_only(bench)
    most = _SHORT_CALLS if _long(bench) else None
    _refuse_difference(again := bench.repeated(scribble=True, most=most), "arrays overwritten after each call")
    return f"{again.calls} calls, whose arrays were overwritten afterwards, with the same answers"


def _refuse_difference(again: Replay, asked: str) -> None:
    if again.failure is not None:
        raise Breach(f"{again.failure.words}: {again.failure.error}", asked)
    if again.difference is not None:
        raise Breach(again.difference, asked)


def _long(bench: Bench) -> bool:
    return bench.role in OPERATORS and OperatorDay.is_long(bench.session)


SAMENESS_CHECKS: tuple[Check[Bench], ...] = (
    Check(
        "answers.repeatable",
        "A question that is asked again in the same period, after others, gets the same answer: a repeated message changes"
        " nothing.",
        _repeatable,
        needs=SOUND,
    ),
    Check(
        "answers.deterministic",
        "Two fresh ones answer the same calls alike, given the session's seed.",
        _deterministic,
        needs=("answers.every_round", "answers.finite"),
    ),
    Check(
        "answers.independent",
        "The arrays that are given are neither changed nor kept: what happens to them afterwards does not matter.",
        _independent,
        needs=("answers.every_round", "answers.finite", "answers.deterministic"),
        classes_only=True,
    ),
    Check(
        "traffic.deterministic",
        "Two fresh ones, moved through the same periods, see the same traffic.",
        _deterministic,
        roles=(Role.TRAFFIC,),
        needs=("traffic.finite",),
    ),
    Check(
        "decisions.deterministic",
        "Two fresh ones make the same decisions of the same answers.",
        _deterministic,
        roles=(Role.COORDINATOR,),
        needs=("decisions.valid",),
    ),
    Check(
        "decisions.read_only",
        "The answers that are given are only read, not changed.",
        _read_only,
        roles=(Role.COORDINATOR,),
        needs=("decisions.valid", "decisions.deterministic"),
        classes_only=True,
    ),
)
