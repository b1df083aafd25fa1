"""Agents whose process is gone although they have not said that they are done.

HELICS itself notices a lost partner only by its silence, after tens of seconds where everyone waits; on one computer the
process table knows at once.
"""

from __future__ import annotations

import json
from pathlib import Path

import psutil

from federates.boundary.topics import Role
from federates.runtime.results import PROCESS_RECORD

__all__ = ["lost_agents"]


def lost_agents(folder: Path) -> list[str]:
    """Return the agents of the run in ``folder`` that started, left no record of their end, and do not run any more."""
    return [role.value for role in Role if _lost(folder / role.value)]


def _lost(folder: Path) -> bool:
    try:
        process = json.loads((folder / PROCESS_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # not started yet
    if _alive(int(process["pid"]), float(process["created"])):
        return False
    # Looked at after the process, for an agent leaves its record before it ends.
    return not any((folder / name).exists() for name in ("finished.json", "failed.json"))


def _alive(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
