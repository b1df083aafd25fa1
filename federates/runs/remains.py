"""What runs leave that nobody could clean up: scratch files, key files, and a ``run.json`` that says ``running``.

Only what belongs to a run whose processes are all gone is touched, and never a table or a log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from federates.isolation.access import TEMPORARY
from federates.runs.liveness import runs
from federates.runs.reports import gather_configuration
from federates.runtime.identity import key_folder, process_lives, process_start
from federates.runtime.results import PROCESS_RECORD, read_record
from federates.runtime.run_record import RUN_RECORD, end_run_record, read_run_record

_PREFIX = "portage-run-"
_OWNER = re.compile(r"(\d+)-(\d+)\b")
_settling = threading.Lock()


def private_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder for this process's own, with a name from which others can tell whether the process lives."""
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-{process_start(os.getpid())}-", ignore_cleanup_errors=True)


def settle_broken_runs(results: Path) -> list[str]:
    """Finish the records of the runs in ``results`` that were ended from outside; return a sentence about each.

    Their tables stay as they are, and scratch goes, also that of runs that could say how they ended but had no time to clean up.
    Runs that go on are left alone.
    """
    said = []
    with _settling:  # `portage compare` starts several runs at once
        for path in sorted(results.glob(f"*/{RUN_RECORD}")):
            folder, written = path.parent, read_record(path)
            if written is None:
                continue
            agents = tuple(written.get("agents") or ())
            if written.get("status") != "running":
                remove_scratch(folder, agents)
                continue
            record = read_run_record(folder)
            if record is None or record["status"] == "running" or _anyone_runs(folder, agents):
                continue
            with contextlib.suppress(OSError):  # a read-only or full disk; then it is said again next time
                gather_configuration(folder, agents)
                remove_scratch(folder, agents, ended=True)
                end_run_record(folder, record)
            said.append(f"run {folder.name} was {record['failure']}. What it wrote is kept: portage report {folder}")
    return said


def remove_scratch(folder: Path, agents: Iterable[str], *, ended: bool = False) -> None:
    """Remove the temporary files of those agents of the run in ``folder`` that are gone; all are if it has ``ended``."""
    for agent in agents:
        place = folder / agent
        if not ended and not (place / TEMPORARY).exists():
            continue
        if ended or ((place / PROCESS_RECORD).exists() and not runs(place)):
            shutil.rmtree(place / TEMPORARY, ignore_errors=True)
            for reserved in place.glob(".*.reserved"):
                reserved.unlink(missing_ok=True)


def remove_keys_of_the_dead() -> None:
    """Remove this user's key files and private folders of processes that are gone."""
    temporary = Path(tempfile.gettempdir())
    owned = [(path, path.name.removeprefix(_PREFIX)) for path in temporary.glob(f"{_PREFIX}*")]
    owned += [(path, path.name) for path in key_folder().glob("*")]
    for path, name in owned:
        owner = _OWNER.match(name)
        with contextlib.suppress(OSError):
            if owner is None or not _is_mine(path) or process_lives(int(owner[1]), owner[2]):
                continue
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _anyone_runs(folder: Path, agents: Iterable[str]) -> bool:
    return any(runs(folder / agent) for agent in agents)


def _is_mine(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()
