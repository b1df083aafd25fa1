"""Agents whose process is gone although they have not said that they are done, or that have failed and told nobody.

HELICS itself notices a lost partner only by its silence, after tens of seconds where everyone waits; on one computer the
process table knows at once.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from federates.runs.how_ended import HowEnded
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, process_lives, process_start
from federates.runtime.results import PROCESS_RECORD, read_record

__all__ = [
    "Siblings",
    "ended",
    "lost_agents",
    "lost_reason",
    "process_of",
    "runs",
    "vanished_agents",
    "wait_for_records",
]

_LOOK_S = 0.05
_TELLS_S = 2.0
"""An agent of ours that fails tells the federation at once; one that has not done so by then cannot."""


def lost_agents(identity: RunIdentity) -> list[str]:
    """Return the agents without which the federation, which still lives, cannot go on.

    Those that started, left no record of their end, and do not run any more; and those that left a record of their failure but
    could not end the federation, as the wrapper of an executable, which is no federate itself.
    """
    return [agent for agent in identity.agents if _lost(Path(identity.run_folder) / agent)]


def vanished_agents(folder: Path, agents: tuple[str, ...]) -> list[str]:
    """Return the agents of the run in ``folder`` whose process is gone and has left no record of its end."""
    return [agent for agent in agents if _vanished(folder / agent)]


def lost_reason(identity: RunIdentity, lost: Iterable[str], how: HowEnded, starting: Mapping[str, int], when: str = "") -> str:
    """Return in words why the federation cannot go on without the ``lost`` agents: their own, or how the first of them ended.

    Parameters
    ----------
    starting : processes of agents that may not have said yet which theirs is.
    when : words that say when they ended, such as "before everyone had joined".
    """
    folder = Path(identity.run_folder)
    told = [(float(r["time"]), str(r["message"])) for agent in lost if (r := read_record(folder / agent / "failed.json"))]
    silent = [agent for agent in lost if not (folder / agent / "failed.json").exists()]
    pids = {agent: process_of(folder / agent) or starting.get(agent, 0) for agent in silent}
    # Those that fell later were mostly ended by the launcher, because of the first.
    first = min(pids, key=lambda agent: how.ended_s(pids[agent]), default=None)
    if first is None or (told and min(told)[0] < how.ended_s(pids[first])):
        return "; ".join(message for _, message in sorted(told))
    ended_as = how.words(pids[first])
    return f"{first}: {ended_as}" + (f" {when}" if when and "before" not in ended_as else "")


def wait_for_records(identity: RunIdentity, limit_s: float = 10.0) -> None:
    """Wait, as long as nobody has failed or is lost, until every agent has left its record.

    An executable has left the federation before it ends, and only its end says how it went.
    """
    folders = [Path(identity.run_folder) / agent for agent in identity.agents]
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        waited_for = [folder for folder in folders if not (folder / "finished.json").exists()]
        if not waited_for or any((folder / "failed.json").exists() or not runs(folder) for folder in waited_for):
            return
        time.sleep(_LOOK_S)


class Siblings:
    """Processes of this run that the broker's own parent has started, for the time before the agents have said who they are.

    A parent with several runs at once, such as ``portage compare``, tells each by the identity in its processes' environment.
    """

    def __init__(self, agents: Mapping[str, str]) -> None:
        self._agents = agents
        self._parent = psutil.Process(os.getppid())
        self._run = os.environ.get(IDENTITY_VARIABLE)
        self._seen: dict[int, tuple[str, str]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Return the process of each agent that was seen, by its name."""
        return {name: pid for pid, (name, _) in self._seen.items()}

    def ended(self) -> dict[str, int]:
        """Return those seen before that do not run any more, with their processes."""
        try:
            children = self._parent.children()
        except psutil.NoSuchProcess:
            return {}
        for child in children:
            if child.pid not in self._seen and child.pid != os.getpid():
                with contextlib.suppress(psutil.Error, OSError):
                    name = self._name(child)
                    if name and child.environ().get(IDENTITY_VARIABLE) == self._run:
                        self._seen[child.pid] = (name, process_start(child.pid))
        return {name: pid for pid, (name, start) in self._seen.items() if not process_lives(pid, start)}

    def _name(self, process: psutil.Process) -> str | None:
        """Return which agent a process of ours is: the one whose folder it works in, or the only one of its role."""
        words = process.cmdline()
        modules = [index for index, word in enumerate(words) if word.startswith("federates.")]
        if not modules:
            return None
        role = words[modules[0]].removeprefix("federates.")
        if role in ("executable", "agent") and len(words) > modules[0] + 1:
            role = words[modules[0] + 1]
        names = [name for name, other in self._agents.items() if other == role]
        folder = Path(process.cwd()).name
        return folder if folder in names else names[0] if len(names) == 1 else None


def _lost(folder: Path) -> bool:
    failure = read_record(folder / "failed.json")
    if failure is not None:
        return bool(failure.get("wrapped")) or time.time() > float(failure["time"]) + _TELLS_S
    return _vanished(folder)


def ended(folder: Path) -> bool:
    """Whether the agent with this folder of results has left a record of its end, good or bad."""
    return any((folder / name).exists() for name in ("finished.json", "failed.json"))


def _vanished(folder: Path) -> bool:
    if not (folder / PROCESS_RECORD).exists() or runs(folder):
        return False  # not started yet, or at work
    # Looked at after the process, for an agent leaves its record before it ends.
    return not ended(folder)


def process_of(folder: Path) -> int | None:
    """Return the process of the agent with this folder of results, of an executable its wrapper's; None before it has said so."""
    record = read_record(folder / PROCESS_RECORD)
    return None if record is None else int((record.get("wrapper") or record)["pid"])


def runs(folder: Path) -> bool:
    """Whether the agent's process is there; the wrapper of an executable says itself how that ended, as long as it lives."""
    process = read_record(folder / PROCESS_RECORD)
    if process is None:
        return False
    return any(process_lives(int(p["pid"]), str(p["start"])) for p in (process, process.get("wrapper")) if p)
