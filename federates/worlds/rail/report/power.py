"""Who serves the load, what of the wind is used, and the most loaded lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures import (
    BLACK,
    BLUE,
    VERMILLION,
    by_period,
    draw_stairs,
    hour_edges,
    hour_panels,
    legend_below,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, percent
from federates.reporting.world import RunFigure
from federates.worlds.rail.report.market import at_limit
from federates.worlds.rail.report.metrics import Phase, plan_cost
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.report.storage import PLANNED

_SHOWN_UNITS = 6
_GREYS = ("#454a52", "#676d77", "#8a919c", "#aab0ba", "#cacfd6", "#e9ebee")
"""Far enough apart to be told from each other in print."""
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
    panels = stack(figure, 3, [1.0, 1.0, 0.6])
    panels[1].sharey(panels[0])
    for panel, phase in zip(panels, _COLUMNS, strict=False):
        _stack(panel, run, phase)
        panel.set_title(phase, loc="left")
        panel.set_ylabel("Power (MW)")
    _net_storage(panels[2], run)
    hour_panels(panels, run)
    legend_below(figure, 5, *panels[0].get_legend_handles_labels())
    return figure


def _stack(axes: Axes, run: RailRun, phase: Phase) -> None:
    output, renewable, storage, load = _COLUMNS[phase]
    balance = run.frame("power_balance")
    base = np.zeros(run.session.periods)
    for values, colour, label in _thermal(run, output):
        base = _layer(axes, run, base, values, colour, label)
    base = _layer(axes, run, base, by_period(run, balance, renewable), _WIND, "wind", hatch="....")
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


def _reading(run: RailRun) -> str:
    names = leading_units(run)
    text = "Output stacked from below; storage that charges is drawn below zero and adds to what the others must make. "
    text += "Bottom: storage alone."
    if names:
        text += f" Units with most energy: {', '.join(names)}."
    costs = {"planned": plan_cost(run, "planned"), "realised": plan_cost(run, "realised")}
    for phase, kinds in costs.items():
        if kinds:
            text += (
                f" {phase.capitalize()} fuel {number(kinds['production_usd'])} USD, starts {number(kinds['start_up_usd'])} USD."
            )
    return text


DISPATCH = RunFigure(
    "dispatch", "Who serves the load", lambda run: run.lacks("unit_dispatch", "power_balance"), dispatch_figure, _reading
)
_PANELS = (
    ("planned", "forecast_renewable_mw", "planned_renewable_mw", "forecast"),
    ("realised", "available_renewable_mw", "renewable_mw", "available"),
)


@paper_style
def wind_figure(run: RailRun) -> Figure:
    """Return two panels, planned and realised: available power, used power, and what was curtailed between them."""
    figure = new_figure(4.4, f"Renewable power: {run.title}")
    panels = stack(figure, 2)
    panels[1].sharey(panels[0])
    for panel, (phase, available, used, word) in zip(panels, _PANELS, strict=True):
        _panel(panel, run, available, used)
        panel.set_title(f"{phase} ({word} against used)", loc="left")
        panel.set_ylabel("Power (MW)")
    panels[0].set_ylim(bottom=0.0)
    hour_panels(panels, run)
    legend_below(figure, 3, *panels[0].get_legend_handles_labels())
    return figure


def _panel(axes: Axes, run: RailRun, available: str, used: str) -> None:
    table, edges = run.frame("power_balance"), hour_edges(run.session)
    top, taken = by_period(run, table, available), by_period(run, table, used)
    axes.stairs(np.nan_to_num(taken), edges, fill=True, color=BLUE, alpha=0.35, label="used")
    look: dict[str, Any] = {"facecolor": "#fbe3d3", "edgecolor": VERMILLION, "linewidth": 0.0, "hatch": "////"}
    axes.stairs(np.nan_to_num(top), edges, baseline=np.nan_to_num(taken), fill=True, label="curtailed", **look)
    draw_stairs(axes, run, top, color=BLACK, linewidth=1.4, label="available")


def _no_wind(run: RailRun) -> str:
    table = run.frame("power_balance")
    nothing = not table[["forecast_renewable_mw", "available_renewable_mw"]].to_numpy(float).any()
    return run.lacks("power_balance") or ("no renewable power was available" if nothing else "")


def _wind_reading(run: RailRun) -> str:
    head = run.summary
    parts = [
        f"{word} {percent(float(head[key]))}"
        for word, key in (("planned", "wind_used_share"), ("realised", "realised_wind_used_share"))
        if key in head
    ]
    shares = f" Used over the day (46): {', '.join(parts)}." if parts else ""
    return f"What is available and not used is curtailed (hatched).{shares}"


WIND = RunFigure("wind", "Wind available and used", _no_wind, wind_figure, _wind_reading)
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
    panels = stack(figure, len(names))
    for panel, name in zip(panels, names, strict=True):
        _line(panel, run, table[table["line"] == name])
        panel.set_ylabel(f"{name}\n(MW)")
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    legend_below(figure, 3, *panels[0].get_legend_handles_labels())
    return figure


def _line(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    flow, limit = by_period(run, table, "flow_mw"), by_period(run, table, "limit_mw")
    draw_stairs(axes, run, flow, color=BLUE, linewidth=1.7, label="flow")
    draw_stairs(axes, run, limit, color=BLACK, linewidth=1.1, linestyle="-.", label="limit, both directions")
    draw_stairs(axes, run, -limit, color=BLACK, linewidth=1.1, linestyle="-.")
    bound = by_period(run, table.assign(bound=table["flow_mw"].where(at_limit(table))), "bound")
    draw_stairs(axes, run, bound, color=VERMILLION, linewidth=3.2, alpha=0.8, label="at the limit")
    axes.axhline(0.0, color=BLACK, linewidth=0.5)


def _lines_reading(run: RailRun) -> str:
    table = line_loading(run)
    bound = table[table["periods_at_limit"] > 0]
    rows = bound.head(6).itertuples()
    where = ", ".join(f"{row.line} ({row.periods_at_limit} periods)" for row in rows)
    return f"{len(bound)} of {len(table)} limited lines reach their limit{': ' + where if where else ''}."


LINES = RunFigure(
    "line_flow",
    "The most loaded lines",
    lambda run: run.lacks("line_flow") or ("" if len(line_loading(run)) else "no line has a limit above zero"),
    lines_figure,
    _lines_reading,
)
