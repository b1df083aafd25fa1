"""Feeder load of all stations without and with mobile storage, and the probability of overload (the paper's Fig. 5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    hour_axis,
    new_figure,
    paper_style,
)
from federates.reporting.metrics import bin_load
from federates.reporting.tables import RunTables

__all__ = ["feeder_load_figure"]

_WITHOUT, _WITH = "load_without_kw", "load_with_kw"
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BLACK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_MARK_EVERY = 16
_COLUMNS = 2
_SEEN = 0.005
"""A station whose probability of overload never reaches this has no line of its own."""


@paper_style
def feeder_load_figure(run: RunTables, without: RunTables | None = None) -> Figure:
    """Return a panel per station, the limited ones first, and below them the probability of overload of all.

    Parameters
    ----------
    run : RunTables
        Run that gives the load with mobile storage.
    without : RunTables, optional
        Run that gives the load without; the same run if left out.
    """
    base = without or run
    recorded = set(run.frame("feeder_load")["station"])
    groups = [[n for n in names if n in recorded] for names in (run.session.limited_stations, run.session.resourceful_stations)]
    title = f"Feeder load: {run.title}"
    if without is not None:
        title += f"\nload without mobile storage: scheme {without.session.scheme.value}, run {without.run_id}"
    rows = [names[i : i + _COLUMNS] for names in groups for i in range(0, len(names), _COLUMNS)]
    figure = new_figure(1.2 + 2.05 * (len(rows) + 1), title)
    grid = figure.add_gridspec(len(rows) + 1, _COLUMNS)
    own, other = bin_load(run), bin_load(base)
    panels = [
        (name, figure.add_subplot(grid[i, :] if len(row) == 1 else grid[i, j]))
        for i, row in enumerate(rows)
        for j, name in enumerate(row)
    ]
    for name, panel in panels:
        _panel(panel, own[own["station"] == name], other[other["station"] == name], run)
        helps = ", gives energy" if name in groups[1] else ""
        panel.set_title(f"{name}{helps}", loc="left")
        panel.set_ylabel("Feeder load (kW)")
    _probability(figure.add_subplot(grid[-1, :]), own, other, [*groups[0], *groups[1]], run)
    handles, labels = panels[0][1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _panel(axes: Axes, own: pd.DataFrame, base: pd.DataFrame, run: RunTables) -> None:
    axes.plot(*_steps(own, "limit_kw"), color=BLACK, linestyle="-.", linewidth=1.2, label="feeder limit")
    axes.plot(*_steps(base, _WITHOUT), color=VERMILLION, linestyle=(0, (5, 1.5)), label="without mobile storage")
    axes.plot(*_steps(own, _WITH), color=BLUE, label="with mobile storage")
    hours, load = _steps(base, _WITHOUT)
    level = _steps(base, "limit_kw")[1]
    above: dict[str, Any] = {"where": load > level, "facecolor": "#fbe3d3", "edgecolor": VERMILLION, "linewidth": 0.0}
    axes.fill_between(hours, level, load, hatch="////", label="overload without", **above)
    hours, load = _steps(own, _WITH)
    level = _steps(own, "limit_kw")[1]
    axes.fill_between(hours, level, load, where=load > level, facecolor=VERMILLION, linewidth=0.0, label="overload with")
    hour_axis(axes, run.session, label=False)
    top = pd.concat([base[_WITHOUT], own[_WITH], own["limit_kw"]]).max()
    axes.set_ylim(min(0.0, 1.05 * float(own[_WITH].min())), 1.08 * top)


def _probability(axes: Axes, own: pd.DataFrame, base: pd.DataFrame, names: list[str], run: RunTables) -> None:
    """Draw P(load > limit) of every station that comes near its limit: dashed without, solid with mobile storage.

    A station has a colour and a marker, so that the lines can be told apart in grey.
    """
    for number, (name, colour, marker) in enumerate(zip(names, _COLOURS, _MARKERS, strict=False)):
        for frame, side, line in ((base, "without", (0, (5, 1.5))), (own, "with", "-")):
            part = frame[frame["station"] == name]
            if part[f"overload_probability_{side}"].max() >= _SEEN:
                steps = _steps(part, f"overload_probability_{side}")
                look: dict[str, Any] = {
                    "color": colour,
                    "linestyle": line,
                    "marker": marker,
                    "markevery": (4 * number, _MARK_EVERY),
                }
                axes.plot(*steps, linewidth=1.1, markersize=3.4, label=f"{name} {side}", **look)
    axes.set_title("probability of overload", loc="left")
    axes.set_ylabel("P(load > limit) (1)")
    axes.set_ylim(0.0, 1.5)  # room for the legend above 1
    axes.set_yticks(np.linspace(0.0, 1.0, 6))
    hour_axis(axes, run.session)
    if axes.get_lines():
        axes.legend(loc="upper left", ncols=4, fontsize=7.0)


def _steps(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return corners of the step curve, two per interval, so that lines and shading agree."""
    hours = np.column_stack([frame["clock_h"], frame["clock_h"] + frame["hours"]]).ravel()
    return hours, np.repeat(frame[column].to_numpy(float), 2)
