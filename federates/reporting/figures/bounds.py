"""Bounds of the negotiation: round by round for three periods, and the last gap of every period."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.reporting.figures.style import BLUE, SKY, VERMILLION, hour_axis, new_figure, paper_style
from federates.reporting.metrics import agreement
from federates.reporting.tables import RunTables

__all__ = ["bounds_figure", "selected_periods"]


def selected_periods(table: pd.DataFrame) -> dict[int, str]:
    """Return up to three periods and why: the first with vehicles, the busiest, the last.

    ``table`` is that of `federates.reporting.metrics.agreement`. A day has too many periods to draw the rounds of each.
    """
    table = table[table["rounds"] > 0]
    if not len(table):
        return {}
    sent = table[table["vehicles"] > 0]
    wanted = [(int(table["period"].iloc[-1]), "last")]
    if len(sent):
        busiest = int(sent.loc[sent["vehicles"].idxmax(), "period"])
        wanted = [(int(sent["period"].iloc[0]), "first with vehicles"), (busiest, "busiest"), *wanted]
    out: dict[int, str] = {}
    for period, why in wanted:
        out[period] = f"{out[period]}, {why}" if period in out else why
    return out


@paper_style
def bounds_figure(run: RunTables) -> Figure:
    """Return lower and upper bound against the round, and the last gap and the rounds of each period."""
    table = agreement(run)
    periods = selected_periods(table)
    figure = new_figure(5.6, f"Bounds of the negotiation: {run.title}")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.15, 1.0])  # type: ignore[misc]
    panels = upper.subplots(1, len(periods), squeeze=False)[0]
    rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
    for panel, (period, why) in zip(panels, periods.items(), strict=True):
        _rounds(panel, rounds[rounds["period"] == period])
        panel.set_title(f"Period from {run.session.hour_of_day(period):g} h\n({why})", fontsize=8.5)
        panel.set_xlabel("Round (number)")
    panels[0].set_ylabel("Cost bound (USD)")
    handles, labels = panels[0].get_legend_handles_labels()
    upper.legend(handles, labels, loc="outside lower center", ncols=2)
    gaps, counts = lower.subplots(2, 1, sharex=True)
    _gaps(gaps, table, run)
    middles = run.clock_h(table["period"]) + 0.5 * run.period_h
    counts.bar(middles, table["rounds"], 0.8 * run.period_h, color=SKY, edgecolor=BLUE, linewidth=0.5)
    counts.set_ylabel("Rounds\n(number)")
    counts.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    hour_axis(gaps, run.session, label=False)
    hour_axis(counts, run.session)
    lower.align_ylabels([gaps, counts])
    return figure


def _rounds(axes: Axes, part: pd.DataFrame) -> None:
    upper = part["upper_bound_usd"].astype(float).mask(part["gap"] < 0)
    look: dict[str, Any] = {"where": "post", "markersize": 2.6, "linewidth": 1.3}
    axes.step(part["round"], upper, color=VERMILLION, marker="v", linestyle=(0, (4, 1.5)), label="upper bound", **look)
    axes.step(part["round"], part["lower_bound_usd"], color=BLUE, marker="^", label="lower bound", **look)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    known = pd.concat([upper, part["lower_bound_usd"]]).dropna()
    if len(known) and known.min() == known.max():
        axes.set_ylim(known.min() - 1.0, known.max() + 1.0)  # an hour without vehicles: both bounds are one number


def _gaps(axes: Axes, table: pd.DataFrame, run: RunTables) -> None:
    middles = run.clock_h(table["period"]) + 0.5 * run.period_h
    percent, agreed = 100.0 * table["gap"], table["agreed"].astype(bool)
    axes.plot(middles, percent, color="#999999", linewidth=0.8)
    for mask, face, name in ((agreed, BLUE, "agreed"), (~agreed, "white", "not agreed")):
        if np.any(mask & percent.notna()):
            axes.plot(
                middles[mask], percent[mask], linestyle="", marker="o", mfc=face, mec=BLUE, clip_on=False, zorder=3, label=name
            )
    axes.set_ylabel("Last gap\n(%)")
    if percent.notna().any():
        axes.legend(loc="best", ncols=2)
        axes.set_ylim(bottom=0.0, top=max(0.1, 1.15 * float(percent.max())))
