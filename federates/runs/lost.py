"""Agents whose process is gone although they have not said that they are done.

HELICS itself notices a lost partner only by its silence, after tens of seconds where everyone waits; on one computer the
process table knows at once.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import psutil

from federates.runtime.identity import RunIdentity, process_start
from federates.runtime.results import PROCESS_RECORD

__all__ = ["Siblings", "lost_agents"]


def lost_agents(identity: RunIdentity) -> list[str]:
    """Return the agents of the run that started, left no record of their end, and do not run any more."""
    return [agent for agent in identity.agents if _lost(Path(identity.run_folder) / agent)]


class Siblings:
    """Processes that the broker's own parent has started, for the time before the agents have said who they are."""

    def __init__(self) -> None:
        self._parent = psutil.Process(os.getppid())
        self._seen: dict[int, tuple[str, str]] = {}

    def ended(self) -> list[str]:
        """Return the commands of those seen before that do not run any more."""
        try:
            children = self._parent.children()
        except psutil.NoSuchProcess:
            return []
        for child in children:
            if child.pid not in self._seen and child.pid != os.getpid():
                with contextlib.suppress(psutil.Error, OSError):
                    words = [word for word in child.cmdline() if word.startswith("federates.")]
                    if words:
                        self._seen[child.pid] = (words[0].removeprefix("federates."), process_start(child.pid))
        return [name for pid, (name, start) in self._seen.items() if not _alive(pid, start)]


def _lost(folder: Path) -> bool:
    try:
        process = json.loads((folder / PROCESS_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # not started yet
    if _alive(int(process["pid"]), str(process["start"])):
        return False
    # Looked at after the process, for an agent leaves its record before it ends.
    return not any((folder / name).exists() for name in ("finished.json", "failed.json"))


def _alive(pid: int, start: str) -> bool:
    try:
        return process_start(pid) == start and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
