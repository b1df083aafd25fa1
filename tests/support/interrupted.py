"""Runs in this process that are interrupted at a moment and go on, to be compared with those that were not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from quick_runs import no_reports

from federates.boundary.errors import PortageError
from federates.runs.in_process import resume_in_process, run_in_process
from federates.runtime.checkpoint import Checkpoint
from federates.runtime.checkpoints import _Writing

_WALL = ("timings", "resumed")


class CrashError(PortageError):
    """What ends the agent that is to end."""


def interrupted(
    folder: Path, agent: str, period: int, *, before: bool = False, go: Callable[..., Path] = run_in_process, **options: Any
) -> Path:
    """Return the folder of a run of which ``agent`` ends when it has carried out so many periods.

    ``before``: it has not written its checkpoint yet. ``go`` is what runs ``folder``: a scenario, or a run that goes on.
    """
    write = Checkpoint.write

    def writes(checkpoint: Checkpoint, place: Path) -> None:
        is_it = checkpoint.agent == agent and checkpoint.period == period
        if is_it and before:
            raise CrashError("ended for a test")
        write(checkpoint, place)
        if is_it:
            raise CrashError("ended for a test")

    at_once = patch.object(_Writing, "start", lambda writing: (writing.run(), _raise(writing.error)))
    with (
        patch.object(Checkpoint, "write", writes),
        at_once,
        patch.object(_Writing, "join"),
        no_reports(),
        pytest.raises(PortageError, match="ended for a test"),
    ):
        go(folder, **options)
    if go is not run_in_process:
        return folder
    (run,) = (folder / "results").iterdir()
    return run


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


def gone_on(run: Path, settings: dict[str, Any] | None = None) -> Path:
    """Let the run go on to its end; return its folder."""
    with no_reports():
        return resume_in_process(run, settings)


def tables(run: Path) -> dict[str, str]:
    """Return each table of a run but those of wall-clock times, as text with all its digits."""
    return {
        path.relative_to(run).as_posix(): pd.read_parquet(path).to_csv(index=False)
        for path in sorted(run.glob("*/*.parquet"))
        if path.stem not in _WALL
    }
