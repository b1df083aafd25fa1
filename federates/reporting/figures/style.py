"""Look of all figures: colours, line styles, hour axis, and saving without a trace of the time or the machine.

Colours are Okabe and Ito's, safe for the colour-blind; a line style, marker or hatch always goes with them, so that a
figure can be read in grey. Figures never pass through pyplot: nothing global is kept or changed.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from federates.boundary.session import Session
from federates.worlds.rail.session import RailScheme
from federates.worlds.road.session import Scheme

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "PURPLE",
    "SCHEME_STYLES",
    "SKY",
    "VERMILLION",
    "hour_axis",
    "hour_edges",
    "new_figure",
    "paper_style",
    "save_figure",
    "scheme_style",
    "svg_bytes",
]

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

SCHEME_STYLES: dict[str, dict[str, str]] = {
    Scheme.PROPOSED.value: {"color": BLUE, "marker": "o", "hatch": "", "label": "proposed"},
    Scheme.FASTEST_ROUTE.value: {"color": VERMILLION, "marker": "s", "hatch": "////", "label": "fastest route"},
    Scheme.NO_MVES.value: {"color": BLACK, "marker": "^", "hatch": "....", "label": "no mobile storage"},
    RailScheme.MOBILE.value: {"color": BLUE, "marker": "o", "hatch": "", "label": "mobile"},
    RailScheme.FIXED.value: {"color": VERMILLION, "marker": "s", "hatch": "////", "label": "fixed"},
    RailScheme.CENTRAL.value: {"color": GREEN, "marker": "D", "hatch": "xx", "label": "central"},
    RailScheme.NO_STORAGE.value: {"color": BLACK, "marker": "^", "hatch": "....", "label": "no storage"},
}

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


def scheme_style(scheme: str) -> dict[str, str]:
    """Return colour, marker, hatch and label of a scheme."""
    return SCHEME_STYLES.get(scheme, {"color": GREEN, "marker": "D", "hatch": "xx", "label": scheme})


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
