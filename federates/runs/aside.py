"""Work that may be kept waiting by an agent that hangs, done aside so that the watch over all agents goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Aside"]

_WAIT_S = 0.1


class Aside:
    """Does ``work`` in a thread, one at a time: a query of HELICS to a stopped agent has no answer (HELICS 3.6.1)."""

    def __init__(self, work: Callable[[], str | None]) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._answer: str | None = None
        self._error: Exception | None = None

    def look(self) -> str | None:
        """Begin the work unless it goes on; return its answer if it comes within a moment, or raise its error."""
        if self._thread is None:
            self._answer = self._error = None
            self._thread = threading.Thread(target=self._do, name="aside", daemon=True)
            self._thread.start()
        self._thread.join(_WAIT_S)
        if self._thread.is_alive():
            return None
        self._thread = None
        if self._error is not None:
            raise self._error
        return self._answer

    def _do(self) -> None:
        try:
            self._answer = self._work()
        except Exception as error:
            self._error = error
