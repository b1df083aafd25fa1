"""What happens on a worker: a fresh copy of the scenario, the point's values, the method, and an outcome whatever happens."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import tempfile
import threading
import time
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from federates import __version__
from federates.runs.stop import hear_signals
from federates.sweep.changes import apply_changes
from federates.sweep.methods import as_row, find_method
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.spec import Point

__all__ = ["GRACE_S", "Outcome", "compute", "serve"]

GRACE_S = 6.0
"""A point that is stopped has this long to end what it has started."""
_MOST_ERROR = 2000
"""Longest text of an error in the table of results; the file of the point has all of it."""


Outcome = dict[str, Any]


def serve() -> None:
    """Compute the points that come by standard input, until it ends; if it ends amid a point, that is stopped."""
    given, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a method prints is no answer
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    packed, scratch = pickle.load(given)  # noqa: S301 (from our own parent)
    points: SimpleQueue[Point | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(given, points), daemon=True).start()
    # A broken pipe: the parent is gone, and the input's end is about to be seen.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError), hear_signals():
        while (point := points.get()) is not None:
            pickle.dump(compute(packed, point, scratch), answers)
            answers.flush()


def _listen(given: BinaryIO, points: SimpleQueue[Point | None]) -> None:
    with contextlib.suppress(EOFError):
        while True:
            points.put(pickle.load(given))  # noqa: S301 (as above)
    points.put(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


def compute(packed: PackedScenario, point: Point, scratch: Path) -> Outcome:
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
