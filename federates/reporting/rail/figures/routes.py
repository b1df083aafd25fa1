"""Battery capacity at the stations over time, and the routes of the trains below (the paper's Figs. 4 and 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from federates.reporting.figures.style import BLACK, hour_axis, new_figure, paper_style
from federates.reporting.rail.figures.common import (
    COLOURS,
    PLANNED,
    REALISED,
    by_period,
    draw_stairs,
    hour_panels,
    mark_train,
    stations_of,
    train_look,
)
from federates.reporting.rail.metrics import Phase, moves
from federates.reporting.tables import RailRun
from federates.worlds.rail.session import RailScheme

__all__ = ["routes_figure"]

_LOOK: dict[Phase, dict[str, Any]] = {"planned": PLANNED, "realised": REALISED}
_SPREAD = 0.22
"""Distance between the first and the last train of a station in the diagram, in rows: trains side by side stay visible."""


@paper_style
def routes_figure(run: RailRun) -> Figure:
    """Return capacity over time, one panel a station and one for the trains, above the space-time diagram of the trains."""
    trains = _trains(run)
    names = stations_of(run)
    rows = len(names) + (2 if trains else 0)
    figure = new_figure(1.1 + 1.0 * rows + (0.35 * len(names) if trains else 0.0), f"Batteries and trains: {run.title}")
    ratios = [1.0] * len(names) + ([1.0, 0.7 + 0.45 * len(run.session.stations)] if trains else [])
    panels = figure.subplots(rows, 1, squeeze=False, sharex=True, height_ratios=ratios)[:, 0]
    _capacities(panels, run, names, trains)
    if trains:
        _diagram(panels[-1], run, trains)
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    handles = [Line2D([], [], color=BLACK, label=phase, **look) for phase, look in _LOOK.items()]
    if trains:
        handles += [Line2D([], [], linewidth=_wide(k, trains), label=name, **train_look(k)) for k, name in enumerate(trains)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2 + len(trains))
    return figure


def _trains(run: RailRun) -> list[str]:
    """Return the trains whose routes are known; only the scheme `mobile` has trains that matter."""
    known = len(moves(run, "planned")) or len(moves(run, "realised"))
    return [train.name for train in run.session.trains] if known and run.session.scheme is RailScheme.MOBILE else []


def _capacities(panels: np.ndarray, run: RailRun, names: list[str], trains: list[str]) -> None:
    stations, carried = run.frame("storage_state"), run.frame("train_storage")
    for panel, name in zip(panels, names, strict=False):
        _pair(panel, run, stations[stations["station"] == name], "#444444")
        panel.set_ylabel(f"{name}\n(MW)")
    if trains:
        for k, name in enumerate(trains):
            table = carried[carried["train"] == name]
            _pair(panels[len(names)], run, table, COLOURS[k % len(COLOURS)], _wide(k, trains))
            mark_train(panels[len(names)], run, by_period(run, table, "capacity_mw"), k)
        panels[len(names)].set_ylabel("on trains\n(MW)")
    top = max((panel.dataLim.ymax for panel in panels[: len(names) + bool(trains)]), default=1.0)
    for panel in panels[: len(names) + bool(trains)]:
        panel.set_ylim(0.0, 1.08 * max(top, 1.0))


def _wide(k: int, trains: list[str]) -> float:
    """Return the width of a train's line; trains often carry the same, and the later one is thinner, so that both are seen."""
    return float(REALISED["linewidth"]) * (1.0 + 0.8 * (len(trains) - 1 - k))


def _pair(axes: Axes, run: RailRun, table: pd.DataFrame, colour: str, wide: float = REALISED["linewidth"]) -> None:
    look = REALISED | {"linewidth": wide}
    draw_stairs(axes, run, by_period(run, table, "capacity_mw"), color=colour, **look)
    draw_stairs(axes, run, by_period(run, table, "planned_capacity_mw"), color=colour, **PLANNED)


def _diagram(axes: Axes, run: RailRun, trains: list[str]) -> None:
    """Draw the trains: level where they stand, sloping where they move."""
    rows = {name: float(k) for k, name in enumerate(run.session.stations)}
    for phase, look in _LOOK.items():
        table = moves(run, phase)
        for k, name in enumerate(trains):
            shift = _SPREAD * (k / max(1, len(trains) - 1) - 0.5) if len(trains) > 1 else 0.0
            hours, places = _course(run, table[table["train"] == name], rows)
            marks = train_look(k) | ({"markevery": (2 * k, 9)} if phase == "realised" else {"marker": ""})
            axes.plot(hours, places + shift, **look, **marks)
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set_ylim(len(rows) - 0.6, -0.4)
    axes.set_ylabel("Station")
    hour_axis(axes, run.session)


def _course(run: RailRun, table: pd.DataFrame, rows: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return corners of a train's course: hours and rows. A trip is one straight line from its first to its last period."""
    hours: list[float] = []
    places: list[float] = []
    previous: tuple[str, str] | None = None
    for row in table.itertuples(index=False):
        pair = (str(row.origin), str(row.destination))
        start, end = float(run.clock_h(row.period)), float(run.clock_h(row.period)) + run.period_h
        if pair == previous and pair[0] != pair[1]:
            hours[-1] = end
        else:
            hours += [start, end]
            places += [rows[pair[0]], rows[pair[1]]]
        previous = pair
    return np.array(hours), np.array(places)
