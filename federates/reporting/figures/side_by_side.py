"""One figure with several runs of the same kind of day, whatever was changed between them."""

from __future__ import annotations

from collections.abc import Mapping
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
    hour_edges,
    new_figure,
    paper_style,
)
from federates.reporting.metrics import period_load, vehicles_by_period
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailSession

__all__ = ["rail_runs_figure", "road_runs_figure"]

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, "#8c6d31")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), "-.", (0, (6, 1, 1, 1)), (0, (2, 2)), "--", ":")
_RAIL_PANELS = (
    ("cost_usd", "Cost of a\nperiod (USD)"),
    ("storage_mw", "Discharge minus\ncharge (MW)"),
    ("renewable_mw", "Renewables\nused (MW)"),
)


@paper_style
def road_runs_figure(runs: Mapping[str, RunTables]) -> Figure:
    """Return a panel per limited station and one with all vehicles sent, each with every run.

    A station's panel has its load with mobile storage and its limit; where a run has recorded no load, the vehicles sent there.
    """
    first = next(iter(runs.values()))
    stations = list(first.session.limited_stations)
    loads = all("feeder_load" not in run.missing for run in runs.values())
    figure = new_figure(1.2 + 1.7 * (len(stations) + 1))
    panels = figure.subplots(len(stations) + 1, 1, sharex=True, squeeze=False)[:, 0]
    for panel, station in zip(panels, stations, strict=False):
        for index, (letter, run) in enumerate(runs.items()):
            values = _station_load(run, station)["load_with_kw"] if loads else _vehicles_to(run, station)
            _draw(panel, first.session, values, index, _label(letter, run))
        if loads:
            limit = _station_load(first, station)["limit_kw"].to_numpy(float)
            panel.stairs(limit, hour_edges(first.session), color=BLACK, linestyle="-.", linewidth=1.0, baseline=None)
        panel.set_title(station, loc="left")
        panel.set_ylabel("Feeder load (kW)" if loads else "Vehicles")
        panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    for index, (letter, run) in enumerate(runs.items()):
        _draw(panels[-1], first.session, pd.Series(vehicles_by_period(run)), index, _label(letter, run))
    panels[-1].set_ylabel("All vehicles sent")
    panels[-1].set_ylim(bottom=0.0)
    return _finish(figure, panels, first)


@paper_style
def rail_runs_figure(runs: Mapping[str, RunTables[RailSession]]) -> Figure:
    """Return panels with cost, storage power and renewables of every run as carried out, by period."""
    first = next(iter(runs.values()))
    figure = new_figure(1.0 + 1.5 * len(_RAIL_PANELS))
    panels = figure.subplots(len(_RAIL_PANELS), 1, sharex=True)
    for panel, (column, label) in zip(panels, _RAIL_PANELS, strict=True):
        for index, (letter, run) in enumerate(runs.items()):
            own = _by_period(run.frame("power_balance"), first.session.periods)
            _draw(panel, first.session, own[column], index, _label(letter, run))
        panel.set_ylabel(label)
    return _finish(figure, panels, first)


def _station_load(run: RunTables, station: str) -> pd.DataFrame:
    load = period_load(run)
    return _by_period(load[load["station"] == station], run.session.periods)


def _vehicles_to(run: RunTables, station: str) -> pd.Series:
    plan = run.frame("schedule")
    sent = plan[plan["destination"] == station].groupby("period")["vehicles"].sum()
    return sent.reindex(range(run.session.periods), fill_value=0)


def _by_period(frame: pd.DataFrame, periods: int) -> pd.DataFrame:
    """Return the table with one row per period of the run, empty where nothing was recorded."""
    return frame.set_index("period").reindex(range(periods))


def _draw(panel: Axes, session: Any, values: pd.Series, index: int, label: str) -> None:
    heights = np.asarray(values, dtype=float)
    look = {"color": _COLOURS[index], "linestyle": _DASHES[index], "linewidth": 1.6, "label": label}
    panel.stairs(heights, hour_edges(session), baseline=None, **look)


def _label(letter: str, run: RunTables[Any]) -> str:
    return f"{letter}: {run.session.name}, run {run.run_id}"


def _finish(figure: Figure, panels: Any, run: RunTables[Any]) -> Figure:
    for panel in panels:
        hour_axis(panel, run.session, label=panel is panels[-1])
    figure.align_ylabels(list(panels))
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
