"""A thread that ends a process which waits too long or has lost its parent.

A HELICS call cannot be interrupted from Python, so limits on waits are kept by a second thread: when a limit passes
it tells the whole federation (global error), gives the main thread a moment to leave, and then ends the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from federates.runtime.say import say
from federates.runtime.sign_of_life import AwakeClock

STARTER_VARIABLE = "PORTAGE_STARTER"
"""Environment variable by which whoever starts an agent says which process it is."""
SILENCE_S = 2.0
"""Who gives HELICS no answer for so long has left or is lost: the next time request says who."""
_ASK_AFTER_S, _ASK_EVERY_S = 0.001, 0.02
_POLL_S = 0.25
_GRACE_S = 3.0
_EXPLAIN_S = 1.0


def pause_s(waited_s: float) -> float:
    """Return how long to wait before others are asked anew how far they are: the longer, the longer it has taken."""
    return min(_ASK_EVERY_S, max(_ASK_AFTER_S, waited_s / 10))


class Watchdog:
    """Keeps limits on waits, and watches the parent process.

    Parameters
    ----------
    alarm : called once, from the watching thread, with the reason; must tell the federation and not block.
    hard : whether to end the process after the alarm and when the parent is gone (off for runs in threads).
    stands : whether no limit may pass just now, because the run is held.
    """

    def __init__(self, alarm: Callable[[str], None], *, hard: bool = True, stands: Callable[[], bool] = bool) -> None:
        self._alarm = alarm
        self._hard = hard
        self._stands = stands
        self._parent = _starter()
        self._deadline: tuple[float, str, Callable[[], str]] | None = None
        self._clock = AwakeClock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.reason: str | None = None

    def start(self) -> Watchdog:
        """Begin to watch."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch; nothing is ended any more."""
        self._stopped.set()

    @property
    def now_s(self) -> float:
        """Return the clock by which the limits are kept, s: it stands while this process is stopped."""
        return self._clock.now_s

    @contextmanager
    def limit(self, limit_s: float, what: str, explain: Callable[[], str] = str) -> Iterator[None]:
        """Allow the body ``limit_s`` seconds.

        ``what`` says in words what took too long; ``explain`` is asked for more by the watching thread once it did, and may take
        a moment.
        """
        self._deadline = (self.now_s + limit_s, f"{what} took longer than {limit_s:g} s", explain)
        try:
            yield
        finally:
            self._deadline = None

    def _watch(self) -> None:
        while not self._stopped.wait(_POLL_S):
            reason = self._breach(self._clock.look(self._stands()))
            if reason is not None:
                self.reason = reason
                self._sound(reason)
                return

    def _breach(self, now_s: float) -> str | None:
        deadline = self._deadline
        if deadline is not None and now_s > deadline[0]:
            return deadline[1] + _asked(deadline[2])
        if self._hard and os.getppid() != self._parent:
            return "the process that started this run is gone"
        return None

    def _sound(self, reason: str) -> None:
        say(f"portage: {reason}")
        self._alarm(reason)
        if self._hard and not self._stopped.wait(_GRACE_S):
            os._exit(70)


def _starter() -> int:
    """Return the process that must live: the one that says in the environment that it starts us, or else our parent now.

    Who is killed in the moment in which it starts us would be gone before we look, and another one our parent.
    """
    named = os.environ.pop(STARTER_VARIABLE, "")  # children of ours have us for a parent
    return int(named) if named.isdecimal() else os.getppid()


def _asked(explain: Callable[[], str]) -> str:
    """Return the explanation, or nothing if it does not come in time."""
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.append(explain()), name="explanation", daemon=True)
    thread.start()
    thread.join(_EXPLAIN_S)
    return heard[0] if heard else ""
