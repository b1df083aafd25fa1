"""How far the other federates are in HELICS time, as HELICS says when it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from federates.boundary.errors import FederationError
from federates.runtime.helics_api import h
from federates.runtime.watchdog import SILENCE_S, Watchdog, pause_s

TIME_TOLERANCE_S = 1e-7
_RESOLUTION_S = 1e-9
"""HELICS counts time in nanoseconds."""
_NOT_ASKED_YET_S = 1e9
"""HELICS shows its largest time as the requested one until a federate has made its first request."""


class Progress(NamedTuple):
    """How far a federate is: while it works, it has been granted what it requested last."""

    granted_s: float
    requested_s: float

    def has_been_granted(self, time_s: float) -> bool:
        """Return whether it has been granted ``time_s``."""
        return self.granted_s >= time_s - TIME_TOLERANCE_S

    def waits_beyond(self, time_s: float) -> bool:
        """Return whether it asks for a time after ``time_s``, and has not been granted it."""
        waits = self.requested_s > self.granted_s + _RESOLUTION_S / 2
        return waits and time_s + _RESOLUTION_S / 2 < self.requested_s < _NOT_ASKED_YET_S


class ProgressQueries:
    """Asks HELICS for ``agent`` how far others are.

    Parameters
    ----------
    federate : the agent's federate, a handle of HELICS.
    guarded : gives a context in which an error of HELICS becomes one of ours.
    """

    def __init__(
        self, agent: str, federate: Any, watchdog: Watchdog, guarded: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._agent, self._federate, self._watchdog, self._guarded = agent, federate, watchdog, guarded

    def of(self, partner: str) -> Progress | None:
        """Return how far ``partner`` is; None if HELICS gives no answer: it has left or is lost."""
        return self._answer(h.helicsCreateQuery(partner, "current_time"))

    def wait(self, partner: str, done: Callable[[Progress], bool], limit_s: float, waiting_for: str) -> bool:
        """Ask how far ``partner`` is until it is ``done``; return False if it does not answer any more.

        Two federates that hear each other and both wait for a third in a time request exchange messages without end
        (HELICS 3.6.1, docs/decisions/0007). Where a wait is long, the coordinator therefore asks how far the third one is.

        Raises
        ------
        FederationError : it is not after ``limit_s``.
        """
        # pyhelics frees a query with its Python object; freeing it here as well would free what is there by then.
        query = h.helicsCreateQuery(partner, "current_time")
        started_s = answered_s = self._watchdog.now_s
        while True:
            seen, now_s = self._answer(query), self._watchdog.now_s
            if seen is not None and done(seen):
                return True
            if seen is not None:
                answered_s = now_s
            elif now_s > answered_s + SILENCE_S:
                return False
            if now_s > started_s + limit_s:
                raise FederationError(
                    f"{self._agent}: waiting for {waiting_for} took longer than {limit_s:g} s: {partner} is still at work"
                )
            time.sleep(pause_s(now_s - started_s))

    def who_works(self, others: Iterable[str]) -> str:
        """Return which of ``others`` have not asked for time since their last grant, in words."""
        answers = {name: self.of(name) for name in others}
        names = [name for name, seen in answers.items() if seen is not None and seen.requested_s <= seen.granted_s]
        return f": {' and '.join(names)} {'is' if len(names) == 1 else 'are'} still at work" if names else ""

    def _answer(self, query: Any) -> Progress | None:
        with self._guarded():
            answer = h.helicsQueryExecute(query, self._federate)
        if isinstance(answer, dict) and {"granted_time", "requested_time"} <= answer.keys():
            return Progress(float(answer["granted_time"]), float(answer["requested_time"]))
        return None
