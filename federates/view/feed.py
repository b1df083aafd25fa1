"""What one viewer may see of a run, as events in the order in which they are found; nothing but this reads a run's folder.

An agent's viewer is shown that agent's folder, and no other file is opened: what the agent heard and said is in its journal, the
public agreement as it was told with it.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.tables import tables_of
from federates.boundary.world import parse_session
from federates.runtime.journal import JOURNAL
from federates.runtime.results import read_record
from federates.runtime.run_record import read_run_record
from federates.view.scene import EVERYBODY, scene
from federates.view.stage import Stage, world_stage
from federates.view.tails import LineTail, TableTail

_LOOK_S = 0.05
"""Two looks lie at least so far apart."""
_STATUS_S = 0.5
_RECEIVED = b'"way":"received"'
_HEAD = 200
"""The beginning of a line, which has the way and the key of a message."""


class Feed:
    """Reads a run's folder for one viewer, from its beginning, whenever it is asked to `look`; safe for several threads.

    ``events`` are texts of JSON, and only grow in number: ``["scene", scene]``, ``["m", agent, line of its journal]``,
    ``["p", agent, line of its progress]``, ``["t", agent, table, columns]``, ``["run", status]`` and, last of all, ``["over"]``.

    Parameters
    ----------
    run_ended : says whether the run has ended, by what is no agent's: an agent that was killed leaves no word of its end.
    """

    def __init__(self, folder: Path, viewer: str = EVERYBODY, run_ended: Callable[[], bool] = lambda: False) -> None:
        self.viewer, self.events = viewer, list[str]()
        self._run_ended = run_ended
        self.over = False
        """Whether nothing more will come."""
        self._folder = folder
        self._agents: tuple[str, ...] = () if viewer == EVERYBODY else (viewer,)
        self.session: Session | None = None
        """The public agreement as the viewer sees it, once it is known."""
        self._stage: Stage | None = None
        self._journals: dict[str, LineTail] = {}
        self._progress: dict[str, LineTail] = {}
        self._tables: dict[tuple[str, str], TableTail] = {}
        self._has_journal: set[str] = set()
        self._waiting: list[tuple[float, str]] = []
        self._status: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._looked_s = self._asked_s = -math.inf

    def look(self) -> None:
        """Take in what is new; if somebody has just looked, do nothing."""
        with self._lock:
            now_s = time.monotonic()
            if self.over or now_s < self._looked_s + _LOOK_S:
                return
            self._looked_s = now_s
            ended = self._look_at_status(now_s)
            try:
                found = self._look_at_files()
            except PortageError as error:
                self._status, ended, found = {"status": "failed", "words": str(error)}, True, False
            if ended and not found:
                self._end()

    def _end(self) -> None:
        """Say how it ended, and that nothing more will come."""
        if self.session is None and self._status["status"] == "complete":
            why = "it has left no journal: a program that speaks HELICS itself keeps none, nor did older versions"
            self._status = {"status": "failed", "words": f"Nothing can be shown of {self.viewer}: {why}."}
        self._add("run", self._status)
        self.events.append('["over"]')
        self.over = True

    def _look_at_status(self, now_s: float) -> bool:
        """Note how the run goes, twice a second; return whether it has ended."""
        if now_s >= self._asked_s + _STATUS_S:
            self._asked_s = now_s
            status = self._read_status()
            # What ends a run is told last, behind all that was said before; but how it stands is told first.
            if not self._status or (status != self._status and status["status"] == "running"):
                self._add("run", status)
            self._status = status
        return bool(self._status["status"] != "running")

    def _read_status(self) -> dict[str, Any]:
        if not self._folder.is_dir():
            return {"status": "gone", "words": "The folder of this run is no longer there. What was read before stays here."}
        if self.viewer != EVERYBODY:
            own = self._folder / self.viewer
            run_ended = self._run_ended()  # asked first: an agent writes down its end before that of the run is written
            if (own / "finished.json").is_file():
                return {"status": "complete", "words": f"The run is over for {self.viewer}."}
            said = read_record(own / "failed.json")
            if said:
                return {"status": "failed", "words": str(said["message"])}
            if run_ended:
                return {"status": "failed", "words": f"The run ended before {self.viewer} did."}
            return {"status": "running", "words": ""}
        record = read_run_record(self._folder) or {}
        self._agents = self._agents or tuple(record.get("agents", ()))
        status = str(record.get("status", "running"))
        if status == "complete":
            return {"status": status, "words": "The run is complete.", "headline": record.get("headline", [])}
        return {"status": status, "words": str(record.get("failure") or "")}

    def _look_at_files(self) -> bool:
        """Take in what is new in the folder, in the order of time; return whether there was anything."""
        if self.session is None:
            self._find_session()
        lines = [item for agent in self._agents for item in (*self._messages(agent), *self._said(agent))]
        if self.session is None:
            self._waiting += lines
            return bool(lines)
        lines = sorted([*self._waiting, *lines], key=lambda line: line[0])
        self._waiting = []
        rows = [event for key in self._tables for event in self._rows(*key)]
        self.events += [*(text for _, text in lines), *rows]
        return bool(lines or rows)

    def _find_session(self) -> None:
        """Find the public agreement: the coordinator's own, or as the agent whom this is shown to was told it."""
        if self.viewer in (EVERYBODY, Role.COORDINATOR):
            data = read_record(self._folder / Role.COORDINATOR / "session.json")
        else:
            data = next((json.loads(text)[2]["values"] for _, text in self._waiting if '/session"' in text[:_HEAD]), None)
        if data is None:
            return
        try:
            self.session = parse_session(data, "session")
        except PortageError as error:
            raise PortageError(f"the run cannot be shown: {error}") from error
        self._agents = self._agents or tuple(self.session.roster)
        self._stage = world_stage(self.session.world)
        self._add("scene", scene(self.session, self.viewer))
        owners = {table.name: table.owner for table in tables_of(self.session.world)}
        for name, columns in ({} if self._stage is None else self._stage.tables).items():
            writers = [agent for agent in self._agents if self.session.roster.get(agent) == owners.get(name)]
            self._tables |= {(agent, name): TableTail(self._folder / agent, name, columns) for agent in writers}

    def _messages(self, agent: str) -> list[tuple[float, str]]:
        """Return the messages in an agent's journal; one that its sender has written down too is taken from there alone."""
        tail = self._journals.setdefault(agent, LineTail(self._folder / agent / JOURNAL))
        lines = tail.read()
        if lines:
            self._has_journal.add(agent)
        found = []
        for line in lines:
            head = line[:_HEAD]
            if self.viewer == EVERYBODY and _RECEIVED in head and self._sender(head) in self._has_journal:
                continue
            # The line may be anything, for the agent's own code can write there; the page passes over what is not JSON.
            with contextlib.suppress(ValueError):
                found.append((_wall(head), f'["m","{agent}",{line.decode()}]'))
        return found

    def _sender(self, head: bytes) -> str:
        sender = head.partition(b'"key":"')[2].partition(b"/")[0].decode()
        if sender not in self._has_journal and (self._folder / sender / JOURNAL).exists():
            self._has_journal.add(sender)
        return sender

    def _said(self, agent: str) -> list[tuple[float, str]]:
        """Return what the coordinator has told of its proofs; other agents' progress is for the terminal."""
        if agent != Role.COORDINATOR:
            return []
        tail = self._progress.setdefault(agent, LineTail(self._folder / agent / "progress.jsonl"))
        found = []
        for line in tail.read():
            with contextlib.suppress(ValueError, LookupError, TypeError):
                said = json.loads(line)
                found.append((float(said["wall"]), _text(["p", agent, said])))
        return found

    def _rows(self, agent: str, table: str) -> list[str]:
        columns = self._tables[agent, table].read()
        return [_text(["t", agent, table, columns])] if columns and any(columns.values()) else []

    def _add(self, kind: str, content: Any) -> None:
        self.events.append(_text([kind, content]))


def _wall(head: bytes) -> float:
    return float(head.partition(b'"wall":')[2].partition(b",")[0])


def _text(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)
