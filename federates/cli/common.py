"""What the commands share: the consoles, the arguments, and how a run's end is said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from federates.audit.outcome import printable_lines
from federates.boundary.errors import ConfigError, Problem

if TYPE_CHECKING:
    from federates.runs.launch import Launch
    from federates.runtime.real_time import RealTime

# Without emoji: "file.py:A" is the name of a class.
console = Console(soft_wrap=True, emoji=False)
errors = Console(stderr=True, soft_wrap=True, emoji=False)

ScenarioArgument = Annotated[Path, typer.Argument(help="Folder of the scenario, such as scenarios/la_gcs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of scenario.yaml for this run.")
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FOLDER",
        envvar="PORTAGE_RESULTS_ROOT",
        help="Put results into a folder of this one; by default into the scenario's folder results.",
    ),
]
UseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--use",
        metavar="AGENT=CLASS",
        help="Use another class in this run, such as traffic_sumo=bpr or power_operator=file.py:Class; may be given again.",
    ),
]

RealTimeOption = Annotated[
    float | None,
    typer.Option(
        "--real-time",
        metavar="FACTOR",
        help="Let simulated time go no faster than this many seconds in one: with 60 an hour takes a minute.",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="In real time: an answer after the end of its period is missing. Otherwise all wait for it."),
]


def refuse_beside_resume(options: Iterable[str], what: str) -> None:
    """Refuse ``options`` that were given with ``--resume``: of a run or game (``what``) that goes on nothing can be changed.

    Raises
    ------
    ConfigError : there are some.
    """
    if given := " and ".join(options):
        allowed = f"must be left out with --resume: a {what} goes on with what it was started with"
        raise ConfigError([Problem("command line", given, "given", allowed)])


class _FlagsWithoutValue:
    """Mixed into commands: a flag takes no value, so that its help names none (typer 0.29 writes ``--json <bool>``)."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters with the placeholder of every flag left empty."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params


class Command(_FlagsWithoutValue, TyperCommand):
    """A command of `portage`."""


class Group(_FlagsWithoutValue, TyperGroup):
    """`portage` itself."""


def pairs(changes: list[str] | None, option: str = "--set") -> dict[str, str]:
    """Return ``--set`` options (or another ``option``) as a mapping."""
    found = {}
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"{change!r}: must be {'KEY=VALUE' if option == '--set' else 'AGENT=CLASS'}", param_hint=option
            )
        if key in found:
            raise typer.BadParameter(f"{key} is given twice", param_hint=option)
        found[key] = value
    return found


def real_time(factor: float | None, *, strict: bool) -> RealTime | None:
    """Return what ``--real-time`` and ``--strict`` say; None: time goes as fast as it may."""
    from federates.runtime.real_time import RealTime

    if factor is None:
        if strict:
            raise typer.BadParameter(
                "says how late answers are taken in real time: give --real-time FACTOR too", param_hint="--strict"
            )
        return None
    if not 0.0 < factor < math.inf:
        raise typer.BadParameter(f"{factor:g}: must be a positive number of simulated seconds", param_hint="--real-time")
    return RealTime(factor, strict)


def say_end(finished: Launch) -> int:
    """Say what came out of a run, or why it failed; return the exit code."""
    record = finished.record
    if finished.ok:
        if finished.culprit is not None:
            errors.print(f"Note: {finished.culprit}, when its work was done.", markup=False, highlight=False)
        for line in record.get("headline", []):
            console.print(line, markup=False, highlight=False)
        console.print(f"Run {record['run_id']} is complete after {record['wall_s']:.0f} s.", highlight=False)
        whole = finished.identity.broker.report and not finished.identity.elsewhere
        where = f"Report: {finished.folder / 'report.html'}" if whole else f"Results: {finished.folder}"
        console.print(where, markup=False, highlight=False)
        return 0
    failure = printable_lines(str(record.get("failure") or finished.culprit))
    errors.print(f"Run {finished.identity.run_id} failed: {failure}", markup=False, highlight=False)
    if finished.folder.is_dir():
        kept = f"Logs: {finished.folder / 'logs'}; what was written before is in {finished.folder}"
        errors.print(kept, markup=False, highlight=False)
    return 1


def say_if_not_whole(folder: Path, record: Mapping[str, Any]) -> None:
    """Say so where a run that is read has not come to its end, or failed."""
    status = record.get("status", "not recorded")
    if status != "complete":
        failure = "it goes on, or its computer is another" if status == "running" else record.get("failure") or f"status {status}"
        errors.print(f"Run {folder.resolve().name} is not whole: {printable_lines(str(failure))}", markup=False, highlight=False)
