"""Feeder load of the limited stations without and with mobile storage (the paper's Fig. 5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import BLACK, BLUE, VERMILLION, hour_axis, new_figure, paper_style
from federates.reporting.metrics import bin_load, period_load
from federates.reporting.tables import RunTables

__all__ = ["feeder_load_figure"]

_WITHOUT, _WITH = "load_without_kw", "load_with_kw"


@paper_style
def feeder_load_figure(run: RunTables, without: RunTables | None = None) -> Figure:
    """Return one panel per limited station: load without and with mobile storage, and the limit.

    Parameters
    ----------
    run : RunTables
        Run that gives the load with mobile storage.
    without : RunTables, optional
        Run that gives the load without; the same run if left out.
    """
    base = without or run
    names = [name for name in run.session.limited_stations if (run.frame("feeder_load")["station"] == name).any()]
    title = f"Feeder load at the limited stations: {run.title}"
    if without is not None:
        title += f"\nload without mobile storage: scheme {without.session.scheme.value}, run {without.run_id}"
    figure = new_figure(1.0 + 2.15 * len(names), title)
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=True):
        _panel(panel, _station(run, name), _station(base, name), run)
        panel.set_title(name, loc="left")
        panel.set_ylabel("Feeder load (kW)")
    hour_axis(panels[-1], run.session)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _station(run: RunTables, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return bins and period means of one station, in order of time."""
    bins, means = bin_load(run), period_load(run).sort_values("clock_h", kind="stable")
    return bins[bins["station"] == name], means[means["station"] == name]


def _panel(axes: Axes, own: tuple[pd.DataFrame, pd.DataFrame], base: tuple[pd.DataFrame, pd.DataFrame], run: RunTables) -> None:
    limit = own[1]["limit_kw"]
    axes.plot(*_steps(own[1], "limit_kw"), color=BLACK, linestyle="-.", linewidth=1.2, label="feeder limit")
    # Thin lines: bins; they show how far the load swings around the mean on which the operators agree.
    axes.plot(*_steps(base[0], _WITHOUT), color=VERMILLION, linewidth=0.6, alpha=0.55)
    axes.plot(*_steps(own[0], _WITH), color=BLUE, linewidth=0.6, alpha=0.55)
    axes.plot(*_steps(base[1], _WITHOUT), color=VERMILLION, linestyle=(0, (5, 1.5)), label="without mobile storage")
    axes.plot(*_steps(own[1], _WITH), color=BLUE, label="with mobile storage")
    hours, load = _steps(base[1], _WITHOUT)
    level = _steps(base[1], "limit_kw")[1]
    above: dict[str, Any] = {"where": load > level, "facecolor": "#fbe3d3", "edgecolor": VERMILLION, "linewidth": 0.0}
    axes.fill_between(hours, level, load, hatch="////", label="overload without", **above)
    hours, load = _steps(own[1], _WITH)
    level = _steps(own[1], "limit_kw")[1]
    axes.fill_between(hours, level, load, where=load > level, facecolor=VERMILLION, linewidth=0.0, label="overload with")
    axes.plot([], [], color="#777777", linewidth=0.6, label="thin: bins; thick: period mean")
    hour_axis(axes, run.session, label=False)
    top = pd.concat([base[0][_WITHOUT], own[0][_WITH], limit]).max()
    axes.set_ylim(min(0.0, 1.05 * float(own[0][_WITH].min())), 1.08 * top)


def _steps(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return corners of the step curve, two per interval, so that lines and shading agree."""
    hours = np.column_stack([frame["clock_h"], frame["clock_h"] + frame["hours"]]).ravel()
    return hours, np.repeat(frame[column].to_numpy(float), 2)
