"""The command ``portage``: check, run, compare and report."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from federates import __version__
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.session import Scheme
from federates.cli.progress import ProgressView
from federates.reporting.compare import write_comparison
from federates.reporting.report import write_report
from federates.runs.check import check_scenario
from federates.runs.launch import Launch, launch
from federates.runs.scenario import Scenario

__all__ = ["main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)

ScenarioArgument = Annotated[Path, typer.Argument(help="Folder of the scenario, such as scenarios/la_gcs.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of scenario.yaml for this run.")
]


def main() -> None:
    """Run the command line; a `PortageError` becomes a message and an exit code."""
    try:
        app()
    except ConfigError as error:
        count = len(error.problems)
        errors.print(f"[bold red]{count} problem{'s' if count != 1 else ''} found; nothing was started[/]")
        for problem in error.problems:
            errors.print(f"  {problem}", markup=False, highlight=False)
        raise SystemExit(2) from None
    except PortageError as error:
        errors.print(f"portage: {error}", markup=False, highlight=False)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@app.callback(invoke_without_command=True)
def _common(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        console.print(f"portage {__version__}")
        raise typer.Exit


@app.command()
def check(scenario: ScenarioArgument, changes: SetOption = None) -> None:
    """Find everything wrong with a scenario before any process starts."""
    found = check_scenario(scenario, _pairs(changes))
    console.print(f"{found.name}: nothing wrong; run it with: portage run {scenario}", highlight=False)


@app.command()
def run(scenario: ScenarioArgument, changes: SetOption = None) -> None:
    """Run a scenario with live progress; the exit code is 0 only if the run is complete."""
    overrides = _pairs(changes)
    found = check_scenario(scenario, overrides)
    with ProgressView(console) as view:
        finished = launch(found, overrides, watch=view.update)
    raise typer.Exit(_say_end(finished))


@app.command()
def compare(
    scenario: ScenarioArgument,
    schemes: Annotated[str, typer.Option(help="Schemes to run, joined by commas.")] = "proposed,fastest_route,no_mves",
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as many as there are cores.")] = 0,
    changes: SetOption = None,
) -> None:
    """Run the schemes of the case study with the same random numbers and set them side by side."""
    names = [Scheme(name).value for name in _scheme_names(schemes)]
    overrides = _pairs(changes)
    found = check_scenario(scenario, overrides)
    workers = jobs or max(1, min(len(names), os.cpu_count() or 1))
    if found.broker.port != "auto" and workers > 1:
        allowed = "runs at the same time need ports of their own: choose auto, or --jobs 1"
        raise ConfigError([Problem(str(found.broker_file), "port", str(found.broker.port), allowed)])
    with ProgressView(console) as view:
        runs = _run_schemes(found, overrides, names, workers, view)
    codes = [_say_end(finished) for finished in runs.values()]
    if any(codes):
        raise typer.Exit(1)
    folder = found.folder / "results" / f"compare-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    page = write_comparison({name: finished.folder for name, finished in runs.items()}, folder)
    console.print(f"Comparison: {page}", highlight=False)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Folder of a run, such as scenarios/la_gcs/results/<run id>.")]) -> None:
    """Write the report of a run again, from the tables it left."""
    if not (folder / "session.json").exists():
        raise PortageError(f"{folder}: this is no run's folder: it has no session.json")
    console.print(f"Report: {write_report(folder)}", highlight=False)


def _run_schemes(
    found: Scenario, overrides: dict[str, str], names: list[str], workers: int, view: ProgressView
) -> dict[str, Launch]:
    """Run the schemes in threads that each attend their processes; Ctrl-C ends all of them."""
    stop = threading.Event()

    def one(scheme: str) -> Launch:
        return launch(found, overrides | {"scheme": scheme}, label=scheme, watch=view.update, stop=stop)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, name) for name in names]
        try:
            return {name: future.result() for name, future in zip(names, futures, strict=True)}
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _say_end(finished: Launch) -> int:
    record = finished.record
    if finished.ok:
        for line in record.get("headline", []):
            console.print(line, markup=False, highlight=False)
        console.print(f"Run {record['run_id']} is complete after {record['wall_s']:.0f} s.", highlight=False)
        console.print(f"Report: {finished.folder / 'report.html'}", markup=False, highlight=False)
        return 0
    errors.print(
        f"Run {finished.identity.run_id} failed: {record.get('failure') or finished.culprit}", markup=False, highlight=False
    )
    errors.print(
        f"Logs: {finished.folder / 'logs'}; what was written before is in {finished.folder}", markup=False, highlight=False
    )
    return 1


def _pairs(changes: list[str] | None) -> dict[str, str]:
    pairs = {}
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r}: must be KEY=VALUE", param_hint="--set")
        pairs[key] = value
    return pairs


def _scheme_names(text: str) -> list[str]:
    allowed = [scheme.value for scheme in Scheme]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in allowed:
            raise typer.BadParameter(f"{name!r}: allowed are {', '.join(allowed)}", param_hint="--schemes")
    return names
