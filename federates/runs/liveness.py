"""Which processes of a run hang: they are stopped, or hold Python's interpreter and do nothing.

Seen from outside, by whoever watches them (docs/decisions/0017). A process that computes, waits for the processor, or waits for
the disk is at work, however long that takes: how long an answer may take is what ``limits`` of ``broker.yaml`` say.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from federates.isolation.places import TEMPORARY
from federates.runs.lost import ended, process_of
from federates.runtime.sign_of_life import ALIVE, AwakeClock

_LOOK_S = 0.2
_CHILDREN_EVERY_S = 1.0
"""To find a process's children is to read the whole process table."""
_STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
_AT_WORK = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
_USED_SHARE, _USED_S = 0.05, 0.05
"""A main thread that uses more of a processor than this is at work. One that waits for the interpreter uses none."""


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
    """The broker's watch over all agents of a run, their wrappers and children included."""

    def __init__(self, folder: Path, agents: Iterable[str], limit_s: float) -> None:
        self._folder = folder
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
            self._children = _children({one.pid: one.who for one in own})
        return self._signs.look([*own, *self._children])

    def _own(self, agent: str, starting: dict[str, int]) -> Watched | None:
        folder = self._folder / agent
        pid = process_of(folder)
        if ended(folder):
            return None
        if pid is None:
            return Watched(agent, starting[agent]) if agent in starting else None
        return Watched(agent, pid, folder / TEMPORARY / ALIVE)


def _children(owners: dict[int, str]) -> list[Watched]:
    """Return what the processes of the agents, by id, have started, and that in turn."""
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(os.getppid()).children(recursive=True):
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
