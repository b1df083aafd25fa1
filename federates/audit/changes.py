"""Files of the agents' folders that change while a run goes on. No agent may change any, its own included.

The time of a file's last change of any kind (``ctime``) cannot be set, so this sees also a mode, time or attribute that was put
back, by whatever program. It does not see by whom.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

__all__ = ["FilesState", "changed_files", "files_state"]

FilesState = dict[str, tuple[int, int]]
"""By path from the scenario: number of the file, and time of its last change, ns."""
_MOST_FILES = 5000


def files_state(scenario: Path, agents: Iterable[str]) -> FilesState:
    """Return how the files in the agents' folders of ``scenario`` are now; what Python compiles is left out."""
    found: FilesState = {}
    for path in islice((path for agent in agents for path in _files(scenario / agent)), _MOST_FILES):
        try:
            known = os.lstat(path)
        except OSError:
            continue
        found[os.path.relpath(path, scenario)] = (known.st_ino, known.st_ctime_ns)
    return found


def changed_files(before: FilesState, after: FilesState) -> list[str]:
    """Return the paths of which ``after`` says something else than ``before``, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _files(folder: Path) -> Iterable[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (os.path.join(place, name) for name in sorted(names))
