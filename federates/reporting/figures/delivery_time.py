"""Mean energy delivery time per period, one or several schemes (the paper's Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.reporting.delivery import delivery_by_period, same_pairs_by_period
from federates.reporting.figures.style import BLACK, hour_axis, hour_edges, new_figure, paper_style, scheme_style
from federates.reporting.metrics import vehicles_by_period
from federates.reporting.tables import RunTables
from federates.worlds.road.session import Scheme

__all__ = ["delivery_time_figure"]

_KINDS = (("traffic", "-", True), ("formula", (0, (4, 1.5)), False))


@paper_style
def delivery_time_figure(runs: Mapping[str, RunTables]) -> Figure:
    """Return mean delivery time, difference between the schemes (if both are given) and vehicles sent.

    Parameters
    ----------
    runs : mapping of scheme to RunTables
        At least one. With ``proposed`` and ``fastest_route`` a panel shows how much longer the latter takes.
    """
    first = next(iter(runs.values()))
    pair = [runs.get(scheme.value) for scheme in (Scheme.PROPOSED, Scheme.FASTEST_ROUTE)]
    compared = all(run is not None for run in pair)
    ratios = [2.4, 1.3, 1.0] if compared else [2.4, 1.0]
    figure = new_figure(6.3 if compared else 4.4, _title(runs, first))
    panels = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    _times(panels[0], runs)
    if compared:
        _difference(panels[1], pair[0], pair[1])  # type: ignore[arg-type]
    _vehicles(panels[-1], runs)
    for panel in panels:
        hour_axis(panel, first.session, label=panel is panels[-1])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))
    figure.align_ylabels(panels)
    return figure


def _title(runs: Mapping[str, RunTables], first: RunTables) -> str:
    if len(runs) == 1:
        return f"Mean energy delivery time: {first.title}"
    seeds = {run.session.seed for run in runs.values()}
    note = f"common random numbers, seed {first.session.seed}" if len(seeds) == 1 else "different seeds"
    return f"Mean energy delivery time by scheme: {first.session.name} ({note})"


def _name(kind: str, run: RunTables) -> str:
    return run.traffic_name if kind == "traffic" else kind


def _middles(run: RunTables) -> np.ndarray:
    edges = hour_edges(run.session)
    return np.asarray((edges[:-1] + edges[1:]) / 2.0)


def _times(axes: Axes, runs: Mapping[str, RunTables]) -> None:
    for scheme, run in runs.items():
        look, table = scheme_style(scheme), delivery_by_period(run)
        for kind, line, filled in _KINDS:
            if not (table[f"{kind}_veh"] > 0).any():
                continue
            axes.plot(
                _middles(run),
                table[f"{kind}_s"] / 60.0,
                color=look["color"],
                linestyle=line,
                linewidth=1.6 if filled else 1.1,
                marker=look["marker"],
                markerfacecolor=look["color"] if filled else "white",
                label=f"{look['label']}, {_name(kind, run)}",
            )
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Delivery time (min)")


def _difference(axes: Axes, base: RunTables, other: RunTables) -> None:
    own, fast = delivery_by_period(base), delivery_by_period(other)
    same = same_pairs_by_period(base, other)
    width = 0.4 * base.period_h
    for (kind, _, filled), shift in zip(_KINDS, (-0.5, 0.5), strict=True):
        percent = 100.0 * (fast[f"{kind}_s"] / own[f"{kind}_s"] - 1.0)
        look: dict[str, Any] = {"color": "#444444"} if filled else {"color": "white", "edgecolor": "#444444", "hatch": "////"}
        place = _middles(base) + shift * width
        axes.bar(place, percent, width, linewidth=0.6, label=_name(kind, base), **look)
        axes.plot(place, same[f"{kind}_percent"], linestyle="", marker="_", markersize=5, color="#E69F00", markeredgewidth=1.4)
    axes.plot([], [], linestyle="", marker="_", markersize=5, color="#E69F00", markeredgewidth=1.4, label="same station pairs")
    axes.axhline(0.0, color=BLACK, linewidth=0.7)
    axes.set_ylabel("Fastest route\nlonger by (%)")
    axes.legend(loc="upper left", ncols=3)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the legend


def _vehicles(axes: Axes, runs: Mapping[str, RunTables]) -> None:
    width = 0.8 * next(iter(runs.values())).period_h / len(runs)
    for number, (scheme, run) in enumerate(runs.items()):
        look = scheme_style(scheme)
        place = _middles(run) + (number - (len(runs) - 1) / 2.0) * width
        face = look["color"] if not look["hatch"] else "white"
        axes.bar(place, vehicles_by_period(run), width, color=face, edgecolor=look["color"], hatch=look["hatch"], linewidth=0.6)
    axes.set_ylabel("Vehicles sent\n(veh/period)")
    axes.set_ylim(bottom=0.0)
