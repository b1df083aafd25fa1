"""What was said round by round: prices, asked and offered, in the same shape in every world; as a figure, and as a replay."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.boundary.world import world_of
from federates.reporting.figures import BLUE, COLOURS, VERMILLION, beside, legend_below, new_figure, paper_style, rows_beside
from federates.reporting.formatting import number
from federates.reporting.media import pt
from federates.reporting.tables import RunTables
from federates.reporting.world import RunFigure

Run = RunTables[Any]
_Grids: TypeAlias = dict[tuple[int, int], np.ndarray]


@dataclass(frozen=True, slots=True)
class Negotiation:
    """How the negotiations of a world are shown: what a price is of, over which periods, and in which words."""

    unit: str
    """What is negotiated, one of it: vehicle, stand."""
    priced: str
    """What a price is of, as a sentence says it."""
    price_label: str
    """Axis of prices, with the unit in brackets."""
    places: Callable[[Run], list[tuple[str, str]]]
    """What a price is shown of, as pairs (source, station); an empty source: all sources of the tables together."""
    shown: Callable[[Run, pd.DataFrame], int]
    """Period of the negotiation that is shown round by round; gets the rounds that asked at prices."""
    title: Callable[[Run, int], str]
    """Title of that negotiation."""
    reading: Callable[[Run, int], str]
    """What of the figure of prices is special in this world."""
    draw_best: Callable[[Any, Transcript], None]
    """Draws the prices of the best bound into a part of the figure of prices."""
    replayed: str
    """What the replay shows of a negotiation."""
    place_head: str
    """Head of the places in a table."""
    whole_day: bool = False
    """Whether a negotiation is about all periods of the day, or about the one that opens."""
    shared_by: Callable[[Run], int] = lambda run: 1
    """Sources whose prices are shown as a mean."""


class Transcript:
    """What was said in every round, as grids of shape (places, columns); the columns are the opened period, or the whole day.

    Where all sources are shown together, prices are means over them and connections sums; periods that were over are NaN.

    Attributes
    ----------
    places : list of tuple of str
        What a price is shown of, as pairs (source, station), and their `names` as a reader knows them.
    priced : DataFrame
        Rounds that asked at prices, in order.
    shown : int or None
        Period of the negotiation that is shown round by round; None if nothing was asked at prices.
    """

    def __init__(self, run: Run) -> None:
        assert run.world.negotiation is not None, "asked only where something was negotiated"
        self.run, self.view, self.places = run, run.world.negotiation, run.world.negotiation.places(run)
        self.names = [f"{source} to {station}" if source else station for source, station in self.places]
        self.columns = run.session.periods if self.view.whole_day else 1
        rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
        self.priced = rounds[rounds["command"] != "evaluate"].reset_index(drop=True)
        self.shown = self.view.shown(run, self.priced) if len(self.priced) else None

    @cached_property
    def _prices(self) -> _Grids:
        return self._grids(self.run.frame("prices"), "price_usd_per_veh")

    @cached_property
    def _answers(self) -> dict[str, _Grids]:
        answers, session = self.run.frame("answers"), self.run.session
        (exchange,) = world_of(session.world).exchanges
        sides = {"asked": session.of_role(*exchange.asks), "offered": session.of_role(*exchange.offers)}
        return {
            side: self._grids(answers[answers["agent"].isin([agent.name for agent in agents])], "connection_veh")
            for side, agents in sides.items()
        }

    def prices(self, period: int, round_: int) -> np.ndarray:
        """Return the prices of a round, USD."""
        return self._grid(self._prices, period, round_) / max(self.view.shared_by(self.run), 1)

    def amounts(self, period: int, round_: int) -> dict[str, np.ndarray]:
        """Return what was ``asked`` and ``offered`` in a round."""
        return {name: self._grid(found, period, round_) for name, found in self._answers.items()}

    def best_prices(self, period: int) -> np.ndarray:
        """Return the prices of the round with the best bound of a negotiation that asked at prices."""
        priced = self.priced[self.priced["period"] == period]
        # Where no bound is proven, the last prices asked at.
        proven = priced[priced["bound_usd"] == priced["lower_bound_usd"]]
        row = proven.iloc[-1] if len(proven) else priced.iloc[-1]
        return self.prices(period, int(row["round"]))

    def _grid(self, found: _Grids, period: int, round_: int) -> np.ndarray:
        none = np.zeros((len(self.places), self.columns))
        grid = found.get((period, round_), none).copy()
        if self.view.whole_day:
            grid[:, :period] = np.nan
        return grid

    def _grids(self, table: pd.DataFrame, column: str) -> _Grids:
        """Return the sums of a table's ``column``, by period and round."""
        if not self.view.whole_day:
            table = table[table["for_period"] == table["period"]]
        number = {place: row for row, place in enumerate(self.places)}
        together = all(not source for source, _ in number)
        sources = [""] * len(table) if together else table["source"]
        rows = np.array([number[place] for place in zip(sources, table["station"], strict=True)], dtype=int)
        at = table["for_period"].to_numpy(int) if self.view.whole_day else np.zeros(len(table), dtype=int)
        values, shape = table[column].to_numpy(float), (len(number), self.columns)
        out: _Grids = {}
        for (period, round_), chosen in table.groupby(["period", "round"]).indices.items():
            out[int(period), int(round_)] = grid = np.zeros(shape)
            np.add.at(grid, (rows[chosen], at[chosen]), values[chosen])
        return out


