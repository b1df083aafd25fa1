"""The front door for scripts and notebooks: ``import federates as portage``.

``run``, ``resume``, ``load_run``, ``federate``, ``check`` and ``compare``, and the names that the author of an agent needs. What
stands here is imported from the package itself; what is heavy is loaded when it is used.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, FederationError, PortageError, Problem
from federates.boundary.messages import Answer
from federates.boundary.roles import (
    Commit,
    CoordinationAlgorithm,
    Evaluate,
    Operator,
    Plugin,
    PowerOperator,
    RoundResult,
    Solve,
    TransportOperator,
    WorldModel,
)
from federates.boundary.session import Session
from federates.boundary.world import parse_session

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "Answer",
    "Commit",
    "Config",
    "ConfigError",
    "CoordinationAlgorithm",
    "Evaluate",
    "FederationError",
    "Operator",
    "PortageError",
    "PowerOperator",
    "RoundResult",
    "Run",
    "Solve",
    "TransportOperator",
    "WorldModel",
    "check",
    "compare",
    "federate",
    "load_run",
    "resume",
    "run",
]


class Tables(Mapping[str, "pd.DataFrame"]):
    """Tables of a run by name; of a name that several agents have, ``<agent>/<table>`` is one agent's, the name alone all."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.glob("*/*.parquet"))}

    def __getitem__(self, name: str) -> pd.DataFrame:
        import pandas as pd

        found = [path for key, path in self._files.items() if name in (key, key.partition("/")[2])]
        if not found:
            raise KeyError(name)
        return pd.concat([pd.read_parquet(path) for path in found], ignore_index=True)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.partition("/")[2] for key in self._files))

    def __len__(self) -> int:
        return len(list(iter(self)))


@dataclass(frozen=True)
class Run:
    """What one run left in its ``folder``."""

    folder: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """Return how the run ended: ``run.json``."""
        from federates.runs.reports import make_readable

        return make_readable(self.folder)

    @property
    def headline(self) -> list[str]:
        """Return what came out, in a few sentences."""
        from federates.runs.reports import run_headline

        return run_headline(self.folder)

    @cached_property
    def tables(self) -> Tables:
        """Return the tables, by name; the topic page of the docs says what is in them (docs/boundary.md)."""
        return Tables(self.folder)

    def figure(self, name: str) -> Figure:
        """Return a figure of the report, such as ``bounds``; raise KeyError with the names there are for another one."""
        from federates.reporting.tables import RunTables

        read: RunTables[Any] = RunTables.read(self.folder)
        known = {figure.name: figure for figure in read.world.figures}
        if name not in known:
            raise KeyError(f"{name}: there are {', '.join(known)}")
        if reason := known[name].obstacle(read):
            raise PortageError(f"{name} cannot be drawn: {reason}")
        return known[name].draw(read)

    def report(self) -> Path:
        """Write the report anew and return its page."""
        from federates.runs.reports import make_readable, write_run_report

        make_readable(self.folder)
        return write_run_report(self.folder)

    def compare(self, *others: Run, out: Path | None = None) -> Path:
        """Write a page that sets this run and others side by side; return it."""
        return compare(self, *others, out=out)

    def _repr_html_(self) -> str:
        status = escape(str(self.record.get("status", "not recorded")))
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.headline)
        place = escape(str(self.folder))
        return f"<p><b>Run {escape(self.folder.name)}</b>: {status}</p><ul>{lines}</ul><p><code>{place}</code></p>"


def run(
    scenario: str | Path,
    *,
    use: Mapping[str, str] | None = None,
    results: str | Path | None = None,
    **changes: Any,
) -> Run:
    """Run a scenario in processes, as ``portage run`` does, and return what it left.

    Parameters
    ----------
    scenario : folder of a scenario, such as ``scenarios/la_gcs``.
    use : classes in place of those that the agents' files name, such as ``{"traffic_sumo": "bpr"}``.
    results : folder for the results; by default the scenario's own.
    changes : keys of ``scenario.yaml`` to change, such as ``seed=7`` or ``periods=6``.

    Raises
    ------
    ConfigError : anything in the scenario is wrong; nothing was started.
    FederationError : the run failed; the message says which agent failed and why.

    Examples
    --------
    Two hours of the 30-bus day, with operators that need no solver:

    >>> import federates as portage
    >>> light = {"power_operator": "price_taker", "transport_operator": "timetable", "coordinator": "posted_price"}
    >>> day = portage.run("scenarios/ieee30", use=light, periods=2)
    >>> day.record["status"]
    'complete'
    >>> day.tables["negotiations"].period.tolist()
    [0]
    """
    from federates.runs.check import check_scenario
    from federates.runs.launch import launch

    overrides = {key: str(value) for key, value in changes.items()}
    finished = launch(
        check_scenario(Path(scenario), overrides, use), overrides, results=None if results is None else Path(results)
    )
    if not finished.ok:
        raise FederationError(str(finished.record.get("failure")))
    return Run(finished.folder)


def resume(run: str | Path) -> Run:
    """Let a run go on that was interrupted, behind the last period that all its agents have carried out, and return it.

    Parameters
    ----------
    run : its folder, or its id where the run lies in a scenario's results below the working folder.

    Raises
    ------
    ConfigError : it cannot go on, and why; nothing was changed.
    FederationError : the run failed again.

    Examples
    --------
    The ``day`` of `federate` has come to its end:

    >>> portage.resume(day.folder)
    Traceback (most recent call last):
    federates.boundary.errors.ConfigError: ...run.json: status = 'complete': must be failed: it has come to its end
    """
    from federates.runs.resumable import find_run
    from federates.runs.resume import resume as go_on

    finished = go_on(find_run(Path(run)))
    if not finished.ok:
        raise FederationError(str(finished.record.get("failure")))
    return Run(finished.folder)


