"""Flow of the most loaded lines against their limit."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import BLACK, BLUE, VERMILLION, new_figure, paper_style
from federates.reporting.rail.figures.common import by_period, draw_stairs, hour_panels
from federates.reporting.rail.prices import at_limit
from federates.reporting.tables import RailRun

__all__ = ["line_loading", "lines_figure"]

_SHOWN_LINES = 4


def line_loading(run: RailRun) -> pd.DataFrame:
    """Return one row per limited line, the most loaded first: line, most_share (largest |flow| / limit), periods_at_limit."""
    table = run.frame("line_flow")
    table = table[table["limit_mw"] > 0]
    share = table["flow_mw"].abs() / table["limit_mw"]
    table = table.assign(share=share, at_limit=at_limit(table))
    out = table.groupby("line", as_index=False).agg(
        most_share=("share", "max"), mean_share=("share", "mean"), periods_at_limit=("at_limit", "sum")
    )
    return out.sort_values(["periods_at_limit", "most_share", "mean_share"], ascending=False, kind="stable").reset_index(
        drop=True
    )


@paper_style
def lines_figure(run: RailRun) -> Figure:
    """Return one panel for each of the most loaded lines: realised flow, and the limit in both directions."""
    names = list(line_loading(run)["line"].head(_SHOWN_LINES))
    table = run.frame("line_flow")
    figure = new_figure(1.0 + 1.2 * len(names), f"Most loaded lines: {run.title}")
    panels = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for panel, name in zip(panels, names, strict=True):
        _line(panel, run, table[table["line"] == name])
        panel.set_ylabel(f"{name}\n(MW)")
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _line(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    flow, limit = by_period(run, table, "flow_mw"), by_period(run, table, "limit_mw")
    draw_stairs(axes, run, flow, color=BLUE, linewidth=1.7, label="flow")
    draw_stairs(axes, run, limit, color=BLACK, linewidth=1.1, linestyle="-.", label="limit, both directions")
    draw_stairs(axes, run, -limit, color=BLACK, linewidth=1.1, linestyle="-.")
    bound = by_period(run, table.assign(bound=table["flow_mw"].where(at_limit(table))), "bound")
    draw_stairs(axes, run, bound, color=VERMILLION, linewidth=3.2, alpha=0.8, label="at the limit")
    axes.axhline(0.0, color=BLACK, linewidth=0.5)
