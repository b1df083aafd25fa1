"""Who pays whom for which kWh, and who gains what.

A payment moves between agents and is in no sum: a company pays rewards to fleets, a fleet pays tolls to the road. What is gained
is against the same day without deliveries, but for own business that fleets miss: tables do not tell what of it they would have
missed without any delivery, so all of it counts as a cost (`MISSED`). Rewards and tolls are the settled prices (multipliers of
the proven bound) times what was committed; own costs are what each agent has recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from federates.boundary.names import Role
from federates.reporting.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    draw_stairs,
    hour_panels,
    legend_below,
    named_lines,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, number_2
from federates.reporting.world import Grid, RunFigure
from federates.worlds.fleets.report.run import FleetRun, by_fleet, committed, companies, model_of
from federates.worlds.road.report.load import bin_load, energy_above_kwh

_FLEET_COSTS = {
    "driver_usd": "drivers' wages",
    "time_usd": "time",
    "energy_usd": "energy of the drive",
    "wear_usd": "wear",
    "opportunity_usd": "other business",
}
MISSED = "also what a fleet would have missed without any delivery, so its gain is at least what is told here"
"""Own business that a fleet misses is recorded as a whole: by how much deliveries have raised it, no table tells."""


def payments(run: FleetRun) -> pd.DataFrame:
    """Return what each fleet carried, was paid, paid and bore.

    Returns
    -------
    DataFrame : fleet, model, vehicles, delivery_kwh, reward_usd, toll_usd, the columns of own cost (`driver_usd` and so on),
        cost_usd (their sum), gain_usd = reward - toll - cost, and per kWh: reward_usd_per_kwh, cost_usd_per_kwh.
    """
    schedule, costs = committed(run), run.frame("fleet_costs")
    table = pd.DataFrame({"fleet": list(run.session.fleets)})
    for column in ("vehicles", "delivery_kwh", "reward_usd", "toll_usd"):
        table[column] = by_fleet(run, schedule, column, "fleet").to_numpy()
    for column in _FLEET_COSTS:
        table[column] = by_fleet(run, costs, column).to_numpy()
    table.insert(1, "model", [model_of(run, fleet) for fleet in table["fleet"]])
    table["cost_usd"] = table[list(_FLEET_COSTS)].sum(axis=1)
    table["gain_usd"] = table["reward_usd"] - table["toll_usd"] - table["cost_usd"]
    kwh = table["delivery_kwh"].where(table["delivery_kwh"] > 0)
    table["reward_usd_per_kwh"], table["cost_usd_per_kwh"] = table["reward_usd"] / kwh, table["cost_usd"] / kwh
    return table


def avoided_kwh(run: FleetRun, company: str) -> float:
    """Return the energy above the limits of a company's stations that deliveries took away, kWh, from bins."""
    part = run.session.part_of(company).get("stations", run.session.stations)
    load = bin_load(run)
    own = load[load["station"].isin([name for name in run.session.limited_stations if name in part])]
    return energy_above_kwh(own, "load_without_kw") - energy_above_kwh(own, "load_with_kw")


def company_account(run: FleetRun) -> pd.DataFrame:
    """Return what each company saves and bears: worth_usd of the overload that is gone, energy_usd, waiting_usd, reward_usd."""
    schedule, costs = run.frame("schedule"), run.frame("power_costs")
    rows = []
    for company in companies(run):
        part = run.session.part_of(company).get("stations", run.session.stations)
        own, paid = costs[costs["agent"] == company], schedule[schedule["destination"].isin(part)]
        value = float(run.configuration.get(company, {}).get("settings", {}).get("unmet_usd_per_kwh", np.nan))
        avoided = avoided_kwh(run, company)
        spent = {"reward_usd": float(paid["reward_usd"].sum())}
        spent |= {name: float(own[name].sum()) for name in ("energy_usd", "waiting_usd")}
        gain = value * avoided - sum(spent.values())
        rows.append({"company": company, "avoided_kwh": avoided, "worth_usd": value * avoided, **spent, "gain_usd": gain})
    return pd.DataFrame(rows)