def load_run(folder: str | Path) -> Run:
    """Return the run in a folder of results.

    Raises
    ------
    PortageError : this is no run's folder.

    Examples
    --------
    With the ``day`` of `federate`:

    >>> again = portage.load_run(day.folder)
    >>> again.headline == day.headline
    True
    >>> portage.load_run(day.folder.parent)
    Traceback (most recent call last):
    federates.boundary.errors.PortageError: ...
    """
    found = Run(Path(folder))
    _ = found.record
    return found


def check(scenario: str | Path, **changes: Any) -> list[str]:
    """Check a scenario without running it; return what is not wrong, but may not be meant.

    Raises
    ------
    ConfigError : with everything that is wrong.

    Examples
    --------
    >>> import federates as portage
    >>> portage.check("scenarios/ieee30", periods=6)
    []
    >>> portage.check("scenarios/ieee30", periods=0, seed="seven")
    Traceback (most recent call last):
    federates.boundary.errors.ConfigError: ...
    """
    from federates.runs.check import check_scenario

    return list(check_scenario(Path(scenario), {key: str(value) for key, value in changes.items()}).notes)


def compare(*runs: Run, out: str | Path | None = None) -> Path:
    """Write a page that sets runs of one kind of day side by side, and return it; ``out`` is the folder for it.

    Examples
    --------
    With ``agreement``, ``agents`` and the ``day`` of `federate`:

    >>> cheap = portage.federate(agreement, agents(worth_usd=10.0))
    >>> portage.compare(day, cheap).name
    'comparison.html'
    """
    from federates.runs.reports import compare_side_by_side

    folder = runs[0].folder.parent / f"compare-{'-'.join(run.folder.name[-4:] for run in runs)}" if out is None else Path(out)
    return compare_side_by_side([run.folder for run in runs], folder)


def federate(
    session: Session | Mapping[str, Any],
    agents: Mapping[str, Plugin],
    *,
    results: str | Path | None = None,
    report: bool = True,
) -> Run:
    """Run agents that are objects in this process, without any file: for notebooks and tests.

    The agents are threads around an in-process HELICS broker; what crosses, and the tables, are those of a run in processes. Only
    the isolation of processes is missing.

    Parameters
    ----------
    session : the public agreement, or its keys as in ``scenario.yaml``.
    agents : an object for each agent of the session, by name; by default the names are the roles.
    results : folder for the results; by default a temporary one, which lasts as long as the `Run`.
    report : False: write no pages, which takes longer than a small run itself; `Run.report` writes them later.

    Raises
    ------
    ConfigError : the agreement is wrong, or an agent is missing or of a wrong class.
    FederationError : an agent failed; the message names it.

    Examples
    --------
    A train goes to the mine and back, and what it is worth there is known. No file, no solver:

    >>> import federates as portage
    >>> from federates.coordinator.algorithms.posted_price import PostedPrice
    >>> from federates.power_operator.models.price_taker.operator import PriceTakerOperator
    >>> from federates.transport_operator.models.timetable.operator import TimetableOperator
    >>> agreement = {
    ...     "schema_version": 1, "world": "rail", "name": "line", "periods": 4, "period_s": 3600,
    ...     "rail_stations": ["port", "mine"], "trains": [{"name": "k1", "home": "port"}],
    ...     "trip_periods": [[0, 1], [1, 0]],
    ... }
    >>> there = {"train": "k1", "origin": "port", "destination": "mine", "period": 0}
    >>> back = {"train": "k1", "origin": "mine", "destination": "port", "period": 2}
    >>> def agents(worth_usd):
    ...     return {
    ...         "power_operator": PriceTakerOperator(PriceTakerOperator.Settings(worth_usd=worth_usd)),
    ...         "transport_operator": TimetableOperator(TimetableOperator.Settings(departures=[there, back])),
    ...         "coordinator": PostedPrice(),
    ...     }
    >>> day = portage.federate(agreement, agents(worth_usd=30.0))
    >>> day.record["status"]
    'complete'
    >>> day.tables["connections"][["station", "period"]].values.tolist()  # It stands at the mine, and is home again.
    [['port', 3], ['mine', 1]]
    """
    from federates.runs.in_process import run_objects

    agreed = session if isinstance(session, Session) else parse_session(dict(session), "session")
    _check_objects(agreed, agents)
    place = Path(results if results is not None else tempfile.mkdtemp(prefix="portage-"))
    try:
        made = Run(run_objects(agreed, agents, place, report=report))
    except FederationError as error:
        error.add_note(f"What was written before is in {place}.")
        raise
    if results is None:
        weakref.finalize(made, shutil.rmtree, place, ignore_errors=True)
    return made


def _check_objects(session: Session, agents: Mapping[str, Plugin]) -> None:
    from federates.runtime.plugins import base_class

    roles = session.roster
    missing = {name: role for name, role in roles.items() if name not in agents}
    problems = [Problem("agents", name, "missing", f"a {role} must be given") for name, role in missing.items()]
    problems += [Problem("agents", name, "given", f"must be one of {', '.join(roles)}") for name in agents if name not in roles]
    for name, agent in agents.items():
        if name in roles and not isinstance(agent, base_class(roles[name])):
            allowed = f"must be an object of a class derived from {base_class(roles[name]).__name__}"
            problems.append(Problem("agents", name, type(agent).__name__, allowed))
    if problems:
        raise ConfigError(problems)
