"""Look of all figures: colours, panels, legends, hour axis, and saving without a trace of the time or the machine.

What depends on where a figure is shown, such as its width, stands in `media`, and how it is made to fit there in `fit`.
Colours are Okabe and Ito's, safe for the colour-blind; a line style, marker or hatch always goes with them, so that a figure
can be read in grey. Figures never pass through pyplot: nothing global is kept or changed.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from federates.boundary.session import Session
from federates.reporting.fit import finished, grow
from federates.reporting.media import medium, settings, shape_of
from federates.reporting.tables import RunTables

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, "#8c6d31")
"""One after the other for stations, trains, lines and units; a label or a line style always goes with them."""

_HOUR_STEPS, _MOST_HOUR_STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 24.0), 12
_PANEL_SHARE, _LETTER = 0.75, 0.62
"""How much of a figure's width its panels have, and width of a letter as a share of its size: rules of thumb."""

P = ParamSpec("P")
Panels: TypeAlias = NDArray[Any]


def paper_style(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return the function, made to run with the settings of a paper whatever the user's own are."""

    @functools.wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(settings(), after_reset=True):
            return finished(function(*args, **kwargs))

    return styled


def new_figure(height_in: float, title: str = "", width_in: float | None = None) -> Figure:
    """Return an empty figure with a canvas of its own, as wide as the medium; only in the report it has a title inside."""
    here = medium()
    figure = Figure(figsize=(width_in or here.width_in, here.height_in or min(height_in, here.most_in)), layout="constrained")
    FigureCanvasAgg(figure)
    if title and not here.printed:
        figure.suptitle(title, fontweight="normal")
    return figure


def stack(part: Figure | SubFigure, panels: int, ratios: Sequence[float] | None = None, sharex: bool = True) -> Panels:
    """Return panels below each other in a figure or a part of one, which may share their horizontal axis; on a slide in rows."""
    rows, columns = shape_of(panels)
    if columns == 1:
        return np.asarray(part.subplots(panels, 1, squeeze=False, sharex=sharex, height_ratios=ratios))[:, 0]
    grid, made = part.add_gridspec(rows, columns), list[Axes]()
    for k in range(panels):
        row, column = divmod(k, columns)
        place = grid[row, column:] if k == panels - 1 else grid[row, column]
        made.append(part.add_subplot(place, sharex=made[0] if made and sharex else None))
        if sharex and row < rows - 1:
            made[-1].tick_params(labelbottom=False)
    return np.array(made)


def beside(part: Figure | SubFigure, panels: int, ratios: Sequence[float] | None = None, shared: bool = False) -> Panels:
    """Return panels beside each other, or below each other where there is no room (`rows_beside`); ``shared``: with one scale."""
    if rows_beside(panels) == 1:
        return np.asarray(part.subplots(1, panels, squeeze=False, width_ratios=ratios, sharex=shared, sharey=shared))[0]
    return np.asarray(part.subplots(panels, 1, squeeze=False, sharex=shared, sharey=shared))[:, 0]


def rows_beside(panels: int) -> int:
    """Return in how many rows `beside` puts panels."""
    return panels if medium().beside == 1 else 1


def legend_below(part: Figure | SubFigure, most: int, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put a legend below a figure or a part of one, with at most so many columns; the figure grows by rows that it needs more."""
    for columns in range(max(1, min(most, len(labels))), 0, -1):
        legend = part.legend(handles, labels, loc="outside lower center", ncols=columns)
        if columns == 1 or not medium().printed or legend.get_window_extent().width <= part.bbox.width:
            break
        legend.remove()
    if medium().printed:
        grow(part, 1.3 * medium().text_pt / 72.0 * (ceil(len(labels) / columns) - ceil(len(labels) / most)))


def legend_inside(axes: Axes, most: int, **look: Any) -> None:
    """Put a legend into a panel, with at most so many columns as fit."""
    spec = axes.get_subplotspec()
    room = _PANEL_SHARE * axes.figure.bbox.width / (spec.get_gridspec().ncols if spec else 1)
    for columns in range(most, 0, -1):
        legend = axes.legend(ncols=columns, **look)
        if columns == 1 or not medium().printed or legend.get_window_extent().width <= room:
            break


def named_lines(axes: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """Return handles and labels of everything with a label in some panels, each label once."""
    found = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    return list(found.values()), list(found)


def hour_edges(session: Session) -> np.ndarray:
    """Return the edges of all periods, h after midnight of the first day, shape (T + 1,)."""
    return session.start_hour + np.arange(session.periods + 1) * session.period_s / 3600.0


def hour_axis(axes: Axes, session: Session, label: bool = True) -> None:
    """Give an axis the hours of the run: at most 13 ticks, written as the hour of the day."""
    edges = hour_edges(session)
    low, high = float(edges[0]), float(edges[-1])
    step = next((value for value in _HOUR_STEPS if _fits(axes, value, (high - low) / value)), _HOUR_STEPS[-1])
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


def _fits(axes: Axes, step: float, steps: float) -> bool:
    """Whether the labels of so many steps fit below a panel, by a rule of thumb, for its width is not known yet."""
    here, spec = medium(), axes.get_subplotspec()
    width_pt = 72.0 * _PANEL_SHARE * here.width_in / (spec.get_gridspec().ncols if spec else 1)
    label_pt = _LETTER * here.text_pt * ((2.0 if step >= 1.0 else 5.0) + 0.8)
    return steps <= _MOST_HOUR_STEPS and (not here.printed or (steps + 1.0) * label_pt <= width_pt)


def hour_panels(panels: np.ndarray, run: RunTables) -> None:
    """Give panels of `stack` one hour axis, labelled at the bottom."""
    for panel in panels:
        spec = panel.get_subplotspec()
        hour_axis(panel, run.session, label=spec.rowspan.stop == spec.get_gridspec().nrows)


def thousands(axes: Axes) -> None:
    """Write large costs on the vertical axis in full, with thin spaces."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f"))


