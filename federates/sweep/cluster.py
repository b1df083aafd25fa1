"""A Dask cluster that is already there computes the points. Needs the extra `cluster`; nothing else here does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Worker, WorkerPlugin, as_completed, get_worker

from federates.boundary.errors import PortageError
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.spec import Point
from federates.sweep.worker import Outcome, compute

__all__ = ["compute_on_cluster"]

CONNECT_S = 20
"""A scheduler has this long to answer."""


class _ScenarioPlugin(WorkerPlugin):
    """Carries the scenario to every worker once, also to those that join or restart later."""

    def __init__(self, packed: PackedScenario) -> None:
        self.name = f"portage-scenario-{packed.sha256[:16]}"
        self.packed = packed

    def setup(self, worker: Worker) -> None:
        """Note where this worker may write; Dask clears that folder, also after a worker that was killed."""
        self.scratch = Path(worker.local_directory)


def compute_on_cluster(packed: PackedScenario, points: Sequence[Point], address: str) -> Iterator[tuple[Point, Outcome]]:
    """Yield the points with their outcomes as they come in.

    Raises
    ------
    PortageError : no scheduler answers at the address, or it gives points up.
    """
    with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s"}), _reached(address) as client:
        plugin = _ScenarioPlugin(packed)
        client.register_plugin(plugin, name=plugin.name)
        futures = {client.submit(_run_point, plugin.name, point, pure=False, retries=0): point for point in points}
        for future in as_completed(futures):
            yield futures.pop(future), _outcome(future)
        client.unregister_worker_plugin(plugin.name)


def _reached(address: str) -> Client:
    try:
        return Client(address, timeout=CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise PortageError(f"no Dask scheduler answers at {address}: {error}") from error


def _run_point(plugin_name: str, point: Point) -> Outcome:
    plugin = get_worker().plugins[plugin_name]
    if not isinstance(plugin, _ScenarioPlugin):
        raise TypeError(f"{plugin_name} is no scenario")
    return compute(plugin.packed, point, plugin.scratch)


def _outcome(future: Any) -> Outcome:
    """Return what a future holds; a worker that ended under its point is that point's failure."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        name = type(error).__name__
        text = "the worker process ended (killed, crashed or out of memory)" if name == "KilledWorker" else f"{name}: {error}"
        return {"status": "failed", "error": text, "traceback": ""}
    raise PortageError(f"the Dask scheduler gave up a point ({future.status}); what was computed is kept: start the sweep again")
