"""What a learner calls: `check` and `hint`, which print one sentence and never the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from federates.boundary.errors import PortageError
from federates.lessons.exercise import Exercise, Wrong, exercise_of

__all__ = ["Verdict", "check", "hearing", "hint", "hint_text", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What came of one answer: ``right`` is None where there is no answer yet."""

    number: str
    right: bool | None
    sentence: str

    @property
    def line(self) -> str:
        """Return number, verdict and sentence in one line."""
        word = {True: "right", False: "not yet", None: "no answer yet"}[self.right]
        return f"{self.number} {word}: {self.sentence}"


_heard: list[list[Verdict]] = []


@contextmanager
def hearing() -> Iterator[list[Verdict]]:
    """Collect what every `check` inside the ``with`` block comes to, in place of printing it."""
    verdicts: list[Verdict] = []
    _heard.append(verdicts)
    try:
        yield verdicts
    finally:
        _heard.remove(verdicts)


def check(number: float | str, answer: Any) -> None:
    """Print whether an answer is right, or in what respect it is wrong; the answer itself is never told.

    Parameters
    ----------
    number : lesson and exercise, such as ``1.2``.
    answer : what the exercise asks for: a number, an array, a function or a class; ``...`` is no answer yet.
    """
    try:
        found = verdict(exercise_of(number), answer)
    except PortageError as error:  # a mistyped number needs a sentence, no traceback
        print(f"check: {error}")
        return
    if _heard:
        _heard[-1].append(found)
    else:
        print(found.line)


def verdict(asked: Exercise, answer: Any) -> Verdict:
    """Return what an answer comes to."""
    if answer is ... or answer is None:
        return Verdict(asked.number, None, asked.asks)
    try:
        return Verdict(asked.number, True, asked.judge(answer))
    except Wrong as wrong:
        return Verdict(asked.number, False, str(wrong))
    except Exception as error:
        # Learners hand in anything; a sentence helps them more than where in the judge it failed.
        return Verdict(asked.number, False, f"your answer could not be used ({type(error).__name__}: {error}).")


def hint(number: float | str, which: int = 1) -> None:
    """Print one hint for an exercise: the first, or the one that is asked for."""
    try:
        print(hint_text(number, which))
    except PortageError as error:
        print(f"hint: {error}")


def hint_text(number: float | str, which: int = 1) -> str:
    """Return a hint; raise `PortageError` if there is no such exercise or hint."""
    asked = exercise_of(number)
    count = len(asked.hints)
    if not 1 <= which <= count:
        raise PortageError(f"exercise {asked.number} has {count} hint{'s' if count != 1 else ''}, no {which}")
    return f"Hint {which} of {count}: {asked.hints[which - 1]}"