def gains(run: FleetRun) -> pd.DataFrame:
    """Return what every party gains by the deliveries, usd: agent, received (worth or payment), paid, cost, gain.

    The road's part is the tolls less the delay that it bears. Wear under a warranty is nobody's here, and a cost all the same.
    The sum over all is what the deliveries are worth to everybody, less the business that fleets miss without any (`MISSED`).
    """
    rows = []
    for row in company_account(run).to_dict("records"):
        own = row["energy_usd"] + row["waiting_usd"]
        rows.append((row["company"], row["worth_usd"], -row["reward_usd"], -own))
    for row in payments(run).to_dict("records"):
        rows.append((row["fleet"], row["reward_usd"], -row["toll_usd"], -row["cost_usd"]))
    (road,) = run.session.of_role(Role.TRANSPORT_OPERATOR)
    delay = float(run.frame("transport_costs")["total_usd"].sum())
    rows.append((road.name, float(run.frame("schedule")["toll_usd"].sum()), 0.0, -delay))
    if warranted := float(run.frame("fleet_costs")["warranted_wear_usd"].sum()):
        rows.append(("battery warranty", 0.0, 0.0, -warranted))
    table = pd.DataFrame(rows, columns=["agent", "received_usd", "paid_usd", "cost_usd"])
    table["gain_usd"] = table[["received_usd", "paid_usd", "cost_usd"]].sum(axis=1)
    return table


_PARTS: dict[str, dict[str, Any]] = {
    "received_usd": {"color": GREEN, "label": "overload avoided, or payment received"},
    "paid_usd": {"color": SKY, "hatch": "....", "label": "reward or toll paid"},
    "cost_usd": {"color": ORANGE, "hatch": "////", "label": "own cost"},
}


@paper_style
def gains_figure(run: FleetRun) -> Figure:
    """Return a bar per agent: what it receives, pays and bears, and a mark for what is left."""
    table = gains(run)
    figure = new_figure(1.6 + 0.3 * len(table), f"Who gains what: {run.title}")
    axes, places = figure.subplots(), np.arange(len(table))[::-1]
    left = np.zeros(len(table))
    for column, look in _PARTS.items():
        values = table[column].to_numpy(float)
        base = 0.0 if column == "received_usd" else left
        axes.barh(places, values, left=base, height=0.6, edgecolor=BLACK, linewidth=0.4, **look)
        left = left + (values if column != "received_usd" else 0.0)
    axes.plot(table["gain_usd"], places, linestyle="", marker="D", color=VERMILLION, markeredgecolor=BLACK, label="what is left")
    axes.axvline(0.0, color=BLACK, linewidth=0.7)
    axes.set_yticks(places, table["agent"])
    axes.set_xlabel("USD in the run")
    legend_below(figure, 4, *named_lines([axes]))
    return figure


def _reading(run: FleetRun) -> str:
    table = gains(run)
    best = table.loc[table["gain_usd"].idxmax()]
    return (
        "Against the same day without deliveries. A company's part to the right is the value of the overload that the deliveries "
        "took away, a fleet's is its rewards, the road's its tolls. To the left: what is paid to others, and own cost. All "
        f"business of its own that a fleet misses is a cost, {MISSED}. Payments are in no sum: "
        f"together all gain {number(float(table['gain_usd'].sum()))} USD, most of it {best['agent']} "
        f"({number(float(best['gain_usd']))} USD). Rewards are settled at the price of the last kWh, so whoever can do it for "
        "less gains the difference."
    )


def missing(run: FleetRun) -> str:
    """Return what keeps the accounts from being made; empty if nothing does."""
    return run.lacks("schedule", "fleet_costs", "power_costs", "feeder_load", "transport_costs")


GAINS = RunFigure("gains", "Who gains what", missing, gains_figure, _reading)


