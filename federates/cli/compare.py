"""The command ``portage compare``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.cli.common import ResultsOption, SetOption, UseOption, console, errors, pairs, say_end, say_if_not_whole

if TYPE_CHECKING:
    from federates.runs.launch import Launch
    from federates.runs.scenario import Scenario


def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="SCENARIO | RUN RUN...", help="Folder of a scenario, or folders of two or more runs.")
    ],
    schemes: Annotated[str, typer.Option(help="Schemes to run, joined by commas; without it all of the scenario's world.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as many as there are cores.")] = 0,
    changes: SetOption = None,
    use: UseOption = None,
    results: ResultsOption = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Run every scheme with so many seeds, for means with intervals of 95 %.")
    ] = 1,
) -> None:
    """Run the schemes of a scenario with the same random numbers, or take runs that there are; set them side by side."""
    from federates.cli.progress import ProgressView
    from federates.runs.check import check_scenario
    from federates.runs.reports import is_run
    from federates.runs.stop import hear_signals, why

    if len(folders) > 1 or is_run(folders[0]):
        _compare_runs_that_there_are(folders, results, given=bool(schemes or changes or use or seeds > 1))
        return
    overrides = pairs(changes)
    found = check_scenario(folders[0], overrides, pairs(use, "--use"))
    names = _with_seeds(_scheme_names(schemes, found.world), found, overrides, seeds)
    workers = jobs or max(1, min(len(names), os.cpu_count() or 1))
    if found.broker.port != "auto" and workers > 1:
        allowed = "runs at the same time need ports of their own: choose auto, or --jobs 1"
        raise ConfigError([Problem(str(found.broker_file), "port", str(found.broker.port), allowed)])
    runs: dict[str, Launch] = {}
    failed: dict[str, str] = {}
    try:
        with hear_signals(), ProgressView(console) as view:
            failed = _run_schemes(found, overrides, names, workers, runs, watch=view.update, results=results)
    except KeyboardInterrupt as error:
        _say_what_is_kept(runs, why(error))
        raise
    raise typer.Exit(_compare(names, runs, failed))


def _compare(names: list[str], runs: Mapping[str, Launch], failed: dict[str, str]) -> int:
    """Say how each run ended and set the complete ones side by side; return the exit code."""
    from federates.runs.reports import compare_runs

    for name in names:
        if name in runs and say_end(runs[name]) != 0:
            failed[name] = str(runs[name].record.get("failure") or runs[name].culprit)
    complete = {name: runs[name].folder for name in names if name not in failed}
    if complete and (len(complete) > 1 or not failed):
        folder = _comparison_folder(next(iter(complete.values())).parent)
        repeated = _by_scheme(complete)
        first = {scheme: found[0] for scheme, found in repeated.items()}
        several = any(len(found) > 1 for found in repeated.values())
        page = compare_runs(first, folder, repeated) if several else compare_runs(first, folder)
        console.print(f"Comparison: {page}", markup=False, highlight=False)
    for name in (name for name in names if name in failed):
        errors.print(f"Not compared: scheme {name}, which failed: {failed[name]}", markup=False, highlight=False)
    return 1 if failed else 0


def _run_schemes(
    found: Scenario,
    overrides: dict[str, str],
    names: list[str],
    workers: int,
    runs: dict[str, Launch],
    **options: Any,
) -> dict[str, str]:
    """Run the schemes in threads that each attend their processes; put what has ended into ``runs``; ``options`` are `launch`'s.

    Returns why a scheme could not be started, by scheme. A signal ends all of them.
    """
    from federates.runs.launch import launch
    from federates.runs.stop import Stop, why

    stop = Stop()

    def one(scheme: str) -> None:
        changes, label = _changes(scheme)
        runs[scheme] = launch(found, overrides | changes, label=label, stop=stop, **options)

    with ThreadPoolExecutor(workers) as pool:
        futures = {name: pool.submit(one, name) for name in names}
        try:
            return {name: said for name, future in futures.items() if (said := _refused(future.result))}
        except BaseException as error:
            stop.why = why(error)
            pool.shutdown(cancel_futures=True)
            raise


def _refused(result: Callable[[], None]) -> str:
    try:
        result()
    except ConfigError:
        raise
    except PortageError as error:
        return str(error)
    return ""


def _say_what_is_kept(runs: Mapping[str, Launch], reason: str) -> None:
    """Say after a signal which runs are whole, and how to go on with them."""
    complete = {name: run.folder for name, run in runs.items() if run.ok}
    errors.print(f"portage: {reason}; every run keeps what it has written:", markup=False, highlight=False)
    for name, run in runs.items():
        errors.print(f"  {name}: {'complete' if run.ok else 'not whole'}: {run.folder}", markup=False, highlight=False)
    if len(complete) > 1:
        folders = " ".join(str(folder) for folder in complete.values())
        errors.print(f"Compare those that are complete: portage compare {folders}", markup=False, highlight=False)


def _compare_runs_that_there_are(folders: list[Path], results: Path | None, given: bool) -> None:
    if given:
        raise typer.BadParameter("--schemes, --set, --use and --seeds are for a scenario that is still to be run")
    from federates.runs.reports import compare_side_by_side, make_readable

    records = [make_readable(folder) for folder in folders]
    page = compare_side_by_side(folders, _comparison_folder(results or folders[0].resolve().parent))
    for folder, record in zip(folders, records, strict=True):
        say_if_not_whole(folder, record)
    console.print(f"Comparison: {page}", markup=False, highlight=False)


def _comparison_folder(results: Path) -> Path:
    return results / f"compare-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


_SEED = ", seed "
"""Between a scheme and its seed in the name of a run, where there are several seeds."""


def _with_seeds(schemes: list[str], found: Scenario, overrides: dict[str, str], seeds: int) -> list[str]:
    """Return the names of all runs: the schemes, or every scheme with the scenario's seed and those that follow it."""
    if seeds == 1:
        return schemes
    from federates.runtime.agent import load_session

    first = load_session(found.session_file, overrides).seed
    return [f"{scheme}{_SEED}{seed}" for seed in range(first, first + seeds) for scheme in schemes]


