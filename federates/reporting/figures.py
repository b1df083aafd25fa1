"""Look of all figures: colours, line styles, hour axis, and saving without a trace of the time or the machine.

Colours are Okabe and Ito's, safe for the colour-blind; a line style, marker or hatch always goes with them, so that a
figure can be read in grey. Figures never pass through pyplot: nothing global is kept or changed.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from federates.boundary.session import Session
from federates.reporting.tables import RunTables

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, "#8c6d31")
"""One after the other for stations, trains, lines and units; a label or a line style always goes with them."""

WIDTH_IN = 7.16
"""Width of a two-column figure of the IEEE, in."""

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "figure.titlesize": 9.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.6,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.dpi": 200,
    # Glyphs as paths: a page or a paper shows the same letters everywhere.
    "svg.fonttype": "path",
    "svg.hashsalt": "portage",
}

_HOUR_STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 24.0)

P = ParamSpec("P")


def paper_style(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return the function, made to run with the settings of a paper whatever the user's own are."""

    @functools.wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(_SETTINGS, after_reset=True):
            return function(*args, **kwargs)

    return styled


def new_figure(height_in: float, title: str = "", width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure with a canvas of its own."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontweight="normal")
    return figure


def hour_edges(session: Session) -> np.ndarray:
    """Return the edges of all periods, h after midnight of the first day, shape (T + 1,)."""
    return session.start_hour + np.arange(session.periods + 1) * session.period_s / 3600.0


def hour_axis(axes: Axes, session: Session, label: bool = True) -> None:
    """Give an axis the hours of the run: at most 13 ticks, written as the hour of the day."""
    edges = hour_edges(session)
    low, high = float(edges[0]), float(edges[-1])
    step = next((value for value in _HOUR_STEPS if (high - low) / value <= 12), _HOUR_STEPS[-1])
    ticks = np.arange(np.ceil(low / step) * step, high + 1e-9, step)
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [_clock(float(tick)) for tick in ticks])
    if label:
        axes.set_xlabel("Time of day (h)")


def by_period(run: RunTables, table: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column over the day, shape (T,); NaN for periods without a row. Rows of one period are added."""
    sums = table.groupby("period")[column].sum(min_count=1)
    return np.asarray(sums.reindex(range(run.session.periods)), float)


def draw_stairs(axes: Axes, run: RunTables, values: np.ndarray, **look: Any) -> None:
    """Draw values that hold for a whole period each."""
    axes.stairs(values, hour_edges(run.session), baseline=None, **look)


def hour_panels(panels: np.ndarray, run: RunTables) -> None:
    """Give a column of panels one hour axis, labelled at the bottom."""
    for panel in panels[:-1]:
        hour_axis(panel, run.session, label=False)
    hour_axis(panels[-1], run.session)


def thousands(axes: Axes) -> None:
    """Write large costs on the vertical axis in full, with thin spaces."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f"))


def svg_bytes(figure: Figure) -> bytes:
    """Return the figure as SVG; the same figure gives the same bytes at any time."""
    buffer = io.BytesIO()
    with style.context(_SETTINGS, after_reset=True):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def save_figure(figure: Figure, folder: Path, name: str, formats: Iterable[str] = ("png", "svg")) -> bytes:
    """Save a figure as PNG (200 dpi) and SVG and return the SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    svg = svg_bytes(figure)
    # The SVG has laid the figure out; the PNG takes the same layout, so both show the same picture.
    figure.set_layout_engine("none")
    for kind in formats:
        path = folder / f"{name}.{kind}"
        if kind == "svg":
            path.write_bytes(svg)
            continue
        with style.context(_SETTINGS, after_reset=True):
            figure.savefig(path, format=kind, metadata={"Software": None})
    return svg


def _clock(hour: float) -> str:
    """Write an hour of the day; the end of the first day is 24, not 0."""
    day = hour if hour == 24.0 else hour % 24.0
    minutes = round(60 * (day % 1.0))
    return f"{int(day)}:{minutes:02d}" if minutes else f"{int(day)}"


_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, "#8c6d31")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), "-.", (0, (6, 1, 1, 1)), (0, (2, 2)), "--", ":")


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with a line per run: label of its axis with the unit, values by period, shape (T,), and what makes it readable."""

    label: str
    values: Callable[[RunTables[Any]], pd.Series[Any]]
    title: str = ""
    limit: pd.Series[Any] | None = None
    """Drawn as a dash-dotted line, shape (T,)."""
    bottom: Callable[[float], float] | None = None
    """Makes the lower end of the axis from what it would be; None: it stays."""


@paper_style
def runs_figure(runs: Mapping[str, RunTables[Any]], panels: Sequence[Panel], edge_in: float, panel_in: float) -> Figure:
    """Return a figure with panels below each other; ``edge_in`` and ``panel_in`` are heights of the margins and of a panel."""
    first = next(iter(runs.values()))
    figure = new_figure(edge_in + panel_in * len(panels))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    edges = hour_edges(first.session)
    for axes, panel in zip(grid, panels, strict=True):
        for (letter, run), colour, line in zip(runs.items(), _COLOURS, _DASHES, strict=False):
            look: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.6}
            values, label = np.asarray(panel.values(run), float), f"{letter}: {run.session.name}, run {run.run_id}"
            axes.stairs(values, edges, baseline=None, label=label, **look)
        if panel.limit is not None:
            axes.stairs(np.asarray(panel.limit, float), edges, color=BLACK, linestyle="-.", linewidth=1.0, baseline=None)
        if panel.title:
            axes.set_title(panel.title, loc="left")
        axes.set_ylabel(panel.label)
        if panel.bottom is not None:
            axes.set_ylim(bottom=panel.bottom(axes.get_ylim()[0]))
    hour_panels(grid, first)
    figure.align_ylabels(list(grid))
    figure.legend(*grid[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
