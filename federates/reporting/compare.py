"""Compare runs: the schemes of one scenario with what a paper says about them, or any runs of one kind of day side by side.

Side by side is for what a user changed: a setting, or an own operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.reporting.formatting import summary_rows, write_summary_files
from federates.reporting.page import render_page, saved_pictures, write_json
from federates.reporting.tables import RunTables, read_json
from federates.reporting.world import Drawing, Grid, Section

_SAME_DAY = ("world", "periods", "period_s", "start_hour", "stations")
_NO_DIFFERENCE = {"run_id", "name"}
_LETTERS = "ABCDEFGH"
Runs = Mapping[str, RunTables[Any]]


def write_comparison(runs: Mapping[str, Path], folder: Path, repeated: Mapping[str, Sequence[Path]] | None = None) -> Path:
    """Compare runs and write ``comparison.html``, ``comparison.json``, ``summary.csv``, ``summary.md`` and ``figures/``.

    Parameters
    ----------
    runs : mapping of scheme to Path
        Scheme to the folder of its run; any of the world's schemes may be left out.
    folder : Path
        Where the comparison goes; made if missing.
    repeated : mapping of scheme to sequence of Path, optional
        Runs of every scheme that differ by their seeds, the same for all schemes; ``runs`` are the first of each. The page then
        has means over the seeds with intervals, too.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError : no run is given, a run is of another scheme than said, or the runs are of different scenarios.
    """
    read = {scheme: RunTables.read(Path(run_dir)) for scheme, run_dir in runs.items()}
    first = _checked(read)
    world = first.world
    read = {scheme: read[scheme] for scheme in world.schemes if scheme in read}
    seeds = {scheme: [RunTables.read(run) for run in (repeated or {}).get(scheme, ())] for scheme in read}
    seeds = _repeated(read, {scheme: found for scheme, found in seeds.items() if found})
    folder = _made(folder)
    claims, notes = world.claims(read), [*world.notes(read), *_not_complete(read)]
    write_summary_files(folder, {scheme: run.summary for scheme, run in read.items()}, world.name_of)
    pictures = saved_pictures(_scheme_figures(read, seeds), folder)
    content = {
        "runs": {scheme: run.run_id for scheme, run in read.items()},
        **({"repeated": {scheme: [run.run_id for run in found] for scheme, found in seeds.items()}} if seeds else {}),
        "common_random_numbers": len({run.session.seed for run in read.values()}) == 1,
        **world.compared_numbers(read),
        "claims": [claim.as_dict() for claim in claims],
        "notes": notes,
        "figures": {entry.name: entry.reading for entry in pictures},
        "summary": {scheme: run.summary for scheme, run in read.items()},
    }
    write_json(folder / "comparison.json", content)
    labels = [world.schemes[scheme]["label"] for scheme in read]
    rows = summary_rows([run.summary for run in read.values()], world.name_of)
    return render_page(
        "comparison.html.j2",
        folder / "comparison.html",
        title=f"Portage comparison: {first.session.name}: {', '.join(labels)}",
        heading=f"{world.heading}: {first.session.name}, schemes compared",
        lead=" · ".join(f"{scheme}: run {run.run_id}" for scheme, run in read.items()),
        not_whole="",
        notes=notes,
        sections=list(world.compared_sections(read)),
        claims=claims,
        pictures=pictures,
        grids=[Grid(world.compared_caption, ["Quantity", *labels], rows), *_seed_grids(seeds), *world.compared_grids(read)],
        basis=world.basis,
        published=first.published,
    )


def write_side_by_side(folders: Sequence[Path], out: Path) -> Path:
    """Write ``comparison.html``, ``comparison.json`` and ``figures/`` of these runs into ``out`` and return the page.

    The runs are called A, B, C and so on, in the order given.

    Raises
    ------
    ConfigError : there are too few or too many runs, a folder is no run's, or the runs are not of the same kind of day.
    """
    if not 2 <= len(folders) <= len(_LETTERS):
        allowed = f"give two to {len(_LETTERS)} folders of runs"
        raise ConfigError([Problem("portage compare", "runs", str(len(folders)), allowed)])
    runs = {letter: RunTables.read(folder) for letter, folder in zip(_LETTERS, folders, strict=False)}
    first = runs["A"]
    if problems := _unlike(runs, _SAME_DAY, "the first run", lambda run: str(run.folder)):
        raise ConfigError(problems)
    differences, out = _differences(runs), _made(out)
    content = {
        "runs": {letter: str(run.folder.resolve()) for letter, run in runs.items()},
        "differences": {name: dict(zip(runs, values, strict=True)) for name, values in differences},
        "summary": {letter: run.summary for letter, run in runs.items()},
    }
    write_json(out / "comparison.json", content)
    rows = summary_rows([run.summary for run in runs.values()], first.world.name_of, without=("run_id",))
    return render_page(
        "comparison.html.j2",
        out / "comparison.html",
        title="Portage: runs side by side",
        heading="Runs side by side",
        lead=" · ".join(f"{letter}: {run.title}" for letter, run in runs.items()),
        not_whole=", ".join(letter for letter, run in runs.items() if run.status != "complete"),
        notes=[],
        sections=[_what_differs(runs, differences)],
        claims=[],
        pictures=saved_pictures(first.world.side_by_side(runs), out),
        grids=[Grid("Summary.", ["Quantity", *runs], rows)],
        basis=None,
    )


def _repeated(first: Runs, seeds: Mapping[str, list[RunTables[Any]]]) -> dict[str, list[RunTables[Any]]]:
    """Return the runs of every seed by scheme; raise where they differ by more than the seed, or schemes by their seeds."""
    problems = []
    expected = [run.session.seed for run in next(iter(seeds.values()), [])]
    for scheme, found in seeds.items():
        names = ("world", "scheme", *first[scheme].world.must_agree)
        problems += _unlike({scheme: first[scheme], **{run.run_id: run for run in found}}, names, scheme, lambda run: run.run_id)
        if [run.session.seed for run in found] != expected:
            allowed = f"must be those of the first scheme: {', '.join(map(str, expected))}"
            given = ", ".join(str(run.session.seed) for run in found)
            problems.append(Problem("comparison", f"seeds of {scheme}", given, allowed))
    if problems:
        raise ConfigError(problems)
    return dict(seeds)


def _scheme_figures(read: Runs, seeds: Mapping[str, list[RunTables[Any]]]) -> Iterator[Drawing]:
    world = next(iter(read.values())).world
    yield from world.compared_figures(read)
    yield from world.repeated_figures(seeds) if seeds else ()


def _seed_grids(seeds: Mapping[str, list[RunTables[Any]]]) -> list[Grid]:
    if not seeds:
        return []
    from federates.reporting.seeds import seeds_grid  # loads what only this needs

    world = next(iter(seeds.values()))[0].world
    labels = {scheme: world.schemes[scheme]["label"] for scheme in seeds}
    return [seeds_grid({scheme: [run.summary for run in found] for scheme, found in seeds.items()}, labels, world.name_of)]


def comparison_figures(folder: Path) -> Iterator[Drawing]:
    """Yield the figures of the comparison in a folder, drawn anew from its runs.

    Raises
    ------
    ConfigError : a run is no longer where it was when it was compared.
    """
    content = read_json(Path(folder) / "comparison.json")
    runs, schemes = _runs_beside(folder, content)
    if not schemes:
        yield from next(iter(runs.values())).world.side_by_side(runs)
        return
    place = Path(folder).resolve().parent
    seeds = {scheme: [_there(place / run) for run in found] for scheme, found in content.get("repeated", {}).items()}
    yield from _scheme_figures(runs, seeds)


def _runs_beside(folder: Path, content: Mapping[str, Any]) -> tuple[dict[str, RunTables[Any]], bool]:
    """Return the runs that the comparison in ``folder`` is of, by scheme or letter, and whether it is one of schemes."""
    schemes = "differences" not in content
    # Schemes are named by their runs, which lie beside the comparison.
    found = {name: Path(folder).resolve().parent / run if schemes else Path(run) for name, run in content["runs"].items()}
    return {name: _there(run) for name, run in found.items()}, schemes


def _there(run: Path) -> RunTables[Any]:
    if not (run / "session.json").is_file():
        allowed = "must still be there: the figures of a comparison are drawn from its runs"
        raise ConfigError([Problem("comparison.json", "runs", str(run), allowed)])
    return RunTables.read(run)


def _made(folder: Path) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def _checked(runs: Runs) -> RunTables[Any]:
    """Return the first run; raise with everything that keeps the runs from being compared."""
    if not runs:
        raise ConfigError([Problem("comparison", "runs", "none", "give at least one run")])
    first, problems = next(iter(runs.values())), []
    world = first.world
    for scheme, run in runs.items():
        if scheme not in world.schemes:
            problems.append(Problem("comparison", "scheme", scheme, f"must be one of {', '.join(world.schemes)}"))
        elif run.scheme != scheme:
            problems.append(Problem(run.run_id, "scheme", run.scheme, f"was given as {scheme}"))
    problems += _unlike(runs, ("world", *world.must_agree), f"run {first.run_id}", lambda run: run.run_id)
    if problems:
        raise ConfigError(problems)
    return first


def _unlike(runs: Runs, names: Sequence[str], first: str, shown: Callable[[RunTables[Any]], str]) -> list[Problem]:
    """Return the fields of the sessions that are not as in the first run."""
    problems = []
    expected = next(iter(runs.values())).session
    for run in runs.values():
        for name in names:
            value, wanted = getattr(run.session, name, None), getattr(expected, name)
            if value != wanted:
                problems.append(Problem(shown(run), name, str(value), f"must be as in {first}: {wanted}"))
    return problems


def _not_complete(runs: Runs) -> list[str]:
    return [
        f"Run {run.run_id} ({scheme}) has status {run.status}: its day may not be whole."
        for scheme, run in runs.items()
        if run.status != "complete"
    ]


def _differences(runs: Runs) -> list[tuple[str, list[Any]]]:
    """Return every key of the configurations that is not the same in all runs, with its value in each (empty: not there)."""
    flat = [dict(_flat(run.configuration)) for run in runs.values()]
    keys = dict.fromkeys(key for one in flat for key in one if key.split(".")[-1] not in _NO_DIFFERENCE)
    rows = [(key, [one.get(key, "") for one in flat]) for key in keys]
    return [(key, values) for key, values in rows if any(value != values[0] for value in values)]


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, content


def _what_differs(runs: Runs, differences: list[tuple[str, list[Any]]]) -> Section:
    title = "What was different"
    if not differences:
        text = "The runs' settings are the same. An own class may have changed without its settings."
        return Section("differences", title, text=(text,))
    rows = [
        [name, *(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values)] for name, values in differences
    ]
    caption = "Settings that are not the same in all runs; empty: this run has no such setting."
    return Section("differences", title, grids=(Grid(caption, ["Setting", *runs], rows),))
