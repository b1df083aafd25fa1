"""Somebody wants a run to end: Ctrl-C, SIGTERM (a time limit, a queue, a container) or SIGHUP (a closed terminal).

All three end it in the same way: everything that was started is ended, what was written stays, and ``run.json`` says why.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from federates.runtime.say import say

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_PATIENCE = 3
"""The signal of this number ends the process whatever it does; those before it only say that it is ending already."""


class Stopped(KeyboardInterrupt):
    """Asks this process to end; the text says by what, ``number`` is that of the signal."""

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__("interrupted by the user" if name == "SIGINT" else f"interrupted by {name}")
        self.number = number


class Stop:
    """By which one thread asks the runs of others to end; ``why`` is empty as long as they may go on."""

    def __init__(self) -> None:
        self.why = ""


def why(error: BaseException) -> str:
    """Return in words what has stopped a run."""
    return str(error) or "interrupted by the user"


@contextlib.contextmanager
def hear_signals() -> Iterator[None]:
    """Raise `Stopped` in the body at the first signal, once.

    A signal that is ignored, as by ``nohup``, stays so. Only the main thread can hear signals; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        _leave_closed_terminal()
        if len(heard) == 1 or len(heard) >= _PATIENCE:
            raise Stopped(number)
        say("portage: it is ending already, which takes a few seconds; once more leaves everything as it is")

    numbers = [signal.Signals[name] for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_closed_terminal() -> None:
    """Send what is still said nowhere if the terminal is gone, for to write there is an error."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError):
            descriptor = stream.fileno()
            try:
                os.write(descriptor, b"")
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
