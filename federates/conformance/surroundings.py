"""What an agent may leave behind in this process: threads, child processes and files. Watched while the kit runs."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import psutil

__all__ = ["Surroundings"]

_KIT_THREADS = "portage-conform"
_GRACE_S = 2.0
_WRITES = ("w", "a", "x", "+")
_CACHES = ("__pycache__", ".cache", "matplotlib", "fontconfig")


class Surroundings:
    """Gives the agents a temporary folder of their own, and their own folder as the working folder, as in a run."""

    _active: ClassVar[Surroundings | None] = None
    _hooked: ClassVar[bool] = False

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.written: list[str] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.temporary = Path(tempfile.mkdtemp(prefix="portage_conform_")).resolve()
        self._stack.callback(shutil.rmtree, self.temporary, True)
        before_tempdir, before_env = tempfile.tempdir, os.environ.get("TMPDIR")
        self._stack.callback(_restore_temporary, before_tempdir, before_env)
        tempfile.tempdir = str(self.temporary)
        os.environ["TMPDIR"] = str(self.temporary)
        if self.folder is not None and self.folder.is_dir():
            self._stack.callback(os.chdir, Path.cwd())
            os.chdir(self.folder)
        self._threads = set(threading.enumerate())
        self._children = {child.pid for child in psutil.Process().children(recursive=True)}
        Surroundings._active = self
        if not Surroundings._hooked:
            sys.addaudithook(_note_opened)  # It cannot be taken away again, but it does nothing while nobody is watched.
            Surroundings._hooked = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        Surroundings._active = None
        self._stack.close()

    def left_behind(self) -> list[str]:
        """Return what is there that was not there before, in words; what is about to end is given a moment."""
        gc.collect()
        waited_until = time.monotonic() + _GRACE_S
        while (found := self._threads_and_children()) and time.monotonic() < waited_until:
            time.sleep(0.05)
        files = [f"temporary file {path.name}" for path in sorted(self.temporary.iterdir())]
        outside = [f"file written outside its own folder: {path}" for path in sorted(set(self.written))]
        return found + files + outside

    def _threads_and_children(self) -> list[str]:
        threads = [t for t in threading.enumerate() if t not in self._threads and not t.name.startswith(_KIT_THREADS)]
        found = [f"thread {thread.name}" for thread in threads if thread.is_alive()]
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if child.pid not in self._children and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"process {child.pid} ({child.name()})")
        return found

    def note(self, path: str) -> None:
        """Take note of a file that is opened for writing."""
        where = Path(os.path.abspath(path))
        allowed = [self.temporary, Path("/dev"), Path("/proc"), *([self.folder] if self.folder else [])]
        if any(where.is_relative_to(place) for place in allowed) or any(part in _CACHES for part in where.parts):
            return
        self.written.append(str(where))


def _note_opened(event: str, args: tuple[Any, ...]) -> None:
    """See CPython's audit event ``open(path, mode, flags)``: every file that Python code opens raises it."""
    watch = Surroundings._active
    if watch is None or event != "open" or not isinstance(args[0], (str, os.PathLike)):
        return
    mode, flags = args[1], args[2]
    writes = any(letter in mode for letter in _WRITES) if isinstance(mode, str) else bool(flags & (os.O_WRONLY | os.O_RDWR))
    if writes:
        watch.note(os.fspath(args[0]))


def _restore_temporary(tempdir: str | None, environment: str | None) -> None:
    tempfile.tempdir = tempdir
    if environment is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = environment
