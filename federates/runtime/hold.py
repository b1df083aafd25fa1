"""Holding a run between two questions: a file in every agent's folder of results, by which the process that started it says so.

While it is there the coordinator asks nothing, and no limit on a wait passes in any agent. So no channel leads into an agent that
was not there before: whoever runs all agents may write into the run's folder anyway, and an agent reads its own part only.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

HOLD = "hold"
"""Name of the file; another text in it lets one question pass."""
_LOOK_S = 0.05


class Hold:
    """Holds a run and lets it go on; ``agents`` are all of the run in ``folder``."""

    def __init__(self, folder: Path, agents: Iterable[str], coordinator: str) -> None:
        self._others = [folder / agent / HOLD for agent in agents if agent != coordinator]
        self._coordinator = folder / coordinator / HOLD
        self._steps = 0

    @property
    def held(self) -> bool:
        """Whether the run is held, or will be before its next question."""
        return self._coordinator.exists()

    def hold(self) -> None:
        """Let the coordinator ask nothing more; clocks stand first."""
        self._write([*self._others, self._coordinator])

    def step(self) -> None:
        """Let one question of a run that is held pass."""
        self._steps += 1
        self._write([*self._others, self._coordinator])

    def release(self) -> None:
        """Let the run go on."""
        for path in (self._coordinator, *self._others):
            path.unlink(missing_ok=True)

    def _write(self, paths: Iterable[Path]) -> None:
        for path in paths:
            _write(path.parent, str(self._steps))


def is_held(folder: Path) -> bool:
    """Whether the agent with these results is held."""
    return (folder / HOLD).exists()


def wait_while_held(folder: Path) -> None:
    """Return at once if the agent with these results is not held, else when it may go on, or take one step."""
    before = _text(folder)
    while before is not None and _text(folder) == before:
        time.sleep(_LOOK_S)


def pass_on(folder: Path, text: str | None) -> None:
    """Hold the agent with these results, or let it go on with None, as its partners on another host."""
    if text is None:
        (folder / HOLD).unlink(missing_ok=True)
        return
    _write(folder, text)


def held_text(folder: Path) -> str | None:
    """Return what stands in the file by which the agent with these results is held; None: it is not held."""
    return _text(folder)


def _write(folder: Path, text: str) -> None:
    """Write the file in one step, if it is new: an agent that saw it empty would take that for a step."""
    if _text(folder) == text:
        return
    beginning = folder / f".{HOLD}"
    with contextlib.suppress(FileNotFoundError):  # the agent has not begun, or the folder is gone
        beginning.write_text(text, encoding="utf-8")
        os.replace(beginning, folder / HOLD)


def _text(folder: Path) -> str | None:
    try:
        return (folder / HOLD).read_text(encoding="utf-8")
    except OSError:
        return None
