"""Run a sweep: what is known is kept, what is missing or failed is computed, and every result is on disk at once."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from federates.boundary.errors import ConfigError, Problem
from federates.reporting.published import keep_published
from federates.sweep.changes import check_changes
from federates.sweep.local import compute_here
from federates.sweep.methods import method_problem
from federates.sweep.spec import LocalExecutor, Point, SchedulerExecutor, Sweep, load_sweep
from federates.sweep.store import PointStore
from federates.sweep.worker import Outcome

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
        with contextlib.closing(_outcomes(sweep, missing)) as outcomes:
            for point, outcome in outcomes:
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
    from federates.reporting.sweep_page import write_sweep_page

    return SweepEnd(sweep.output, write_sweep_page(sweep.output), table, progress)


def check_sweep(sweep: Sweep) -> None:
    """Raise `ConfigError` with everything wrong with the executor, the method, its options, the keys and their values."""
    problems = []
    if isinstance(sweep.spec.executor, SchedulerExecutor) and importlib.util.find_spec("distributed") is None:
        allowed = "needs Dask, which is not installed: pip install portage-cosim[cluster]"
        problems.append(Problem(sweep.shown, "executor.kind", repr(sweep.spec.executor.kind), allowed))
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


def _outcomes(sweep: Sweep, missing: list[Point]) -> Generator[tuple[Point, Outcome], None, None]:
    """Yield the points with their outcomes as they come in."""
    executor = sweep.spec.executor
    if not missing:
        return
    if isinstance(executor, LocalExecutor):
        yield from compute_here(sweep.packed, missing, executor.workers)
        return
    from federates.sweep.cluster import compute_on_cluster  # needs Dask; see `check_sweep`

    yield from compute_on_cluster(sweep.packed, missing, executor.address)


def _about(sweep: Sweep, progress: SweepProgress) -> dict[str, Any]:
    return {
        "scenario": sweep.scenario.name,
        "world": sweep.scenario.world,
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
