"""A run that did not come to its end goes on behind the last period that all its agents have carried out.

Everything is looked at before anything is changed: the scenario, the versions, every checkpoint, the journals.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.isolation.access import TEMPORARY
from federates.isolation.owner_only import owner_only
from federates.runs.liveness import runs
from federates.runs.started import Started
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.checkpoint import CHECKPOINTS, SEAT, Checkpoint, checkpoint_file, periods_in
from federates.runtime.hold import HOLD
from federates.runtime.identity import RunIdentity, choose_port
from federates.runtime.journal import JOURNAL
from federates.runtime.outcome import OUTCOME_RECORD
from federates.runtime.results import PROCESS_RECORD, cut_back, disk_error
from federates.runtime.run_record import RUN_RECORD, begin_run_record, note_resumed, read_run_record
from federates.seat.mailbox import take_back_open

_ENDS = ("finished.json", "failed.json", PROCESS_RECORD, OUTCOME_RECORD, HOLD)
"""What says how an agent's process ended, and what held it: who held the run has ended with it, so nobody would let it go."""


@dataclass(frozen=True)
class Resumable:
    """A run that can go on: with the period ``period``, of which nothing is carried out yet."""

    folder: Path
    started: Started
    period: int
    checkpoints: dict[str, Checkpoint]

    def cut_back(self) -> None:
        """Take away what was written since; what was written when no period was carried out is all taken away.

        Raises
        ------
        PortageError : the disk refuses.
        """
        for agent in self.started.agents:
            place = self.folder / agent
            try:
                _cut_agent(place, self.checkpoints.get(agent))
            except OSError as error:
                raise disk_error(place, error) from error

    def identity(self) -> RunIdentity:
        """Return the identity of the run that goes on: the same run in the same folder, with a new key and port."""
        started, config = self.started, BrokerConfig.model_validate(self.started.broker)
        port = choose_port(config, started.broker_file, len(started.agents))
        config = config.model_copy(update={"limits": config.limits.for_people(started.seats)})
        place = self.folder.name, started.scenario, str(self.folder), port, secrets.token_hex(8)
        return RunIdentity(*place, config, started.world, started.agents, started.seats, from_period=self.period)

    def begin(self) -> RunIdentity:
        """Cut the run back, say in ``run.json`` that it goes on, and return its identity."""
        identity = self.identity()
        with owner_only():
            self.cut_back()
            try:
                note_resumed(self.folder, self.period, time.time())
                begin_run_record(self.folder, tuple(self.started.agents), time.time())
            except OSError as error:
                raise disk_error(self.folder, error) from error
        return identity


def find_run(named: Path, results: Path | None = None) -> Path:
    """Return the folder of a run: ``named`` itself, or the one with this id in ``results`` or in the results of a scenario here.

    Raises
    ------
    ConfigError : there is none, or there are several.
    """
    if (named / RUN_RECORD).is_file():
        return named.resolve()
    places = [results] if results is not None else [Path(), *Path().glob("results"), *Path().glob("*/results")]
    places += [] if results is not None else list(Path().glob("*/*/results"))
    found = sorted({(place / named.name).resolve() for place in places if (place / named.name / RUN_RECORD).is_file()})
    if len(found) == 1 and len(named.parts) == 1:
        return found[0]
    value = f"{named}: " + (", ".join(map(str, found)) if found else "no run")
    allowed = "must be the folder of a run, or the id of one in a scenario's results below the working folder"
    raise ConfigError([Problem("command line", "RUN", value, allowed)])


def resumable(folder: Path) -> Resumable:
    """Return how the run in ``folder`` can go on; nothing is changed.

    Raises
    ------
    ConfigError : it cannot, with a line for each reason.
    """
    record = read_run_record(folder)
    file = str(folder / RUN_RECORD)
    if record is None:
        raise ConfigError([Problem(file, "(file)", "missing or unreadable", "must be there: it is the record of a run")])
    status = str(record.get("status"))
    if status in ("complete", "running"):
        allowed = {"complete": "it has come to its end", "running": "it still runs, or on another computer: end it first"}[status]
        raise ConfigError([Problem(file, "status", repr(status), f"must be failed: {allowed}")])
    started = Started.read(folder)
    problems = started.changes()
    if living := [agent for agent in started.agents if runs(folder / agent)]:
        problems.append(Problem(file, "agents", ", ".join(living), "must have ended: a process of the run still lives"))
    if problems:
        raise ConfigError(problems)
    period, checkpoints = _common(folder, started)
    return Resumable(folder, started, period, checkpoints)


def _common(folder: Path, started: Started) -> tuple[int, dict[str, Checkpoint]]:
    """Return the last period that all agents have come to, and their checkpoints there; 0 and none: they begin anew."""
    if started.executables:
        return 0, {}
    periods = {agent: periods_in(folder / agent) for agent in started.agents}
    problems: list[Problem] = []
    all_of_them: dict[tuple[str, int], Checkpoint] = {}
    for agent, own in periods.items():
        for period in own:
            path = checkpoint_file(folder / agent, period)
            try:
                all_of_them[agent, period] = Checkpoint.read(path, folder.name, agent)
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)
    common = set.intersection(*(set(own) for own in periods.values()))
    if not common:
        _refuse_gaps(folder, periods)
        return 0, {}
    period = max(common)
    found = {agent: all_of_them[agent, period] for agent in periods}
    for agent, checkpoint in found.items():
        journal = folder / agent / JOURNAL
        try:
            checkpoint.check_journal(journal, str(journal))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return period, found


def _refuse_gaps(folder: Path, periods: dict[str, list[int]]) -> None:
    """Raise `ConfigError` if some agents are so far that others must have had checkpoints: nobody is more than one behind."""
    most = max((own[-1] for own in periods.values() if own), default=0)
    if most < 2:
        return
    problems = []
    for agent, own in periods.items():
        if not set(own) & {most - 1, most}:
            value = ", ".join(map(str, own)) or "none"
            allowed = f"must have {checkpoint_file(Path(), most - 1)} or {checkpoint_file(Path(), most)}: others are so far"
            problems.append(Problem(str(folder / agent / CHECKPOINTS), "(files)", value, allowed))
    allowed = "must have one that all agents have: one was removed"
    raise ConfigError(problems or [Problem(str(folder), CHECKPOINTS, str(periods), allowed)])


def _cut_agent(place: Path, checkpoint: Checkpoint | None) -> None:
    if checkpoint is None:
        shutil.rmtree(place, ignore_errors=True)
        return
    for name in _ENDS:
        (place / name).unlink(missing_ok=True)
    take_back_open(place / SEAT)  # what people have answered stays: the same questions come again
    shutil.rmtree(place / TEMPORARY, ignore_errors=True)
    cut_back(place, checkpoint.written)
    os.truncate(place / JOURNAL, checkpoint.journal_bytes)
    for path in (place / CHECKPOINTS).iterdir():
        if not path.stem.isdigit() or int(path.stem) > checkpoint.period:
            path.unlink()
