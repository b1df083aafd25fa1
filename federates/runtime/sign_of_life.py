"""By what others see that this process works: a file that a thread touches, and a clock that stands while the process is stopped.

A long answer does not stop the thread, for Python lets every thread run in turn. A stopped process does, and so does a library
that holds Python's interpreter and waits; docs/decisions/0017 says how the two are told from a library that is at work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import IO

ALIVE = "alive"
"""The touched file, in an agent's folder for temporary files."""
_BEAT_S = 0.25
_STEP_S = 1.0


class AwakeClock:
    """Seconds in which this process could run.

    The system's clocks run on while a process is stopped (Ctrl-Z) or a computer sleeps; no limit may pass in that time, nor while
    a run is held. Between two calls of `look` this one moves by at most `_STEP_S`, or by the processor time that the process has
    used, if that is more.
    """

    def __init__(self) -> None:
        self._awake_s = 0.0
        self._seen_s, self._used_s = time.monotonic(), time.process_time()

    def look(self, stands: bool = False) -> float:
        """Move the clock on unless it ``stands``, several times a second and from one thread, and return it, s."""
        now_s, used_s = time.monotonic(), time.process_time()
        if not stands:
            self._awake_s += min(now_s - self._seen_s, max(_STEP_S, used_s - self._used_s))
        self._seen_s, self._used_s = now_s, used_s
        return self._awake_s

    @property
    def now_s(self) -> float:
        """Return the clock, s, from any thread."""
        return self._awake_s + min(time.monotonic() - self._seen_s, _STEP_S)


class SignOfLife:
    """Touches ``file`` four times a second from its start to `stop`; a disk that refuses is not what this is about."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: IO[bytes] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="sign of life", daemon=True)

    def start(self) -> SignOfLife:
        """Begin, with the file made."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._file.open("wb", buffering=0)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, and remove the file: from then on nobody expects a sign."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _beat(self) -> None:
        # Not by os.utime, which would stand in the record of what the agent has changed.
        while self._stream is not None and not self._stopped.wait(_BEAT_S):
            with contextlib.suppress(OSError):
                self._stream.seek(0)
                self._stream.write(b".")
