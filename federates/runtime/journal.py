"""The journal: one line for every message that an agent sends or hears, with its values and the time, as soon as it crosses.

It is the agent's own, in its own part of the run's folder; the live view and the debrief of a game are drawn from it. Unlike the
ledger it holds values and the time of day, so it differs from run to run and is no table. An agent that goes on after a crash
lives through its journal again (`federates.runtime.replay`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path
from typing import Literal

from federates.boundary.messages import Array
from federates.runtime.results import disk_error

JOURNAL = "journal.jsonl"
"""Its file in an agent's folder."""
Way = Literal["sent", "received"]


class Journal:
    """Appends lines to ``<folder>/journal.jsonl``; each is on its way to the disk when the call returns.

    A line is a JSON object: ``wall`` (s since 1970), ``way`` (``sent`` or ``received``), ``key`` of the topic, as in the ledger,
    ``period``, ``round``, ``grant`` (how often the agent had been granted time by then: what it hears at once has the same) and
    ``values``: the topic's array as nested lists, on the topic's grid; of the session the object that was announced.

    ``muted``: nothing is written, for the agent lives through what is there already.

    Raises
    ------
    PortageError : the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.grant = 0
        self.muted = False
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        try:
            # Not buffered: one write a line, which a reader sees at once and a killed process does not lose.
            self._file = (folder / JOURNAL).open("ab", buffering=0)
            if before := (folder / JOURNAL).read_bytes():
                self._count(before)
        except OSError as error:
            raise disk_error(folder, error) from error

    @property
    def size_bytes(self) -> int:
        """Return how much is written."""
        return self._size_bytes

    @property
    def sha256(self) -> str:
        """Return the hash of all that is written."""
        return self._hash.hexdigest()

    def note(self, way: Way, key: str, period: int, round_: int, values: Array) -> None:
        """Write down a message with values on its topic's grid."""
        self._write(way, key, period, round_, json.dumps(values.tolist(), separators=(",", ":")))

    def session(self, way: Way, key: str, text: bytes) -> None:
        """Write down the public agreement, which crosses as JSON ``text``."""
        self._write(way, key, 0, 0, text.decode())

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, way: Way, key: str, period: int, round_: int, values: str) -> None:
        if self.muted:
            return
        head = f'{{"wall":{time.time():.4f},"way":"{way}","key":"{key}","period":{period},"round":{round_},"grant":{self.grant}'
        line = f'{head},"values":{values}}}\n'.encode()
        try:
            self._file.write(line)
        except OSError as error:
            raise disk_error(self._folder, error) from error
        self._count(line)

    def _count(self, written: bytes) -> None:
        self._hash.update(written)
        self._size_bytes += len(written)
