"""Printing that never stops who prints: a log may lie on the disk that is full, and a terminal may be closed."""

from __future__ import annotations

import contextlib
import sys
import traceback


def say(text: str, *, error: bool = True) -> None:
    """Print ``text`` at once, to stderr or, if it is no ``error``, to stdout; where that fails, leave it."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: the stream is closed
        print(text, file=sys.stderr if error else sys.stdout, flush=True)


def say_traceback(error: BaseException) -> None:
    """Print the traceback of ``error`` to stderr; where that fails, leave it."""
    say("".join(traceback.format_exception(error)).rstrip())
