"""Python's audit events while an agent is watched: what it writes, and whether it starts other programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, ClassVar

__all__ = ["Watch"]

_WRITES = ("w", "a", "x", "+")
_CHANGES = {
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "os.setxattr": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
    "sqlite3.connect": 1,
}
"""Events that change the file system beside ``open``, and how many of their first arguments are paths."""
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")


class Watch:
    """Tells of every path that Python code writes, and of every program that it starts, until `stop` is called."""

    _active: ClassVar[Watch | None] = None
    _hooked: ClassVar[bool] = False

    def __init__(self, written: Callable[[str], None]) -> None:
        self._written = written
        self.has_started_programs = False
        Watch._active = self
        if not Watch._hooked:
            sys.addaudithook(_heard)  # It cannot be taken away again, but it does nothing while nobody is watched.
            Watch._hooked = True

    def stop(self) -> None:
        """Watch no longer."""
        Watch._active = None

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Take note of one event."""
        if event == "open" and _writes(args[1], args[2]):
            self._note(args[0])
        elif event in _CHANGES:
            for path in args[: _CHANGES[event]]:
                self._note(path)
        elif event in _STARTS:
            self.has_started_programs = True

    def _note(self, path: Any) -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            self._written(os.fsdecode(path))


def _writes(mode: object, flags: int) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in _WRITES)
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def _heard(event: str, args: tuple[Any, ...]) -> None:
    """See CPython's table of audit events."""
    watch = Watch._active
    if watch is not None and (event == "open" or event in _CHANGES or event in _STARTS):
        watch.hear(event, args)
