"""One-line diagram of the grid: loading of the lines, units, wind, storage stations and trains (as the paper's Fig. 3).

A run knows which buses a line joins, and not where they lie. Kamada and Kawai (1989) place them so that the distance in the
figure is nearly the number of lines between two buses; the same grid always gets the same places.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from federates.reporting.figures import BLACK, BLUE, GREEN, VERMILLION, legend_below, new_figure, paper_style
from federates.reporting.formatting import clock, number, percent
from federates.reporting.media import medium, pt
from federates.reporting.world import RunFigure
from federates.worlds.rail.report.market import at_limit, by_number
from federates.worlds.rail.report.metrics import moves
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.session import RailScheme

Places = Mapping[str, tuple[float, float]]
_ALL_NAMED = 40
"""Most buses whose names all stand in the diagram; of more, only those with a station, wind or a line at its limit."""


@functools.lru_cache(maxsize=8)
def bus_places(lines: tuple[tuple[str, str], ...]) -> Places:
    """Return x and y of the buses that lines join, the longer side of the grid along x, within 0 to 1 of it."""
    graph = nx.Graph(lines)
    order = sorted(graph, key=by_number)
    # On a circle in a fixed order: the search that follows is then the same for the same grid.
    start = {
        bus: (math.cos(2.0 * math.pi * k / len(order)), math.sin(2.0 * math.pi * k / len(order))) for k, bus in enumerate(order)
    }
    found = nx.kamada_kawai_layout(graph, pos=start)
    points = np.array([found[bus] for bus in order])
    points = points - points.mean(axis=0)
    axis = np.linalg.svd(points, full_matrices=False)[2][0]
    turned = points @ np.array([[axis[0], -axis[1]], [axis[1], axis[0]]])
    turned = (turned - turned.min(axis=0)) / np.ptp(turned, axis=0).max()
    return {bus: (round(float(x), 4), round(float(y), 4)) for bus, (x, y) in zip(order, turned, strict=True)}


def loading(run: RailRun) -> tuple[int, pd.DataFrame]:
    """Return the shown period, that with most lines at their limit and of these the most loaded one, and all lines in it.

    Returns
    -------
    int, DataFrame : name, bus, to_bus; share of the limit (NaN: no limit or no flow recorded) and at_limit.
    """
    flow = run.frame("line_flow")
    flow = flow.assign(at_limit=at_limit(flow), share=flow["flow_mw"].abs() / flow["limit_mw"].where(flow["limit_mw"] > 0))
    by_period = flow.groupby("period").agg(bound=("at_limit", "sum"), share=("share", "mean"))
    period = int(by_period.sort_values(["bound", "share"], kind="stable").index[-1])
    grid = run.frame("grid")
    lines = grid[grid["kind"] == "line"][["name", "bus", "to_bus"]]
    now = flow.loc[flow["period"] == period, ["line", "share", "at_limit"]]
    found = lines.merge(now, left_on="name", right_on="line", how="left").drop(columns="line")
    found = found.sort_values("name", key=lambda names: names.map(by_number), kind="stable", ignore_index=True)
    return period, found.assign(at_limit=found["at_limit"].fillna(False).astype(bool))


@paper_style
def one_line_figure(run: RailRun) -> Figure:
    """Return the diagram; a line is as wide and dark as it is loaded."""
    period, lines = loading(run)
    places = bus_places(tuple(zip(lines["bus"], lines["to_bus"], strict=True)))
    if medium().name == "column":  # the longer side upright
        places = {bus: (y, x) for bus, (x, y) in places.items()}
    start = run.session.hour_of_day(period)
    sides = np.ptp(np.array(list(places.values())), axis=0)
    height = medium().width_in * min(1.45, max(0.55, sides[1] / sides[0])) + 0.9
    figure = new_figure(height, f"One-line diagram, {start:g} to {start + run.period_h:g} h: {run.title}")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.margins(0.06)
    _lines(axes, places, lines)
    _railway(axes, run, places)
    _buses(axes, run, places, lines)
    _stations(axes, run, places, period)
    legend_below(figure, 4, *_key(run))
    return figure


def _look(share: float, bound: bool) -> dict[str, Any]:
    if bound:
        return {"color": VERMILLION, "linewidth": 4.2, "linestyle": "-"}
    if not math.isfinite(share):
        return {"color": "#999999", "linewidth": 0.8, "linestyle": (0, (1, 1.5))}
    grey = 0.78 - 0.62 * min(share, 1.0)
    return {"color": (grey, grey, grey), "linewidth": 0.7 + 2.6 * min(share, 1.0), "linestyle": "-"}


def _lines(axes: Axes, places: Places, lines: pd.DataFrame) -> None:
    for row in lines.sort_values("share", kind="stable", na_position="first").itertuples(index=False):
        (x0, y0), (x1, y1) = places[row.bus], places[row.to_bus]
        axes.plot(
            [x0, x1], [y0, y1], solid_capstyle="butt", zorder=1.5 if row.at_limit else 1.0, **_look(row.share, row.at_limit)
        )
        if row.at_limit:  # a light core: told from a loaded line in grey, too
            axes.plot([x0, x1], [y0, y1], color="white", linewidth=1.2, solid_capstyle="butt", zorder=1.6)


def _railway(axes: Axes, run: RailRun, places: Places) -> None:
    at = _station_buses(run)
    session = run.session
    if session.scheme is not RailScheme.MOBILE:
        return
    for i, one in enumerate(session.rail_stations):
        for other in session.rail_stations[i + 1 :]:
            if one in at and other in at:
                ends = places[at[one]], places[at[other]]
                look: dict[str, Any] = {"arrowstyle": "-", "connectionstyle": "arc3,rad=0.18", "linewidth": 1.3}
                axes.add_patch(
                    FancyArrowPatch(*ends, color=BLUE, linestyle=(0, (5, 2, 1, 2)), shrinkA=0, shrinkB=0, zorder=2, **look)
                )


def _station_buses(run: RailRun) -> dict[str, str]:
    """Return the buses of the storage stations that a line leads to, by station."""
    grid = run.frame("grid")
    lines, stations = grid[grid["kind"] == "line"], grid[grid["kind"] == "station"]
    joined = stations[stations["bus"].isin({*lines["bus"], *lines["to_bus"]})].sort_values("name", kind="stable")
    return dict(zip(joined["name"], joined["bus"], strict=True))


def _buses(axes: Axes, run: RailRun, places: Places, lines: pd.DataFrame) -> None:
    grid = run.frame("grid")
    units = set(grid.loc[grid["kind"] == "unit", "bus"])
    bound = lines[lines["at_limit"]]
    named = set(places) if len(places) <= _ALL_NAMED else {*bound["bus"], *bound["to_bus"]} - set(_station_buses(run).values())
    for bus, (x, y) in places.items():
        if bus not in named:
            face = BLACK if bus in units else "white"
            axes.plot(x, y, marker="o", markersize=3.4, color=face, markeredgecolor=BLACK, markeredgewidth=0.8, zorder=3)
            continue
        wide = 1.9 if bus in units else 0.7
        box = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": BLACK, "linewidth": wide}
        axes.annotate(bus, (x, y), ha="center", va="center", fontsize=pt(7.0), bbox=box, zorder=4)


def _stations(axes: Axes, run: RailRun, places: Places, period: int) -> None:
    """Name storage stations, with the trains that stand there, and wind, each on the side that is freest."""
    grid, where = run.frame("grid"), _trains_at(run, period)
    wind = grid[grid["kind"] == "renewable"].sort_values("name", kind="stable").groupby("bus")["name"].agg(", ".join)
    notes: dict[str, list[str]] = {}
    for name, bus in _station_buses(run).items():
        notes.setdefault(str(bus), []).extend([str(name), *where.get(str(name), [])])
    for bus, names in wind.items():
        if bus in places:
            notes.setdefault(str(bus), []).append(str(names))
    stations = set(_station_buses(run).values())
    for bus, words in notes.items():
        colour, line = (BLUE, "-") if bus in stations else (GREEN, (0, (2, 1.5)))
        if bus in set(wind.index):
            axes.plot(
                *places[bus], marker="^", markersize=26.0, color="white", markeredgecolor=GREEN, markeredgewidth=1.4, zorder=2.5
            )
        if bus in stations:
            axes.plot(
                *places[bus], marker="s", markersize=14.0, color="white", markeredgecolor=BLUE, markeredgewidth=1.6, zorder=2.6
            )
        side = _freest(places, bus)
        box = {"boxstyle": "round,pad=0.2", "facecolor": "#fdf6e3", "edgecolor": colour, "linestyle": line, "linewidth": 1.0}
        ha = "left" if side[0] > 0.3 else "right" if side[0] < -0.3 else "center"
        va = "bottom" if side[1] > 0.3 else "top" if side[1] < -0.3 else "center"
        offset = (1.7 * pt(8.0) * side[0], 1.7 * pt(8.0) * side[1])
        axes.annotate(
            "\n".join(words), places[bus], offset, textcoords="offset points", ha=ha, va=va, fontsize=pt(7.5), bbox=box, zorder=6
        )


def _freest(places: Places, bus: str) -> tuple[float, float]:
    """Return the direction, of eight, in which the nearest other bus is farthest from a note beside this one."""
    here, others = np.array(places[bus]), np.array([place for name, place in places.items() if name != bus])
    sides = [(math.cos(k * math.pi / 4.0), math.sin(k * math.pi / 4.0)) for k in range(8)]
    reach = 0.09
    room = [min(np.hypot(*(others - (here + f * reach * np.array(side))).T).min() for f in (1.0, 1.8)) for side in sides]
    return sides[int(np.argmax(room))]


def _trains_at(run: RailRun, period: int) -> dict[str, list[str]]:
    """Return the trains that stand at each station in a period, as carried out."""
    table = moves(run, "realised")
    table = table[(table["period"] == period) & (table["origin"] == table["destination"])]
    return {str(station): [str(name) for name in part["train"]] for station, part in table.groupby("origin")}


def _key(run: RailRun) -> tuple[list[Any], list[str]]:
    shown = ((0.1, "10 % of its limit"), (0.5, "50 %"), (0.9, "90 %"))
    handles = [Line2D([], [], label=words, **_look(share, False)) for share, words in shown]
    handles.append(Line2D([], [], label="at its limit", **_look(1.0, True)))
    if (run.frame("grid").query("kind == 'line'")["limit_mw"] < 0).any():
        handles.append(Line2D([], [], label="no limit", **_look(math.nan, False)))
    handles.append(
        Line2D([], [], linestyle="", marker="s", markersize=7, color="white", markeredgecolor=BLUE, label="storage station")
    )
    if (run.frame("grid")["kind"] == "renewable").any():
        handles.append(Line2D([], [], linestyle="", marker="^", markersize=7, color="white", markeredgecolor=GREEN, label="wind"))
    few = run.frame("grid").query("kind == 'line'")[["bus", "to_bus"]].stack().nunique() <= _ALL_NAMED
    ring: dict[str, Any] = {"color": "white", "markeredgecolor": BLACK, "markeredgewidth": 1.9} if few else {"color": BLACK}
    handles.append(Line2D([], [], linestyle="", marker="o", markersize=5, label="bus with units", **ring))
    if run.session.scheme is RailScheme.MOBILE:
        handles.append(Line2D([], [], color=BLUE, linestyle=(0, (5, 2, 1, 2)), linewidth=1.3, label="railway"))
    return handles, [str(handle.get_label()) for handle in handles]


def _reading(run: RailRun) -> str:
    period, lines = loading(run)
    bound = lines[lines["at_limit"]]
    known = lines["share"].dropna()
    text = (
        f"The grid from {clock(run, period)}, when most lines are at their limit ({len(bound)} of {len(known)} with a limit), as "
        f"carried out. A line is as wide and dark as it is loaded, {percent(float(known.mean()))} on average; one at its limit "
        "has a light core."
    )
    if len(bound):
        text += f" At their limit: {', '.join(bound['name'])}."
    names = {str(bus): str(name) for name, bus in _station_buses(run).items()}
    trains = "; ".join(f"{', '.join(trains)} at {station}" for station, trains in _trains_at(run, period).items())
    text += f" Storage stations: {', '.join(names.values())}{f'; {trains}' if trains else ''}."
    count = number(len({*lines["bus"], *lines["to_bus"]}))
    return f"{text} The places of the {count} buses are drawn so that few lines cross; they are no map."


def _obstacle(run: RailRun) -> str:
    return run.lacks("grid", "line_flow") or ("" if (run.frame("grid")["kind"] == "line").any() else "the grid has no line")


ONE_LINE = RunFigure(
    "one_line_diagram", "The grid and the loading of its lines (as the paper's Fig. 3)", _obstacle, one_line_figure, _reading
)
