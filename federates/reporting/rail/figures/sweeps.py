"""Results against a parameter that a sweep varied (as the paper's Figs. 6, 7 and 9); costs as bands between their bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import new_figure, paper_style, scheme_style
from federates.reporting.rail.figures.common import DASHES, thousands

__all__ = ["sweep_figure"]

_BAND_ALPHA = 0.25


@paper_style
def sweep_figure(
    table: pd.DataFrame, key: str, label: str, name: Callable[[str], str], quantities: Sequence[tuple[str, str]]
) -> Figure:
    """Return one panel for each quantity, a line for each scheme.

    Parameters
    ----------
    table : rows of every scheme with ``key`` and the quantities, in order of ``key``; bounded ones with ``<name>_low`` too.
    label : label of the horizontal axis, with its unit.
    name : gives a scheme's name in the legend.
    quantities : columns with their labels, with units. One with a column ``<name>_low`` is drawn as the band between both.
    """
    figure = new_figure(1.6 + 1.6 * len(quantities))
    panels = np.atleast_1d(figure.subplots(len(quantities), 1, sharex=True))
    for axes, (column, title) in zip(panels, quantities, strict=True):
        for scheme, part in table.groupby("scheme", sort=False):
            _line(axes, part, key, column, str(scheme), name(str(scheme)))
        axes.set_ylabel(title)
        if column == "total_cost_usd":
            thousands(axes)
        else:
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    panels[-1].set_xlabel(label)
    figure.align_ylabels(list(panels))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _line(axes: Axes, part: pd.DataFrame, key: str, column: str, scheme: str, label: str) -> None:
    look = scheme_style(scheme)
    x, y = part[key].to_numpy(float), part[column].to_numpy(float)
    style = {"color": look["color"], "linestyle": DASHES.get(scheme, "-")}
    if f"{column}_low" in part:
        bound = part[f"{column}_low"].to_numpy(float)
        low = np.where(np.isfinite(bound), bound, y)
        axes.fill_between(x, low, y, color=look["color"], alpha=_BAND_ALPHA, linewidth=0.0)
        axes.plot(x, low, linewidth=0.6, **style)
    axes.plot(x, y, marker=look["marker"], linewidth=1.4, label=label, **style)
