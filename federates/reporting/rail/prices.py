"""Prices by place, and what the batteries bought and sold at them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from federates.reporting.tables import RailRun

__all__ = ["Trade", "at_limit", "battery_trade", "by_number", "price_grid"]

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
