"""What is done in a second process: the same calls again, and one question many times."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from federates.conformance.call_recorder import Call, CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.class_target import ClassTarget
from federates.conformance.replay import replay, replayable
from federates.conformance.second_process import Job, Pending, start

__all__ = ["Again", "Growth", "growth_elsewhere", "replay_elsewhere"]

_LEAST_S = 150.0
_WARM_UP, _FEWEST, _MOST, _BUDGET_S = 3, 5, 20, 0.5


@dataclass(frozen=True)
class Again:
    """What came of the same calls in a second process."""

    calls: int
    difference: str | None
    failure: Failure | None


@dataclass(frozen=True)
class Growth:
    """How much memory ``repeats`` times the same questions took: of Python's objects, and of the process, bytes."""

    repeats: int
    objects_bytes: int
    process_bytes: int


def replay_elsewhere(target: ClassTarget, calls: Sequence[Call], most: int | None) -> Pending:
    """Begin to make the same calls in a second process."""
    return start(_job(target, _replay, (target, replayable(calls), most), 3.0 * sum(call.wall_s for call in calls)))


def growth_elsewhere(target: ClassTarget, calls: Sequence[Call]) -> Pending:
    """Begin to ask the first questions of a day many times in a second process."""
    return start(_job(target, _grow, (target, _questions(calls)), 0.0))


def _job(target: ClassTarget, function: object, arguments: tuple[object, ...], more_s: float) -> Job:
    classes = [*reversed(target.cls.__mro__), type(target.settings)]
    assert callable(function)
    return Job(function, arguments, tuple(classes), target.folder, _LEAST_S + more_s)


def _replay(target: ClassTarget, calls: list[Call], most: int | None) -> Again:
    found = replay(target, calls, most=most)
    return Again(found.calls, found.difference, found.failure)


def _questions(calls: Sequence[Call]) -> list[Call]:
    """Return the opening of period 0, and the first question of each kind in it."""
    first: dict[Kind, Call] = {}
    for call in calls:
        if call.period == 0 and call.kind in (Kind.OPEN, Kind.EVALUATE, Kind.RELAX, Kind.SOLVE):
            first.setdefault(call.kind, call)
    return list(first.values())


def _grow(target: ClassTarget, calls: list[Call]) -> Growth:
    caller = CallRecorder(target)
    with caller:
        try:
            caller.begin()
            opening, *questions = calls
            caller.ask(opening.kind, opening.words, *opening.args, told=opening.told)
            return _asked_often(caller, questions)
        except CallFailedError:
            return Growth(0, 0, 0)  # Other checks say it.


def _asked_often(caller: CallRecorder, questions: Sequence[Call]) -> Growth:
    def ask() -> None:
        for call in questions:
            caller.ask(call.kind, call.words, *call.args)
        caller.calls.clear()
        caller.notes.rows.clear()

    started = time.perf_counter()
    for _ in range(_WARM_UP):
        ask()
    each_s = (time.perf_counter() - started) / _WARM_UP
    repeats = max(_FEWEST, min(_MOST, int(_BUDGET_S / max(each_s, 1e-9))))
    tracemalloc.start()
    ask()
    before = _used_bytes()
    for _ in range(repeats):
        ask()
    after = _used_bytes()
    tracemalloc.stop()
    return Growth(repeats, after[0] - before[0], after[1] - before[1])


def _used_bytes() -> tuple[int, int]:
    gc.collect()
    return tracemalloc.get_traced_memory()[0], int(psutil.Process().memory_info().rss)
