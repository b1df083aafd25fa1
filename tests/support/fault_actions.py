"""What is done to a run: each function returns the action of a `fault_cases.Case`."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from fault_runs import Running
from full_disk import ASK


def nothing(run: Running) -> None:
    """The fault is in the agent itself."""


def send(name: str, who: str) -> Callable[[Running], None]:
    """Send the signal ``name``, without SIG, to one process."""
    return lambda run: os.kill(run.pid(who), signal.Signals[f"SIG{name}"])


def fill_the_disk(run: Running) -> None:
    """Leave no byte on the disk of the run's results; its settings have given it one of its own."""
    (run.scenario / ASK).touch()


def kill_everything(run: Running) -> None:
    """Kill every process of the run at once, as a system without memory does; nobody can write a word."""
    for pid in run.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def pause(pause_s: float, *who: str) -> Callable[[Running], None]:
    """Stop processes for some seconds."""
    return lambda run: _pause([run.pid(one) for one in who], pause_s)


def pause_everything(pause_s: float) -> Callable[[Running], None]:
    """Stop every process of the run, and the one that started them, for some seconds."""
    return lambda run: _pause(run.pids(), pause_s)


def _pause(pids: list[int], pause_s: float) -> None:
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(pause_s)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
