"""What judges of exercises share: read an answer, call a learner's function, compare. All raise `Wrong` with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Plugin
from federates.lessons.exercise import Wrong

__all__ = ["as_array", "as_function", "as_number", "ask", "conforms", "is_close"]


def as_number(answer: Any, what: str) -> float:
    """Return an answer as a finite number; ``what`` names it in the sentence, such as ``the price``."""
    if isinstance(answer, str | bool):
        raise Wrong(f"{what} must be a number, and yours is {answer!r}.")
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise Wrong(f"{what} must be one number, and yours is of type {type(answer).__name__}.") from None
    if not np.isfinite(value):
        raise Wrong(f"{what} must be a finite number.")
    return value


def as_array(answer: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return an answer as a finite array of a shape."""
    try:
        array = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise Wrong(f"{what} must be numbers in the shape {shape}.") from None
    if array.shape != shape:
        raise Wrong(f"{what} must have the shape {shape}, and yours has {array.shape}.")
    if not np.isfinite(array).all():
        raise Wrong(f"{what} must be finite numbers.")
    return array


def as_function(answer: Any, what: str) -> Callable[..., Any]:
    """Return an answer that can be called."""
    if not callable(answer):
        raise Wrong(f"{what} must be a function: hand in its name without parentheses, not what it returns.")
    function: Callable[..., Any] = answer
    return function


def ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a learner's function returns; say for which arguments it fails or returns nothing."""
    shown = ", ".join(_short(argument) for argument in arguments)
    try:
        returned = function(*arguments)
    except Exception as error:
        raise Wrong(f"your function fails for ({shown}): {type(error).__name__}: {error}.") from None
    if returned is None or returned is ...:
        raise Wrong(f"your function returns nothing for ({shown}); is the return missing?")
    return returned


def is_close(value: float, other: float, tolerance: float = 1e-6) -> bool:
    """Return whether two numbers are the same within ``tolerance``, relative for numbers above one."""
    return abs(value - other) <= tolerance * max(1.0, abs(other))


def conforms(role: str, cls: Any, world: str, only: Sequence[str] = ()) -> None:
    """Run the conformance kit on a learner's class; ``only`` names checks or areas of them, such as ``answers``.

    A shipped small session of the ``world`` is used.
    """
    from federates.conformance.class_target import ClassTarget
    from federates.conformance.kit import small_session
    from federates.conformance.run import conform

    if not (isinstance(cls, type) and issubclass(cls, Plugin)):
        raise Wrong("hand in the class itself, derived from the class of its role, and no object of it.")
    outcomes = conform(ClassTarget(role, cls, session=small_session(world)), only).outcomes
    for outcome in outcomes:
        if outcome.state == "broken":
            raise Wrong(f"the conformance kit says: {outcome.holds} Seen: {outcome.seen} (check {outcome.id})")
        if outcome.state == "no verdict":
            raise RuntimeError(outcome.seen)


def _short(argument: Any) -> str:
    text = np.array2string(argument, separator=", ") if isinstance(argument, np.ndarray) else repr(argument)
    return text if len(text) <= 60 else f"{text[:57]}..."
