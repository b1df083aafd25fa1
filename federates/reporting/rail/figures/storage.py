"""Energy at every station and on every train, as planned and as carried out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from federates.reporting.figures.style import BLACK, hour_edges, new_figure, paper_style
from federates.reporting.rail.figures.common import COLOURS, PLANNED, REALISED, by_period, hour_panels, stations_of, train_look
from federates.reporting.tables import RailRun

__all__ = ["storage_figure"]

_MOVED_MW = 0.01
_MOVE: dict[str, Any] = {"color": "#666666", "linestyle": ":", "linewidth": 1.1}
_CHARGE, _DISCHARGE = "#56B4E9", "#E69F00"


@paper_style
def storage_figure(run: RailRun) -> Figure:
    """Return one panel per station (energy, and realised charging and discharging as bars) and one for the trains."""
    stations, carried = run.frame("storage_state"), run.frame("train_storage")
    names = stations_of(run)
    trains = [train.name for train in run.session.trains if (carried["train"] == train.name).any()]
    rows = len(names) + bool(trains)
    figure = new_figure(1.1 + 1.15 * rows, f"Stored energy: {run.title}")
    panels = figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0]
    for panel, name in zip(panels, names, strict=False):
        table = stations[stations["station"] == name]
        _power(panel, run, table)
        _moved(panel, run, table)
        _energy(panel, run, table, BLACK)
        panel.set_ylabel(f"{name}\n(MWh, MW)")
    for k, name in enumerate(trains):
        _energy(
            panels[-1], run, carried[carried["train"] == name], COLOURS[k % len(COLOURS)], train_look(k) | {"markevery": (k, 4)}
        )
    if trains:
        panels[-1].set_ylabel("on trains\n(MWh)")
        panels[-1].set_ylim(bottom=0.0)
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    _legend(figure, trains)
    return figure


def _moved(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    """Mark where trains brought or took batteries: the energy that comes or goes with them is no charging."""
    capacity = by_period(run, table, "capacity_mw")
    for t in np.flatnonzero(np.abs(np.diff(capacity)) > _MOVED_MW):
        axes.axvline(hour_edges(run.session)[t + 1], **_MOVE)


def _energy(axes: Axes, run: RailRun, table: pd.DataFrame, colour: str, marks: dict[str, Any] | None = None) -> None:
    # The table has the state at the end of a period, so points stand there and lines join them.
    ends = hour_edges(run.session)[1:]
    axes.plot(ends, by_period(run, table, "energy_mwh"), **{"color": colour} | REALISED | (marks or {}))
    axes.plot(ends, by_period(run, table, "planned_energy_mwh"), color=colour, **PLANNED)


def _power(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    edges = hour_edges(run.session)
    axes.stairs(np.nan_to_num(by_period(run, table, "charge_mw")), edges, fill=True, color=_CHARGE, alpha=0.6)
    axes.stairs(-np.nan_to_num(by_period(run, table, "discharge_mw")), edges, fill=True, color=_DISCHARGE, alpha=0.6)
    axes.axhline(0.0, color=BLACK, linewidth=0.6)


def _legend(figure: Figure, trains: list[str]) -> None:
    handles = [
        Line2D([], [], color=BLACK, label="energy, planned", **PLANNED),
        Line2D([], [], color=BLACK, label="realised", **REALISED),
        Line2D([], [], color=_CHARGE, linewidth=6, alpha=0.6, label="charging (MW, up)"),
        Line2D([], [], color=_DISCHARGE, linewidth=6, alpha=0.6, label="discharging (MW, down)"),
    ]
    if trains:
        handles.append(Line2D([], [], label="batteries come or go by train", **_MOVE))
    handles += [Line2D([], [], linewidth=2, label=name, **train_look(k)) for k, name in enumerate(trains)]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
