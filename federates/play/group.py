"""One group of a game: a run in processes of its own, and the mailboxes of its seats."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.boundary.names import Role
from federates.play.heard import Heard
from federates.play.seat_log import SeatLog
from federates.runs.launch import Launch, launch
from federates.runs.liveness import runs
from federates.runs.resume import resume
from federates.runs.scenario import Scenario
from federates.runs.seats import players
from federates.runs.stop import Stop
from federates.runtime.hold import Hold
from federates.runtime.run_record import read_run_record
from federates.seat.mailbox import Desk, seat_folder

_JOIN_S = 600.0
"""Many groups start at once on one laptop."""
_ANSWER_S = 3600.0
"""So long agents wait for each other beyond the time for an answer, for a game may be paused. Who is lost is found at once."""
_GONE_S, _LOOK_S = 60.0, 0.2
"""Longest wait for the processes of a run whose server is gone to end, and how often they are looked for."""
_STARTING = threading.Semaphore(max(1, (os.cpu_count() or 1)))
"""Groups that start at a time: every start takes some seconds of a processor."""


class Group:
    """A run that waits for the first student, for the lecturer, and then for its players.

    Parameters
    ----------
    seats : agents that students may play, name to role.
    answer_s : longest time for an answer, s.
    """

    def __init__(
        self,
        number: int,
        scenario: Scenario,
        overrides: Mapping[str, str],
        results: Path,
        seats: Mapping[str, str],
        answer_s: float,
    ) -> None:
        # Who cannot be played has a seat too, of 0 s: nobody is asked there, but account is kept for the debrief.
        self.number, self._open, self._seats = (
            number,
            tuple(seats),
            dict.fromkeys(players(scenario), 0.0) | dict.fromkeys(seats, answer_s),
        )
        limits = scenario.broker.limits.model_copy(update={"join_s": _JOIN_S, "begin_s": _JOIN_S, "answer_s": _ANSWER_S})
        patient = scenario.broker.model_copy(update={"limits": limits, "report": False})
        self._scenario, self._overrides, self._results = replace(scenario, broker=patient), dict(overrides), results
        self._thread: threading.Thread | None = None
        self.folder: Path | None = None
        """Of its run; None before there is one."""
        self._stop = Stop()
        self._held: tuple[bool, int | None] | None = None
        self._signature: tuple[Any, ...] = ()
        self.over = False
        self.failure = ""
        self.version = 0
        self.logs: dict[str, SeatLog] = {}
        self._heard: dict[str, Heard] = {}

    @property
    def launched(self) -> bool:
        """Whether its run has been started."""
        return self._thread is not None or self.folder is not None

    def launch(self) -> None:
        """Start the run, once."""
        self._begin(self._launch)

    def go_on(self, folder: Path, ended: bool) -> None:
        """Let the run in ``folder``, of another server of this game, go on; if it has ``ended`` or is complete, show it."""
        if ended or (read_run_record(folder) or {}).get("status") == "complete":
            self._see(folder)
            self.over = True
        else:
            self._begin(partial(self._resume, folder))

    def _begin(self, start: Callable[[Callable[[Launch], None]], Launch]) -> None:
        if not self.launched and not self._stop.why:
            self._thread = threading.Thread(target=self._play, args=(start,), name=f"group {self.number}", daemon=True)
            self._thread.start()

    def _launch(self, watch: Callable[[Launch], None]) -> Launch:
        return launch(self._scenario, self._overrides, f"g{self.number}", watch, self._stop, self._results, self._seats)

    def _resume(self, folder: Path, watch: Callable[[Launch], None]) -> Launch:
        """Wait until all processes of the run have seen that their server is gone, then let it go on."""
        deadline_s = time.monotonic() + _GONE_S
        while time.monotonic() < deadline_s and any(runs(folder / agent) for agent in self._scenario.roles):
            time.sleep(_LOOK_S)
        return resume(folder, watch, self._stop)

    def _see(self, folder: Path) -> None:
        """Follow what the run in ``folder`` tells."""
        self._heard = {agent: Heard(folder / agent) for agent in self._open}
        self.logs = {agent: SeatLog(folder, agent) for agent in self._open}
        self.folder = folder

    def end(self, why: str) -> None:
        """End the run, if it goes on."""
        self._stop.why = why

    def join(self, limit_s: float) -> None:
        """Wait until the run has ended."""
        if self._thread is not None:
            self._thread.join(limit_s)

    def look(self, here: Mapping[str, bool], paused: bool, until_period: int | None) -> None:
        """Tell the agents who is ``here`` and how far the run may go; note what is new.

        Parameters
        ----------
        until_period : the first period that may not be played yet; None: all may.
        """
        # What goes wrong is said by the agents, which write there too. Nothing waits for a seat whose agent is not there yet.
        with contextlib.suppress(OSError):
            self._hold(paused, until_period)
        for agent, log in self.logs.items():
            with contextlib.suppress(OSError):
                log.sign(here.get(agent, False))
        signature = (self.over, self.failure, *(log.update() for log in self.logs.values()))
        if signature != self._signature:
            self._signature = signature
            self.version += 1

    def heard(self, agent: str) -> dict[str, Any]:
        """Return the newest message of every topic that an agent has heard, by key."""
        return self._heard[agent].update() if agent in self._heard else {}

    def _hold(self, paused: bool, until_period: int | None) -> None:
        """Hold the run before a period by the coordinator's seat; in a pause all clocks in all agents stand as well."""
        held = paused, until_period
        if self.folder is None or held == self._held:
            return
        desk = Desk(seat_folder(self.folder, Role.COORDINATOR))
        for folder in (desk.folder.parent, desk.folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        if until_period is None:
            desk.go_on()
        else:
            desk.hold(until_period)
        pause = Hold(self.folder, self._scenario.roles, Role.COORDINATOR)
        if paused:
            pause.hold()
        else:
            pause.release()
        # An agent that begins has no folder yet, and has to be told of a pause again.
        if not paused or all((self.folder / agent).is_dir() for agent in self._scenario.roles):
            self._held = held

    def _play(self, start: Callable[[Callable[[Launch], None]], Launch]) -> None:
        _STARTING.acquire()
        starting, begun_s = True, time.time()

        def watch(run: Launch) -> None:
            nonlocal starting
            if self.folder is None:
                self._see(run.folder)
            if starting and (run.over or all(log.desk.told_since(begun_s) for log in self.logs.values())):
                starting = False
                _STARTING.release()

        try:
            ended = start(watch)
            if not ended.ok:
                self.failure = str(ended.record.get("failure") or ended.culprit).removeprefix("portage: ")
        except PortageError as error:
            self.failure = str(error)
        finally:
            self.over = True
            if starting:
                _STARTING.release()
