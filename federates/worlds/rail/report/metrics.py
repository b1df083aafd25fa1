"""Numbers of a run by rail: costs, wind, use of the batteries, trains, negotiation; each as planned and as carried out.

Equations (46)-(48) of the paper [1]_. What the text we hold leaves open is decided here, once:

- (46) wind utilisation: energy used / energy available, over the day.
- (47) economic indicator: (F_0 - F) / C with F the cost of *both* operators, as the objective (26) says, F_0 that of the run
  without storage and C the batteries' power in MW, at the stations and on the trains.
- (48) utilisation: the formula is lost. Here: sum of charging and discharging power over stations and periods / (T C). Beside it
  stands the energy stored, on average, as a share of the most that stations and trains can hold (e_max), which is the same in
  all models of a case.

References
----------
.. [1] Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd

from federates.reporting.claims import crossed
from federates.reporting.formatting import ratio
from federates.reporting.world import Numbers
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.session import RailScheme

Phase = Literal["planned", "realised"]
NAMES = {
    "operating_cost_usd": "Cost of the power operator",
    "transport_cost_usd": "Cost of the transport operator",
    "total_cost_usd": "Cost of both operators",
    "slack_usd": "Penalties for what could not be kept",
    "late_end_usd": "Trains that did not end the day where they should",
    "trips": "Trips of the trains",
    "moving_periods": "Periods in motion, all trains",
    "wind_used_share": "Wind used (46)",
    "shed_mwh": "Load not served",
    "storage_utilisation": "Use of the batteries' power (48)",
    "storage_energy_utilisation": "Mean filling of the batteries",
    "stored_mean_mwh": "Energy stored, mean",
    "storage_mw": "Power of all batteries",
    "bound_usd": "Lower bound of the cost of both operators",
    "upper_bound_usd": "Upper bound of the cost of both operators",
    "gap": "Gap of the first negotiation",
    "rounds": "Rounds of the first negotiation",
    "agreed": "Agreed on the day",
    "negotiations": "Negotiations",
    "most_delay_periods": "Largest delay of a trip (periods)",
}
"""Names of the numbers of the summary."""
_RENEWABLE = {
    "planned": ("planned_renewable_mw", "forecast_renewable_mw"),
    "realised": ("renewable_mw", "available_renewable_mw"),
}


def plan_cost(run: RailRun, phase: Phase) -> dict[str, float]:
    """Return the power operator's cost by kind, USD: of the day-ahead plan, or of what was carried out; empty if not recorded."""
    costs = run.frame("plan_costs")
    rows = costs[costs["phase"] == phase].sort_values("period", kind="stable").head(1)
    return {name: float(rows[name].iloc[0]) for name in rows.columns if name.endswith("_usd")} if len(rows) else {}


def moves(run: RailRun, phase: Phase) -> pd.DataFrame:
    """Return ``train_moves`` of the day-ahead plan or of what was carried out, by train and period, with ``moving``."""
    table = run.frame("train_moves")
    table = table[table["phase"] == phase]
    if phase == "planned" and len(table):
        table = table[table["planned_in"] == table["planned_in"].min()]
    table = table.sort_values(["train", "period"], kind="stable").reset_index(drop=True)
    return table.assign(moving=table["origin"] != table["destination"])


def trips(table: pd.DataFrame) -> int:
    """Return the number of trips in a table of `moves`: a trip begins where a train's pair of stations changes to another one."""
    count = 0
    for _, part in table.groupby("train"):
        pair = list(zip(part["origin"], part["destination"], strict=True))
        count += sum(here[0] != here[1] and here != before for here, before in zip(pair, [None, *pair[:-1]], strict=True))
    return count


def moving_periods(table: pd.DataFrame) -> int:
    """Return the periods that trains of a table of `moves` spend between stations, summed over trains."""
    return int(table["moving"].sum())


def batteries(run: RailRun, phase: Phase) -> pd.DataFrame:
    """Return the batteries of all stations and trains together, one row a period.

    Returns
    -------
    DataFrame : index period; capacity_mw, energy_mwh, throughput_mw (charging plus discharging power). Empty without
        batteries, and where the trains' part is not recorded: a sum without them would look like a smaller battery.
    """
    prefix = "planned_" if phase == "planned" else ""
    stations, trains = run.frame("storage_state"), run.frame("train_storage")
    if run.lacks("storage_state") or (run.session.scheme is RailScheme.MOBILE and run.lacks("train_storage")):
        stations, trains = stations.head(0), trains.head(0)
    names = {f"{prefix}{name}": name for name in ("capacity_mw", "energy_mwh", "charge_mw", "discharge_mw")}
    out = stations.groupby("period")[list(names)].sum().rename(columns=names)
    for name in ("capacity_mw", "energy_mwh"):
        out[name] = out[name].add(trains.groupby("period")[f"{prefix}{name}"].sum(), fill_value=0.0)
    out["throughput_mw"] = out.pop("charge_mw") + out.pop("discharge_mw")
    return out.sort_index()