REPLAY_LIMIT_BYTES = 200_000
"""The page grows by no more than about this; where all rounds are more, every second, third ... of a negotiation is kept,
and always its first and last."""
_PRICE_DIGITS, _VEHICLE_DIGITS, _USD_DIGITS = 2, 1, 2


def replay_data(run: Run, label: Any) -> dict[str, Any] | None:
    """Return what the page replays, None if no round had prices.

    ``label`` names a period; ``start`` is the negotiation that is shown first. Every negotiation has ``rounds`` in all and those
    that are ``shown``: number, command, lower and upper bound, gap, and for every place and column price, asked and offered,
    flat in the order of the places; null: not known.
    """
    if run.world.negotiation is None or no_prices(run):
        return None
    every, said, longest = 1, Transcript(run), int(run.frame("rounds").groupby("period").size().max())
    while True:
        data = _all(said, label, every)
        if len(json.dumps(data, separators=(",", ":"))) <= REPLAY_LIMIT_BYTES or every >= longest:
            return data
        every += 1


def replay_heads(run: Run) -> dict[str, str]:
    """Return the words of the replay's panel (``federates/reporting/static/negotiation.js``)."""
    view = run.world.negotiation
    if view is None:
        return {}
    return {
        "place": view.place_head,
        "price": f"Price (USD per {view.unit}{', mean' if view.whole_day else ''})",
        "asked": f"Asked ({view.unit}s)",
        "offered": f"Offered ({view.unit}s)",
        "caption": "Prices, and what was asked and offered in the round; bars of one column share a scale.",
        "bounds": "Lower bound (solid) and upper bound (dashed) by round, and the round that is shown",
        "under": "Lower bound: solid line; upper bound: dashed line; a first bound far below is cut off. "
        "The upright line is the round shown.",
    }


