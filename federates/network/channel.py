"""Messages on their way from one agent to another: each is held until it is heard, or dropped."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from federates.network.fate import Fate

T = TypeVar("T")


class Heard(NamedTuple, Generic[T]):
    """A message that is heard now, of the round in which it was sent."""

    round: int
    item: T


class Channel(Generic[T]):
    """Holds late messages of one line; a copy that comes after the first changes nothing."""

    def __init__(self) -> None:
        self._period = -1
        self._held: list[tuple[int, int, T]] = []

    def send(self, period: int, round_: int, now: int, fate: Fate, item: T) -> None:
        """Take the message of ``round_``, which is sent in round ``now``."""
        self._begin(period)
        if fate.delay_rounds is not None:
            self._held.append((now + fate.delay_rounds, round_, item))

    def take(self, period: int, now: int) -> list[Heard[T]]:
        """Return what is heard up to round ``now``, in the order of the rounds in which it was sent."""
        self._begin(period)
        due = sorted((round_, i) for i, (when, round_, _) in enumerate(self._held) if when <= now)
        found = [Heard(round_, self._held[i][2]) for round_, i in due]
        self._held = [entry for entry in self._held if entry[0] > now]
        return found

    def _begin(self, period: int) -> None:
        """Forget what was late for another period: nobody waits for it any more."""
        if period != self._period:
            self._period, self._held = period, []
