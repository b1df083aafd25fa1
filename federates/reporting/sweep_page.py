"""The page of a sweep: its curve with bounds, what a paper says about the same curve, and the table of all points."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.boundary.errors import ConfigError, Problem
from federates.reporting.figures import legend_below, new_figure, paper_style, stack, thousands
from federates.reporting.formatting import number
from federates.reporting.page import Picture, render_page, saved_pictures, write_json
from federates.reporting.sweeps import SweepTable, comparison_words, cost_interval, sweep_claims
from federates.reporting.world import Drawing

Schemes = Mapping[str, Mapping[str, Any]]
_BAND_ALPHA = 0.25


@paper_style
def sweep_figure(
    table: pd.DataFrame, key: str, label: str, name: Callable[[str], str], quantities: Sequence[tuple[str, str]], schemes: Schemes
) -> Figure:
    """Return one panel for each quantity, a line for each scheme.

    Parameters
    ----------
    table : rows of every scheme with ``key`` and the quantities, in order of ``key``; bounded ones with ``<name>_low`` too.
    label : label of the horizontal axis, with its unit.
    name : gives a scheme's name in the legend.
    quantities : columns with their labels, with units. One with a column ``<name>_low`` is drawn as the band between both.
    schemes : looks of the world's schemes.
    """
    figure = new_figure(1.6 + 1.6 * len(quantities))
    panels = stack(figure, len(quantities))
    for axes, (column, title) in zip(panels, quantities, strict=True):
        for scheme, part in table.groupby("scheme", sort=False):
            _line(axes, part, key, column, schemes[str(scheme)], name(str(scheme)))
        axes.set_ylabel(title)
        if column == "total_cost_usd":
            thousands(axes)
        else:
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    for axes in panels:
        if axes.get_subplotspec().rowspan.stop == panels[-1].get_subplotspec().rowspan.stop:
            axes.set_xlabel(label)
    figure.align_ylabels(list(panels))
    legend_below(figure, 4, *panels[0].get_legend_handles_labels())
    return figure


def _line(axes: Axes, part: pd.DataFrame, key: str, column: str, look: Mapping[str, Any], label: str) -> None:
    x, y = part[key].to_numpy(float), part[column].to_numpy(float)
    style = {"color": look["color"], "linestyle": look["dash"]}
    if f"{column}_low" in part:
        bound = part[f"{column}_low"].to_numpy(float)
        low = np.where(np.isfinite(bound), bound, y)
        axes.fill_between(x, low, y, color=look["color"], alpha=_BAND_ALPHA, linewidth=0.0)
        axes.plot(x, low, linewidth=0.6, **style)
    axes.plot(x, y, marker=look["marker"], linewidth=1.4, label=label, **style)


PAGE = "curve"
_MOST_PANELS = 4
_NOTHING_CHANGES = "no result is a number that changes from point to point"
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
    pictures, claims = list[Picture](), sweep_claims(table) if table is not None else []
    if table is not None and _quantities(table):
        pictures = saved_pictures([sweep_entry(table)], folder)
    elif not why:
        why = _NOTHING_CHANGES
    write_json(folder / "claims.json", [claim.as_dict() for claim in claims])
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


def sweep_entry(table: SweepTable) -> Drawing:
    """Return the curve of a sweep with its title and how to read it; raise `ConfigError` where no result changes."""
    quantities = _quantities(table)
    if not quantities:
        raise ConfigError([Problem(table.folder.name, "results", "all alike", _NOTHING_CHANGES)])
    title = f"{table.label}{f' (as the paper`s {table.figure.figure})' if table.figure else ''}".replace("`", "'")
    return Drawing(PAGE, title, sweep_drawing(table, quantities), sweep_reading(table, quantities))


def sweep_drawing(table: SweepTable, quantities: list[tuple[str, str]] | None = None) -> Any:
    """Return the figure of a sweep, over the quantities that it has."""
    return sweep_figure(_drawn(table), table.key, table.label, table.name, quantities or _quantities(table), table.world.schemes)


def sweep_reading(table: SweepTable, quantities: list[tuple[str, str]] | None = None) -> str:
    """Say how to read the figure."""
    columns = [column for column, _ in quantities or _quantities(table)]
    text = ""
    if "total_cost_usd" in columns:
        text = (
            "The best cost lies in the band: its upper edge, with markers, is the plan found, its lower edge the proven bound. "
        )
    text += "".join(f"{entry.reading} " for entry in table.world.sweep_hours if entry.column in columns)
    text += "Results hold at the points; lines between them only lead the eye."
    total = len(table.frame) + table.without_result
    return text + (f" {table.without_result} of {total} points have no result." if table.without_result else "")


def point_rows(table: SweepTable) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the costs by point: each scheme's interval and gap, then the first scheme against the next."""
    pair = list(table.world.schemes)[:2]
    both = set(pair) <= set(table.schemes)
    hours = [entry for entry in table.world.sweep_hours if entry.column in table.frame]
    head = [table.label]
    for scheme in table.schemes:
        head += [f"cost of {table.name(scheme)} (USD)", "gap (%)"]
        head += [entry.head for entry in hours] if scheme == pair[0] else []
    head += [f"{table.name(pair[0])} against {table.name(pair[1])}"] if both else []
    rows = []
    for value, part in _drawn(table).groupby(table.key, sort=True):
        found = {str(row["scheme"]): row for _, row in part.iterrows()}
        row = [number(float(value), 1)]
        for scheme in table.schemes:
            row += _cost_cells(found.get(scheme))
            row += [_cell_of(found.get(scheme), entry.column) for entry in hours] if scheme == pair[0] else []
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


def _cell_of(row: pd.Series | None, column: str) -> str:
    return "–" if row is None else number(float(row[column]), 1)


def _drawn(table: SweepTable) -> pd.DataFrame:
    """Return the points with numbers of periods that are times in hours."""
    hours = float(table.about.get("period_s", 3600.0)) / 3600.0
    names = [entry.column for entry in table.world.sweep_hours if entry.column in table.frame]
    return table.frame.assign(**{name: table.frame[name] * hours for name in names})


def _quantities(table: SweepTable) -> list[tuple[str, str]]:
    """Return what is drawn: the cost and the times that change where there is a cost, else the first results that change."""
    frame = table.frame
    if "total_cost_usd" in frame:
        hours = [entry for entry in table.world.sweep_hours if entry.column in frame and frame[entry.column].nunique() > 1]
        return [("total_cost_usd", "Cost of both operators\n(USD)"), *((entry.column, entry.axis) for entry in hours)]
    return list(_changing(table))[:_MOST_PANELS]


def _changing(table: SweepTable) -> Iterator[tuple[str, str]]:
    for name in table.frame.select_dtypes("number").columns:
        if name != table.key and name not in _NO_RESULT and table.frame[name].nunique() > 1:
            yield str(name), str(name)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
