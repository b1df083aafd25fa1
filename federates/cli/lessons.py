"""``portage lessons`` and ``portage exercise``: notebooks to learn with, and exercises that check themselves."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from federates.boundary.errors import PortageError
from federates.cli.common import Command, Group, console

exercise = typer.Typer(cls=Group, no_args_is_help=True, help="Check the exercises of a lesson, or get a hint.")
_LessonArgument = Annotated[int, typer.Argument(help="Number of the lesson.", min=1)]


def lessons(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the notebooks; it is made.")],
    answers: Annotated[
        Path | None, typer.Option(help="For instructors: folder of the answers, such as docs/instructors/answers.")
    ] = None,
    slides: Annotated[
        bool, typer.Option("--slides", help="For instructors: draw the lessons' figures for slides (16:9), PNG and SVG, instead.")
    ] = False,
) -> None:
    """Copy the lessons as notebooks, ready for Jupyter; notebooks that are there already are kept."""
    from federates.lessons.pages import write_notebooks
    from federates.lessons.slides import write_slides

    if slides:
        for file in write_slides(folder):
            _say(str(file))
        return

    written, kept = write_notebooks(folder, answers)
    for file in kept:
        _say(f"{file} is there already, and is left as it is")
    for file in written:
        _say(str(file))
    first = (written or kept)[0]
    _say(
        "Next:",
        f"  cd {shlex.quote(str(folder))}",
        f"  jupyter notebook {first.name}",
        f"  portage exercise check {int(first.name[:2])}    # in that folder, when you have answered",
    )


@exercise.command("check", cls=Command)
def check(
    lesson: _LessonArgument,
    only: Annotated[int | None, typer.Option("--exercise", help="Show this exercise only.", min=1)] = None,
    file: Annotated[
        Path | None, typer.Option(help="Your notebook or Python file; else the lesson's notebook here, or answers.py.")
    ] = None,
) -> None:
    """Run your notebook and say which answers are right; the exit code is 0 only if all of them are."""
    from federates.lessons.exercise import exercise_of
    from federates.lessons.learner import check_file, find_file

    if only is not None:
        exercise_of(f"{lesson}.{only}")
    checked = check_file(file or find_file(Path(), lesson), lesson)
    for error in checked.errors:
        _say(f"note: {error}")
    verdicts = [found for found in checked.verdicts if only is None or found.number == f"{lesson}.{only}"]
    for found in verdicts:
        _say(found.line)
    right = sum(bool(found.right) for found in verdicts)
    _say(f"{right} of {len(verdicts)} right ({checked.file.name})")
    raise typer.Exit(0 if right == len(verdicts) else 1)


@exercise.command("hint", cls=Command)
def hint(
    lesson: _LessonArgument,
    number: Annotated[int, typer.Argument(metavar="EXERCISE", help="Number of the exercise in the lesson.", min=1)],
    which: Annotated[int, typer.Option("--hint", help="Which hint: 1 says least.", min=1)] = 1,
) -> None:
    """Print a hint for an exercise."""
    from federates.lessons.kit import hint_text

    try:
        _say(hint_text(f"{lesson}.{number}", which))
    except PortageError as error:
        raise typer.BadParameter(str(error)) from None


def _say(*lines: str) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False)
