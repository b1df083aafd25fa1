"""Which agents of a run live: those that have ended without a word are lost, and those that do nothing hang.

*Lost* is an agent whose process is gone although it has not said that it is done, or that has failed and told nobody. HELICS
itself notices a lost partner only by its silence, after tens of seconds where everyone waits; on one computer the process table
knows at once.

A process *hangs* that is stopped, or holds Python's interpreter and does nothing. That is seen from outside, by whoever watches
it (docs/decisions/0017). A process that computes, waits for the processor, or waits for the disk is at work, however long that
takes: how long an answer may take is what ``limits`` of ``broker.yaml`` say.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from federates.isolation.access import TEMPORARY
from federates.runs.how_ended import HowEnded
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, process_lives, process_start
from federates.runtime.placement import ELSEWHERE
from federates.runtime.results import PROCESS_RECORD, read_record
from federates.runtime.sign_of_life import ALIVE, AwakeClock

_RECORDS_S = 0.05
_TELLS_S = 2.0
"""An agent of ours that fails tells the federation at once; one that has not done so by then cannot."""
_LOOK_S = 0.2
_CHILDREN_EVERY_S = 1.0
"""To find a process's children is to read the whole process table."""
_STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
_AT_WORK = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
_USED_SHARE, _USED_S = 0.05, 0.05
"""A main thread that uses more of a processor than this is at work. One that waits for the interpreter uses none."""


def lost_agents(identity: RunIdentity) -> list[str]:
    """Return the agents without which the federation, which still lives, cannot go on.

    Those that started, left no record of their end, and do not run any more; and those that left a record of their failure but
    could not end the federation, as the wrapper of an executable, which is no federate itself.
    """
    return [agent for agent in identity.agents if _lost(identity.folder_of(agent))]


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
    folders = [identity.folder_of(agent) for agent in identity.agents]
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        waited_for = [folder for folder in folders if finish_record(folder) is None]
        failed = any((folder / "failed.json").exists() for folder in waited_for)
        if not waited_for or failed or any(folder.name not in identity.elsewhere and not runs(folder) for folder in waited_for):
            return
        time.sleep(_RECORDS_S)


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
    return any((folder / name).exists() for name in ("finished.json", "failed.json", ELSEWHERE))


def finish_record(folder: Path) -> dict[str, Any] | None:
    """Return what the agent with this folder of results left at its end, also if that is on another host; None: nothing yet."""
    record = read_record(folder / "finished.json") or (read_record(folder / ELSEWHERE) or {}).get("finished")
    return record if isinstance(record, dict) else None


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


@dataclass(frozen=True)
class Watched:
    """A process that must give signs of life: ``beat`` is what it touches, None where only a stop can be seen."""

    who: str
    pid: int
    beat: Path | None = None


@dataclass
class _Pulse:
    """When a process was last seen at work, by the watching process's clock, and what was seen then."""

    seen_s: float
    used_s: float | None = None
    beat_ns: int = 0
    stopped: bool = False


class Signs:
    """The signs of life of some processes; time in which the watching process was stopped itself does not count."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._clock = AwakeClock()
        self._pulses: dict[Watched, _Pulse] = {}

    def look(self, processes: Iterable[Watched]) -> str | None:
        """Look at all ``processes``, several times a second; return in words who has given no sign for too long, or None."""
        now_s = self._clock.look()
        self._pulses = {one: pulse for one in processes if (pulse := self._seen(one, now_s)) is not None}
        silent = [one for one, pulse in self._pulses.items() if now_s - pulse.seen_s > self._limit_s]
        return "; ".join(self._words(one) for one in silent) or None

    def _seen(self, one: Watched, now_s: float) -> _Pulse | None:
        """Return the pulse of a process as it is now; None if there is no such process."""
        pulse = self._pulses.get(one) or _Pulse(now_s)
        try:
            process = psutil.Process(one.pid)
            status = process.status()
            pulse.stopped = status in _STOPPED
            beat_ns = _beat_ns(one.beat)
            if pulse.stopped or (beat_ns is not None and beat_ns == pulse.beat_ns and not _works(process, status, pulse, now_s)):
                return pulse
            return _Pulse(now_s, beat_ns=beat_ns or 0)
        except psutil.NoSuchProcess:
            return None
        except psutil.Error:
            return _Pulse(now_s)  # It may not be looked at, so nothing can be said of it.

    def _words(self, one: Watched) -> str:
        how = "is stopped (SIGSTOP, or a debugger)" if self._pulses[one].stopped else _STUCK
        return f"{one.who}: no sign of life for {self._limit_s:g} s (timeout_s): its process {one.pid} {how}"


_STUCK = "neither works nor lets Python go on: a library that it has called holds the interpreter and waits"


class AgentsWatch:
    """A watch over all agents of a run on this computer, their wrappers and children included.

    ``parent`` is the process that has started them: the broker's own parent, if it is left out.
    """

    def __init__(self, folder: Path, agents: Iterable[str], limit_s: float, parent: int | None = None) -> None:
        self._folder, self._parent = folder, os.getppid() if parent is None else parent
        self._agents = tuple(agents)
        self._signs = Signs(limit_s)
        self._clock = AwakeClock()
        self._children: list[Watched] = []
        self._next_s = self._next_children_s = 0.0

    def look(self, starting: dict[str, int]) -> str | None:
        """Return in words who hangs, or None; ``starting`` are the processes of agents that have not said who they are yet."""
        now_s = self._clock.look()
        if now_s < self._next_s:
            return None
        self._next_s = now_s + _LOOK_S
        own = [one for agent in self._agents if (one := self._own(agent, starting)) is not None]
        if now_s >= self._next_children_s:
            self._next_children_s = now_s + _CHILDREN_EVERY_S
            self._children = _children(self._parent, {one.pid: one.who for one in own})
        return self._signs.look([*own, *self._children])

    def _own(self, agent: str, starting: dict[str, int]) -> Watched | None:
        folder = self._folder / agent
        pid = process_of(folder)
        if ended(folder):
            return None
        if pid is None:
            return Watched(agent, starting[agent]) if agent in starting else None
        return Watched(agent, pid, folder / TEMPORARY / ALIVE)


def _children(parent: int, owners: dict[int, str]) -> list[Watched]:
    """Return what the processes of the agents, by id, have started, and that in turn."""
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                owner = owners.get(child.ppid())
                if owner is not None and child.pid not in owners:
                    name = f"{owner.partition(':')[0]}: {child.name()}"
                    owners = owners | {child.pid: name}
                    found.append(Watched(name, child.pid))
    return found


def _beat_ns(beat: Path | None) -> int | None:
    """Return when the file was touched last; None without one: then only a stop is a fault."""
    if beat is None:
        return None
    try:
        return beat.stat().st_mtime_ns
    except OSError:
        return None


def _works(process: psutil.Process, status: str, pulse: _Pulse, now_s: float) -> bool:
    """Whether the main thread of a process that does not beat is at work all the same."""
    if status in _AT_WORK:
        return True
    used_s = _main_thread_s(process)
    if pulse.used_s is None:
        pulse.used_s = used_s
    return used_s - pulse.used_s > _USED_S + _USED_SHARE * (now_s - pulse.seen_s)


def _main_thread_s(process: psutil.Process) -> float:
    """Return the processor time of the main thread, s: HELICS's own threads are busy whatever that does."""
    return sum(thread.user_time + thread.system_time for thread in process.threads() if thread.id == process.pid)
