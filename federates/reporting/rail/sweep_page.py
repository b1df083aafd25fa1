"""The page of a sweep: its curve with bounds, what a paper says about the same curve, and the table of all points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from federates.boundary.errors import ConfigError
from federates.reporting.figures.style import save_figure
from federates.reporting.page import Picture, render_page, svg_uri
from federates.reporting.rail.figures.sweeps import sweep_figure
from federates.reporting.rail.sweeps import SweepTable, comparison_words, cost_interval, sweep_claims
from federates.reporting.words import number
from federates.worlds.rail.session import RailScheme

__all__ = ["FIGURE", "point_rows", "sweep_drawing", "sweep_reading", "write_sweep_page"]

FIGURE = "curve"
_MOST_PANELS = 4
_NO_RESULT = ("wall_s", "gap", "bound_usd", "total_cost_usd_low", "total_cost_usd", "seed", "periods")


def write_sweep_page(folder: Path) -> Path:
    """Write ``sweep.html``, ``claims.json`` and ``figures/`` into the output folder of a sweep and return the page.

    A sweep over more than one key, or over values that are no numbers, has no curve: its page has the table alone, and says so.

    Raises
    ------
    ConfigError : the folder is no output of ``portage sweep``.
    """
    folder = Path(folder)
    try:
        table, why = SweepTable.read(folder), ""
    except ConfigError as error:
        table, why = None, "; ".join(f"{problem.field}: {problem.allowed}" for problem in error.problems)
    frame = pd.read_parquet(folder / "sweep.parquet") if (folder / "sweep.parquet").is_file() else pd.DataFrame()
    about = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    pictures, claims = [], sweep_claims(table) if table is not None else []
    if table is not None and (quantities := _quantities(table)):
        figure = sweep_drawing(table, quantities)
        title = f"{table.label}{f' (as the paper`s {table.figure.figure})' if table.figure else ''}".replace("`", "'")
        pictures.append(
            Picture(FIGURE, title, svg_uri(save_figure(figure, folder / "figures", FIGURE)), sweep_reading(table, quantities))
        )
    elif not why:
        why = "no result is a number that changes from point to point"
    (folder / "claims.json").write_text(
        json.dumps([claim.as_dict() for claim in claims], indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return render_page(
        "sweep.html.j2",
        folder / "sweep.html",
        about=about,
        claims=claims,
        source=table.published.source if table is not None else "",
        pictures=pictures,
        why=why,
        points=point_rows(table) if table is not None and "total_cost_usd" in table.frame else None,
        heads=[str(name) for name in frame.columns],
        rows=[[_cell(value) for value in row] for row in frame.itertuples(index=False)],
    )


def sweep_drawing(table: SweepTable, quantities: list[tuple[str, str]] | None = None) -> Any:
    """Return the figure of a sweep, over the quantities that it has."""
    return sweep_figure(_with_hours(table), table.key, table.label, table.name, quantities or _quantities(table))


def sweep_reading(table: SweepTable, quantities: list[tuple[str, str]] | None = None) -> str:
    """Say how to read the figure."""
    columns = [column for column, _ in quantities or _quantities(table)]
    text = ""
    if "total_cost_usd" in columns:
        text = (
            "The best cost lies in the band: its upper edge, with markers, is the plan found, its lower edge the proven bound. "
        )
    if "moving_h" in columns:
        text += "Time in motion is that of the plan found; another plan of nearly the same cost may move for longer or shorter. "
    text += "Results hold at the points; lines between them only lead the eye."
    total = len(table.frame) + table.without_result
    return text + (f" {table.without_result} of {total} points have no result." if table.without_result else "")


def point_rows(table: SweepTable) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the costs by point: each scheme's interval and gap, then mobile against fixed."""
    pair = [scheme.value for scheme in (RailScheme.MOBILE, RailScheme.FIXED)]
    both = set(pair) <= set(table.schemes)
    moves = "moving_periods" in table.frame
    head = [table.label]
    for scheme in table.schemes:
        head += [f"cost of {table.name(scheme)} (USD)", "gap (%)"]
        head += ["time in motion (h)"] if moves and scheme == pair[0] else []
    head += [f"{table.name(pair[0])} against {table.name(pair[1])}"] if both else []
    rows = []
    for value, part in _with_hours(table).groupby(table.key, sort=True):
        found = {str(row["scheme"]): row for _, row in part.iterrows()}
        row = [number(float(value), 1)]
        for scheme in table.schemes:
            row += _cost_cells(found.get(scheme))
            row += [_hours(found.get(scheme))] if moves and scheme == pair[0] else []
        if both:
            known = [cost_interval(found[scheme]) for scheme in pair if scheme in found]
            row.append(comparison_words(*known) if len(known) == len(pair) else "–")
        rows.append(row)
    return head, rows


def _cost_cells(row: pd.Series | None) -> list[str]:
    if row is None:
        return ["–", "–"]
    cost = cost_interval(row)
    gap = (cost.high - cost.low) / abs(cost.high) if cost.high else math.nan
    return [cost.text(2), number(100 * gap, 3)]


def _hours(row: pd.Series | None) -> str:
    return "–" if row is None else number(float(row["moving_h"]), 1)


def _with_hours(table: SweepTable) -> pd.DataFrame:
    if "moving_periods" not in table.frame:
        return table.frame
    return table.frame.assign(moving_h=table.frame["moving_periods"] * float(table.about.get("period_s", 3600.0)) / 3600.0)


def _quantities(table: SweepTable) -> list[tuple[str, str]]:
    """Return what is drawn: cost and time in motion where there is a cost, else the first results that change."""
    frame = table.frame
    if "total_cost_usd" in frame:
        moving = "moving_periods" in frame and frame["moving_periods"].nunique() > 1
        return [("total_cost_usd", "Cost of both operators\n(USD)")] + (
            [("moving_h", "Time in motion,\nall trains (h)")] if moving else []
        )
    return list(_changing(table))[:_MOST_PANELS]


def _changing(table: SweepTable) -> Iterator[tuple[str, str]]:
    for name in table.frame.select_dtypes("number").columns:
        if name != table.key and name not in _NO_RESULT and table.frame[name].nunique() > 1:
            yield str(name), str(name)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
