"""Batteries at the stations and on trains: capacity, energy and use over the day (the paper's Figs. 4, 5 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from federates.reporting.figures import (
    BLACK,
    COLOURS,
    by_period,
    draw_stairs,
    hour_axis,
    hour_edges,
    hour_panels,
    legend_below,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, percent
from federates.reporting.world import RunFigure
from federates.worlds.rail.report.metrics import Phase, batteries, energy_limit_mwh, moves, total_capacity_mw
from federates.worlds.rail.report.run import SCHEMES, RailRun
from federates.worlds.rail.session import RailScheme

_MARKERS = "os^DvPX*"
_MARK_EVERY = 4


def train_look(k: int) -> dict[str, Any]:
    """Return colour and marker of the k-th train; the markers of several trains on one line stand beside each other."""
    look = {"color": COLOURS[k % len(COLOURS)], "marker": _MARKERS[k % len(_MARKERS)], "markersize": 4.5}
    return look | {"markeredgecolor": "white", "markeredgewidth": 0.4}


def mark_train(axes: Axes, run: RailRun, values: np.ndarray, k: int) -> None:
    """Set markers of the k-th train on values that hold for a whole period each."""
    edges = hour_edges(run.session)
    places = slice(k % _MARK_EVERY, None, _MARK_EVERY)
    axes.plot(((edges[:-1] + edges[1:]) / 2)[places], values[places], linestyle="", zorder=3, **train_look(k))


PLANNED: dict[str, Any] = {"linestyle": (0, (4, 1.6)), "linewidth": 1.2}
REALISED: dict[str, Any] = {"linestyle": "-", "linewidth": 1.7}


def stations_of(run: RailRun) -> list[str]:
    """Return places with recorded batteries: the session's stations, in its order, then others by name (`central` has one)."""
    found = set(run.frame("storage_state")["station"])
    known = [name for name in run.session.stations if name in found]
    return known + sorted(found.difference(known))


_LOOK: dict[Phase, dict[str, Any]] = {"planned": PLANNED, "realised": REALISED}
_SPREAD = 0.22
"""Distance between the first and the last train of a station in the diagram, in rows: trains side by side stay visible."""


@paper_style
def routes_figure(run: RailRun) -> Figure:
    """Return capacity over time, one panel a station and one for the trains, above the space-time diagram of the trains."""
    trains = _trains(run)
    names = stations_of(run)
    rows = len(names) + (2 if trains else 0)
    figure = new_figure(1.1 + 1.0 * rows + (0.35 * len(names) if trains else 0.0), f"Batteries and trains: {run.title}")
    ratios = [1.0] * len(names) + ([1.0, 0.7 + 0.45 * len(run.session.stations)] if trains else [])
    panels = stack(figure, rows, ratios)
    _capacities(panels, run, names, trains)
    if trains:
        _diagram(panels[-1], run, trains)
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    handles = [Line2D([], [], color=BLACK, label=phase, **look) for phase, look in _LOOK.items()]
    if trains:
        handles += [Line2D([], [], linewidth=_wide(k, trains), label=name, **train_look(k)) for k, name in enumerate(trains)]
    legend_below(figure, 2 + len(trains), handles, [str(handle.get_label()) for handle in handles])
    return figure


def _trains(run: RailRun) -> list[str]:
    """Return the trains whose routes are known; only the scheme `mobile` has trains that matter."""
    known = len(moves(run, "planned")) or len(moves(run, "realised"))
    return [train.name for train in run.session.trains] if known and run.session.scheme is RailScheme.MOBILE else []


def _capacities(panels: np.ndarray, run: RailRun, names: list[str], trains: list[str]) -> None:
    stations, carried = run.frame("storage_state"), run.frame("train_storage")
    for panel, name in zip(panels, names, strict=False):
        _pair(panel, run, stations[stations["station"] == name], "#444444")
        panel.set_ylabel(f"{name}\n(MW)")
    if trains:
        for k, name in enumerate(trains):
            table = carried[carried["train"] == name]
            _pair(panels[len(names)], run, table, COLOURS[k % len(COLOURS)], _wide(k, trains))
            mark_train(panels[len(names)], run, by_period(run, table, "capacity_mw"), k)
        panels[len(names)].set_ylabel("on trains\n(MW)")
    top = max((panel.dataLim.ymax for panel in panels[: len(names) + bool(trains)]), default=1.0)
    for panel in panels[: len(names) + bool(trains)]:
        panel.set_ylim(0.0, 1.08 * max(top, 1.0))


