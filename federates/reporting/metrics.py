"""Numbers of a run: energy above the feeder limit, vehicles, agreement, and the headline.

Energy above a limit is counted by bins, the intervals in which the stations count and the operators control. Means over a period
hide what swings inside it; they stand beside it, named as such.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from federates.reporting.accounts import account, everybody_h, routing_totals
from federates.reporting.bounds import crossed
from federates.reporting.delivery import delivery_by_period, vehicle_deliveries
from federates.reporting.tables import RunTables

__all__ = [
    "agreement",
    "bin_load",
    "energy_above_kwh",
    "overload",
    "period_load",
    "pushed_over",
    "summary",
    "vehicles_by_period",
    "write_summary",
]

Headline = dict[str, float | int | str]
_LOADS = ["load_without_kw", "load_with_kw"]
_ROUNDING = 1e-6
"""A load counts as above its limit from this share of it on: whoever holds it there may miss it by rounding."""
_BOUNDS = ["lower_bound_usd", "upper_bound_usd"]


def bin_load(run: RunTables) -> pd.DataFrame:
    """Return ``feeder_load`` in order of time, with ``hours`` (length of the bin, h) and ``clock_h`` (its start, h)."""
    load = run.frame("feeder_load").sort_values(["station", "time_s"], kind="stable")
    load["hours"] = load["duration_s"] / 3600.0
    load["clock_h"] = run.session.start_hour + load["time_s"] / 3600.0
    return load


def period_load(run: RunTables) -> pd.DataFrame:
    """Return the mean load of every station and period, weighted by the length of the bins.

    Returns
    -------
    DataFrame : station, period, hour (of the day, h), clock_h (start, h after the first midnight), hours (length, h),
        load_without_kw, load_with_kw, mves_kw, limit_kw.
    """
    load = bin_load(run)
    columns = [*_LOADS, "mves_kw", "limit_kw"]
    load[columns] = load[columns].mul(load["hours"], axis=0)
    means = load.groupby(["station", "period"], as_index=False)[[*columns, "hours"]].sum()
    means[columns] = means[columns].div(means["hours"], axis=0)
    means["hour"] = [run.session.hour_of_day(int(period)) for period in means["period"]]
    means["clock_h"] = run.clock_h(means["period"])
    return means


def energy_above_kwh(load: pd.DataFrame, column: str) -> float:
    """Return the energy of ``column`` above ``limit_kw`` over rows of length ``hours``, kWh."""
    return float(((load[column] - load["limit_kw"]).clip(lower=0.0) * load["hours"]).sum())


def overload(run: RunTables) -> pd.DataFrame:
    """Return one row per limited station with a recorded load.

    Returns
    -------
    DataFrame : station; limit_kw; energy above it in kWh without and with mobile storage from bins (``bin_*_kwh``) and from
        period means (``period_*_kwh``) with their ratios (NaN if nothing lies above it without); bins, those above it, and
        the peak of a bin; energy received, need and unmet, kWh; supply-limited periods.
    """
    bins, means, plan = bin_load(run), period_load(run), run.frame("energy_plan")
    rows = []
    for name in run.session.limited_stations:
        fine, mean, planned = (frame[frame["station"] == name] for frame in (bins, means, plan))
        if len(fine) == 0:
            continue
        row: dict[str, object] = {"station": name, "limit_kw": float(mean["limit_kw"].max())}
        for kind, part in (("period", mean), ("bin", fine)):
            without, with_ = (energy_above_kwh(part, column) for column in _LOADS)
            row |= {f"{kind}_without_kwh": without, f"{kind}_with_kwh": with_, f"{kind}_ratio": _ratio(with_, without)}
        row |= {
            "bins": len(fine),
            "bins_above_without": int(_above(fine, "load_without_kw").sum()),
            "bins_above_with": int(_above(fine, "load_with_kw").sum()),
            "peak_without_kw": float(fine["load_without_kw"].max()),
            "peak_with_kw": float(fine["load_with_kw"].max()),
            "received_kwh": float((fine["mves_kw"].clip(lower=0.0) * fine["hours"]).sum()),
            "need_kwh": float(planned["need_kwh"].sum()),
            "unmet_kwh": float(planned["unmet_kwh"].sum()),
            "supply_limited_periods": int(planned["supply_limited"].astype(bool).sum()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def pushed_over(run: RunTables) -> pd.DataFrame:
    """Return one row per resourceful station with a recorded load: what charging mobile storage adds above its limit.

    Returns
    -------
    DataFrame : station; limit_kw; bins; bins_pushed, in which its load is above the limit while storages charge; pushed_kwh, the
        energy that charging puts above the limit (not what lies there without); peak_with_kw, the peak of a bin.
    """
    rows = []
    load = bin_load(run)
    for name in run.session.resourceful_stations:
        own = load[load["station"] == name]
        if len(own):
            level = own[["limit_kw", "load_without_kw"]].max(axis=1)
            pushed = _above(own, "load_with_kw") & (own["load_with_kw"] - level > _ROUNDING * own["limit_kw"])
            kwh = ((own["load_with_kw"] - level)[pushed] * own["hours"][pushed]).sum()
            row = {"station": name, "limit_kw": float(own["limit_kw"].max()), "bins": len(own), "bins_pushed": int(pushed.sum())}
            rows.append(row | {"pushed_kwh": float(kwh), "peak_with_kw": float(own["load_with_kw"].max())})
    return pd.DataFrame(rows)


def _above(load: pd.DataFrame, column: str) -> pd.Series:
    return load[column] - load["limit_kw"] > _ROUNDING * load["limit_kw"]


def vehicles_by_period(run: RunTables) -> np.ndarray:
    """Return committed vehicles, shape (T,)."""
    sums = run.frame("schedule").groupby("period")["vehicles"].sum()
    return np.asarray(sums.reindex(range(run.session.periods), fill_value=0), float)


def agreement(run: RunTables) -> pd.DataFrame:
    """Return one row per period of ``negotiations``.

    Returns
    -------
    DataFrame : period, hour (h), vehicles, agreed, claimed_agreed, verdict, reason, rounds, and of the committed plan gap,
        claimed_gap, lower_bound_usd, upper_bound_usd (NaN where the answers do not tell).
    """
    columns = ["agreed", "claimed_agreed", "verdict", "reason", "rounds", "gap", "claimed_gap", *_BOUNDS]
    held = run.frame("negotiations").sort_values("period", kind="stable")
    out = held[["period", *columns]].reset_index(drop=True)
    out["rounds"] = out["rounds"].astype(int)
    out.insert(1, "hour", [run.session.hour_of_day(int(period)) for period in out["period"]])
    out.insert(2, "vehicles", [vehicles_by_period(run)[int(period)] for period in out["period"]])
    return out


def summary(run_tables: RunTables) -> Headline:
    """Return the headline of a run; a number that cannot be formed is left out."""
    run = run_tables
    head: Headline = {
        "run_id": run.run_id,
        "scenario": run.session.name,
        "scheme": run.session.scheme.value,
        "status": run.status,
        "seed": run.session.seed,
        "periods": run.session.periods,
    }
    head |= _energy(run) | _vehicles(run) | _road(run) | _negotiation(run)
    return {name: value for name, value in head.items() if not (isinstance(value, float) and not math.isfinite(value))}


def write_summary(run: RunTables, headline: Sequence[str] = ()) -> Path:
    """Write ``summary.json`` into the folder of the run, with the ``headline`` in words if given, and return its path."""
    path = run.folder / "summary.json"
    content: dict[str, object] = {**summary(run), **({"headline": list(headline)} if headline else {})}
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _energy(run: RunTables) -> Headline:
    head: Headline = {}
    rows = overload(run)
    for row in rows.to_dict("records"):
        for kind in ("bin", "period"):
            head[f"{row['station']}_above_limit_without_{kind}_kwh"] = row[f"{kind}_without_kwh"]
            head[f"{row['station']}_above_limit_with_{kind}_kwh"] = row[f"{kind}_with_kwh"]
            head[f"{row['station']}_above_limit_{kind}_ratio"] = row[f"{kind}_ratio"]
    if len(rows):
        for kind in ("bin", "period"):
            without, with_ = float(rows[f"{kind}_without_kwh"].sum()), float(rows[f"{kind}_with_kwh"].sum())
            head |= {f"above_limit_without_{kind}_kwh": without, f"above_limit_with_{kind}_kwh": with_}
            head[f"above_limit_{kind}_ratio"] = _ratio(with_, without)
        head |= {f"bins_above_limit_{side}": int(rows[f"bins_above_{side}"].sum()) for side in ("without", "with")}
        head["received_kwh"] = float(rows["received_kwh"].sum())
    helpers = pushed_over(run)
    if len(helpers):
        head |= {"pushed_over_limit_bins": int(helpers["bins_pushed"].sum())}
        head |= {"pushed_over_limit_kwh": float(helpers["pushed_kwh"].sum())}
    plan = run.frame("energy_plan")
    if len(plan):
        head["unmet_kwh"] = float(plan["unmet_kwh"].sum())
        limited = plan[plan["supply_limited"].astype(bool)]
        head["supply_limited_periods"] = int(limited["period"].nunique())
    return head


def _vehicles(run: RunTables) -> Headline:
    head: Headline = {}
    if "schedule" not in run.missing:
        head["mves_sent_veh"] = int(vehicles_by_period(run).sum())
    trips = run.frame("deliveries")
    if len(trips):
        head["mves_departed_veh"] = len(trips)
        head["mves_arrived_veh"] = int((trips["arrive_s"] >= 0).sum())
        head["mves_without_gate_time_veh"] = int(vehicle_deliveries(run)["gate_s"].isna().sum())
    table = delivery_by_period(run)
    for kind in ("traffic", "formula"):
        used = table[table[f"{kind}_veh"] > 0]
        total = (used[f"{kind}_s"] * used[f"{kind}_veh"]).sum()
        head[f"delivery_time_{kind}_s"] = _ratio(float(total), float(used[f"{kind}_veh"].sum()))
    return head


def _road(run: RunTables) -> Headline:
    """Return vehicle hours and money of everybody on the road, as carried out and under every routing rule."""
    head: Headline = {} if "link_state" in run.missing else {"everybody_on_links_h": everybody_h(run)}
    carried = run.frame("transport_costs")
    if len(carried):
        head |= {f"transport_{name}": float(carried[name].sum()) for name in ("storage_time_h", "public_delay_h")}
        head["transport_cost_usd"] = float(carried["total_usd"].sum())
    if (found := account(run)) is not None:
        head |= {"power_cost_usd": sum(found.power_usd.values()), "social_cost_usd": found.social_usd}
        head |= {"payment_usd": found.payment_usd}
    for routing, row in routing_totals(run).iterrows():
        head |= {f"{routing}_delivery_time_s": float(row["delivery_time_s"]), f"{routing}_cost_usd": float(row["total_usd"])}
    return head


def _negotiation(run: RunTables) -> Headline:
    table = agreement(run)
    if not len(table):
        return {}
    head: Headline = {
        "agreed_periods": int(table["agreed"].astype(bool).sum()),
        "agreement_share": float(table["agreed"].astype(bool).mean()),
        "claimed_agreed_periods": int(table["claimed_agreed"].astype(bool).sum()),
        "rounds_total": int(table["rounds"].sum()),
        "rounds_max": int(table["rounds"].max()),
        "rounds_mean": float(table["rounds"].mean()),
    }
    if crossed(table).any():
        head["bounds_cross_periods"] = int(crossed(table).sum())
    gaps = table["gap"].dropna()
    if len(gaps):
        head |= {"gap_mean": float(gaps.mean()), "gap_max": float(gaps.max()), "gap_last_period": float(gaps.iloc[-1])}
    return head


def _ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN if the whole is zero."""
    return part / whole if whole > 0 else math.nan
