"""Where a sweep is computed: worker processes on this computer, or a Dask cluster that is already there."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster

from federates.boundary.errors import PortageError
from federates.sweep.spec import LocalExecutor, SchedulerExecutor

__all__ = ["connect"]

CONNECT_S = 20
"""A scheduler has this long to answer."""

_SETTINGS = {
    # A point that ends its worker (killed, out of memory) failed; to try it again is the user's choice, not Dask's.
    "distributed.scheduler.allowed-failures": 0,
    # A solver may keep Python's lock for minutes, and a worker that is silent for so long is not lost.
    "distributed.scheduler.worker-ttl": None,
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
}


@contextmanager
def connect(executor: LocalExecutor | SchedulerExecutor, most_workers: int) -> Iterator[Client]:
    """Give a client of the executor, and end on leaving what was started here.

    Raises
    ------
    PortageError : no scheduler answers at the address.
    """
    with dask.config.set(_SETTINGS):
        if isinstance(executor, SchedulerExecutor):
            with _reached(executor) as client:
                yield client
            return
        with _deaf_to_interrupts():
            cluster = _local(min(executor.workers, most_workers))
        with cluster, Client(cluster) as client:
            yield client


def _local(workers: int) -> LocalCluster:
    """Start worker processes of one thread each; nothing listens beyond this computer's loopback."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        # Port 0: any free one, so that sweeps side by side do not argue over Dask's usual port for its pages.
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )


def _reached(executor: SchedulerExecutor) -> Client:
    try:
        return Client(executor.address, timeout=CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise PortageError(f"no Dask scheduler answers at {executor.address}: {error}") from error


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C while workers start: Dask cannot close what is half started, and the workers inherit it.

    Ctrl-C reaches every process of a terminal; the workers are to be ended by the sweep, quietly. A signal that is for the
    sweep alone waits until they have started.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    handlers: dict[signal.Signals, Any] = {signal.SIGINT: signal.SIG_IGN}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):  # a worker would inherit one that is ignored
            handlers[number] = lambda heard, frame: waiting.append(heard)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for heard in waiting:
        signal.raise_signal(heard)
