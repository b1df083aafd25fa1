"""``portage collect``: the results of all hosts of a run in one folder, with the audit and the reports that need them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from federates.audit.audit import write_audit
from federates.boundary.errors import PortageError
from federates.isolation.owner_only import owner_only
from federates.runs.finalize import conclude_complete, finish_records, judge
from federates.runs.reports import gather_configuration
from federates.runtime.placement import ELSEWHERE
from federates.runtime.results import read_record
from federates.runtime.run_record import RUN_RECORD, end_run_record


def collect(folder: Path, parts: Sequence[Path], *, report: bool = True) -> dict[str, Any]:
    """Copy what agents left on other hosts into the run's ``folder``; once all is there, conclude it. Return ``run.json``.

    Parameters
    ----------
    parts : folders of the same run from other hosts, copied here or mounted.
    report : whether to write the reports once all is there.

    Raises
    ------
    PortageError : this is no run over several hosts, or a part is of another run or not what its host announced; nothing of that
        part is copied.
    """
    record = read_record(folder / RUN_RECORD)
    if record is None or not isinstance(record.get("elsewhere"), dict):
        raise PortageError(f"{folder}: this is no run of which a part is on other hosts")
    away: dict[str, str] = dict(record["elsewhere"])
    brought: list[str] = []
    for part in parts:
        agents = _agents(record, away, part)
        for agent in agents:
            _check(folder / agent, part / agent)
        for agent in agents:
            with owner_only():
                shutil.copytree(part / agent, folder / agent, dirs_exist_ok=True)
            del away[agent]
        brought += agents
    record["elsewhere"] = away
    if not away:
        del record["elsewhere"]
    record["agents"] = finish_records(folder, record["agents"])
    gather_configuration(folder, record["agents"])
    audit = write_audit(folder)
    judge(record, audit)
    if record["status"] == "complete":
        conclude_complete(folder, record, audit, report=report)
    end_run_record(folder, record)
    for agent in brought:  # last, for until then the part may be brought again, and must be the same
        (folder / agent / ELSEWHERE).unlink(missing_ok=True)
    return record


def _agents(record: dict[str, Any], away: dict[str, str], part: Path) -> list[str]:
    """Return the agents that a part brings."""
    other = read_record(part / RUN_RECORD)
    if other is None:
        raise PortageError(f"{part}: holds no part of a run: there is no {RUN_RECORD}")
    if other.get("run_id") != record["run_id"]:
        raise PortageError(f"{part}: is of run {other.get('run_id')}, not of {record['run_id']}")
    agents = [agent for agent in other.get("agents", {}) if agent in away]
    if not agents:
        raise PortageError(f"{part}: brings none of the agents that are missing: {', '.join(away) or 'none is'}")
    return agents


def _check(known: Path, brought: Path) -> None:
    """Raise `PortageError` unless an agent's results are those whose hashes its host told at the end of the run."""
    told = (read_record(known / ELSEWHERE) or {}).get("finished") or {}
    for name, sha256 in told.get("tables_sha256", {}).items():
        path = brought / f"{name}.parquet"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise PortageError(f"{path}: is not the table that {known.name} left at the end of the run")
