"""The calls of one life, made again of a fresh agent, and where the answers differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from federates.conformance.call_recorder import Call, CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.target import Target

__all__ = ["Replay", "difference", "replay", "replayable"]

_RELATIVE, _ABSOLUTE = 1e-9, 1e-9
_GETTING_READY = (Kind.CREATE, Kind.BEGIN, Kind.END)


@dataclass
class Replay:
    """What came of the same calls. ``difference`` is the first one that differs, in words."""

    caller: CallRecorder
    calls: int = 0
    difference: str | None = None
    failure: Failure | None = None


def replayable(calls: Sequence[Call]) -> list[Call]:
    """Return the calls without those of getting ready, which a new life makes itself."""
    return [call for call in calls if call.kind not in _GETTING_READY]


def replay(
    target: Target,
    calls: Sequence[Call],
    *,
    scribble: bool = False,
    most: int | None = None,
    differs: Callable[[Call, Any], str | None] | None = None,
) -> Replay:
    """Return how a fresh agent answers ``calls`` (at most so many of them), until the first difference.

    ``differs`` says in words how an answer differs from that of a call; by default `difference`.
    """
    caller = CallRecorder(target, scribble=scribble)
    found = Replay(caller)
    asked = replayable(calls)[:most]
    with caller:
        try:
            caller.begin()
            for call in asked:
                caller.period = -1  # The words of the call have the period already.
                answer = caller.ask(call.kind, call.words, *call.args, told=call.told)
                found.calls += 1
                apart = difference(call.answer, answer) if differs is None else differs(call, answer)
                if apart is not None:
                    found.difference = f"{call.words}: {apart}"
                    break
        except CallFailedError as end:
            found.failure = end.failure
    return found


def difference(first: Any, second: Any, name: str = "the answer", relative: float = _RELATIVE) -> str | None:
    """Return how two answers differ by more than the last digits of a float, in words; None if they do not."""
    if dataclasses.is_dataclass(first) and type(first) is type(second):
        pairs = ((field.name, getattr(first, field.name), getattr(second, field.name)) for field in dataclasses.fields(first))
        return next((apart for part, one, two in pairs if (apart := difference(one, two, part, relative)) is not None), None)
    if isinstance(first, SimpleNamespace) and isinstance(second, SimpleNamespace):  # what a model behind HELICS has seen
        first, second = vars(first), vars(second)
    if isinstance(first, Mapping) and isinstance(second, Mapping) and first.keys() == second.keys():
        pairs = ((f"{name}[{key!r}]", first[key], second[key]) for key in first)
        return next((apart for part, one, two in pairs if (apart := difference(one, two, part, relative)) is not None), None)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if len(first) != len(second):
            return f"{name} has {len(first)} entries, then {len(second)}"
        pairs = ((f"{name}[{i}]", one, two) for i, (one, two) in enumerate(zip(first, second, strict=True)))
        return next((apart for part, one, two in pairs if (apart := difference(one, two, part, relative)) is not None), None)
    if isinstance(first, (int, float, np.ndarray, np.number)) and isinstance(second, (int, float, np.ndarray, np.number)):
        return _numbers(np.asarray(first, dtype=float), np.asarray(second, dtype=float), name, relative)
    return None if first == second else f"{name} is {first!r}, then {second!r}"


def _numbers(first: Any, second: Any, name: str, relative: float) -> str | None:
    if first.shape != second.shape:
        return f"{name} has shape {first.shape}, then {second.shape}"
    close = np.isclose(first, second, rtol=relative, atol=max(relative, _ABSOLUTE), equal_nan=True)
    if close.all():
        return None
    if first.ndim == 0:
        return f"{name} is {float(first):.10g}, then {float(second):.10g}"
    at = tuple(int(i) for i in np.argwhere(~close)[0])
    return f"{name}[{', '.join(map(str, at))}] is {first[at]:.10g}, then {second[at]:.10g}"
