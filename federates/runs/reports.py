"""The report of a run and the comparison of runs, whatever their world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.boundary.names import Role
from federates.boundary.world import parse_session
from federates.runtime.results import read_record, write_json
from federates.runtime.run_record import RUN_RECORD, read_run_record

# Figures load slowly, and not every process draws some: reports are imported where they are used.


def is_run(folder: Path) -> bool:
    """Whether ``folder`` is that of a run, whole or not."""
    return (folder / "session.json").exists() or (folder / RUN_RECORD).exists()


def gather_configuration(folder: Path, agents: Iterable[str]) -> None:
    """Put the public agreement and every agent's settings, as far as they are there, beside the agents' folders."""
    session = read_record(folder / Role.COORDINATOR.value / "session.json")
    if session is not None:
        write_json(folder / "session.json", session)
    configuration = {agent: read_record(folder / agent / "config.json") for agent in agents}
    write_json(folder / "configuration.json", {"session": session, **configuration})


def make_readable(folder: Path) -> dict[str, Any]:
    """Gather what a report needs, which a run that was ended from outside has not done; return what its ``run.json`` says.

    Raises
    ------
    PortageError : this is no run's folder, or the run ended before there was anything to report.
    """
    if not is_run(folder):
        raise PortageError(f"{folder}: this is no run's folder: it has neither run.json nor session.json")
    record = read_run_record(folder) or {}
    if not (folder / "session.json").exists():
        gather_configuration(folder, record.get("agents", ()))
    if not (folder / "session.json").exists():
        raise PortageError(f"{folder}: nothing to report: the run ended before its agents had started ({_how(record)})")
    return record


def _how(record: Mapping[str, Any]) -> str:
    return str(record.get("failure") or f"status {record.get('status', 'not recorded')}")


def write_run_report(folder: Path, record: Mapping[str, Any] | None = None) -> Path:
    """Write the report of the run in ``folder`` and return its page; ``record`` is what ``run.json`` is going to say."""
    from federates.reporting.report import write_report

    return write_report(folder, record)


def write_agent_reports(folder: Path) -> None:
    """Write a report for each agent of the run in ``folder``, from what that agent may see; with one figure, to save time."""
    for agent in _there(folder):
        write_agent_report(folder, agent, most_figures=1)


def write_agent_report(folder: Path, agent: str, most_figures: int | None = None) -> Path:
    """Write the report for one agent from what it may see, ``session.json`` and its own part of ``folder``; return its page.

    Raises
    ------
    PortageError : the run has no such agent, or its part or ``session.json`` is not there.
    """
    from federates.reporting import report

    there = _there(folder)
    if agent not in there:
        raise PortageError(f"{folder}: holds nothing of an agent {agent!r}; it has {', '.join(there) or 'none'}")
    return report.write_agent_report(folder, agent, most_figures)


def _there(folder: Path) -> list[str]:
    """Return the names of the agents of a run that have left something."""
    session = read_record(folder / "session.json")
    agents = () if session is None else parse_session(session, "session.json").agents
    return [agent.name for agent in agents if (folder / agent.name).is_dir()]


def run_headline(folder: Path) -> list[str]:
    """Return what came out of a run, in a few sentences."""
    from federates.reporting.tables import RunTables

    run: RunTables = RunTables.read(folder)
    return run.world.headline(run)


def compare_runs(runs: dict[str, Path], folder: Path, repeated: Mapping[str, Sequence[Path]] | None = None) -> Path:
    """Write a page into ``folder`` that sets runs of one scenario, by scheme, side by side; return it.

    ``repeated`` are runs of every scheme with several seeds, of which ``runs`` are the first.
    """
    from federates.reporting.compare import write_comparison

    return write_comparison(runs, folder, repeated)


def compare_side_by_side(folders: Sequence[Path], out: Path) -> Path:
    """Write a page into ``out`` that sets any runs of the same kind of day side by side; return it."""
    from federates.reporting.compare import write_side_by_side

    return write_side_by_side(folders, out)