def _wide(k: int, trains: list[str]) -> float:
    """Return the width of a train's line; trains often carry the same, and the later one is thinner, so that both are seen."""
    return float(REALISED["linewidth"]) * (1.0 + 0.8 * (len(trains) - 1 - k))


def _pair(axes: Axes, run: RailRun, table: pd.DataFrame, colour: str, wide: float = REALISED["linewidth"]) -> None:
    look = REALISED | {"linewidth": wide}
    draw_stairs(axes, run, by_period(run, table, "capacity_mw"), color=colour, **look)
    draw_stairs(axes, run, by_period(run, table, "planned_capacity_mw"), color=colour, **PLANNED)


def _diagram(axes: Axes, run: RailRun, trains: list[str]) -> None:
    """Draw the trains: level where they stand, sloping where they move."""
    rows = {name: float(k) for k, name in enumerate(run.session.stations)}
    for phase, look in _LOOK.items():
        table = moves(run, phase)
        for k, name in enumerate(trains):
            shift = _SPREAD * (k / max(1, len(trains) - 1) - 0.5) if len(trains) > 1 else 0.0
            hours, places = course(run, table[table["train"] == name], rows)
            marks = train_look(k) | ({"markevery": (2 * k, 9)} if phase == "realised" else {"marker": ""})
            axes.plot(hours, places + shift, **look, **marks)
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set_ylim(len(rows) - 0.6, -0.4)
    axes.set_ylabel("Station")
    hour_axis(axes, run.session)


