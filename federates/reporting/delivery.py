"""Time that a delivery takes, as the traffic model saw it and as the formula predicted it.

A delivery is: wait and charge at r, drive, wait and discharge at q. The road part is measured in the traffic model; the two
parts inside stations always come from the transport operator's forecast, since the traffic model ends at the gate.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from federates.reporting.tables import RunTables

__all__ = ["delivery_by_period", "same_pairs_by_period", "vehicle_deliveries"]

_PAIR = ["period", "origin", "destination"]


def vehicle_deliveries(run: RunTables) -> pd.DataFrame:
    """Return one row per arrived vehicle.

    Returns
    -------
    DataFrame : period of departure, origin, destination, road_time_s, gate_s (charging plus discharging) and
        delivery_time_s, all s. ``gate_s`` and ``delivery_time_s`` are NaN where the forecast lacks the pair.
    """
    trips = run.frame("deliveries")
    trips = trips[(trips["arrive_s"] >= 0) & (trips["road_time_s"] >= 0)]
    forecast = run.frame("delivery_forecast").drop_duplicates(_PAIR, keep="last")
    forecast["gate_s"] = forecast["charging_s"] + forecast["discharging_s"]
    merged = _keyed(trips)[[*_PAIR, "road_time_s"]].merge(_keyed(forecast)[[*_PAIR, "gate_s"]], on=_PAIR, how="left")
    merged["delivery_time_s"] = merged["road_time_s"] + merged["gate_s"]
    return merged


def delivery_by_period(run: RunTables) -> pd.DataFrame:
    """Return the mean delivery time of every period.

    Returns
    -------
    DataFrame, one row per period of the run: period, hour (of the day, h), traffic_s and formula_s (mean delivery time, s; NaN
        without a vehicle), traffic_veh and formula_veh (vehicles behind the mean); traffic: as the traffic model drove it.
    """
    out = pd.DataFrame({"period": np.arange(run.session.periods)})
    out["hour"] = [run.session.hour_of_day(int(period)) for period in out["period"]]
    pairs = _pairs(run)
    for kind in ("traffic", "formula"):
        part = pairs[pairs[f"{kind}_veh"] > 0].copy()
        part["weighted"] = part[f"{kind}_s"] * part[f"{kind}_veh"]
        sums = part.groupby("period")[["weighted", f"{kind}_veh"]].sum()
        sums[f"{kind}_s"] = sums["weighted"] / sums[f"{kind}_veh"]
        out = out.merge(sums[[f"{kind}_s", f"{kind}_veh"]], left_on="period", right_index=True, how="left")
        out[f"{kind}_veh"] = out[f"{kind}_veh"].fillna(0).astype(int)
    return out


def same_pairs_by_period(base: RunTables, other: RunTables) -> pd.DataFrame:
    """Return how much longer ``other`` takes than ``base`` if both served the same pairs.

    Two schemes may send their vehicles between different stations; the mean then differs for that reason alone. Here every
    pair (r, q) that both serve counts with the vehicles of ``base``.

    Returns
    -------
    DataFrame, one row per period: period, traffic_percent, formula_percent (NaN where no pair is served in both).
    """
    merged = _pairs(base).merge(_pairs(other), on=_PAIR, suffixes=("_base", "_other"))
    out = pd.DataFrame({"period": np.arange(base.session.periods)})
    for kind in ("traffic", "formula"):
        both = merged[(merged[f"{kind}_veh_base"] > 0) & (merged[f"{kind}_veh_other"] > 0)].copy()
        for side in ("base", "other"):
            both[side] = both[f"{kind}_s_{side}"] * both[f"{kind}_veh_base"]
        sums = both.groupby("period")[["base", "other"]].sum()
        percent = (100.0 * (sums["other"] / sums["base"] - 1.0)).rename(f"{kind}_percent")
        out = out.merge(percent, left_on="period", right_index=True, how="left")
    return out


def _pairs(run: RunTables) -> pd.DataFrame:
    """Return mean time and vehicles per period and pair, for both kinds."""
    trips = _keyed(vehicle_deliveries(run).dropna(subset=["delivery_time_s"]))
    driven = trips.groupby(_PAIR, as_index=False).agg(
        traffic_s=("delivery_time_s", "mean"), traffic_veh=("delivery_time_s", "size")
    )
    forecast = _keyed(run.frame("delivery_forecast").drop_duplicates(_PAIR, keep="last"))
    forecast = forecast[forecast["vehicles"] > 0]
    formula = forecast.rename(columns={"delivery_time_s": "formula_s", "vehicles": "formula_veh"})
    merged = formula[[*_PAIR, "formula_s", "formula_veh"]].merge(_keyed(driven), on=_PAIR, how="outer")
    return merged.fillna({"formula_veh": 0, "traffic_veh": 0})


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with keys of one type, so that an empty table merges with a full one."""
    return frame.astype({"period": "int64", "origin": "object", "destination": "object"})
