"""Worker processes on this computer: one point after another each, and a worker that ends under its point fails that one alone.

A worker reads points from its standard input and leaves when that ends, so it leaves also if this process is killed. It has a
session of its own: Ctrl-C in a terminal reaches the sweep alone, which then ends its workers.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from pathlib import Path

from federates.boundary.errors import PortageError
from federates.runs.remains import private_folder, remove_keys_of_the_dead
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.spec import Point
from federates.sweep.worker import GRACE_S, Outcome

__all__ = ["compute_here"]

_PROGRAM = "import sys; sys.path[:] = {path!r}; from federates.sweep.worker import serve; serve()"


def compute_here(packed: PackedScenario, points: Sequence[Point], workers: int) -> Iterator[tuple[Point, Outcome]]:
    """Yield the points with their outcomes as they come in; closing the iterator ends what still computes."""
    remove_keys_of_the_dead()
    with private_folder() as scratch:
        crew = _Crew(packed, Path(scratch))
        threads = ThreadPoolExecutor(min(workers, len(points)))
        try:
            futures = {threads.submit(crew.compute, point): point for point in points}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            crew.end()
            threads.shutdown()


class _Crew:
    """The worker processes, one for each thread that asks for outcomes."""

    def __init__(self, packed: PackedScenario, scratch: Path) -> None:
        self._first_words = pickle.dumps((packed, scratch))
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._all: list[subprocess.Popen[bytes]] = []
        self._ending = False

    def compute(self, point: Point) -> Outcome:
        """Return the outcome of a point from this thread's worker."""
        worker = self._worker()
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            pickle.dump(point, worker.stdin)
            worker.stdin.flush()
            outcome: Outcome = pickle.load(worker.stdout)  # noqa: S301 (from our own child)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._of_thread.worker = None
            return {"status": "failed", "error": "the worker process ended (killed, crashed or out of memory)", "traceback": ""}
        return outcome

    def _worker(self) -> subprocess.Popen[bytes]:
        worker: subprocess.Popen[bytes] | None = getattr(self._of_thread, "worker", None)
        if worker is None:
            with self._lock:
                if self._ending:
                    raise CancelledError
                command = [sys.executable, "-c", _PROGRAM.format(path=sys.path)]
                pipe = subprocess.PIPE
                try:
                    worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
                except OSError as error:
                    raise PortageError(f"a worker process cannot be started: {error.strerror or error}") from error
                self._of_thread.worker = worker
                self._all.append(worker)
            assert worker.stdin is not None
            with contextlib.suppress(OSError):  # it has ended already; the point will tell
                worker.stdin.write(self._first_words)
        return worker

    def end(self) -> None:
        """End all workers: they clean up when their input ends; those that do not are killed."""
        with self._lock:
            self._ending = True
        for worker in self._all:
            assert worker.stdin is not None
            with contextlib.suppress(OSError):
                worker.stdin.close()
        deadline = time.monotonic() + GRACE_S
        for worker in self._all:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(max(deadline - time.monotonic(), 0.0))
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL) if hasattr(os, "killpg") else worker.kill()
            worker.wait()
