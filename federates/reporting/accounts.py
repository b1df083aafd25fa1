"""Who pays what for moving energy on the road: cost to everybody under every routing rule, in money and vehicle hours.

By the transport operator's own forecast (tables ``transport_costs`` and ``routing_alternatives``).
"""

from __future__ import annotations

import pandas as pd

from federates.reporting.tables import RunTables

__all__ = ["ROUTING_LABELS", "everybody_h", "routing_alternatives", "routing_totals"]

ROUTING_LABELS: dict[str, str] = {
    "system_optimum": "system optimum",
    "storage_optimum": "optimum of the storages alone",
    "user_equilibrium": "user equilibrium",
    "fastest_route": "fastest route",
}
"""Routing rules of the transport operator, in words."""


def routing_alternatives(run: RunTables) -> pd.DataFrame:
    """Return what every rule makes of the vehicles of a period, for periods with a vehicle.

    Returns
    -------
    DataFrame : period, routing, vehicles, storage_time_h, public_delay_h, total_usd as recorded; ``longer``, the share by which
        a delivery takes longer than in the optimum of the storages alone; ``dearer_usd``, what everybody pays more than in
        the system optimum.
    """
    table = run.frame("routing_alternatives")
    table = table[table["vehicles"] > 0].astype({"period": "int64", "routing": "object"})
    least = table[table["routing"] == "system_optimum"].set_index("period")["total_usd"]
    quickest = table[table["routing"] == "storage_optimum"].set_index("period")["delivery_time_s"]
    return table.assign(
        longer=table["delivery_time_s"] / table["period"].map(quickest) - 1.0,
        dearer_usd=table["total_usd"] - table["period"].map(least),
    )


def routing_totals(run: RunTables) -> pd.DataFrame:
    """Return the sums over the run, one row per rule in the order of `ROUTING_LABELS`.

    Returns
    -------
    DataFrame, index routing : delivery_time_s (mean over vehicles), storage_time_h, public_delay_h, total_usd, dearer_usd.
    """
    table = routing_alternatives(run)
    sums = table.groupby("routing")[["vehicles", "storage_time_h", "public_delay_h", "total_usd", "dearer_usd"]].sum()
    sums["delivery_time_s"] = 3600.0 * sums["storage_time_h"] / sums["vehicles"]
    return sums.reindex([name for name in ROUTING_LABELS if name in sums.index])


def everybody_h(run: RunTables) -> float:
    """Return the vehicle hours that all vehicles spend on the links in the traffic model: sum of flow x time (Little's law)."""
    links = run.frame("link_state")
    return float((links["flow_veh_per_h"] * links["travel_time_s"]).sum()) / 3600.0 * run.period_h
