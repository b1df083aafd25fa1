"""The end of a run: gather what the agents left, write the report, and how the run ended into ``run.json``, last."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from federates import __version__
from federates.audit.audit import write_audit
from federates.audit.outcome import Audit
from federates.boundary.names import Role
from federates.boundary.topics import BOUNDARY_VERSION
from federates.runs.liveness import ended, finish_record, vanished_agents, wait_for_records
from federates.runs.reports import gather_configuration, run_headline, write_agent_reports, write_run_report
from federates.runtime.identity import RunIdentity
from federates.runtime.outcome import OUTCOME_RECORD
from federates.runtime.results import read_record, write_json
from federates.runtime.run_record import RUN_RECORD, end_run_record, is_ended, time_words

_LAST_WORDS_S = 0.8
"""Short, for `helics run` kills the broker within a second or two of the first failure."""
_FROM_AFAR_S = 5.0
"""The last words of an agent on another host come by way of `portage join` there."""
_PACKAGES = ("helics", "highspy", "pyomo", "eclipse-sumo", "numpy", "scipy")


def finalize_run(identity: RunIdentity, started: float, ended_by_broker: str | None = None) -> dict[str, Any]:
    """Complete the run: report, then ``run.json``; return what ``run.json`` says.

    ``ended_by_broker`` is why the broker has ended the federation, if it has.

    The run is complete only if all its agents left their finish record and the audit found no breach; otherwise it is marked
    failed, with the agent at fault.
    """
    folder = Path(identity.run_folder)
    wait_for_records(identity)
    agents = finish_records(identity.run_folder, identity.agents)
    failed = any((folder / agent / "failed.json").exists() for agent in agents)
    failure = _failure(identity, ended_by_broker) if failed or not all(agents.values()) else None
    record = _record(folder, started, agents, failure)
    if identity.elsewhere:
        record["elsewhere"] = identity.elsewhere
    if failure is not None:
        # At once, for `helics run` may end this process any moment; the audit comes behind.
        end_run_record(folder, record)
    gather_configuration(folder, identity.agents)
    audit = write_audit(folder)
    judge(record, audit)
    if record["status"] == "complete":
        conclude_complete(folder, record, audit, report=identity.broker.report)
        record["wall_s"] = round(time.time() - started, 2)
    _conclude(folder, record)
    return record


def conclude_complete(folder: Path, record: dict[str, Any], audit: Audit, *, report: bool) -> None:
    """Write the reports of a complete run, if wanted, and its headline; both need the results of all hosts."""
    if away := record.get("elsewhere"):
        places = " and ".join(f"{agent} ({host})" for agent, host in away.items())
        record["headline"] = [f"The results of {places} are on other hosts: `portage collect` puts them here, and reports."]
        return
    if report:
        write_run_report(folder, record)
        write_agent_reports(folder)
    record["headline"] = [*run_headline(folder), audit.line]


def note_failure(identity: RunIdentity, started: float, failure: str) -> None:
    """Write at once why the run fails, for `helics run` may end this process any moment; `finalize_run` completes it."""
    folder = Path(identity.run_folder)
    with contextlib.suppress(OSError):  # a full disk is said by whoever writes results
        end_run_record(folder, _record(folder, started, finish_records(folder, identity.agents), failure))


def end_part(identity: RunIdentity, started: float, failure: str | None) -> dict[str, Any]:
    """Write ``run.json`` of the part of a run that was on this host; return what it says. The whole is the broker's to judge."""
    folder = Path(identity.run_folder)
    here = [agent for agent in identity.agents if agent not in identity.elsewhere]
    agents = finish_records(folder, here)
    records = [r for agent in here if (r := read_record(folder / agent / "failed.json"))]
    if guilty := [str(r["message"]) for r in sorted(records, key=lambda r: float(r["time"])) if r["own_fault"]]:
        failure = "; ".join(guilty)
    elif failure is None and not all(agents.values()):
        failure = str(records[0]["message"]) if records else "the federation ended early"
    record = _record(folder, started, agents, failure) | {"elsewhere": identity.elsewhere}
    end_run_record(folder, record)
    return record