def course(run: RailRun, table: pd.DataFrame, rows: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return corners of a train's course: hours and rows. A trip is one straight line from its first to its last period."""
    hours: list[float] = []
    places: list[float] = []
    previous: tuple[str, str] | None = None
    for row in table.itertuples(index=False):
        pair = (str(row.origin), str(row.destination))
        start, end = float(run.clock_h(row.period)), float(run.clock_h(row.period)) + run.period_h
        if pair == previous and pair[0] != pair[1]:
            hours[-1] = end
        else:
            hours += [start, end]
            places += [rows[pair[0]], rows[pair[1]]]
        previous = pair
    return np.array(hours), np.array(places)


def _reading(run: RailRun) -> str:
    text = (
        "Battery capacity at every station and on the trains: solid as carried out, dashed as planned day-ahead. It moves only "
        "with trains; where nothing is dashed the day went as planned."
    )
    if len(run.frame("negotiations")) > 1:
        text += (
            " From a new negotiation on, the dashed capacities are those of the new plan; dashed routes are the day-ahead plan's."
        )
    if run.session.scheme is RailScheme.MOBILE and len(moves(run, "realised")):
        text += " Bottom: where the trains are; level where a train stands, sloping where it moves."
    table = batteries(run, "planned")
    if len(table):
        low, high = table["capacity_mw"].min(), table["capacity_mw"].max()
        kept = (
            f"{number(low, 1)} MW in every period"
            if np.isclose(low, high)
            else f"NOT constant: {number(low, 1)} to {number(high, 1)} MW"
        )
        text += f" All batteries together: {kept}."
    return text


ROUTES = RunFigure(
    "capacity_and_routes",
    "Batteries at the stations, and routes of the trains (as the paper's Figs. 4 and 8)",
    lambda run: run.lacks("storage_state"),
    routes_figure,
    _reading,
)
_MOVED_MW = 0.01
_MOVE: dict[str, Any] = {"color": "#666666", "linestyle": ":", "linewidth": 1.1}
_CHARGES: dict[str, Any] = {"facecolor": "#9ad2f2", "edgecolor": "#2a7fb0", "linewidth": 0.0}
_DISCHARGES: dict[str, Any] = {"facecolor": "#f0c566", "edgecolor": "#7a5400", "linewidth": 0.0, "hatch": "////"}


@paper_style
def storage_figure(run: RailRun) -> Figure:
    """Return one panel per station (energy, and realised charging and discharging as bars) and one for the trains."""
    stations, carried = run.frame("storage_state"), run.frame("train_storage")
    names = stations_of(run)
    trains = [train.name for train in run.session.trains if (carried["train"] == train.name).any()]
    rows = len(names) + bool(trains)
    figure = new_figure(1.1 + 1.15 * rows, f"Stored energy: {run.title}")
    panels = stack(figure, rows)
    for panel, name in zip(panels, names, strict=False):
        table = stations[stations["station"] == name]
        _power(panel, run, table)
        _moved(panel, run, table)
        _energy(panel, run, table, BLACK)
        panel.set_ylabel(f"{name}\n(MWh, MW)")
    for k, name in enumerate(trains):
        _energy(
            panels[-1], run, carried[carried["train"] == name], COLOURS[k % len(COLOURS)], train_look(k) | {"markevery": (k, 4)}
        )
    if trains:
        panels[-1].set_ylabel("on trains\n(MWh)")
        panels[-1].set_ylim(bottom=0.0)
    hour_panels(panels, run)
    figure.align_ylabels(panels)
    _legend(figure, trains)
    return figure


def _moved(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    """Mark where trains brought or took batteries: the energy that comes or goes with them is no charging."""
    capacity = by_period(run, table, "capacity_mw")
    for t in np.flatnonzero(np.abs(np.diff(capacity)) > _MOVED_MW):
        axes.axvline(hour_edges(run.session)[t + 1], **_MOVE)


def _energy(axes: Axes, run: RailRun, table: pd.DataFrame, colour: str, marks: dict[str, Any] | None = None) -> None:
    # The table has the state at the end of a period, so points stand there and lines join them.
    ends = hour_edges(run.session)[1:]
    axes.plot(ends, by_period(run, table, "energy_mwh"), **{"color": colour} | REALISED | (marks or {}))
    axes.plot(ends, by_period(run, table, "planned_energy_mwh"), color=colour, **PLANNED)


def _power(axes: Axes, run: RailRun, table: pd.DataFrame) -> None:
    edges = hour_edges(run.session)
    axes.stairs(np.nan_to_num(by_period(run, table, "charge_mw")), edges, fill=True, **_CHARGES)
    axes.stairs(-np.nan_to_num(by_period(run, table, "discharge_mw")), edges, fill=True, **_DISCHARGES)
    axes.axhline(0.0, color=BLACK, linewidth=0.6)


def _legend(figure: Figure, trains: list[str]) -> None:
    handles: list[Any] = [
        Line2D([], [], color=BLACK, label="energy, planned", **PLANNED),
        Line2D([], [], color=BLACK, label="realised", **REALISED),
        Patch(label="charging (MW, up)", **_CHARGES),
        Patch(label="discharging (MW, down)", **_DISCHARGES),
    ]
    if trains:
        handles.append(Line2D([], [], label="batteries come or go by train", **_MOVE))
    handles += [Line2D([], [], linewidth=2, label=name, **train_look(k)) for k, name in enumerate(trains)]
    legend_below(figure, 4, handles, [str(handle.get_label()) for handle in handles])


def _stored_reading(run: RailRun) -> str:
    head = run.summary
    text = "Energy at the end of each period: solid as carried out, dashed as planned. Areas: realised charging and discharging."
    if run.session.scheme is RailScheme.MOBILE:
        text += " At a dotted line batteries come or go by train, and energy with them."
    if "storage_utilisation" in head:
        share, power = percent(float(head["storage_utilisation"])), number(float(head["storage_mw"]), 1)
        text += f" In the plan, charging plus discharging is {share} of what {power} MW could do all day."
    return text


STORED = RunFigure("storage_energy", "Stored energy", lambda run: run.lacks("storage_state"), storage_figure, _stored_reading)


@paper_style
def utilisation_figure(runs: Mapping[str, RailRun], labels: Mapping[str, str]) -> Figure:
    """Return planned stored energy and planned charging or discharging power over the day, each as a share of all batteries.

    ``runs`` are runs with batteries by scheme, ``labels`` their names in the legend. Where a run does not say how much energy its
    batteries can hold, energy is drawn in MWh.
    """
    first = next(iter(runs.values()))
    shares = all(np.isfinite(energy_limit_mwh(run)) for run in runs.values())
    figure = new_figure(4.4, f"Use of the batteries, day-ahead plans: {first.session.name}")
    panels = stack(figure, 2)
    for scheme, run in runs.items():
        table = batteries(run, "planned").reindex(range(run.session.periods))
        look = {
            "color": SCHEMES[scheme]["color"],
            "linewidth": 1.6,
            "label": labels[scheme],
            "linestyle": SCHEMES[scheme]["dash"],
        }
        energy = table["energy_mwh"].to_numpy(float) * (100.0 / energy_limit_mwh(run) if shares else 1.0)
        draw_stairs(panels[0], run, energy, **look)
        draw_stairs(panels[1], run, 100.0 * table["throughput_mw"].to_numpy(float) / total_capacity_mw(run), **look)
    panels[0].set_ylabel("Stored energy\n(% of the most)" if shares else "Stored energy\n(MWh)")
    panels[1].set_ylabel("Charging + discharging\n(% of power)")
    for panel in panels:
        panel.set_ylim(bottom=0.0)
    hour_panels(panels, first)
    figure.align_ylabels(panels)
    legend_below(figure, 3, *panels[0].get_legend_handles_labels())
    return figure
