"""``run.json``: what is known of a run, from its start to its end.

It says ``running`` from the start on, with the process that is going to say how the run ended. A run whose process is gone and
that still says ``running`` was ended from outside, and is read as failed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from federates.runtime.identity import process_lives, process_start
from federates.runtime.results import NO_SPACE, disk_is_full, read_record, reserve, write_json

RUN_RECORD = "run.json"
RESUMED_RECORD = "resumed.json"
_RESERVED_BYTES = 16_384
"""More than any run's record has taken; what is not used is given back at the end."""
_ESSENTIAL = ("run_id", "status", "failure", "started", "finished", "wall_s")


def begin_run_record(folder: Path, agents: Iterable[str], started_s: float) -> None:
    """Write ``run.json`` of a run that this process starts, and reserve the space for its end.

    Parameters
    ----------
    started_s : time of day, s since 1970.

    Raises
    ------
    OSError : the disk refuses.
    """
    process = {"pid": os.getpid(), "start": process_start(os.getpid()), "host": platform.node()}
    record = {
        "run_id": folder.name,
        "status": "running",
        "failure": None,
        "started": time_words(started_s),
        "process": process,
        "agents": dict.fromkeys(agents),
    }
    write_json(folder / RUN_RECORD, record)
    reserve(folder / RUN_RECORD, _RESERVED_BYTES)


def note_resumed(folder: Path, period: int, time_s: float) -> None:
    """Write down that the run goes on with ``period``; raise OSError if the disk refuses."""
    before = (read_record(folder / RESUMED_RECORD) or {}).get("resumed", [])
    write_json(folder / RESUMED_RECORD, {"resumed": [*before, {"when": time_words(time_s), "from_period": period}]})


def resumed(folder: Path) -> list[dict[str, Any]]:
    """Return when the run went on after it had been interrupted, and with which period: an entry for each time."""
    return list((read_record(folder / RESUMED_RECORD) or {}).get("resumed", []))


def end_run_record(folder: Path, record: dict[str, Any]) -> None:
    """Write how the run ended; on a full disk at least the essential.

    Raises
    ------
    OSError : the folder is gone, or takes no byte more.
    """
    if record["status"] == "failed" and NO_SPACE not in str(record["failure"]) and disk_is_full(folder):
        record["failure"] = f"{NO_SPACE}: {folder}; {record['failure']}"
    if times := resumed(folder):
        record["resumed"] = times
    try:
        write_json(folder / RUN_RECORD, record)
    except OSError:
        agents = dict.fromkeys(record["agents"])
        write_json(folder / RUN_RECORD, {key: record[key] for key in _ESSENTIAL} | {"agents": agents})


def read_run_record(folder: Path) -> dict[str, Any] | None:
    """Return what is known of the run in ``folder``: None without a ``run.json``.

    A run that nobody can end any more has the status ``failed``, like any other that is not whole.
    """
    record = read_record(folder / RUN_RECORD)
    if record is None or record.get("status") != "running" or _lives(record):
        return record
    agents = {agent: read_record(folder / agent / "finished.json") for agent in record.get("agents", {})}
    process = record.get("process")
    who = f"process {process['pid']}" if isinstance(process, dict) and "pid" in process else "the process"
    failure = f"ended from outside: {who}, which was to say how the run ends, is gone (killed, or the computer stopped)"
    if agents and all(agents.values()):
        failure += "; every agent had come to its end, so the tables are whole"
    return record | {"status": "failed", "failure": failure, "agents": agents}


def is_ended(record: dict[str, Any] | None) -> bool:
    """Whether a record, if there is one, says how the run ended."""
    return record is not None and record.get("status") != "running"


def time_words(time_s: float) -> str:
    """Return a time of day, s since 1970, as it stands in records."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")


def _lives(record: dict[str, Any]) -> bool:
    """Whether the run's process is there; of one on another computer nothing can be known."""
    process = record.get("process")
    if not isinstance(process, dict):
        return False
    if process.get("host") != platform.node():
        return True
    return process_lives(int(process.get("pid", 0)), str(process.get("start")))
