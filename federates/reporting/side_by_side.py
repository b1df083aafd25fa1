"""Any runs of one kind of day side by side: what was different in them, their numbers, and one figure with all of them.

`compare` and `rail.compare` are for the schemes of the papers; this is for what a user changed: a setting, or an own operator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import RAIL
from federates.reporting.figures.side_by_side import rail_runs_figure, road_runs_figure
from federates.reporting.figures.style import save_figure
from federates.reporting.metrics import summary
from federates.reporting.names import summary_rows
from federates.reporting.page import Picture, render_page, svg_uri
from federates.reporting.rail.metrics import rail_summary
from federates.reporting.rail.report import read_rail_run
from federates.reporting.tables import RunTables, read_json

__all__ = ["write_side_by_side"]

_MUST_AGREE = ("world", "periods", "period_s", "start_hour", "stations")
_NO_DIFFERENCE = {"run_id", "name"}
_LETTERS = "ABCDEFGH"
Run = RunTables[Any]


def write_side_by_side(folders: Sequence[Path], out: Path) -> Path:
    """Write ``comparison.html``, ``comparison.json`` and ``figures/`` of these runs into ``out`` and return the page.

    The runs are called A, B, C and so on, in the order given.

    Raises
    ------
    ConfigError : there are too few or too many runs, a folder is no run's, or the runs are not of the same kind of day.
    """
    runs = _read(folders)
    _check(runs)
    differences = _differences(runs)
    heads = [_summary(run) for run in runs.values()]
    out.mkdir(parents=True, exist_ok=True)
    content = {
        "runs": {letter: str(run.folder.resolve()) for letter, run in runs.items()},
        "differences": {name: dict(zip(runs, values, strict=True)) for name, values in differences},
        "summary": dict(zip(runs, heads, strict=True)),
    }
    (out / "comparison.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    pictures = [
        Picture(name, title, svg_uri(save_figure(figure, out / "figures", name)), reading)
        for name, title, figure, reading in _figures(runs)
    ]
    return render_page(
        "side_by_side.html.j2",
        out / "comparison.html",
        runs=runs,
        differences=[[name, *map(_text, values)] for name, values in differences],
        pictures=pictures,
        summary=summary_rows(heads, without=("run_id",)),
        not_whole=[letter for letter, run in runs.items() if run.status != "complete"],
    )


def _read(folders: Sequence[Path]) -> dict[str, Run]:
    if not 2 <= len(folders) <= len(_LETTERS):
        allowed = f"give two to {len(_LETTERS)} folders of runs"
        raise ConfigError([Problem("portage compare", "runs", str(len(folders)), allowed)])
    runs: dict[str, Run] = {}
    for letter, folder in zip(_LETTERS, folders, strict=False):
        by_rail = read_json(folder / "session.json").get("world") == RAIL
        runs[letter] = read_rail_run(folder) if by_rail else RunTables.read(folder)
    return runs


def _check(runs: Mapping[str, Run]) -> None:
    first = next(iter(runs.values())).session
    problems = []
    for run in runs.values():
        for name in _MUST_AGREE:
            value, expected = getattr(run.session, name), getattr(first, name)
            if value != expected:
                problems.append(Problem(str(run.folder), name, str(value), f"must be as in the first run: {expected}"))
    if problems:
        raise ConfigError(problems)


def _differences(runs: Mapping[str, Run]) -> list[tuple[str, list[Any]]]:
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


def _summary(run: Run) -> Mapping[str, Any]:
    return rail_summary(run) if run.session.world == RAIL else summary(run)


def _figures(runs: Mapping[str, Run]) -> Iterator[tuple[str, str, Figure, str]]:
    if next(iter(runs.values())).session.world == RAIL:
        drawn = {letter: run for letter, run in runs.items() if "power_balance" not in run.missing}
        text = "Solid and dashed lines: one a run. Cost and power are those of the day as it was carried out."
        if drawn:
            yield "runs", "The power operator's day", rail_runs_figure(drawn), text
        return
    drawn = {letter: run for letter, run in runs.items() if "schedule" not in run.missing}
    text = "By limited station: mean load with mobile storage and (dash-dotted) the limit; where no load was recorded, "
    if drawn:
        yield "runs", "Stations and vehicles", road_runs_figure(drawn), text + "vehicles sent there. Bottom: all vehicles sent."


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