def _changes(name: str) -> tuple[dict[str, str], str]:
    """Return what a run of this name changes in ``scenario.yaml``, and its label."""
    scheme, _, seed = name.partition(_SEED)
    return ({"scheme": scheme, "seed": seed}, f"{scheme}-seed{seed}") if seed else ({"scheme": scheme}, scheme)


def _by_scheme(complete: Mapping[str, Path]) -> dict[str, list[Path]]:
    """Return the runs of every scheme, in the order of their seeds: the seeds of which no scheme lacks its run."""
    by_seed: dict[str, dict[str, Path]] = {}
    for name, folder in complete.items():
        scheme, _, seed = name.partition(_SEED)
        by_seed.setdefault(seed, {})[scheme] = folder
    schemes = list(dict.fromkeys(scheme for found in by_seed.values() for scheme in found))
    whole = [found for found in by_seed.values() if len(found) == len(schemes)]
    # A scheme of which every run failed is left out; if no seed is whole, the one with most schemes is shown.
    whole = whole or [max(by_seed.values(), key=len)]
    return {scheme: [found[scheme] for found in whole] for scheme in schemes if scheme in whole[0]}


def _scheme_names(text: str, world: str) -> list[str]:
    """Return the schemes in ``text``, or all of the world."""
    from federates.boundary.world import world_of

    allowed = world_of(world).schemes
    names = [name.strip() for name in text.split(",")] if text else list(allowed)
    for name in names:
        if name not in allowed:
            raise typer.BadParameter(f"{name!r}: allowed are {', '.join(allowed)}", param_hint="--schemes")
        if names.count(name) > 1:
            raise typer.BadParameter(f"{name!r} stands there twice", param_hint="--schemes")
    return names
