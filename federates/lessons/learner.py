"""Run what a learner wrote, notebook or Python file, and hear what its calls of `check` come to."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.lessons.exercise import exercises_in, lesson_of
from federates.lessons.kit import Verdict, hearing, verdict

__all__ = ["Checked", "check_file", "find_file", "run_quietly", "shell"]


@dataclass
class Checked:
    """What came of a learner's file: one verdict for each exercise, and cells that stopped with an error."""

    file: Path
    verdicts: list[Verdict] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def all_right(self) -> bool:
        """Whether every exercise has a right answer."""
        return all(found.right for found in self.verdicts)


def find_file(folder: Path, lesson: int) -> Path:
    """Return the learner's notebook of a lesson (``NN_*.ipynb``) in a folder, else its ``answers.py``."""
    found = sorted(folder.glob(f"{lesson:02d}_*.ipynb")) or sorted(folder.glob("answers.py"))
    if not found:
        raise PortageError(
            f"{folder.resolve()} has neither a notebook {lesson:02d}_....ipynb nor an answers.py; "
            "portage lessons DIR copies the notebooks, and --file names another file"
        )
    if len(found) > 1:
        raise PortageError(f"which one: {', '.join(path.name for path in found)}? Say it with --file")
    return found[0]


def check_file(file: Path, lesson: int) -> Checked:
    """Run a learner's file in this process, from its own folder, and return the last verdict for each exercise of the lesson.

    A cell that fails does not keep the next ones from being run: each exercise is judged by itself.

    Raises
    ------
    PortageError : there is no such lesson, or the file cannot be read.
    """
    asked = exercises_in(lesson)
    if not file.is_file():
        raise PortageError(f"{file} is no file")
    checked = Checked(file)
    with hearing() as heard, contextlib.chdir(file.resolve().parent), _without_windows():
        run = _run_notebook if file.suffix == ".ipynb" else _run_python
        checked.errors += run(Path(file.name))
    last = {found.number: found for found in heard if lesson_of(found.number) == lesson}
    checked.verdicts = [last.get(one.number, verdict(one, ...)) for one in asked]
    return checked


def _run_notebook(file: Path) -> list[str]:
    """Run the code cells in order, as Jupyter does; return which of them stopped with an error, and why."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise PortageError(f"{file} is no notebook that can be read") from None
    interpreter, errors = shell(), []
    for count, source in enumerate(sources, start=1):
        error = run_quietly(interpreter, source)
        if error is not None:
            errors.append(f"code cell {count} stops with {type(error).__name__}: {error}")
    return errors


def _run_python(file: Path) -> list[str]:
    try:
        with _silence():
            runpy.run_path(str(file), run_name="__main__")
    except (Exception, SystemExit) as error:
        return [f"{file} stops with {type(error).__name__}: {error}"]
    return []


@cache
def shell() -> Any:
    """Return an interpreter that knows what cells of notebooks may hold, such as ``%matplotlib inline``.

    Raises
    ------
    PortageError : IPython is not installed.
    """
    try:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config
    except ModuleNotFoundError:
        raise PortageError('running a notebook needs IPython: pip install "portage-cosim[lessons]"') from None

    class Quiet(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            """Open no window: there is nobody to look at it."""

    config = Config()
    config.HistoryManager.enabled = False  # a learner's history is none of our business
    return Quiet.instance(config=config)


def run_quietly(interpreter: Any, source: str) -> BaseException | None:
    """Run a cell in a `shell` and drop what it prints; return what it stopped with, None if it ran through."""
    with _silence():
        done = interpreter.run_cell(source, store_history=False)
    error: BaseException | None = done.error_before_exec or done.error_in_exec
    return error


@contextlib.contextmanager
def _without_windows() -> Iterator[None]:
    """Let matplotlib, where it is not loaded yet, draw without a window."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "Agg"
    try:
        yield
    finally:
        if before is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = before


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Drop what the learner's code prints: only verdicts are shown. Who asks for input gets none, and does not wait."""
    keyboard, sys.stdin = sys.stdin, io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.stdin = keyboard
