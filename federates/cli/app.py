"""The command ``portage``: check, run, compare and report."""

# A command imports what it works with when it is called: `portage --help` needs none of it, and loading it takes seconds.

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from federates import __version__
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.cli.audit import audit
from federates.cli.centralised import centralised
from federates.cli.common import Command, Group, ScenarioArgument, SetOption, UseOption, console, errors, pairs, say_end
from federates.cli.conform import conform
from federates.cli.new import new, new_class
from federates.cli.sweep import sweep

if TYPE_CHECKING:
    from federates.boundary.names import World
    from federates.cli.progress import ProgressView
    from federates.runs.launch import Launch
    from federates.runs.scenario import Scenario

__all__ = ["main"]

app = typer.Typer(cls=Group, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


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


@app.command(cls=Command)
def check(scenario: ScenarioArgument, changes: SetOption = None, use: UseOption = None) -> None:
    """Find everything wrong with a scenario before any process starts."""
    from federates.runs.check import check_scenario

    found = check_scenario(scenario, pairs(changes), pairs(use, "--use"))
    for note in found.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(f"{found.name}: nothing wrong; run it with: portage run {scenario}", markup=False, highlight=False)


@app.command(cls=Command)
def run(scenario: ScenarioArgument, changes: SetOption = None, use: UseOption = None) -> None:
    """Run a scenario with live progress; the exit code is 0 only if the run is complete."""
    from federates.cli.progress import ProgressView
    from federates.runs.check import check_scenario
    from federates.runs.launch import launch

    overrides = pairs(changes)
    found = check_scenario(scenario, overrides, pairs(use, "--use"))
    with ProgressView(console) as view:
        finished = launch(found, overrides, watch=view.update)
    raise typer.Exit(say_end(finished))


@app.command(cls=Command)
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="SCENARIO | RUN RUN...", help="Folder of a scenario, or folders of two or more runs.")
    ],
    schemes: Annotated[str, typer.Option(help="Schemes to run, joined by commas; without it all of the scenario's world.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as many as there are cores.")] = 0,
    changes: SetOption = None,
    use: UseOption = None,
) -> None:
    """Run the schemes of a scenario with the same random numbers, or take runs that there are; set them side by side."""
    if len(folders) > 1 or (folders[0] / "session.json").exists():
        _compare_runs_that_there_are(folders, given=bool(schemes or changes or use))
        return
    from federates.cli.progress import ProgressView
    from federates.runs.check import check_scenario
    from federates.runs.reports import compare_runs

    overrides = pairs(changes)
    found = check_scenario(folders[0], overrides, pairs(use, "--use"))
    names = _scheme_names(schemes, found.world)
    workers = jobs or max(1, min(len(names), os.cpu_count() or 1))
    if found.broker.port != "auto" and workers > 1:
        allowed = "runs at the same time need ports of their own: choose auto, or --jobs 1"
        raise ConfigError([Problem(str(found.broker_file), "port", str(found.broker.port), allowed)])
    with ProgressView(console) as view:
        runs = _run_schemes(found, overrides, names, workers, view)
    codes = [say_end(finished) for finished in runs.values()]
    if any(codes):
        raise typer.Exit(1)
    page = compare_runs({name: finished.folder for name, finished in runs.items()}, _comparison_folder(found.folder / "results"))
    console.print(f"Comparison: {page}", highlight=False)


@app.command(cls=Command)
def report(folder: Annotated[Path, typer.Argument(help="Folder of a run, such as scenarios/la_gcs/results/<run id>.")]) -> None:
    """Write the report of a run again, from the tables it left."""
    from federates.runs.reports import write_run_report

    if not (folder / "session.json").exists():
        raise PortageError(f"{folder}: this is no run's folder: it has no session.json")
    console.print(f"Report: {write_run_report(folder)}", highlight=False)


app.command(cls=Command)(audit)
app.command(cls=Command)(sweep)
app.command(cls=Command)(conform)
app.command(cls=Command)(new)
app.command("new-operator", cls=Command)(new_class)


def _compare_runs_that_there_are(folders: list[Path], given: bool) -> None:
    if given:
        raise typer.BadParameter("--schemes, --set and --use are for a scenario that is still to be run")
    from federates.runs.reports import compare_side_by_side

    page = compare_side_by_side(folders, _comparison_folder(folders[0].resolve().parent))
    console.print(f"Comparison: {page}", highlight=False)


def _comparison_folder(results: Path) -> Path:
    return results / f"compare-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


def _scheme_names(text: str, world: World) -> list[str]:
    """Return the schemes in ``text``, or all of the world."""
    from federates.boundary.session import SCHEMES

    allowed = SCHEMES[world]
    names = [name.strip() for name in text.split(",")] if text else list(allowed)
    for name in names:
        if name not in allowed:
            raise typer.BadParameter(f"{name!r}: allowed are {', '.join(allowed)}", param_hint="--schemes")
    return names


app.command(cls=Command)(centralised)


def _run_schemes(
    found: Scenario, overrides: dict[str, str], names: list[str], workers: int, view: ProgressView
) -> dict[str, Launch]:
    """Run the schemes in threads that each attend their processes; Ctrl-C ends all of them."""
    from federates.runs.launch import launch

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
