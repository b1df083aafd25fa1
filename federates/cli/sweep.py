"""The command ``portage sweep``."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from federates.cli.common import console, errors
from federates.runs.stop import hear_signals, why

if TYPE_CHECKING:
    from federates.sweep.run import SweepEnd, SweepProgress
    from federates.sweep.spec import Point

_SHOWN_ERRORS = 10


def sweep(file: Annotated[Path, typer.Argument(help="File that says what to sweep; see docs/sweep.md.")]) -> None:
    """Run a scenario at many settings, in parallel; start it again and it goes on where it stopped.

    The exit code is 0 only if every point has a result.
    """
    # Loads pandas and the checks of every agent, which the other commands do without.
    from federates.sweep.run import run_sweep

    try:
        with hear_signals(), _Bar() as bar:
            end = run_sweep(file, bar.update)
    except KeyboardInterrupt as error:
        errors.print(f"Stopped ({why(error)}); what was computed is kept: start the same sweep again to go on.")
        raise
    raise typer.Exit(_say_end(end))


class _Bar:
    """A progress bar on a terminal; one line per point where there is none."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("points", total=None) if self._bar is not None else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, progress: SweepProgress) -> None:
        """Show how far the sweep is."""
        if self._bar is not None and self._task is not None:
            words = f"points, {len(progress.failed)} failed" if progress.failed else "points"
            self._bar.update(self._task, description=words, total=progress.total, completed=progress.finished)
            return
        known = f", {progress.reused} known before" if progress.reused and progress.last is None else ""
        ended = f": {_words(progress.last)}" if progress.last is not None else ""
        console.print(f"{progress.finished} of {progress.total} points{known}{ended}", markup=False, highlight=False)


def _words(point: Point) -> str:
    parts = [point.scheme, *(f"{key} {json.dumps(value)}" for key, value in point.changes.items())]
    return ", ".join(parts)


def _say_end(end: SweepEnd) -> int:
    progress = end.progress
    console.print(
        f"{progress.reused + progress.done} of {progress.total} points have a result ({progress.reused} known before).",
        highlight=False,
    )
    console.print(f"Table: {end.folder / 'sweep.csv'}", markup=False, highlight=False)
    console.print(f"Page:  {end.page}", markup=False, highlight=False)
    if end.ok:
        return 0
    errors.print(f"{len(progress.failed)} failed; they are tried again when the sweep is started again:", highlight=False)
    for name, error in list(progress.failed.items())[:_SHOWN_ERRORS]:
        errors.print(f"  {end.folder / 'points' / name}.json: {error}", markup=False, highlight=False)
    if len(progress.failed) > _SHOWN_ERRORS:
        errors.print(f"  and {len(progress.failed) - _SHOWN_ERRORS} more, in the column error of the table")
    return 1
