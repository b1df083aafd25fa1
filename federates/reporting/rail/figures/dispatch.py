"""Who serves the load: thermal units, wind and storage stacked, as planned and as carried out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures.style import BLACK, hour_edges, new_figure, paper_style
from federates.reporting.rail.figures.common import PLANNED, by_period, draw_stairs, hour_panels
from federates.reporting.rail.metrics import Phase
from federates.reporting.tables import RailRun

__all__ = ["dispatch_figure", "leading_units"]

_SHOWN_UNITS = 6
_GREYS = ("#3f4550", "#626a78", "#858d9b", "#a5acb8", "#c2c7d0", "#dadde3")
_WIND, _STORAGE, _CHARGE = "#7fc8e8", "#E69F00", "#f6d58a"

_COLUMNS: dict[Phase, tuple[str, str, str, str]] = {
    "planned": ("planned_mw", "planned_renewable_mw", "planned_storage_mw", "forecast_load_mw"),
    "realised": ("output_mw", "renewable_mw", "storage_mw", "load_mw"),
}


def leading_units(run: RailRun) -> list[str]:
    """Return the units with most energy, the largest first; the others are drawn together."""
    units = run.frame("unit_dispatch")
    energy = units.groupby("unit")[["planned_mw", "output_mw"]].sum().max(axis=1)
    energy = energy[energy > 0].sort_values(ascending=False, kind="stable")
    return [str(name) for name in energy.index[:_SHOWN_UNITS]]


@paper_style
def dispatch_figure(run: RailRun) -> Figure:
    """Return stacked output over the day with the load, planned and realised, and below what is small beside it: storage."""
    figure = new_figure(6.8, f"Dispatch: {run.title}")
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[1.0, 1.0, 0.6])
    panels[1].sharey(panels[0])
    for panel, phase in zip(panels, _COLUMNS, strict=False):
        _stack(panel, run, phase)
        panel.set_title(phase, loc="left")
        panel.set_ylabel("Power (MW)")
    _net_storage(panels[2], run)
    hour_panels(panels, run)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _stack(axes: Axes, run: RailRun, phase: Phase) -> None:
    output, renewable, storage, load = _COLUMNS[phase]
    balance = run.frame("power_balance")
    base = np.zeros(run.session.periods)
    for values, colour, label in [*_thermal(run, output), (by_period(run, balance, renewable), _WIND, "wind")]:
        base = _layer(axes, run, base, values, colour, label)
    net = by_period(run, balance, storage)
    _layer(axes, run, base, np.clip(net, 0.0, None), _STORAGE, "storage, discharge", hatch="////")
    _layer(axes, run, np.zeros_like(base), np.clip(net, None, 0.0), _CHARGE, "storage, charge", hatch="\\\\\\\\")
    draw_stairs(axes, run, by_period(run, balance, load), color=BLACK, linewidth=1.5, label="load")
    axes.axhline(0.0, color=BLACK, linewidth=0.6)


def _net_storage(axes: Axes, run: RailRun) -> None:
    """Draw storage on a scale of its own: in a large system it is a hair's breadth of the load."""
    balance, edges = run.frame("power_balance"), hour_edges(run.session)
    net = np.nan_to_num(by_period(run, balance, "storage_mw"))
    for values, colour, hatch in ((np.clip(net, 0.0, None), _STORAGE, "////"), (np.clip(net, None, 0.0), _CHARGE, "\\\\\\\\")):
        axes.stairs(values, edges, fill=True, facecolor=colour, edgecolor="#7a5400", linewidth=0.0, hatch=hatch)
    draw_stairs(axes, run, by_period(run, balance, "planned_storage_mw"), color=BLACK, **PLANNED)
    axes.axhline(0.0, color=BLACK, linewidth=0.6)
    axes.set_title("storage alone: realised (areas) and planned (dashed)", loc="left")
    axes.set_ylabel("Power (MW)")


def _thermal(run: RailRun, column: str) -> list[tuple[np.ndarray, str, str]]:
    units, leading = run.frame("unit_dispatch"), leading_units(run)
    layers = [(by_period(run, units[units["unit"] == name], column), _GREYS[k], f"unit {name}") for k, name in enumerate(leading)]
    others = units[~units["unit"].astype(str).isin(leading)]
    if len(others) and others[["planned_mw", "output_mw"]].to_numpy().any():
        label = f"{others['unit'].nunique()} other units"
        layers.insert(0, (by_period(run, others, column), "#23272e", label))
    return layers


def _layer(
    axes: Axes, run: RailRun, base: np.ndarray, values: np.ndarray, colour: str, label: str, hatch: str = ""
) -> np.ndarray:
    """Draw one layer on top of ``base`` and return the new base; a period without a value adds nothing and shows a gap."""
    edges, top = hour_edges(run.session), base + np.nan_to_num(values)
    look: dict[str, Any] = {
        "facecolor": colour,
        "edgecolor": "#ffffff" if not hatch else "#7a5400",
        "linewidth": 0.0,
        "hatch": hatch,
    }
    axes.stairs(np.where(np.isfinite(values), top, base), edges, baseline=base, fill=True, label=label, **look)
    return top
