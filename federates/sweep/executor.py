"""Where a sweep is computed: worker processes on this computer, or a Dask cluster that is already there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster

from federates.boundary.errors import PortageError
from federates.sweep.spec import LocalExecutor, SchedulerExecutor

__all__ = ["connect"]

_SETTINGS = {
    # A point that ends its worker (killed, out of memory) failed; to try it again is the user's choice, not Dask's.
    "distributed.scheduler.allowed-failures": 0,
    # A solver may keep Python's lock for minutes, and a worker that is silent for so long is not lost.
    "distributed.scheduler.worker-ttl": None,
    "distributed.comm.timeouts.connect": "20s",
}


@contextmanager
def connect(executor: LocalExecutor | SchedulerExecutor, most_workers: int) -> Iterator[Client]:
    """Give a client of the executor, and end on leaving what was started here.

    Raises
    ------
    PortageError : no scheduler answers at the address.
    """
    with dask.config.set(_SETTINGS):
        if isinstance(executor, LocalExecutor):
            with (
                LocalCluster(
                    n_workers=min(executor.workers, most_workers),
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(executor.address, timeout="20s")
        except (OSError, TimeoutError) as error:
            raise PortageError(f"no Dask scheduler answers at {executor.address}: {error}") from error
        with client:
            yield client
