"""Say in words what the prices of a run were, and what they made the operators ask and offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from federates.reporting.negotiation import Transcript, place_name, places, priced_rounds, shown_negotiation
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailSession

__all__ = ["prices_reading"]

Run = RunTables[Any]
_SAME_USD = 0.005


def prices_reading(run: Run, number: Callable[[float, int], str]) -> str:
    """Return the paragraph under the figure of prices; ``number`` writes a number."""
    by_rail, period = isinstance(run.session, RailSession), shown_negotiation(run)
    assert period is not None
    what = "a train that stands at a station for one period" if by_rail else "a vehicle of a pair of stations"
    text = (
        f"Top left: the price of {what}, round by round: the power operator pays it, the transport operator is paid it, and both "
        "answer with what is best for themselves. Top right: what they asked and offered at these prices; evaluations of a given "
        "plan are not shown. "
    )
    if by_rail:
        text += (
            "Prices are means over trains and open periods; where one is negative, the transport operator pays for the "
            "stand. Bottom: the day-ahead prices of the best bound, by station and period, with the trains of the plan."
        )
    else:
        text += (
            f"Shown is the period from {run.session.hour_of_day(period):g} h, in which most vehicles are sent. "
            "Bottom: the prices that gave the best bound, in every period."
        )
    return text + _extremes(run, number)


def _extremes(run: Run, number: Callable[[float, int], str]) -> str:
    said, names = Transcript(run), [place_name(place) for place in places(run)]
    found = {int(period): said.best_prices(int(period)) for period in priced_rounds(run)["period"].unique()}
    first = shown_negotiation(run)
    grids = [(period, grid) for period, grid in found.items() if grid is not None]
    if isinstance(run.session, RailSession):
        grids = [(0, grid) for period, grid in grids if period == first]
    entries = [
        (float(grid[row, column]), names[row], period + column)
        for period, grid in grids
        for row, column in np.ndindex(grid.shape)
        if np.isfinite(grid[row, column])
    ]
    low, high = min(entries), max(entries)
    if high[0] - low[0] < _SAME_USD:
        return f" The prices of the best bound are all {number(low[0], 2)} USD."
    words = [f"{number(value, 2)} USD ({name}, {run.session.hour_of_day(at):g} h)" for value, name, at in (low, high)]
    return f" The prices of the best bound lie between {words[0]} and {words[1]}."
