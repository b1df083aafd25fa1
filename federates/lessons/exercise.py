"""What an exercise is: a question, hints, and a judge that works out an answer of its own and compares."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from federates.boundary.errors import PortageError

__all__ = ["Exercise", "Judge", "Wrong", "exercise", "exercise_of", "exercises_in", "lesson_of", "read_number"]

Judge = Callable[[Any], str]
"""Takes an answer; returns a sentence that says what is right about it, or raises `Wrong`."""
_NUMBER = re.compile(r"([1-9]\d?)\.([1-9])")


class Wrong(Exception):  # noqa: N818 (it is no error of a program)
    """An answer is wrong; the message is one sentence that says in which respect, without the answer."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    Attributes
    ----------
    number : lesson and exercise, such as ``1.2``.
    asks : what is asked, in one line.
    hints : from a general one to one that nearly is the way.
    judge : compares an answer with one that is worked out in another way.
    """

    number: str
    asks: str
    hints: tuple[str, ...]
    judge: Judge


_EXERCISES: dict[str, Exercise] = {}


def exercise(number: str, asks: str, hints: tuple[str, ...]) -> Callable[[Judge], Judge]:
    """Return a decorator that makes an exercise of a judge."""

    def register(judge: Judge) -> Judge:
        _EXERCISES[number] = Exercise(number, asks, hints, judge)
        return judge

    return register


def read_number(number: float | str) -> str:
    """Return the number of an exercise as text; raise `PortageError` if it is none, such as 7."""
    text = str(number).strip()
    if not _NUMBER.fullmatch(text):
        raise PortageError(f"{text} is no number of an exercise; it must be lesson.exercise, such as 1.2")
    return text


def lesson_of(number: str) -> int:
    """Return the lesson of an exercise."""
    return int(number.partition(".")[0])


def exercises_in(lesson: int) -> tuple[Exercise, ...]:
    """Return the exercises of a lesson, in order; raise `PortageError` if there is no such lesson."""
    module = f"federates.lessons.exercises.lesson_{lesson:02d}"
    if find_spec(module) is None:
        raise PortageError(f"there is no lesson {lesson} with exercises")
    import_module(module)
    return tuple(_EXERCISES[number] for number in sorted(_EXERCISES) if lesson_of(number) == lesson)


def exercise_of(number: float | str) -> Exercise:
    """Return an exercise by its number; raise `PortageError` with those there are if there is none."""
    text = read_number(number)
    there_are = exercises_in(lesson_of(text))
    for found in there_are:
        if found.number == text:
            return found
    raise PortageError(f"there is no exercise {text}; there are {', '.join(found.number for found in there_are)}")
