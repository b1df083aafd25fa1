"""Who bears which cost of moving energy on the road, who pays whom, and what other routes would cost everybody.

A cost is energy, time or a want that somebody bears; the sum over both operators is the social cost. A payment moves between
them and is in no sum. The power operator pays for every delivery the price at which both agreed (the multiplier of the proven
bound). Power side as it came (``power_costs``), road side by the transport operator's forecast (``transport_costs``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    VERMILLION,
    hour_panels,
    legend_below,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, percent
from federates.reporting.world import Grid, RunFigure
from federates.worlds.road.report.run import RoadRun

ROUTING_LABELS: dict[str, str] = {
    "system_optimum": "system optimum",
    "storage_optimum": "optimum of the storages alone",
    "user_equilibrium": "user equilibrium",
    "fastest_route": "fastest route",
}
"""Routing rules of the transport operator, in words."""


def routing_alternatives(run: RoadRun) -> pd.DataFrame:
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


def routing_totals(run: RoadRun) -> pd.DataFrame:
    """Return the sums over the run, one row per rule in the order of `ROUTING_LABELS`.

    Returns
    -------
    DataFrame, index routing : delivery_time_s (mean over vehicles), storage_time_h, public_delay_h, total_usd, dearer_usd.
    """
    table = routing_alternatives(run)
    sums = table.groupby("routing")[["vehicles", "storage_time_h", "public_delay_h", "total_usd", "dearer_usd"]].sum()
    sums["delivery_time_s"] = 3600.0 * sums["storage_time_h"] / sums["vehicles"]
    return sums.reindex([name for name in ROUTING_LABELS if name in sums.index])


def everybody_h(run: RoadRun) -> float:
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


def account(run: RoadRun) -> Account | None:
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


_STYLES: dict[str, dict[str, Any]] = {
    "system_optimum": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "storage_optimum": {"color": GREEN, "marker": "D", "linestyle": (0, (1, 1))},
    "user_equilibrium": {"color": ORANGE, "marker": "^", "linestyle": (0, (4, 1.5))},
    "fastest_route": {"color": VERMILLION, "marker": "s", "linestyle": (0, (6, 1.5, 1, 1.5))},
}


@paper_style
def routing_figure(run: RoadRun) -> Figure:
    """Return two panels by period, a line a rule: how much longer a delivery takes, and how much dearer it is for everybody."""
    table = routing_alternatives(run)
    figure = new_figure(4.6, f"The same vehicles by other routes: {run.title}")
    longer, dearer = panels = stack(figure, 2)
    _lines(longer, run, table.assign(value=100.0 * table["longer"]), without="storage_optimum")
    _lines(dearer, run, table.assign(value=table["dearer_usd"] / run.period_h), without="system_optimum")
    longer.set_ylabel("Delivery longer than\nstorages' optimum (%)")
    dearer.set_ylabel("Dearer for everybody\nthan optimum (USD/h)")
    hour_panels(panels, run)
    lines = {line.get_label(): line for panel in (longer, dearer) for line in panel.get_lines() if line.get_marker() != "None"}
    wanted = [label for label in ROUTING_LABELS.values() if label in lines]
    legend_below(figure, 4, [lines[label] for label in wanted], wanted)
    figure.align_ylabels([longer, dearer])
    return figure


def _lines(axes: Axes, run: RoadRun, table: pd.DataFrame, without: str) -> None:
    for routing, label in ROUTING_LABELS.items():
        part = table[table["routing"] == routing].sort_values("period")
        if routing != without and len(part):
            middles = run.clock_h(part["period"]) + 0.5 * run.period_h
            axes.plot(middles, part["value"], label=label, markersize=3.0, **_STYLES[routing])
    axes.axhline(0.0, color=BLACK, linewidth=0.7)


def _reading(run: RoadRun) -> str:
    return (
        "The vehicles that were sent, under four rules, by the transport operator's forecast. The system optimum costs everybody "
        "on the road least: the storages' time, the delay of all others, other cost of trips. The optimum of the storages "
        "alone does not count the delay of others. In the user equilibrium no driver gains by another route. The fastest "
        "route is the one that was fastest in the last period. " + routing_sentence(run)
    )


def routing_sentence(run: RoadRun) -> str:
    """Return what the system optimum saves everybody against the fastest route, and what it costs the storages; empty without."""
    totals = routing_totals(run)
    if not {"system_optimum", "storage_optimum", "fastest_route"} <= set(totals.index):
        return ""
    best, fast, own = (totals.loc[name] for name in ("system_optimum", "fastest_route", "storage_optimum"))
    hours = fast["storage_time_h"] + fast["public_delay_h"] - best["storage_time_h"] - best["public_delay_h"]
    longer = best["delivery_time_s"] / own["delivery_time_s"] - 1.0
    return (
        f"Against the fastest route the system optimum saves everybody on the road {number(fast['dearer_usd'])} USD and "
        f"{number(hours, 1)} vehicle hours; a delivery takes {percent(longer)} longer in it than in the optimum of the storages "
        "alone (by the transport operator's forecast, the same vehicles)."
    )


ROUTING = RunFigure(
    "routing",
    "The same vehicles by other routes",
    lambda run: "" if len(routing_alternatives(run)) else run.lacks("routing_alternatives") or "no vehicle was sent",
    routing_figure,
    _reading,
)


def grid(run: RoadRun) -> Grid:
    """Return what everybody bears, the sum, and what is paid beside it."""
    rows: list[list[str]] = []
    if (found := account(run)) is not None:
        sides = (("Power operator", found.power_usd), ("Everybody on the road", found.transport_usd))
        rows = [[who, what, number(usd)] for who, costs in sides for what, usd in costs.items()]
        rows.append(["All", "Social cost: the sum", number(found.social_usd)])
        paid = f"Payment for {number(found.priced_veh)} of {number(found.vehicles)} deliveries (no cost: it is in no sum)"
        rows.append(["Power operator to transport operator", paid, number(found.payment_usd)])
    caption = (
        "Account of the run: who bears which cost, and what is paid for deliveries. Costs of the power operator are as they "
        "came, those on the road by the transport operator's forecast. The price of a delivery is the multiplier of the best "
        "proven bound."
    )
    return Grid(caption, ["Who", "What", "USD"], rows, (0, 1))
