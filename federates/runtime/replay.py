"""An agent lives through its own journal again, in place of the federation, until it is where it was.

Its loop runs as ever. When it asks for time it is granted at once, and hears what it heard then; what it says is not sent, but
compared with what it said. So everything that crosses periods is as it was: in the loop, in the network's model, and in the
class, whatever it keeps (docs/decisions/0630).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.topics import Topic


class Replay:
    """What an agent heard and said before ``period``, from the first ``size_bytes`` of its journal.

    ``differences`` are words about what it now says otherwise.
    """

    def __init__(self, journal: Path, size_bytes: int, period: int) -> None:
        self.period = period
        self.differences: list[str] = []
        self._heard: dict[int, dict[str, bytes]] = {}
        self._said: dict[tuple[str, int, int], deque[bytes]] = {}
        self._sent_last: dict[str, bytes] = {}
        self._heard_last: set[tuple[str, bytes]] = set()
        with journal.open("rb") as file:
            for line in file.read(size_bytes).splitlines():
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        key, period, round_ = line["key"], line["period"], line["round"]
        if isinstance(line["values"], dict):
            return  # the session, which crosses again
        payload = np.concatenate(([period, round_], np.ravel(line["values"]))).astype("<f8").tobytes()
        is_last = period == self.period - 1
        if line["way"] == "received":
            self._heard.setdefault(line["grant"], {})[key] = payload
            if is_last:
                self._heard_last.add((key, payload))
            return
        self._said.setdefault((key, period, round_), deque()).append(payload)
        if is_last:
            self._sent_last[key] = payload

    def heard(self, grant: int) -> dict[str, bytes]:
        """Return what came with a grant of time, by topic key."""
        return self._heard.get(grant, {})

    def knows(self, key: str, payload: bytes) -> bool:
        """Return whether the agent heard just this in the last period."""
        return (key, payload) in self._heard_last

    def compare(self, key: str, period: int, round_: int, payload: bytes) -> bool:
        """Return whether the agent said just this."""
        before = self._said.get((key, period, round_))
        if before and before.popleft() == payload:
            return True
        how = "is not what it said before" if before is not None else "was not said before"
        self.differences.append(f"{key} in period {period}, round {round_}, {how}")
        return False

    def sent_last(self, topics: Iterable[Topic]) -> list[tuple[str, bytes]]:
        """Return what the agent said in the last period on these topics, as topic key and message."""
        names = {topic.name for topic in topics}
        return [(key, payload) for key, payload in self._sent_last.items() if key.rpartition("/")[2] in names]
