"""Let a run that was interrupted go on in processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from federates.runs.check import check_scenario
from federates.runs.launch import Launch, launch_as
from federates.runs.resumable import resumable
from federates.runs.stop import Stop


def resume(folder: Path, watch: Callable[[Launch], None] = lambda run: None, stop: Stop | None = None) -> Launch:
    """Let the run in ``folder`` go on in processes, and return when all of them have ended; parameters as of `launch`.

    Raises
    ------
    ConfigError : it cannot go on; nothing was changed.
    PortageError : the disk refuses.
    """
    found = resumable(folder)
    started = found.started
    scenario = check_scenario(Path(started.runner), started.overrides, started.use)
    return launch_as(found.begin(), scenario, started.overrides, watch, stop)
