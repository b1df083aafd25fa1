"""What an agent has heard, from its own journal: the newest value of every topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from federates.runtime.journal import JOURNAL
from federates.view.tails import LineTail

Json: TypeAlias = dict[str, Any]


class Heard:
    """Follows an agent's journal; each line is read once."""

    def __init__(self, agent_folder: Path) -> None:
        self._tail = LineTail(agent_folder / JOURNAL)
        self.newest: dict[str, Json] = {}
        """By key of the topic, in the order in which they were heard first."""

    def update(self) -> dict[str, Json]:
        """Read what is new and return the newest message of every topic."""
        for line in self._tail.read():
            entry = json.loads(line)
            if entry["way"] == "received":
                self.newest[str(entry["key"])] = entry
        return self.newest