@paper_style
def prices_figure(run: FleetRun) -> Figure:
    """Return rewards above and tolls below, by period, a line per pair of stations."""
    schedule = run.frame("schedule")
    figure = new_figure(4.4, f"Rewards and tolls: {run.title}")
    panels = stack(figure, 2)
    pairs = [(r, q) for r in run.session.resourceful_stations for q in run.session.limited_stations]
    looks = zip((BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY), ("-", (0, (4, 1.5)), (0, (1, 1.2)), "-.", "--", ":"), strict=True)
    columns = (("reward_usd_per_kwh", "Reward (USD/kWh)"), ("toll_usd_per_veh", "Toll (USD/vehicle)"))
    for (origin, destination), (colour, line) in zip(pairs, looks, strict=False):
        own = schedule[(schedule["origin"] == origin) & (schedule["destination"] == destination)]
        for panel, (column, _) in zip(panels, columns, strict=True):
            values = own.groupby("period")[column].first().reindex(range(run.session.periods))
            draw_stairs(panel, run, values.to_numpy(float), color=colour, linestyle=line, label=f"{origin} to {destination}")
    for panel, (_, label) in zip(panels, columns, strict=True):
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0.0)
    hour_panels(panels, run)
    legend_below(figure, 4, *panels[0].get_legend_handles_labels())
    return figure


def _prices_reading(run: FleetRun) -> str:
    schedule = run.frame("schedule")
    return (
        "Multipliers of the exchanges at the best bound: what a company pays per kWh in the battery of a vehicle that leaves, "
        "and what a vehicle pays for what it costs others on the road. Where nothing is negotiated there is no price. On average "
        f"over what was delivered: {number_2(_mean(schedule, 'reward_usd', 'delivery_kwh'))} USD/kWh and "
        f"{number_2(_mean(schedule, 'toll_usd', 'vehicles'))} USD/vehicle."
    )


def _mean(schedule: pd.DataFrame, money: str, quantity: str) -> float:
    priced = schedule.dropna(subset=[money])
    total = float(priced[quantity].sum())
    return float(priced[money].sum()) / total if total else float("nan")


PRICES = RunFigure("rewards_and_tolls", "Rewards and tolls", lambda run: run.lacks("schedule"), prices_figure, _prices_reading)


def grids(run: FleetRun) -> list[Grid]:
    """Return who was paid what for which kWh, and what the companies' part is."""
    if missing(run):
        return []
    fleets = Grid.of(
        "Fleets: what they carried, what they were paid for it, what they paid and bore. Own cost is that of the fleet, as it "
        f"has recorded it: its other business is all that it missed, {MISSED}.",
        payments(run).to_dict("records"),
        ("Fleet", "{} ({})".format, "fleet", "model"),
        ("Vehicles", number, "vehicles"),
        ("Delivered (kWh)", number, "delivery_kwh"),
        ("Rewards (USD)", number_2, "reward_usd"),
        ("Tolls (USD)", number_2, "toll_usd"),
        *((f"{words[0].upper()}{words[1:]} (USD)", number_2, column) for column, words in _FLEET_COSTS.items()),
        ("Gain (USD)", number_2, "gain_usd"),
        ("Reward (USD/kWh)", number_2, "reward_usd_per_kwh"),
        ("Own cost (USD/kWh)", number_2, "cost_usd_per_kwh"),
    )
    companies_ = Grid.of(
        "Companies: the overload that deliveries took away, what it is worth to them, and what it took.",
        company_account(run).to_dict("records"),
        ("Company", str, "company"),
        ("Overload avoided (kWh)", number, "avoided_kwh"),
        ("Worth (USD)", number_2, "worth_usd"),
        ("Rewards paid (USD)", number_2, "reward_usd"),
        ("Energy (USD)", number_2, "energy_usd"),
        ("Waiting (USD)", number_2, "waiting_usd"),
        ("Gain (USD)", number_2, "gain_usd"),
    )
    return [fleets, companies_]
