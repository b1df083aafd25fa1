"""Replay of the negotiations on a report's page: the numbers of every round as compact JSON, for a slider without any library."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from markupsafe import Markup

from federates.reporting.negotiation import Transcript, place_name, places, priced_rounds, shown_negotiation
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailSession

__all__ = ["REPLAY_LIMIT_BYTES", "replay_data", "replay_json"]

REPLAY_LIMIT_BYTES = 200_000
"""The page grows by no more than about this; where all rounds are more, every second, third ... of a negotiation is kept,
and always its first and last."""
_PRICE_DIGITS, _VEHICLE_DIGITS, _USD_DIGITS = 2, 1, 2
Run = RunTables[Any]


def replay_data(run: Run, label: Any) -> dict[str, Any] | None:
    """Return what the page replays, None if no round had prices.

    ``label`` names a period; ``start`` is the negotiation that is shown first. Every negotiation has ``rounds`` in all and those
    that are ``shown``: number, command, lower and upper bound, gap, and for every place and column price, asked and offered,
    flat in the order of `places`; null: not known.
    """
    if not len(priced_rounds(run)) or run.lacks("answers"):
        return None
    every, said, longest = 1, Transcript(run), int(run.frame("rounds").groupby("period").size().max())
    while True:
        data = _all(run, said, label, every)
        if len(json.dumps(data, separators=(",", ":"))) <= REPLAY_LIMIT_BYTES or every >= longest:
            return data
        every += 1


def replay_json(data: dict[str, Any] | None) -> Markup:
    """Return the data as JSON that may stand in a script element: no character of it can end one."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def _all(run: Run, said: Transcript, label: Any, every: int) -> dict[str, Any]:
    by_rail = isinstance(run.session, RailSession)
    periods = priced_rounds(run)["period"].unique()
    return {
        "places": [place_name(place) for place in places(run)],
        "columns": run.session.periods if by_rail else 1,
        "unit": "stand" if by_rail else "vehicle",
        "every": every,
        "start": int(np.flatnonzero(periods == shown_negotiation(run))[0]),
        "negotiations": [_negotiation(run, said, int(period), label(int(period)), every) for period in periods],
    }


def _negotiation(run: Run, said: Transcript, period: int, label: str, every: int) -> dict[str, Any]:
    rounds = run.frame("rounds")
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
