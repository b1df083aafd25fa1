"""Prices by place and hour, what the batteries bought and sold at them, and the lines that bind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from federates.reporting.figures import (
    BLACK,
    BLUE,
    VERMILLION,
    by_period,
    draw_stairs,
    hour_edges,
    hour_panels,
    legend_below,
    named_lines,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import clock, number
from federates.reporting.media import medium, pt
from federates.reporting.world import RunFigure
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.session import RailScheme

_AT_LIMIT = 1.0 - 1e-4
"""A solver holds a limit to its own tolerance, so that a line that binds may lie just below it."""


def by_number(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts names by the numbers in them: 2-4 before 12-13."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]


def price_grid(run: RailRun, value: str = "price_usd_per_mwh") -> pd.DataFrame:
    """Return a column of ``bus_prices`` as buses (by number) by periods; NaN where nothing was recorded."""
    table = run.frame("bus_prices")
    buses = sorted(set(table["bus"]), key=by_number)
    return table.pivot_table(index="bus", columns="period", values=value).reindex(
        index=buses, columns=pd.RangeIndex(run.session.periods)
    )


def at_limit(table: pd.DataFrame) -> pd.Series:
    """Return for every row of ``line_flow`` whether the line is at its limit."""
    return (table["limit_mw"] > 0) & (table["flow_mw"].abs() >= _AT_LIMIT * table["limit_mw"])


@dataclass(frozen=True, slots=True)
class Trade:
    """What batteries traded at the prices of their buses, as carried out.

    ``stations`` has one row a station: station, bus, bought_mwh, bought_usd, sold_mwh, sold_usd, margin_usd = sold - bought.
    ``one_place_usd`` is the margin of the same trade, summed over the stations in every period, at the prices of one station: of
    the station where it is largest, ``one_place``. What is above it comes from being at several places.
    """

    stations: pd.DataFrame
    one_place: str
    one_place_usd: float

    @property
    def margin_usd(self) -> float:
        """Return what all stations earned."""
        return float(self.stations["margin_usd"].sum())

    @property
    def by_place_usd(self) -> float:
        """Return the part of the margin that one place could not have earned."""
        return self.margin_usd - self.one_place_usd


def battery_trade(run: RailRun) -> Trade | None:
    """Return what the batteries traded; None if prices, places or batteries are not recorded."""
    if run.lacks("bus_prices", "grid", "storage_state"):
        return None
    grid, state = run.frame("grid"), run.frame("storage_state")
    places = grid[grid["kind"] == "station"].set_index("name")["bus"]
    prices = price_grid(run)
    if not set(state["station"]) <= set(places.index) or not set(places) <= set(prices.index):
        return None
    rows, net_mwh = [], np.zeros(run.session.periods)
    at_station: dict[str, np.ndarray] = {}
    for name in sorted(set(state["station"]), key=by_number):
        table = state[state["station"] == name].set_index("period").reindex(range(run.session.periods))
        price = at_station[name] = prices.loc[places[name]].to_numpy(float)
        bought, sold = (np.nan_to_num(table[column].to_numpy(float)) * run.period_h for column in ("charge_mw", "discharge_mw"))
        net_mwh += sold - bought
        amounts = {"bought_mwh": bought.sum(), "bought_usd": np.nansum(bought * price)}
        amounts |= {"sold_mwh": sold.sum(), "sold_usd": np.nansum(sold * price)}
        rows.append({"station": name, "bus": places[name], **amounts, "margin_usd": amounts["sold_usd"] - amounts["bought_usd"]})
    alone = {name: float(np.nansum(net_mwh * price)) for name, price in at_station.items()}
    best = max(alone, key=lambda name: alone[name])
    return Trade(pd.DataFrame(rows), best, alone[best])


def trade_sentence(run: RailRun) -> str:
    """Say what the batteries earned from price differences, and which part of it from being at several places."""
    trade = battery_trade(run)
    if trade is None or not trade.stations["sold_mwh"].sum() > 0.05:
        return ""
    total = trade.stations.sum(numeric_only=True)
    text = (
        f"At the prices of their buses the batteries bought {number(total['bought_mwh'], 1)} MWh for "
        f"{number(total['bought_usd'])} USD and sold {number(total['sold_mwh'], 1)} MWh for {number(total['sold_usd'])} USD, "
        f"which earned {number(trade.margin_usd)} USD"
    )
    if run.session.scheme is not RailScheme.MOBILE or len(trade.stations) < 2:
        return f"{text}."
    return (
        f"{text}; the same trade, hour by hour, at one station alone would have earned at most {number(trade.one_place_usd)} USD "
        f"({trade.one_place}), so that the price differences between places, which moving uses, "
        f"earned {number(trade.by_place_usd)} USD."
    )


_ALL_LABELLED = 40
"""Most buses whose names all stand on the axis; of more, only those with something to point out."""
_LEAST_MW = 0.05
_LABEL_HIGH, _SLIDE_EDGES_IN, _SLIDE_LINES = 1.2, 2.2, 5
"""Height of a line of text as a share of its size; what a slide has beside both panels; most lines at their limit on one."""
_BATTERY: dict[str, dict[str, Any]] = {
    "charge_mw": {"marker": "v", "markerfacecolor": "white", "label": "battery charges"},
    "discharge_mw": {"marker": "^", "markerfacecolor": BLACK, "label": "battery discharges"},
}


@paper_style
def bus_prices_figure(run: RailRun) -> Figure:
    """Return the price at every bus (rows) and period (columns), stations and wind named, and below the lines at their limit.

    Of a large grid, or where rows are lower than their labels, the buses that matter most are labelled.
    """
    prices = price_grid(run)
    lines, label_in = _binding(run), _LABEL_HIGH * pt(7.0) / 72.0
    row_in = max(0.135, label_in) if len(prices) <= _ALL_LABELLED else 0.05
    heights = [row_in * len(prices), max(0.17, label_in) * max(1, len(lines))]
    figure = new_figure(1.5 + sum(heights), f"Price by bus: {run.title}")
    if (high := medium().height_in) is not None:
        row_in = (high - heights[1] - _SLIDE_EDGES_IN) / len(prices)
        heights[0] = row_in * len(prices)
    panels = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    mesh = _heat(panels[0], run, prices)
    _name_buses(panels[0], run, list(prices.index), lines, label_in / row_in)
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
    legend_below(figure, 2, handles, [str(handle.get_label()) for handle in handles])
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


def _name_buses(axes: Axes, run: RailRun, buses: list[str], lines: pd.DataFrame, apart: float) -> None:
    """Write the buses on the axis, with what stands there; of a large grid only those that matter, ``apart`` rows at least."""
    grid = run.frame("grid").sort_values("name", kind="stable")
    ends = set(lines["bus"]) | set(lines["to_bus"])
    rank, labels = {}, {}
    for row, bus in enumerate(buses):
        here = grid[grid["bus"] == bus]
        stations, wind = (here.loc[here["kind"] == kind, "name"] for kind in ("station", "renewable"))
        marks = [*(f"station {name}" for name in stations), *map(str, wind)]
        if len(buses) <= _ALL_LABELLED or marks or bus in ends:
            labels[row] = ", ".join([*marks, bus])
            rank[row] = 0 if len(stations) else 1 if marks else 2 if bus in ends else 3
    kept = list[int]()
    for row in sorted(rank, key=lambda row: rank[row]):
        # The report has always drawn all of them, in small letters.
        if not medium().printed or all(abs(row - other) >= apart for other in kept):
            kept.append(row)
    kept.sort()
    axes.set_yticks(kept, [labels[row] for row in kept], fontsize=pt(7.0 if len(buses) <= _ALL_LABELLED else 5.5))
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
    if medium().height_in and len(lines) > _SLIDE_LINES:
        most = flow[at_limit(flow)].groupby("line").size().nlargest(_SLIDE_LINES).index
        lines = lines[lines["name"].isin(most)]
    return lines.sort_values("name", key=lambda column: column.map(by_number), kind="stable")


def _limits(axes: Axes, run: RailRun, lines: pd.DataFrame) -> None:
    flow, edges = run.frame("line_flow"), hour_edges(run.session)
    for row, name in enumerate(lines["name"]):
        table = flow[flow["line"] == name]
        bound = by_period(run, table.assign(bound=at_limit(table).astype(float)), "bound") > 0
        for t in np.flatnonzero(bound):
            axes.barh(row, edges[t + 1] - edges[t], left=edges[t], height=0.7, color=VERMILLION, edgecolor="white", linewidth=0.4)
    names = [f"{name}" for name in lines["name"]] or ["no line"]
    axes.set_yticks(range(len(names)), names, fontsize=pt(7.0))
    axes.set_ylim(len(names) - 0.5, -0.5)
    if medium().printed:
        axes.set_title("Lines at their limit", loc="left")
    else:
        axes.set_ylabel("Line at its limit", rotation=0, ha="right", va="center", fontsize=pt(7.0))


@paper_style
def price_figure(run: RailRun) -> Figure:
    """Return the mean price of the realised dispatch and its range over the buses, above the realised load and renewables."""
    table = run.frame("power_balance")
    figure = new_figure(3.6, f"Price of energy: {run.title}")
    price, power = panels = stack(figure, 2)
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
    hour_panels(panels, run)
    legend_below(figure, 4, *named_lines(panels))
    return figure


def _reading(run: RailRun) -> str:
    prices = run.frame("bus_prices")
    low, high = (prices.loc[getattr(prices["price_usd_per_mwh"], pick)()] for pick in ("idxmin", "idxmax"))
    text = (
        "What one more MWh of load at a bus would cost in the realised dispatch, with the commitment fixed and without losses. "
    )
    text += "Prices differ between buses only while a line is at its limit (below)."
    for word, row in (("Lowest", low), ("highest", high)):
        text += f" {word} {number(row['price_usd_per_mwh'], 2)} USD/MWh at bus {row['bus']} ({clock(run, int(row['period']))})"
        text += "," if word == "Lowest" else "."
    return f"{text} {trade_sentence(run)}".rstrip()


def _mean_reading(run: RailRun) -> str:
    table = run.frame("power_balance")
    low, high = (table.loc[getattr(table["price_usd_per_mwh"], pick)()] for pick in ("idxmin", "idxmax"))
    text = "What one more MWh of load would cost in the realised dispatch, with the commitment fixed: the mean over the buses, "
    text += "weighted by their load"
    text += "." if run.lacks("bus_prices") else "; the band reaches from the cheapest bus to the dearest."
    text += f" Lowest mean {number(low['price_usd_per_mwh'], 2)} USD/MWh ({clock(run, int(low['period']))}), highest"
    text += f" {number(high['price_usd_per_mwh'], 2)} USD/MWh ({clock(run, int(high['period']))})."
    shed = float(table["shed_mw"].sum()) * run.period_h
    return text + (f" {number(shed, 1)} MWh of load were not served." if shed > 1e-6 else " All load was served.")


BUS_PRICES = RunFigure(
    "bus_prices", "Price by place and hour", lambda run: run.lacks("bus_prices", "grid", "line_flow"), bus_prices_figure, _reading
)
MEAN_PRICE = RunFigure("price", "Price of energy", lambda run: run.lacks("power_balance"), price_figure, _mean_reading)
