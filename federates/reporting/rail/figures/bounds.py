"""Bounds of the day-ahead negotiation, round by round (the paper's Fig. 10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from federates.reporting.figures.style import BLACK, BLUE, VERMILLION, new_figure, paper_style
from federates.reporting.rail.figures.common import thousands
from federates.reporting.tables import RailRun

__all__ = ["bounds_figure", "day_ahead_rounds"]


def day_ahead_rounds(run: RailRun) -> pd.DataFrame:
    """Return the rounds of the first negotiation, in order; ``upper_bound_usd`` and ``gap`` are NaN while there is none."""
    rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
    rounds = rounds[rounds["period"] == rounds["period"].min()]
    none = rounds["gap"] < 0
    return rounds.assign(**{name: rounds[name].astype(float).mask(none) for name in ("upper_bound_usd", "gap")})


@paper_style
def bounds_figure(run: RailRun) -> Figure:
    """Return lower and upper bound against the round, and the gap between them on a logarithmic axis."""
    rounds = day_ahead_rounds(run)
    figure = new_figure(3.1, f"Bounds of the day-ahead negotiation: {run.title}")
    bounds, gaps = figure.subplots(1, 2, width_ratios=[1.35, 1.0])
    look: dict[str, Any] = {"where": "post", "markersize": 3.0, "linewidth": 1.3}
    bounds.step(
        rounds["round"],
        rounds["upper_bound_usd"],
        color=VERMILLION,
        marker="v",
        linestyle=(0, (4, 1.5)),
        label="upper bound",
        **look,
    )
    bounds.step(rounds["round"], rounds["lower_bound_usd"], color=BLUE, marker="^", label="lower bound", **look)
    bounds.set_ylabel("Cost of both operators (USD)")
    bounds.legend(loc="best")
    _window(bounds, rounds)
    thousands(bounds)
    _gaps(gaps, rounds)
    for axes in (bounds, gaps):
        axes.set_xlabel("Round (number)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    return figure


def _window(axes: Axes, rounds: pd.DataFrame) -> None:
    """Show the last bounds and what led to them; a first bound far away would flatten everything else and is named instead."""
    lower, upper = rounds["lower_bound_usd"], rounds["upper_bound_usd"].dropna()
    if not len(upper):
        return
    last, spread = float(upper.iloc[-1]), float(upper.max() - upper.min())
    height = max(4.0 * spread, 20.0 * abs(last - float(lower.iloc[-1])), 1e-3 * abs(last))
    if float(lower.min()) < last - height:
        axes.set_ylim(last - height, float(upper.max()) + 0.15 * height)
        text = f"lower bound from {lower.min():,.0f} USD".replace(",", "\u202f")
        axes.annotate(text, (0.97, 0.04), xycoords="axes fraction", ha="right", fontsize=7.5, color=BLUE)


def _gaps(axes: Axes, rounds: pd.DataFrame) -> None:
    percent = 100.0 * rounds["gap"]
    positive = percent.where(percent > 0)
    if np.isfinite(positive).any():
        axes.semilogy(rounds["round"], positive, color=BLACK, marker="o", markersize=3.0, linewidth=1.2)
        axes.yaxis.set_minor_locator(LogLocator(subs=(0.2, 0.5)))
    else:
        axes.plot(rounds["round"], percent, color=BLACK, marker="o", markersize=3.0, linewidth=1.2)
    for pick in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        pick(lambda value, _: f"{value:g}")
    axes.set_ylabel("Gap, (UB - LB) / |UB| (%)")
