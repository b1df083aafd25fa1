"""Who bears which cost of moving energy on the road, who pays whom, and what other routes would cost everybody.

A cost is energy, time or a want that somebody bears; the sum over both operators is the social cost. A payment moves between
them and is in no sum. The power operator pays for every delivery the price at which both agreed (the multiplier of the proven
bound). Power side as it came (``power_costs``), road side by the transport operator's forecast (``transport_costs``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from federates.reporting.tables import RunTables

__all__ = ["ROUTING_LABELS", "Account", "account", "everybody_h", "routing_alternatives", "routing_totals"]

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


@dataclass(frozen=True, slots=True)
class Account:
    """Costs of a run by what they are, usd, and what the power operator pays the transport operator for deliveries.

    ``payment_usd`` is over the vehicles of negotiated periods, ``priced_veh``; the rest has no price.
    """

    power_usd: dict[str, float]
    transport_usd: dict[str, float]
    payment_usd: float
    priced_veh: int
    vehicles: int

    @property
    def social_usd(self) -> float:
        """Return what everybody bears together; payments are not in it."""
        return sum(self.power_usd.values()) + sum(self.transport_usd.values())


_POWER = {"energy_usd": "Energy drawn", "waiting_usd": "Storages that wait", "unmet_usd": "Energy above the limits"}
_TRANSPORT = {
    "storage_time_usd": "Time of storages",
    "public_delay_usd": "Delay of other traffic",
    "trip_usd": "Other cost of trips",
}


def account(run: RunTables) -> Account | None:
    """Return the account of a run; None where an operator has recorded no costs."""
    if run.lacks("power_costs", "transport_costs"):
        return None
    power, transport, schedule = run.frame("power_costs"), run.frame("transport_costs"), run.frame("schedule")
    priced = schedule.dropna(subset=["price_usd_per_veh"])
    return Account(
        {words: float(power[name].sum()) for name, words in _POWER.items()},
        {words: float(transport[name].sum()) for name, words in _TRANSPORT.items()},
        float((priced["vehicles"] * priced["price_usd_per_veh"]).sum()),
        int(priced["vehicles"].sum()),
        int(schedule["vehicles"].sum()),
    )
