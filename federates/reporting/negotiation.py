"""What was said round by round: prices, what was asked and offered, as tables of the same shape in both worlds."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from federates.boundary.names import Role
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailSession

__all__ = ["Transcript", "place_name", "places", "priced_rounds", "shown_negotiation"]

Run = RunTables[Any]
_Grids: TypeAlias = dict[tuple[int, int], np.ndarray]
_AGENTS = {"asked": Role.POWER_OPERATOR.value, "offered": Role.TRANSPORT_OPERATOR.value}


def places(run: Run) -> list[tuple[str, str]]:
    """Return what a price is shown of, as pairs (source, station): on the road every pair of stations, by rail every station.

    By rail the source is empty: prices are means over the trains, connections their sums.
    """
    session = run.session
    if isinstance(session, RailSession):
        return [("", station) for station in session.stations]
    return [(r, q) for r in session.resourceful_stations for q in session.limited_stations]


def place_name(place: tuple[str, str]) -> str:
    """Write a place as a reader knows it."""
    source, station = place
    return f"{source} to {station}" if source else station


def priced_rounds(run: Run, period: int | None = None) -> pd.DataFrame:
    """Return the rounds that asked at prices, in order, of one negotiation or (None) of all."""
    rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
    rounds = rounds[rounds["command"] != "evaluate"]
    return (rounds if period is None else rounds[rounds["period"] == period]).reset_index(drop=True)


def shown_negotiation(run: Run) -> int | None:
    """Return the period of the negotiation that is shown round by round: by rail the first, on the road that of most vehicles."""
    priced = priced_rounds(run)
    if not len(priced):
        return None
    if isinstance(run.session, RailSession):
        return int(priced["period"].min())
    sent = run.frame("schedule").groupby("period")["vehicles"].sum().reindex(sorted(set(priced["period"])), fill_value=0)
    return int(sent.idxmax())


class Transcript:
    """What was said in every round, as grids of shape (places, columns): the opened period on the road, the whole day by rail.

    By rail prices are means over all trains and connections are summed over them; periods that were over are NaN.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._by_rail = isinstance(run.session, RailSession)
        answers = run.frame("answers")
        self._prices = self._grids(run.frame("prices"), "price_usd_per_veh")
        self._answers = {name: self._grids(answers[answers["agent"] == who], "connection_veh") for name, who in _AGENTS.items()}

    def prices(self, period: int, round_: int) -> np.ndarray:
        """Return the prices of a round, USD."""
        count = max(len(self._run.session.trains), 1) if self._by_rail else 1
        return self._grid(self._prices, period, round_) / count

    def amounts(self, period: int, round_: int) -> dict[str, np.ndarray]:
        """Return what was ``asked`` and ``offered`` in a round."""
        return {name: self._grid(found, period, round_) for name, found in self._answers.items()}

    def best_prices(self, period: int) -> np.ndarray | None:
        """Return the prices of the round with the best bound of a negotiation, None if no round had prices."""
        priced = priced_rounds(self._run, period)
        if not len(priced):
            return None
        # Where no bound is proven, the last prices asked at.
        proven = priced[priced["bound_usd"] == priced["lower_bound_usd"]]
        row = proven.iloc[-1] if len(proven) else priced.iloc[-1]
        return self.prices(period, int(row["round"]))

    def _grid(self, found: _Grids, period: int, round_: int) -> np.ndarray:
        none = np.zeros((len(places(self._run)), self._run.session.periods if self._by_rail else 1))
        grid = found.get((period, round_), none).copy()
        if self._by_rail:
            grid[:, :period] = np.nan
        return grid

    def _grids(self, table: pd.DataFrame, column: str) -> _Grids:
        """Return the sums of a table's ``column`` over the sources by rail, by period and round."""
        table = table if self._by_rail else table[table["for_period"] == table["period"]]
        number = {place: row for row, place in enumerate(places(self._run))}
        sources = [""] * len(table) if self._by_rail else table["source"]
        rows = np.array([number[place] for place in zip(sources, table["station"], strict=True)], dtype=int)
        at = table["for_period"].to_numpy(int) if self._by_rail else np.zeros(len(table), dtype=int)
        values, shape = table[column].to_numpy(float), (len(number), self._run.session.periods if self._by_rail else 1)
        out: _Grids = {}
        for (period, round_), chosen in table.groupby(["period", "round"]).indices.items():
            out[int(period), int(round_)] = grid = np.zeros(shape)
            np.add.at(grid, (rows[chosen], at[chosen]), values[chosen])
        return out
