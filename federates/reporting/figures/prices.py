"""Prices of the negotiation, which the operators agree by: round by round, beside what is asked and offered, and over the day."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.reporting.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    hour_axis,
    hour_edges,
    new_figure,
    paper_style,
)
from federates.reporting.negotiation import Transcript, place_name, places, priced_rounds, shown_negotiation
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailSession

__all__ = ["no_prices", "prices_figure"]

Run = RunTables[Any]
_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, "#8c6d31")
_LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), "-.")
_MARKERS = "os^Dv<>P"
_FAR = 20.0
"""Prices that are so many times the usual one, as walls around a part of the problem are, are drawn on a logarithmic axis."""


def no_prices(run: Run) -> str:
    """Return what keeps the figure from being drawn."""
    lacking = run.lacks("rounds", "answers")
    return lacking or ("" if shown_negotiation(run) is not None else "nobody was asked at prices")


@paper_style
def prices_figure(run: Run) -> Figure:
    """Return price against round, asked against offered, and the best prices over the day."""
    period = shown_negotiation(run)
    assert period is not None
    figure = new_figure(5.4, f"Prices of the negotiation: {run.title}")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.1, 1.0])  # type: ignore[misc]
    prices, amounts = upper.subplots(1, 2)
    _rounds(prices, amounts, run, period)
    handles, labels = prices.get_legend_handles_labels()
    upper.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))
    (_heat if isinstance(run.session, RailSession) else _day)(lower, run)
    return figure


def _look(number: int) -> dict[str, Any]:
    """Return colour, line style and marker of a place: no two of 32 have the same line style and marker."""
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _LINES[number % len(_LINES)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linewidth": 1.2,
        "markersize": 3.0,
    }


def _rounds(prices: Axes, amounts: Axes, run: Run, period: int) -> None:
    said = Transcript(run)
    numbers = [int(value) for value in priced_rounds(run, period)["round"]]
    paths = np.array([np.nanmean(said.prices(period, number), axis=1) for number in numbers])
    for column, place in enumerate(places(run)):
        prices.plot(numbers, paths[:, column], label=place_name(place), **_look(column))
    usual = float(np.median(np.abs(paths[np.abs(paths) > 0]))) if (np.abs(paths) > 0).any() else 1.0
    if np.abs(paths).max() > _FAR * usual:
        prices.set_yscale("symlog", linthresh=usual)
    totals = [said.amounts(period, number) for number in numbers]
    by_rail = isinstance(run.session, RailSession)
    for name, colour, marker, line in (("asked", VERMILLION, "v", "-"), ("offered", BLUE, "^", (0, (4, 1.5)))):
        values = [float(np.nansum(both[name])) for both in totals]
        amounts.plot(numbers, values, color=colour, marker=marker, linestyle=line, markersize=3.0, linewidth=1.2, label=name)
    prices.set_ylabel("Price of a stand, mean (USD)" if by_rail else "Price (USD/vehicle)")
    amounts.set_ylabel("Stands (number)" if by_rail else "Vehicles (number)")
    hour = f"{run.session.hour_of_day(period):g} h"
    prices.set_title("Day-ahead negotiation" if by_rail else f"Negotiation of the period from {hour}", fontsize=8.5)
    amounts.set_title("Answers to these prices", fontsize=8.5)
    amounts.set_ylim(bottom=0.0)
    amounts.legend(loc="best")
    for axes in (prices, amounts):
        axes.set_xlabel("Round (number)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def _day(part: Any, run: Run) -> None:
    """Draw the price of the opened period at the best bound, for every period and pair (road)."""
    axes = part.subplots()
    said = Transcript(run)
    found = {int(period): said.best_prices(int(period)) for period in priced_rounds(run)["period"].unique()}
    values = np.full((len(places(run)), run.session.periods), np.nan)
    for period, grid in found.items():
        if grid is not None:
            values[:, period] = grid[:, 0]
    middles = 0.5 * (hour_edges(run.session)[:-1] + hour_edges(run.session)[1:])
    for row, place in enumerate(places(run)):
        axes.plot(middles, values[row], label=place_name(place), **_look(row))
    axes.set_ylabel("Price (USD/vehicle)")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(values))))
    axes.set_title("Price of a vehicle that leaves in the period, at the best bound", fontsize=8.5)
    hour_axis(axes, run.session)


def _heat(part: Any, run: Run) -> None:
    """Draw the day-ahead prices at the best bound by station and period, and where trains stand in the committed plan (rail)."""
    axes, session = part.subplots(), run.session
    period = shown_negotiation(run)
    grid = Transcript(run).best_prices(period) if period is not None else None
    assert grid is not None
    edges = hour_edges(session)
    image = axes.pcolormesh(edges, np.arange(len(grid) + 1), grid, cmap="cividis", edgecolors="white", linewidth=0.3)
    plan = run.frame("connections")
    plan = plan[plan["negotiated_in"] == period]
    stands = plan.groupby(["station", "period"]).size()
    for (station, at), count in stands.items():
        where = (0.5 * (edges[int(at)] + edges[int(at) + 1]), list(session.stations).index(station) + 0.5)
        axes.annotate(
            str(count), where, ha="center", va="center", fontsize=6.5, bbox={"boxstyle": "circle,pad=0.15", "fc": "white"}
        )
    axes.set_yticks(np.arange(len(grid)) + 0.5, list(session.stations))
    axes.set_ylabel("Station")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_title("Price of a stand at the best bound, mean over the trains; numbers: trains that stand there", fontsize=8.5)
    part.colorbar(image, ax=axes, label="Price of a stand (USD)")
    hour_axis(axes, session)
