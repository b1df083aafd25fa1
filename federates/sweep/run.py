"""Run a sweep: what is known is kept, what is missing or failed is computed, and every result is on disk at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.reporting.published import keep_published
from federates.sweep.changes import check_changes
from federates.sweep.methods import method_problem
from federates.sweep.spec import Point, Sweep, load_sweep
from federates.sweep.store import PointStore

__all__ = ["SweepEnd", "SweepProgress", "run_sweep"]


@dataclass
class SweepProgress:
    """How far a sweep is. ``reused`` points were known before; ``last`` is the one that has just ended."""

    total: int
    reused: int
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    last: Point | None = None

    @property
    def finished(self) -> int:
        """Return the points that need nothing more in this start."""
        return self.reused + self.done + len(self.failed)


@dataclass(frozen=True)
class SweepEnd:
    """A sweep that came to its end: where its results are, their page and table, and the errors of failed points, by name."""

    folder: Path
    page: Path
    table: pd.DataFrame
    progress: SweepProgress

    @property
    def ok(self) -> bool:
        """Return whether every point has a result."""
        return not self.progress.failed


def run_sweep(file: Path, watch: Callable[[SweepProgress], None] = lambda progress: None) -> SweepEnd:
    """Run the sweep of a file and return what came out.

    Parameters
    ----------
    watch : called at the start and whenever a point has ended.

    Raises
    ------
    ConfigError : with everything that is wrong, before anything is computed.
    PortageError : the executor cannot be reached or was lost. What was computed is kept.
    """
    sweep = load_sweep(file)
    check_sweep(sweep)
    store, points = PointStore(sweep.output), sweep.points
    missing = [point for point in points if not store.is_done(point)]
    progress = SweepProgress(len(points), len(points) - len(missing))
    watch(progress)
    try:
        for point, outcome in _outcomes(sweep, missing):
            store.write(point, outcome)
            progress.last = point
            if outcome["status"] == "done":
                progress.done += 1
            else:
                progress.failed[point.name] = outcome["error"]
            watch(progress)
    finally:
        table = store.merge(points, _about(sweep, progress))
    keep_published(sweep.scenario.folder, sweep.output)
    # Figures load slowly, and a sweep with a mistake in it should not wait for them.
    from federates.reporting.rail.sweep_page import write_sweep_page

    return SweepEnd(sweep.output, write_sweep_page(sweep.output), table, progress)


def check_sweep(sweep: Sweep) -> None:
    """Raise `ConfigError` with everything wrong with the method, its options, the keys and their values."""
    problems = []
    wrong = method_problem(sweep.spec.method, sweep.scenario.folder, sweep.spec.options)
    if wrong is not None:
        problems.append(Problem(sweep.shown, *wrong))
    fixed_port = sweep.scenario.broker.port != "auto"
    if sweep.spec.method == "run" and fixed_port and getattr(sweep.spec.executor, "workers", 2) > 1:
        allowed = "runs at the same time need ports of their own: choose auto, or executor.workers: 1"
        problems.append(Problem(str(sweep.scenario.broker_file.name), "port", str(sweep.scenario.broker.port), allowed))
    problems += check_changes(sweep)
    if problems:
        raise ConfigError(problems)


def _outcomes(sweep: Sweep, missing: list[Point]) -> Iterator[tuple[Point, dict[str, Any]]]:
    """Yield the points with their outcomes as they come in."""
    if not missing:
        return
    # Dask takes a second to load; a sweep with nothing to do, or with a mistake in it, should not wait for it.
    from distributed import as_completed

    from federates.sweep.executor import connect
    from federates.sweep.worker import ScenarioPlugin, run_point

    with connect(sweep.spec.executor, len(missing)) as client:
        plugin = ScenarioPlugin(sweep.packed)
        client.register_plugin(plugin, name=plugin.name)
        futures = {client.submit(run_point, plugin.name, point, pure=False, retries=0): point for point in missing}
        for future in as_completed(futures):
            yield futures.pop(future), _outcome(future)
        client.unregister_worker_plugin(plugin.name)


def _outcome(future: Any) -> dict[str, Any]:
    """Return what a future holds; a worker that ended under its point is that point's failure."""
    if future.status == "finished":
        outcome: dict[str, Any] = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        name = type(error).__name__
        text = "the worker process ended (killed, crashed or out of memory)" if name == "KilledWorker" else f"{name}: {error}"
        return {"status": "failed", "error": text, "traceback": ""}
    raise PortageError(f"the Dask scheduler gave up a point ({future.status}); what was computed is kept: start the sweep again")


def _about(sweep: Sweep, progress: SweepProgress) -> dict[str, Any]:
    return {
        "scenario": sweep.scenario.name,
        "scenario_sha256": sweep.packed.sha256,
        "method": sweep.spec.method,
        "options": sweep.spec.options,
        "schemes": list(sweep.spec.schemes or (sweep.own_scheme,)),
        "period_s": sweep.period_s,
        "vary": {key: list(values) for key, values in sweep.spec.vary.items()},
        "points": progress.total,
        "failed": len(progress.failed),
        "missing": progress.total - progress.finished,
    }
