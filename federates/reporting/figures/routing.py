"""The same vehicles under every routing rule: time of a delivery, and cost to everybody on the road."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.accounts import ROUTING_LABELS, routing_alternatives
from federates.reporting.figures.style import BLACK, BLUE, GREEN, ORANGE, VERMILLION, hour_axis, new_figure, paper_style
from federates.reporting.tables import RunTables

__all__ = ["routing_figure"]

_STYLES: dict[str, dict[str, Any]] = {
    "system_optimum": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "storage_optimum": {"color": GREEN, "marker": "D", "linestyle": (0, (1, 1))},
    "user_equilibrium": {"color": ORANGE, "marker": "^", "linestyle": (0, (4, 1.5))},
    "fastest_route": {"color": VERMILLION, "marker": "s", "linestyle": (0, (6, 1.5, 1, 1.5))},
}


@paper_style
def routing_figure(run: RunTables) -> Figure:
    """Return two panels by period, a line a rule: how much longer a delivery takes, and how much dearer it is for everybody."""
    table = routing_alternatives(run)
    figure = new_figure(4.6, f"The same vehicles by other routes: {run.title}")
    longer, dearer = figure.subplots(2, 1, sharex=True)
    _lines(longer, run, table.assign(value=100.0 * table["longer"]), without="storage_optimum")
    _lines(dearer, run, table.assign(value=table["dearer_usd"] / run.period_h), without="system_optimum")
    longer.set_ylabel("Delivery longer than\nstorages' optimum (%)")
    dearer.set_ylabel("Dearer for everybody\nthan optimum (USD/h)")
    hour_axis(longer, run.session, label=False)
    hour_axis(dearer, run.session)
    lines = {line.get_label(): line for panel in (longer, dearer) for line in panel.get_lines() if line.get_marker() != "None"}
    wanted = [label for label in ROUTING_LABELS.values() if label in lines]
    figure.legend([lines[label] for label in wanted], wanted, loc="outside lower center", ncols=4)
    figure.align_ylabels([longer, dearer])
    return figure


def _lines(axes: Axes, run: RunTables, table: pd.DataFrame, without: str) -> None:
    for routing, label in ROUTING_LABELS.items():
        part = table[table["routing"] == routing].sort_values("period")
        if routing != without and len(part):
            middles = run.clock_h(part["period"]) + 0.5 * run.period_h
            axes.plot(middles, part["value"], label=label, markersize=3.0, **_STYLES[routing])
    axes.axhline(0.0, color=BLACK, linewidth=0.7)