def replay_json(data: Any) -> Markup:
    """Return the data as JSON that may stand in a script element: no character of it can end one."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def _all(said: Transcript, label: Any, every: int) -> dict[str, Any]:
    periods = said.priced["period"].unique()
    return {
        "places": said.names,
        "columns": said.columns,
        "unit": said.view.unit,
        "every": every,
        "start": int(np.flatnonzero(periods == said.shown)[0]),
        "negotiations": [_negotiation(said, int(period), label(int(period)), every) for period in periods],
    }


def _negotiation(said: Transcript, period: int, label: str, every: int) -> dict[str, Any]:
    rounds = said.run.frame("rounds")
    rounds = rounds[rounds["period"] == period].sort_values("round", kind="stable")
    # The first and the last always, so that the page begins and ends where the negotiation did.
    kept = sorted({*range(0, len(rounds), every), len(rounds) - 1})
    return {
        "label": label,
        "rounds": len(rounds),
        "shown": [_round(said, period, row) for row in rounds.iloc[kept].to_dict("records")],
    }


def _round(said: Transcript, period: int, row: dict[str, Any]) -> list[Any]:
    number = int(row["round"])
    both = said.amounts(period, number)
    prices = None if row["command"] == "evaluate" else _flat(said.prices(period, number), _PRICE_DIGITS)
    bounds = [_number(row[name], _USD_DIGITS) for name in ("lower_bound_usd", "upper_bound_usd")]
    amounts = [_flat(both[name], _VEHICLE_DIGITS) for name in ("asked", "offered")]
    return [number, row["command"], *bounds, _number(row["gap"], 5), prices, *amounts]


def _flat(grid: np.ndarray, digits: int) -> list[float | int | None]:
    return [_number(value, digits) for value in grid.ravel()]


def _number(value: float, digits: int) -> float | int | None:
    """Return a number without digits that nobody reads; None where it is not known."""
    if not math.isfinite(value):
        return None
    rounded = round(float(value), digits) + 0.0
    return int(rounded) if rounded == int(rounded) else rounded


_LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), "-.")
_MARKERS = "os^Dv<>P"
_FAR = 20.0
"""Prices that are so many times the usual one, as walls around a part of the problem are, are drawn on a logarithmic axis."""
_SAME_USD = 0.005


def no_prices(run: Run) -> str:
    """Return what keeps the figure from being drawn."""
    lacking = run.lacks("rounds", "answers")
    return lacking or ("nobody was asked at prices" if Transcript(run).shown is None else "")


@paper_style
def prices_figure(run: Run) -> Figure:
    """Return price against round, asked against offered, and the best prices over the day."""
    said = Transcript(run)
    rows = rows_beside(2)
    figure = new_figure(2.5 + 2.9 * rows, f"Prices of the negotiation: {run.title}")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.1 * rows, 1.0])  # type: ignore[misc]
    prices, amounts = beside(upper, 2)
    _rounds(prices, amounts, said)
    legend_below(upper, 5, *prices.get_legend_handles_labels())
    said.view.draw_best(lower, said)
    return figure


def place_look(row: int) -> dict[str, Any]:
    """Return colour, line style and marker of a place: no two of 32 have the same line style and marker."""
    look: dict[str, Any] = {"color": COLOURS[row % len(COLOURS)], "linestyle": _LINES[row % len(_LINES)]}
    return look | {"marker": _MARKERS[row % len(_MARKERS)], "linewidth": 1.2, "markersize": 3.0}


def _rounds(prices: Axes, amounts: Axes, said: Transcript) -> None:
    view, period = said.view, said.shown
    assert period is not None
    at = [int(value) for value in said.priced["round"][said.priced["period"] == period]]
    paths = np.array([np.nanmean(said.prices(period, k), axis=1) for k in at])
    for column, name in enumerate(said.names):
        prices.plot(at, paths[:, column], label=name, **place_look(column))
    usual = float(np.median(np.abs(paths[np.abs(paths) > 0]))) if (np.abs(paths) > 0).any() else 1.0
    if np.abs(paths).max() > _FAR * usual:
        prices.set_yscale("symlog", linthresh=usual)
    totals = [said.amounts(period, k) for k in at]
    for name, colour, marker, line in (("asked", VERMILLION, "v", "-"), ("offered", BLUE, "^", (0, (4, 1.5)))):
        values = [float(np.nansum(both[name])) for both in totals]
        amounts.plot(at, values, color=colour, marker=marker, linestyle=line, markersize=3.0, linewidth=1.2, label=name)
    prices.set_ylabel(view.price_label)
    amounts.set_ylabel(f"{view.unit.capitalize()}s (number)")
    prices.set_title(view.title(said.run, period), fontsize=pt(8.5))
    amounts.set_title("Answers to these prices", fontsize=pt(8.5))
    amounts.set_ylim(bottom=0.0)
    amounts.legend(loc="best")
    for axes in (prices, amounts):
        axes.set_xlabel("Round (number)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def _reading(run: Run) -> str:
    """Say what the prices of a run were, and what they made the operators ask and offer."""
    said = Transcript(run)
    view, period = said.view, said.shown
    assert period is not None
    text = (
        f"Top left: the price of {view.priced}, round by round: the power operator pays it, the transport operator is paid it, "
        "and both answer with what is best for themselves. Top right: what they asked and offered at these prices; "
        f"evaluations of a given plan are not shown. {view.reading(run, period)}"
    )
    # A later negotiation of the same day is about what is left of it.
    opened = [period] if view.whole_day else [int(value) for value in said.priced["period"].unique()]
    entries = [
        (float(grid[row, column]), said.names[row], column + (0 if view.whole_day else at))
        for at, grid in ((at, said.best_prices(at)) for at in opened)
        for row, column in np.ndindex(grid.shape)
        if np.isfinite(grid[row, column])
    ]
    low, high = min(entries), max(entries)
    if high[0] - low[0] < _SAME_USD:
        return f"{text} The prices of the best bound are all {number(low[0], 2)} USD."
    words = [f"{number(value, 2)} USD ({name}, {run.session.hour_of_day(at):g} h)" for value, name, at in (low, high)]
    return f"{text} The prices of the best bound lie between {words[0]} and {words[1]}."


def draw_bounds(axes: Axes, rounds: pd.DataFrame, **look: Any) -> None:
    """Draw lower and upper bound of a negotiation against its rounds; ``look`` is of both lines."""
    look |= {"where": "post", "linewidth": 1.3}
    upper: dict[str, Any] = {"color": VERMILLION, "marker": "v", "linestyle": (0, (4, 1.5)), "label": "upper bound"}
    axes.step(rounds["round"], rounds["upper_bound_usd"].astype(float).mask(rounds["gap"] < 0), **upper, **look)
    axes.step(rounds["round"], rounds["lower_bound_usd"], color=BLUE, marker="^", label="lower bound", **look)


PRICES = RunFigure("prices", "Prices that the operators agree by", no_prices, prices_figure, _reading)
