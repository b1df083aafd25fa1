"""What is done at a point of `sweeps/coupling.yaml`: one day, of which the hours of the road are kept beside its sums.

``method: coupling:day``. The day runs in this process and without a report; figures would take longer than the day.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from federates.reporting.tables import RunTables
from federates.runs.in_process import run_in_process
from federates.runs.scenario import load_scenario
from federates.worlds.road.report.summary import summary

SUMS = (
    "mves_sent_veh",
    "delivery_time_traffic_s",
    "everybody_on_links_h",
    "transport_storage_time_h",
    "transport_public_delay_h",
    "transport_cost_usd",
    "power_cost_usd",
    "social_cost_usd",
    "unmet_kwh",
    "supply_limited_periods",
    "agreed_periods",
    "gap_max",
)
"""What is kept of the run's `summary.json`."""


def day(scenario: Path) -> dict[str, Any]:
    """Return the sums of a day; and of the vehicles that arrived, by pair of stations and period, number and road time.

    Periods: of departure. ``pairs`` maps ``r-q`` to ``vehicles`` and ``road_time_s`` (mean; None without a vehicle), lists.
    """
    broker = load_scenario(scenario).broker_file
    broker.write_text(broker.read_text(encoding="utf-8") + "\nreport: false\n", encoding="utf-8")  # a point is a copy
    run: RunTables[Any] = RunTables.read(run_in_process(scenario))
    found = summary(run)
    kept = {name: found[name] for name in SUMS if name in found}
    trips = run.frame("deliveries")
    trips = trips[trips["road_time_s"] >= 0]
    mean_s = float(trips["road_time_s"].mean()) if len(trips) else math.nan
    pairs = {}
    for (origin, destination), of_pair in trips.groupby(["origin", "destination"]):
        by_period = of_pair.groupby("period")["road_time_s"].agg(["size", "mean"]).reindex(range(run.session.periods))
        pairs[f"{origin}-{destination}"] = {
            "vehicles": [int(n) for n in by_period["size"].fillna(0)],
            "road_time_s": [None if math.isnan(t) else round(float(t), 3) for t in by_period["mean"]],
        }
    return kept | {"road_time_s": mean_s, "pairs": pairs}