def svg_bytes(figure: Figure) -> bytes:
    """Return the figure as SVG; the same figure gives the same bytes at any time."""
    return figure_bytes(figure, "svg")


_NOTHING_OF_THE_MACHINE: dict[str, dict[str, None]] = {
    "svg": dict.fromkeys(("Date", "Creator")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
    "png": dict.fromkeys(("Software",)),
}
FORMATS = tuple(_NOTHING_OF_THE_MACHINE)


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return the figure in one of `FORMATS`, for the medium; the same figure gives the same bytes at any time."""
    buffer = io.BytesIO()
    with style.context(settings(), after_reset=True):
        figure.savefig(buffer, format=kind, metadata=_NOTHING_OF_THE_MACHINE[kind])
    return buffer.getvalue()


def save_figure(figure: Figure, folder: Path, name: str, formats: Iterable[str] = ("png", "svg")) -> bytes:
    """Save a figure as PNG (200 dpi) and SVG and return the SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    svg = svg_bytes(figure)
    # The SVG has laid the figure out; the PNG takes the same layout, so both show the same picture.
    figure.set_layout_engine("none")
    for kind in formats:
        (folder / f"{name}.{kind}").write_bytes(svg if kind == "svg" else figure_bytes(figure, kind))
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
    grid = stack(figure, len(panels))
    edges = hour_edges(first.session)
    for axes, panel in zip(grid, panels, strict=True):
        for (letter, run), colour, line in zip(runs.items(), _COLOURS, _DASHES, strict=False):
            look: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.6}
            values, label = np.asarray(panel.values(run), float), f"{letter}: {run.session.name}"
            label += "" if medium().printed else f", run {run.run_id}"
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
    legend_below(figure, 2, *grid[-1].get_legend_handles_labels())
    return figure
