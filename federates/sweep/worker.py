"""What happens on a worker: a fresh copy of the scenario, the point's values, the method, and an outcome whatever happens."""

from __future__ import annotations

import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from federates import __version__
from federates.sweep.changes import apply_changes
from federates.sweep.methods import as_row, find_method
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.spec import Point

__all__ = ["ScenarioPlugin", "compute", "run_point"]

_MOST_ERROR = 2000
"""Longest text of an error in the table of results; the file of the point has all of it."""


class ScenarioPlugin(WorkerPlugin):
    """Carries the scenario to every worker once, also to those that join or restart later."""

    def __init__(self, packed: PackedScenario) -> None:
        self.name = f"portage-scenario-{packed.sha256[:16]}"
        self.packed = packed

    def setup(self, worker: Worker) -> None:
        """Note where this worker may write; Dask clears that folder, also after a worker that was killed."""
        self.scratch = Path(worker.local_directory)


def run_point(plugin_name: str, point: Point) -> dict[str, Any]:
    """Compute a point on a worker of Dask that has the `ScenarioPlugin` of this name."""
    plugin = get_worker().plugins[plugin_name]
    if not isinstance(plugin, ScenarioPlugin):
        raise TypeError(f"{plugin_name} is no scenario")
    return compute(plugin.packed, point, plugin.scratch)


def compute(packed: PackedScenario, point: Point, scratch: Path) -> dict[str, Any]:
    """Return the outcome of a point: ``status`` done with ``result``, or failed with ``error`` and ``traceback``."""
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="point-", dir=scratch, ignore_cleanup_errors=True) as folder:
        try:
            scenario = packed.unpack(Path(folder))
            apply_changes(scenario, point)
            outcome = {"status": "done", "result": as_row(find_method(point.method, scenario)(scenario, **point.options))}
        except (Exception, SystemExit) as error:
            # Where the copy lay means nothing to a reader, and would differ from start to start.
            text, trace = (part.replace(f"{folder}/", "") for part in (str(error), traceback.format_exc()))
            outcome = {"status": "failed", "error": f"{type(error).__name__}: {text}"[:_MOST_ERROR], "traceback": trace}
    return outcome | {"wall_s": round(time.time() - started, 3), "finished": round(time.time(), 3), "portage": __version__}