def judge(record: dict[str, Any], audit: Audit) -> None:
    """Put the audit's outcome into ``record``; a breach fails a run, and one of the wiring goes before what it has led to."""
    record["audit"] = {"clean": audit.clean, "line": audit.line, "breaches": [str(breach) for breach in audit.breaches]}
    wire = [breach.said for breach in audit.breaches if breach.check == "wire"]
    if wire:
        record["failure"] = f"audit: {'; '.join(wire)}"
    elif audit.breaches and record["failure"] is None:
        record["failure"] = f"audit: {'; '.join(breach.said for breach in audit.breaches)}"
    record["status"] = "complete" if record["failure"] is None else "failed"


def mark_failed(identity: RunIdentity, started: float, failure: str) -> dict[str, Any]:
    """Write a ``run.json`` that says why the run failed, unless one says how it ended; return what it says.

    Where nothing can be written, what would stand there is returned all the same.
    """
    folder = Path(identity.run_folder)
    present = read_record(folder / RUN_RECORD)
    if present is not None and is_ended(present):
        return present
    record = _record(folder, started, finish_records(folder, identity.agents), failure)
    if not folder.is_dir():
        return record | {"failure": f"the folder of the results is gone: {folder}; {failure}"}
    with contextlib.suppress(OSError):
        end_run_record(folder, record)
    # What an interrupted run left may be anything; that it failed is said by now.
    with contextlib.suppress(Exception):
        gather_configuration(folder, identity.agents)
        judge(record, write_audit(folder))
    with contextlib.suppress(OSError):
        _conclude(folder, record)
    return record


def _conclude(folder: Path, record: dict[str, Any]) -> None:
    """Tell the coordinator that the run is over, and nothing of what others keep; then write ``run.json``, last of all."""
    if (folder / Role.COORDINATOR.value).is_dir():
        with contextlib.suppress(OSError):  # a full disk, which run.json is going to say
            write_json(folder / Role.COORDINATOR.value / OUTCOME_RECORD, {"status": record["status"]})
    end_run_record(folder, record)


def finish_records(folder: Path | str, agents: Iterable[str]) -> dict[str, Any]:
    """Return what each agent of the run in ``folder`` left at its end; None: nothing."""
    return {agent: finish_record(Path(folder) / agent) for agent in agents}


def _record(folder: Path, started: float, agents: dict[str, Any], failure: str | None) -> dict[str, Any]:
    now = time.time()
    return {
        "run_id": folder.name,
        "status": "complete" if failure is None else "failed",
        "failure": failure,
        "started": time_words(started),
        "finished": time_words(now),
        "wall_s": round(now - started, 2),
        "versions": _versions(),
        "agents": agents,
    }


def _failure(identity: RunIdentity, ended_by_broker: str | None) -> str:
    """Return the reason: what the broker saw when the first one fell, else the first that blames itself, else who vanished.

    Who is gone by now tells little: `helics run` kills everyone when the first has failed.
    """
    folder, agents = Path(identity.run_folder), tuple(identity.agents)
    _let_them_speak(folder, agents, _FROM_AFAR_S if identity.elsewhere and not ended_by_broker else _LAST_WORDS_S)
    if ended_by_broker:
        return ended_by_broker
    records = [r for agent in agents if (r := read_record(folder / agent / "failed.json"))]
    guilty = sorted((r for r in records if r["own_fault"]), key=lambda r: r["time"])
    # An executable's end is on record a moment later than what it has led to elsewhere.
    if said := [record["message"] for record in guilty if record is guilty[0] or record.get("wrapped")]:
        return "; ".join(said)
    if vanished := vanished_agents(folder, agents):
        return f"{', '.join(vanished)}: ended without a word (killed?)"
    if silent := _silent(folder, agents):
        return f"{', '.join(silent)}: ended without a word (killed, or never started)"
    return str(min(records, key=lambda r: float(r["time"]))["message"]) if records else "the federation ended early"


def _silent(folder: Path, agents: tuple[str, ...]) -> list[str]:
    """Return the agents that left neither a finish record nor a failure record."""
    return [agent for agent in agents if not ended(folder / agent)]


def _let_them_speak(folder: Path, agents: tuple[str, ...], limit_s: float) -> None:
    """Give agents that are just ending a moment to leave their record."""
    deadline = time.monotonic() + limit_s
    while _silent(folder, agents) and time.monotonic() < deadline:
        time.sleep(0.05)


def _versions() -> dict[str, str]:
    found = {"portage-cosim": __version__, "boundary": str(BOUNDARY_VERSION), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
