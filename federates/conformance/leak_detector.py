"""What an agent may leave behind: threads, child processes and files. Watched while the kit runs."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import psutil

from federates.conformance.process_state import adopt_orphans
from federates.conformance.second_process import ANSWER_PREFIX, kit_processes

__all__ = ["LeakDetector"]

_KIT_THREADS = "portage-conform"
_GRACE_S = 2.0
_CACHES = ("__pycache__", ".cache", "matplotlib", "fontconfig")
_MOST_FILES = 5_000


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


class LeakDetector:
    """Gives the agents a temporary folder of their own, and their own folder as the working folder, as in a run.

    Whatever they start becomes a child of this process, even if it leaves its parent; and `os._exit`, which would end the kit
    without a verdict, ends only the call. A context manager that may be entered again; what is found is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.written: list[str] = []
        self._left_before: list[str] = []
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
        adopt_orphans(True)
        self._stack.callback(adopt_orphans, False)
        self._stack.callback(self._end_what_is_left)
        self._beside = _files_beside(self.folder)
        self._stack.enter_context(_no_quiet_exit())
        self._watch = Watch(self.note)
        self._stack.callback(self._watch.stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._left_before = self.left_behind()
        finally:
            self._stack.close()

    def left_behind(self) -> list[str]:
        """Return what is there that was not there before, in words; what is about to end is given a moment."""
        gc.collect()
        waited_until = time.monotonic() + _GRACE_S
        while (found := self._left_threads() + self._left_children()) and time.monotonic() < waited_until:
            time.sleep(0.05)
        files = [f"temporary file {path.name}" for path in sorted(self.temporary.iterdir())]
        written = set(self.written)
        if self._watch.has_started_programs:  # What another program writes raises no event here.
            now = _files_beside(self.folder)
            written |= {path for path, state in now.items() if self._beside.get(path) != state}
        outside = [f"file written outside its own folder: {path}" for path in sorted(written)]
        return list(dict.fromkeys([*self._left_before, *found, *files, *outside]))

    def _left_threads(self) -> list[str]:
        threads = [t for t in threading.enumerate() if t not in self._threads and not t.name.startswith(_KIT_THREADS)]
        return [f"thread {thread.name}" for thread in threads if thread.is_alive()]

    def _left_children(self) -> list[str]:
        found = []
        for child in self._new_children():
            with contextlib.suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"process {child.pid} ({child.name()})")
        return found

    def _new_children(self) -> list[psutil.Process]:
        ours = self._children | kit_processes()
        return [child for child in psutil.Process().children(recursive=True) if child.pid not in ours]

    def _end_what_is_left(self) -> None:
        for child in self._new_children():
            with contextlib.suppress(psutil.Error):
                child.kill()
                child.wait(1.0)

    def note(self, path: str) -> None:
        """Take note of a file that is written."""
        where = Path(os.path.abspath(path))
        if where.name.startswith(ANSWER_PREFIX):
            return
        allowed = [self.temporary, Path("/dev"), Path("/proc"), *([self.folder] if self.folder else [])]
        if any(where.is_relative_to(place) for place in allowed) or any(part in _CACHES for part in where.parts):
            return
        self.written.append(str(where))


@contextlib.contextmanager
def _no_quiet_exit() -> Any:
    """Let `os._exit` raise `SystemExit` in this process; children that were forked still end by it."""
    ours, exit_now = os.getpid(), os._exit

    def refuse(status: int) -> None:
        if os.getpid() != ours:
            exit_now(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = exit_now


def _files_beside(folder: Path | None) -> dict[str, tuple[int, int]]:
    """Return time and size of the files around ``folder``: in the folder above it, and in the folders beside it."""
    found: dict[str, tuple[int, int]] = {}
    if folder is None:
        return found
    with contextlib.suppress(OSError):
        for place in (folder.parent, *(entry for entry in folder.parent.iterdir() if entry.is_dir() and entry != folder)):
            with contextlib.suppress(OSError), os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False) and not entry.name.endswith(".pyc"):
                        state = entry.stat(follow_symlinks=False)
                        found[entry.path] = (state.st_mtime_ns, state.st_size)
                    if len(found) > _MOST_FILES:
                        return {}
    return found


def _restore_temporary(tempdir: str | None, environment: str | None) -> None:
    tempfile.tempdir = tempdir
    if environment is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = environment
