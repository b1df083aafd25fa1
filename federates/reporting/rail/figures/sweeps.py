"""Cost against a parameter that a sweep varied (the paper's Figs. 6, 7 and 9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import BLACK, new_figure, paper_style, scheme_style
from federates.reporting.rail.figures.common import DASHES, thousands

__all__ = ["cost_by_parameter_figure", "cost_of_moving_figure", "crossing"]


def crossing(values: np.ndarray, rising: np.ndarray, level: np.ndarray) -> float:
    """Return the value at which ``rising`` first goes above ``level``, interpolated between two points; NaN if it never does."""
    over = rising - level
    for k in range(1, len(values)):
        if over[k - 1] <= 0 < over[k]:
            return float(values[k - 1] - over[k - 1] * (values[k] - values[k - 1]) / (over[k] - over[k - 1]))
    return float("nan")


@paper_style
def cost_of_moving_figure(
    table: pd.DataFrame, key: str, label: str, labels: Mapping[str, str], levels: Mapping[str, float]
) -> Figure:
    """Return total cost and hours in motion of the mobile model against the cost of moving (Figs. 6 and 9).

    Parameters
    ----------
    table : rows of the scheme ``mobile`` with ``key``, total_cost_usd and moving_h, in order of ``key``.
    label : label of the horizontal axis, with its unit.
    labels : scheme to its name in the legend.
    levels : scheme to a cost that does not depend on ``key``, drawn as a level line.
    """
    figure = new_figure(4.6)
    cost, hours = figure.subplots(2, 1, sharex=True, height_ratios=[1.5, 1.0])
    _line(cost, table[key], table["total_cost_usd"], "mobile", labels)
    for scheme, level in levels.items():
        look = scheme_style(scheme)
        cost.axhline(
            level, color=look["color"], linestyle=DASHES.get(scheme, "-"), linewidth=1.2, label=labels.get(scheme, scheme)
        )
    cost.set_ylabel("Cost of both operators\n(USD)")
    thousands(cost)
    hours.plot(table[key], table["moving_h"], color=BLACK, marker="o", linewidth=1.3)
    hours.set_ylabel("Time in motion,\nall trains (h)")
    hours.set_ylim(bottom=0.0)
    hours.set_xlabel(label)
    figure.align_ylabels([cost, hours])
    figure.legend(*cost.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


@paper_style
def cost_by_parameter_figure(table: pd.DataFrame, key: str, label: str, labels: Mapping[str, str]) -> Figure:
    """Return total cost of every scheme in ``table`` against ``key`` (Fig. 7)."""
    figure = new_figure(3.2)
    axes = figure.subplots()
    for scheme, part in table.groupby("scheme", sort=False):
        _line(axes, part[key], part["total_cost_usd"], str(scheme), labels)
    axes.set_ylabel("Cost of both operators (USD)")
    axes.set_xlabel(label)
    thousands(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _line(axes: Axes, x: pd.Series, y: pd.Series, scheme: str, labels: Mapping[str, str]) -> None:
    look = scheme_style(scheme)
    axes.plot(
        x,
        y,
        color=look["color"],
        marker=look["marker"],
        linestyle=DASHES.get(scheme, "-"),
        linewidth=1.4,
        label=labels.get(scheme, scheme),
    )
