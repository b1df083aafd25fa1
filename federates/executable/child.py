"""The executable as a child of its wrapper: it dies with the wrapper, and its last words are kept."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_DRAIN_S = 1.0
"""A grandchild may keep the pipe open; what comes later than this after the child's end is lost."""
_OURS = "portage: "


class Child:
    """The running executable, in a process group of its own, its output handed on line by line.

    Raises
    ------
    OSError : it cannot be started.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self._ours = self._last = ""
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_dies_with_parent(),
        )
        self._reader = threading.Thread(target=self._forward, name="output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def wait(self) -> int:
        """Wait for its end and return the exit code, negative for a signal; its own children are ended with it."""
        if hasattr(os, "waitid"):
            # Its group is ended while its id still stands in the process table, and cannot be another's.
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self.kill()
        code = self._process.wait()
        self._reader.join(_DRAIN_S)
        return code

    def kill(self) -> None:
        """End it and all that it has started."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def said(self) -> str:
        """Return its last line that begins with ``portage: ``, without that, or else its last line."""
        return self._ours or self._last

    def _forward(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        for line in stream:
            # A reader of the log that is gone must not end the run.
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            text = line.decode("utf-8", errors="replace").strip()
            if text.startswith(_OURS):
                self._ours = text.removeprefix(_OURS)
            self._last = text or self._last


def _dies_with_parent() -> Callable[[], None] | None:
    """Return what the child does before it becomes the executable: on Linux, ask to be killed when the wrapper is gone."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, wrapper = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != wrapper:  # gone before it was asked
            os._exit(1)

    return ask
