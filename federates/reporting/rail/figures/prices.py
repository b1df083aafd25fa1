"""The price of energy by place and hour, with the lines that bind below; and its mean over the day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from federates.reporting.figures.style import BLACK, BLUE, VERMILLION, hour_edges, new_figure, paper_style
from federates.reporting.rail.figures.common import by_period, draw_stairs, hour_panels
from federates.reporting.rail.prices import at_limit, by_number, price_grid
from federates.reporting.tables import RailRun

__all__ = ["bus_prices_figure", "price_figure"]

_ALL_LABELLED = 40
"""Most buses whose names all stand on the axis; of more, only those with something to point out."""
_LEAST_MW = 0.05
_BATTERY: dict[str, dict[str, Any]] = {
    "charge_mw": {"marker": "v", "markerfacecolor": "white", "label": "battery charges"},
    "discharge_mw": {"marker": "^", "markerfacecolor": BLACK, "label": "battery discharges"},
}


@paper_style
def bus_prices_figure(run: RailRun) -> Figure:
    """Return the price at every bus (rows) and period (columns), stations and wind named, and below the lines at their limit."""
    prices = price_grid(run)
    lines = _binding(run)
    row_in = 0.135 if len(prices) <= _ALL_LABELLED else 0.05
    heights = [row_in * len(prices), 0.17 * max(1, len(lines))]
    figure = new_figure(1.5 + sum(heights), f"Price by bus: {run.title}")
    panels = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    mesh = _heat(panels[0], run, prices)
    _name_buses(panels[0], run, list(prices.index), lines)
    _batteries(panels[0], run, list(prices.index))
    _limits(panels[1], run, lines)
    hour_panels(panels, run)
    low, high = mesh.get_clim()
    values = prices.to_numpy()
    extend = (
        ("both" if np.nanmin(values) < low else "max") if np.nanmax(values) > high else "min" if np.nanmin(values) < low else ""
    )
    figure.colorbar(mesh, ax=panels, label="Price (USD/MWh)", extend=extend or "neither", pad=0.01, aspect=35)
    handles = [Line2D([], [], linestyle="", color=BLACK, **look) for look in _BATTERY.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _heat(axes: Axes, run: RailRun, prices: pd.DataFrame) -> QuadMesh:
    values = prices.to_numpy(float)
    # A penalty in one hour must not make all others look alike.
    low, high = np.nanpercentile(values, [1.0, 99.0])
    wide = max(high - low, 1e-3 * max(1.0, abs(high)))
    rows = np.arange(len(prices) + 1) - 0.5
    mesh = axes.pcolormesh(hour_edges(run.session), rows, values, cmap="cividis", vmin=low, vmax=low + wide, rasterized=False)
    axes.set_ylim(rows[-1], rows[0])
    axes.grid(False)
    return mesh


def _name_buses(axes: Axes, run: RailRun, buses: list[str], lines: pd.DataFrame) -> None:
    """Write the buses on the axis, with what stands there; of a large grid only those that matter."""
    grid = run.frame("grid").sort_values("name", kind="stable")
    ends = set(lines["bus"]) | set(lines["to_bus"])
    ticks, labels = [], []
    for row, bus in enumerate(buses):
        here = grid[grid["bus"] == bus]
        stations, wind = (here.loc[here["kind"] == kind, "name"] for kind in ("station", "renewable"))
        marks = [*(f"station {name}" for name in stations), *map(str, wind)]
        if len(buses) <= _ALL_LABELLED or marks or bus in ends:
            ticks.append(row)
            labels.append(", ".join([*marks, bus]))
    axes.set_yticks(ticks, labels, fontsize=7.0 if len(buses) <= _ALL_LABELLED else 5.5)
    axes.set_ylabel("Bus")


def _batteries(axes: Axes, run: RailRun, buses: list[str]) -> None:
    grid, state = run.frame("grid"), run.frame("storage_state").sort_values(["station", "period"], kind="stable")
    places = grid[grid["kind"] == "station"].set_index("name")["bus"]
    middle = (hour_edges(run.session)[:-1] + hour_edges(run.session)[1:]) / 2
    for column, look in _BATTERY.items():
        used = state[(state[column] > _LEAST_MW) & state["station"].isin(places.index)]
        at = [(middle[int(row.period)], buses.index(places[row.station])) for row in used.itertuples()]
        if at:
            axes.plot(*zip(*at, strict=True), linestyle="", color=BLACK, markersize=4.0, markeredgewidth=0.6, zorder=3, **look)


def _binding(run: RailRun) -> pd.DataFrame:
    """Return the lines that are at their limit in some period: name, bus, to_bus, by number."""
    flow, grid = run.frame("line_flow"), run.frame("grid")
    names = set(flow.loc[at_limit(flow), "line"])
    lines = grid[(grid["kind"] == "line") & grid["name"].isin(names)]
    return lines.sort_values("name", key=lambda column: column.map(by_number), kind="stable")


def _limits(axes: Axes, run: RailRun, lines: pd.DataFrame) -> None:
    flow, edges = run.frame("line_flow"), hour_edges(run.session)
    for row, name in enumerate(lines["name"]):
        table = flow[flow["line"] == name]
        bound = by_period(run, table.assign(bound=at_limit(table).astype(float)), "bound") > 0
        for t in np.flatnonzero(bound):
            axes.barh(row, edges[t + 1] - edges[t], left=edges[t], height=0.7, color=VERMILLION, edgecolor="white", linewidth=0.4)
    names = [f"{name}" for name in lines["name"]] or ["no line"]
    axes.set_yticks(range(len(names)), names, fontsize=7.0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_ylabel("Line at its limit", rotation=0, ha="right", va="center", fontsize=7.0)


@paper_style
def price_figure(run: RailRun) -> Figure:
    """Return the mean price of the realised dispatch and its range over the buses, above the realised load and renewables."""
    table = run.frame("power_balance")
    figure = new_figure(3.6, f"Price of energy: {run.title}")
    price, power = figure.subplots(2, 1, sharex=True)
    if not run.lacks("bus_prices"):
        buses = run.frame("bus_prices").groupby("period")["price_usd_per_mwh"]
        low, high = (np.asarray(part.reindex(range(run.session.periods)), float) for part in (buses.min(), buses.max()))
        edges = hour_edges(run.session)
        price.stairs(high, edges, baseline=low, fill=True, color=VERMILLION, alpha=0.25, label="cheapest to dearest bus")
    mean = by_period(run, table, "price_usd_per_mwh")
    draw_stairs(price, run, mean, color=VERMILLION, linewidth=1.7, label="price, mean by load")
    price.set_ylabel("Price (USD/MWh)")
    draw_stairs(power, run, by_period(run, table, "load_mw"), color=BLACK, linewidth=1.5, label="load")
    rest = by_period(run, table, "load_mw") - by_period(run, table, "renewable_mw")
    draw_stairs(power, run, rest, color=BLUE, linestyle=(0, (4, 1.5)), linewidth=1.4, label="load less renewables used")
    power.set_ylabel("Power (MW)")
    hour_panels(np.array([price, power]), run)
    figure.legend(loc="outside lower center", ncols=4)
    return figure
