"""How a process ended, in words: by which signal, or with which exit code.

The system keeps that of an ended process until its parent takes note. `portage run` takes note only at the end of the run, but
``helics run`` looks once a second and then kills everyone, so a thread waits for each process and looks the moment it ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["HowEnded", "code_words"]

_MEANING = {
    "SIGSEGV": "a library used memory that is not its own",
    "SIGBUS": "a library used memory that is not there, or the disk under it is full",
    "SIGABRT": "a library gave up",
    "SIGILL": "a library was built for another processor",
    "SIGTERM": "somebody asked it to end",
    "SIGXCPU": "its limit on processor time",
    "SIGXFSZ": "its limit on file sizes",
}
_NO_MEMORY = "the system ran out of memory and ended a process"


def code_words(code: int) -> str:
    """Return in words how a process with this exit code ended; negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"ended by signal {-code}"
    return f"ended by signal {name}" + (f" ({_MEANING[name]})" if name in _MEANING else "")


class HowEnded:
    """Says when and how processes ended that have left no word."""

    def __init__(self) -> None:
        self._out_of_memory = _ended_for_memory()
        self._watched: set[int] = set()
        self._ended: dict[int, tuple[float, int | None]] = {}

    def watch(self, pids: Iterable[int]) -> None:
        """Keep when and how these processes end; those watched already are not watched twice."""
        for pid in set(pids) - self._watched:
            self._watched.add(pid)
            threading.Thread(target=self._wait_for, args=(pid,), name=f"end of {pid}", daemon=True).start()

    def ended_s(self, pid: int) -> float:
        """Return when a process that is gone ended, s since the epoch; now if that was not seen."""
        return self._ended[pid][0] if pid in self._ended else time.time()

    def words(self, pid: int) -> str:
        """Return how the process ended, as far as it was seen, or the system still knows."""
        status = self._ended[pid][1] if pid in self._ended else _status_of_ended(pid)
        if status is None:
            return "ended without a word (killed?)"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGKILL and _ended_for_memory() > self._out_of_memory:
                return f"{code_words(-number)} ({_NO_MEMORY})"
            return code_words(-number)
        return f"{code_words(os.WEXITSTATUS(status))} before the run was over, without a word"

    def _wait_for(self, pid: int) -> None:
        # Only Linux can wait for a process that is not one's own child.
        with contextlib.suppress(OSError, AttributeError):
            descriptor = os.pidfd_open(pid)
            try:
                end = select.poll()
                end.register(descriptor, select.POLLIN)
                end.poll()
                self._ended[pid] = (time.time(), _status_of_ended(pid))
            finally:
                os.close(descriptor)


def _status_of_ended(pid: int) -> int | None:
    """Return what `os.wait` would return of an ended process that nobody has waited for; None if it is not to be known."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # State is field 3 of proc(5), and the first behind the name; exit_code is field 52.
        return int(fields[49]) if fields[0] == "Z" else None
    return None


def _ended_for_memory() -> int:
    """Return how many processes Linux has ended because memory ran out, in any container of this computer."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0
