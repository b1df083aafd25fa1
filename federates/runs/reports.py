"""The report of a run and the comparison of runs, whatever their world."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federates.boundary.errors import PortageError
from federates.boundary.names import RAIL, ROAD, Role
from federates.runtime.results import read_record, write_json
from federates.runtime.run_record import RUN_RECORD, read_run_record

if TYPE_CHECKING:
    from federates.reporting.run_figure import Reading, RunFigure

__all__ = [
    "compare_runs",
    "compare_side_by_side",
    "gather_configuration",
    "is_run",
    "make_readable",
    "run_headline",
    "write_agent_report",
    "write_agent_reports",
    "write_run_report",
]

# The reports of the two worlds have nothing in common, and one process needs one of them: each is imported where it is used.


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
    if _world(folder) == RAIL:
        from federates.reporting.rail.report import write_rail_report

        return write_rail_report(folder, record)
    from federates.reporting.report import write_report

    return write_report(folder, record)


def write_agent_reports(folder: Path) -> None:
    """Write a report for each agent of the run in ``folder``, from what that agent may see; with one figure, to save time."""
    for agent in _agents(folder):
        write_agent_report(folder, agent, most_figures=1)


def write_agent_report(folder: Path, agent: str, most_figures: int | None = None) -> Path:
    """Write the report for one agent from what it may see, ``session.json`` and its own part of ``folder``; return its page.

    Raises
    ------
    PortageError : the run has no such agent, or its part or ``session.json`` is not there.
    """
    from federates.reporting import agent_report

    there = [name for name in _agents(folder) if (folder / name).is_dir()]
    if agent not in there:
        raise PortageError(f"{folder}: holds nothing of an agent {agent!r}; it has {', '.join(there) or 'none'}")
    return agent_report.write_agent_report(folder, agent, *_figures(folder), most_figures)


def _figures(folder: Path) -> tuple[Sequence[RunFigure[Any]], Reading[Any]]:
    """Return the figures of the run's world, and what gives the paragraph under each."""
    if _world(folder) == RAIL:
        from federates.reporting.rail.figures import RAIL_FIGURES
        from federates.reporting.rail.words import figure_reading as rail_reading

        return RAIL_FIGURES, rail_reading
    from federates.reporting.figures import RUN_FIGURES
    from federates.reporting.words import figure_reading

    return RUN_FIGURES, figure_reading


def run_headline(folder: Path) -> list[str]:
    """Return what came out of a run, in a few sentences."""
    if _world(folder) == RAIL:
        from federates.reporting.rail.report import rail_headline

        return rail_headline(folder)
    from federates.reporting.tables import RunTables
    from federates.reporting.words import headline

    return headline(RunTables.read(folder))


def compare_runs(runs: dict[str, Path], folder: Path) -> Path:
    """Write a page into ``folder`` that sets runs of one scenario, by scheme, side by side; return it."""
    if _world(next(iter(runs.values()))) == RAIL:
        from federates.reporting.rail.compare import write_rail_comparison

        return write_rail_comparison(runs, folder)
    from federates.reporting.compare import write_comparison

    return write_comparison(runs, folder)


def compare_side_by_side(folders: Sequence[Path], out: Path) -> Path:
    """Write a page into ``out`` that sets any runs of the same kind of day side by side; return it."""
    from federates.reporting.side_by_side import write_side_by_side

    return write_side_by_side(folders, out)


def _agents(folder: Path) -> list[str]:
    """Return the names of the agents of a run."""
    session = read_record(folder / "session.json") or {}
    return [str(agent["name"]) for agent in session.get("agents", ())]


def _world(folder: Path) -> str:
    """Return the world of a run; without ``session.json`` it is the road, whose report says what is missing."""
    try:
        return str(json.loads((folder / "session.json").read_text(encoding="utf-8")).get("world", ROAD))
    except (OSError, ValueError):
        return ROAD