def total_capacity_mw(run: RailRun) -> float:
    """Return C, the power of all batteries, MW; NaN if it is not recorded. No battery is made or lost, so any period tells."""
    table = batteries(run, "planned")
    return float(table["capacity_mw"].iloc[0]) if len(table) else math.nan


def energy_limit_mwh(run: RailRun) -> float:
    """Return the most energy that all stations and trains can hold, MWh, from the run's configuration; NaN if it is not there."""
    storage = ((run.configuration.get("power_operator") or {}).get("settings") or {}).get("storage") or {}
    places = [*(storage.get(run.session.scheme.value) or {}).values()]
    if run.session.scheme is RailScheme.MOBILE:
        places += (storage.get("trains") or {}).values()
    return float(sum(place["energy_mwh"] for place in places)) if places else math.nan


def day_ahead(run: RailRun) -> pd.DataFrame:
    """Return the row of the first negotiation; empty if there was none."""
    return run.frame("negotiations").sort_values("period", kind="stable").head(1)


def economic_indicator_usd_per_mw(without_usd: float, with_usd: float, capacity_mw: float) -> float:
    """Return (47), (F_0 - F) / C; NaN without batteries."""
    return (without_usd - with_usd) / capacity_mw if capacity_mw > 0 else math.nan


def summary(run: RailRun) -> Numbers:
    """Return the headline numbers; those of the plan have the plain name, those of the day itself begin with ``realised_``.

    NaN or left out where one cannot be formed.
    """
    head = _phase(run, "planned") | {f"realised_{name}": value for name, value in _phase(run, "realised").items()}
    return head | {"storage_mw": total_capacity_mw(run)} | _negotiations(run) | _disturbance(run)


def _phase(run: RailRun, phase: Phase) -> Numbers:
    cost, transport = plan_cost(run, phase).get("total_usd", math.nan), _transport(run, phase)
    late_usd = float(run.frame("late_ends")["price_usd"].sum()) if phase == "realised" else 0.0
    head: Numbers = {
        "operating_cost_usd": cost,
        "transport_cost_usd": transport.get("transport_cost_usd", math.nan),
        "total_cost_usd": cost + transport.get("transport_cost_usd", math.nan) + late_usd,
        "slack_usd": plan_cost(run, phase).get("slack_usd", math.nan),
        **({"late_end_usd": late_usd} if late_usd else {}),
    }
    return head | transport | _wind(run, phase) | _use_of_batteries(run, phase)


def _transport(run: RailRun, phase: Phase) -> dict[str, float]:
    if run.session.scheme is not RailScheme.MOBILE:
        return {"transport_cost_usd": 0.0, "trips": 0, "moving_periods": 0}  # by definition: no train takes part
    table = moves(run, phase)
    if not len(table):
        return {}
    cost = float(table["cost_usd"].sum())
    return {"transport_cost_usd": cost, "trips": trips(table), "moving_periods": moving_periods(table)}


def _wind(run: RailRun, phase: Phase) -> Numbers:
    table = run.frame("power_balance")
    used, available = _RENEWABLE[phase]
    return {
        "wind_used_share": ratio(float(table[used].sum()), float(table[available].sum())),
        **({"shed_mwh": float(table["shed_mw"].sum()) * run.period_h} if phase == "realised" and len(table) else {}),
    }


def _use_of_batteries(run: RailRun, phase: Phase) -> Numbers:
    table, capacity = batteries(run, phase), total_capacity_mw(run)
    if not len(table) or not capacity > 0:
        return {}
    return {
        "storage_utilisation": float(table["throughput_mw"].sum()) / (run.session.periods * capacity),
        "storage_energy_utilisation": float(table["energy_mwh"].mean()) / energy_limit_mwh(run),
        "stored_mean_mwh": float(table["energy_mwh"].mean()),
    }


def _negotiations(run: RailRun) -> Numbers:
    first = day_ahead(run)
    if not len(first):
        return {}
    row = first.iloc[0]
    # The algorithm's own bound is a claim: the answers do not show it, and do not contradict it either where the plan is agreed.
    claimed = float(row["claimed_lower_bound_usd"]) if row["agreed"] else math.nan
    crosses: Numbers = {"bounds_cross": 1} if crossed(first)[0] else {}
    return crosses | {
        "bound_usd": float(np.fmax(row["lower_bound_usd"], claimed)),
        "answers_bound_usd": float(row["lower_bound_usd"]),
        "upper_bound_usd": float(row["upper_bound_usd"]),
        "gap": float(np.fmin(row["gap"], row["claimed_gap"])) if row["agreed"] else float(row["gap"]),
        "answers_gap": float(row["gap"]),
        "rounds": int(row["rounds"]),
        "agreed": int(bool(row["agreed"])),
        "negotiations": len(run.frame("negotiations")),
    }


def _disturbance(run: RailRun) -> Numbers:
    table = moves(run, "realised")
    return {"most_delay_periods": int(np.max(table["delay_periods"]))} if len(table) else {}
