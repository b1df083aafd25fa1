"""Wind that was available and what was used of it, as planned and as carried out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import BLACK, BLUE, VERMILLION, hour_edges, new_figure, paper_style
from federates.reporting.rail.figures.common import by_period, draw_stairs, hour_panels
from federates.reporting.tables import RailRun

__all__ = ["wind_figure"]

_PANELS = (
    ("planned", "forecast_renewable_mw", "planned_renewable_mw", "forecast"),
    ("realised", "available_renewable_mw", "renewable_mw", "available"),
)


@paper_style
def wind_figure(run: RailRun) -> Figure:
    """Return two panels, planned and realised: available power, used power, and what was curtailed between them."""
    figure = new_figure(4.4, f"Renewable power: {run.title}")
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    for panel, (phase, available, used, word) in zip(panels, _PANELS, strict=True):
        _panel(panel, run, available, used)
        panel.set_title(f"{phase} ({word} against used)", loc="left")
        panel.set_ylabel("Power (MW)")
    panels[0].set_ylim(bottom=0.0)
    hour_panels(panels, run)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _panel(axes: Axes, run: RailRun, available: str, used: str) -> None:
    table, edges = run.frame("power_balance"), hour_edges(run.session)
    top, taken = by_period(run, table, available), by_period(run, table, used)
    axes.stairs(np.nan_to_num(taken), edges, fill=True, color=BLUE, alpha=0.35, label="used")
    look: dict[str, Any] = {"facecolor": "#fbe3d3", "edgecolor": VERMILLION, "linewidth": 0.0, "hatch": "////"}
    axes.stairs(np.nan_to_num(top), edges, baseline=np.nan_to_num(taken), fill=True, label="curtailed", **look)
    draw_stairs(axes, run, top, color=BLACK, linewidth=1.4, label="available")
