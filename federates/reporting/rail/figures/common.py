"""What the figures of the rail world share: series over the day, planned and realised, and colours of stations and trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from federates.reporting.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, hour_axis, hour_edges
from federates.reporting.tables import RailRun

__all__ = [
    "COLOURS",
    "DASHES",
    "PLANNED",
    "REALISED",
    "by_period",
    "draw_stairs",
    "hour_panels",
    "mark_train",
    "stations_of",
    "thousands",
    "train_look",
]

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, "#8c6d31")
"""One after the other for stations, trains, lines and units; a label or a line style always goes with them."""

_MARKERS = "os^DvPX*"
_MARK_EVERY = 4


def train_look(k: int) -> dict[str, Any]:
    """Return colour and marker of the k-th train; the markers of several trains on one line stand beside each other."""
    look = {"color": COLOURS[k % len(COLOURS)], "marker": _MARKERS[k % len(_MARKERS)], "markersize": 4.5}
    return look | {"markeredgecolor": "white", "markeredgewidth": 0.4}


def mark_train(axes: Axes, run: RailRun, values: np.ndarray, k: int) -> None:
    """Set markers of the k-th train on values that hold for a whole period each."""
    edges = hour_edges(run.session)
    places = slice(k % _MARK_EVERY, None, _MARK_EVERY)
    axes.plot(((edges[:-1] + edges[1:]) / 2)[places], values[places], linestyle="", zorder=3, **train_look(k))


DASHES: dict[str, Any] = {"mobile": "-", "fixed": (0, (4, 1.5)), "central": (0, (1, 1.2)), "no_storage": "-."}
"""Line style of a scheme."""

PLANNED: dict[str, Any] = {"linestyle": (0, (4, 1.6)), "linewidth": 1.2}
REALISED: dict[str, Any] = {"linestyle": "-", "linewidth": 1.7}


def stations_of(run: RailRun) -> list[str]:
    """Return places with recorded batteries: the session's stations, in its order, then others by name (`central` has one)."""
    found = set(run.frame("storage_state")["station"])
    known = [name for name in run.session.stations if name in found]
    return known + sorted(found.difference(known))


def by_period(run: RailRun, table: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column over the day, shape (T,); NaN for periods without a row. Rows of one period are added."""
    sums = table.groupby("period")[column].sum(min_count=1)
    return np.asarray(sums.reindex(range(run.session.periods)), float)


def draw_stairs(axes: Axes, run: RailRun, values: np.ndarray, **look: Any) -> None:
    """Draw values that hold for a whole period each."""
    axes.stairs(values, hour_edges(run.session), baseline=None, **look)


def hour_panels(panels: np.ndarray, run: RailRun) -> None:
    """Give a column of panels one hour axis, labelled at the bottom."""
    for panel in panels[:-1]:
        hour_axis(panel, run.session, label=False)
    hour_axis(panels[-1], run.session)


def thousands(axes: Axes) -> None:
    """Write large costs on the vertical axis in full, with thin spaces."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace(",", "\u202f"))
