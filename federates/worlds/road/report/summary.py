"""The numbers of a run on the road that come first, and the sentences made of them; what was run."""

from __future__ import annotations

import re

from federates.reporting.claims import CROSSED_WORDS, crossed
from federates.reporting.formatting import (
    clock,
    disputed,
    ended_by_time,
    minutes,
    missed_bounds,
    number,
    percent,
    ratio,
    unagreed_reason,
)
from federates.reporting.world import Numbers
from federates.worlds.road.report.costs import account, everybody_h, routing_totals
from federates.worlds.road.report.delivery import delivery_by_period, vehicle_deliveries
from federates.worlds.road.report.load import overload, pushed_over
from federates.worlds.road.report.negotiation import agreement, vehicles_by_period
from federates.worlds.road.report.run import RoadRun, bins_name, traffic_name
from federates.worlds.road.session import Scheme


def summary(run: RoadRun) -> Numbers:
    """Return the headline numbers of a run; NaN or left out where one cannot be formed."""
    return _energy(run) | _vehicles(run) | _road(run) | _negotiation(run)


def _energy(run: RoadRun) -> Numbers:
    head: Numbers = {}
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
            head[f"above_limit_{kind}_ratio"] = ratio(with_, without)
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


def _vehicles(run: RoadRun) -> Numbers:
    head: Numbers = {}
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
        head[f"delivery_time_{kind}_s"] = ratio(float(total), float(used[f"{kind}_veh"].sum()))
    return head


def _road(run: RoadRun) -> Numbers:
    """Return vehicle hours and money of everybody on the road, as carried out and under every routing rule."""
    head: Numbers = {} if "link_state" in run.missing else {"everybody_on_links_h": everybody_h(run)}
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


def _negotiation(run: RoadRun) -> Numbers:
    table = agreement(run)
    if not len(table):
        return {}
    head: Numbers = {
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


_NAMES = {
    "received_kwh": "Energy that mobile storage gave the limited stations",
    "unmet_kwh": "Need that the plans left unmet",
    "supply_limited_periods": "Periods in which resourceful stations ran short",
    "mves_sent_veh": "Vehicles sent",
    "mves_departed_veh": "Vehicles that left",
    "mves_arrived_veh": "Vehicles that arrived",
    "mves_without_gate_time_veh": "Vehicles that did not reach their charger",
    "delivery_time_traffic_s": "Mean delivery time in the traffic model",
    "delivery_time_formula_s": "Mean delivery time by formula",
    "agreed_periods": "Periods in which the operators agreed",
    "agreement_share": "Share of periods in which the operators agreed",
    "rounds_total": "Rounds, all periods",
    "rounds_max": "Rounds, most of a period",
    "rounds_mean": "Rounds, mean of the periods",
    "gap_mean": "Last gap of a period, mean",
    "gap_max": "Last gap of a period, largest",
    "gap_last_period": "Last gap of the last period",
    "transport_cost_usd": "Cost of the transport operator",
}
_ABOVE = re.compile(r"(?:(?P<station>.+)_)?above_limit_(?:(?P<side>with|without)_)?(?P<kind>period|bin)_(?P<what>kwh|ratio)")


def name_of(key: str) -> str:
    """Return the name of a number of the summary, without unit; empty if it has none."""
    if key in _NAMES:
        return _NAMES[key]
    found = _ABOVE.fullmatch(key)
    if not found:
        return ""
    what = "Energy above the limit" if found["what"] == "kwh" else "Share of the energy above the limit that is left"
    side = {"with": ", with mobile storage", "without": ", without mobile storage", None: ""}[found["side"]]
    station = f"{found['station']}: " if found["station"] else "All stations: "
    return f"{station}{what}{side}, by {'period means' if found['kind'] == 'period' else 'bins'}"


_SCHEMES = {
    Scheme.PROPOSED: "The power operator and the transport operator negotiated how many vehicles drive between which stations; "
    "routes were chosen for the good of all traffic.",
    Scheme.FASTEST_ROUTE: "The power operator asked for vehicles and every vehicle took the route that was fastest at the time, "
    "ignoring its own effect on the traffic (the baseline of the paper).",
    Scheme.NO_MVES: "No vehicle carried energy: this is the day without mobile storage.",
}


def about(run: RoadRun) -> list[str]:
    """Return the paragraphs that say what was run."""
    public, traffic = run.session, traffic_name(run)
    by = "was simulated in SUMO, vehicle by vehicle" if traffic == "SUMO" else f"comes from the traffic model {traffic}"
    return [
        f"Charging stations with energy to spare ({', '.join(public.resourceful_stations)}) help stations whose feeder "
        f"overloads ({', '.join(public.limited_stations)}): vehicles with large batteries, the mobile storage, charge at the "
        "former, drive, and discharge at the latter. A power operator knows the stations and feeders, a transport operator "
        f"knows the roads, and neither shows its data to the other. {_SCHEMES[public.scheme]} The traffic itself {by}.",
        f"{public.periods} periods of {run.period_h:g} h from {public.start_hour}:00, planned {public.horizon_periods} periods "
        f"ahead; seed {public.seed}.",
    ]


def headline(run: RoadRun) -> list[str]:
    """Return the main results as sentences."""
    head, out = run.summary, list[str]()
    if "above_limit_without_bin_kwh" in head:
        without, with_ = float(head["above_limit_without_bin_kwh"]), float(head["above_limit_with_bin_kwh"])
        if without > 0:
            out.append(
                f"Without mobile storage {number(without)} kWh lay above the feeder limits of the limited stations; with it "
                f"{number(with_)} kWh did ({percent(float(head['above_limit_bin_ratio']))} of it), counted by {bins_name(run)}."
            )
        else:
            out.append("No energy lay above the feeder limits, even without mobile storage.")
        out += _helpers(run)
    if head.get("mves_sent_veh"):
        text = f"{number(float(head['mves_sent_veh']))} vehicles were sent"
        if "mves_arrived_veh" in head:
            arrived, left = (number(float(head[f"mves_{what}_veh"])) for what in ("arrived", "departed"))
            text += f"; {arrived} of the {left} that left had arrived at the end"
        out.append(text + ".")
    elif "mves_sent_veh" in head:
        out.append("No vehicle was sent.")
    times = [(kind, head.get(f"delivery_time_{kind}_s")) for kind in ("traffic", "formula")]
    known = [
        f"{minutes(float(value))} {f'in {traffic_name(run)}' if kind == 'traffic' else 'by formula'}"
        for kind, value in times
        if value
    ]
    if known:
        out.append(f"A delivery (charging, driving, discharging, with waits for a spot) took {' and '.join(known)} on average.")
    if "agreement_share" in head and run.session.scheme is Scheme.PROPOSED:
        text = f"The operators agreed in {head['agreed_periods']} periods ({percent(float(head['agreement_share']), 0)})"
        gap = (
            f"; by their answers the plans are proven to within {percent(float(head['gap_mean']), 2)} of the best on average, "
            f"{percent(float(head['gap_max']), 2)} at most"
            if "gap_mean" in head
            else ""
        )
        rounds = number(float(head["rounds_mean"]), 1)
        out.append(f"{text} after {rounds} rounds a period on average{gap}.{disputed(run)}{missed_bounds(run)}")
        out += [text for text in (_unagreed(run), ended_by_time(run)) if text]
        if "bounds_cross_periods" in head:
            out.append(f"In {head['bounds_cross_periods']} periods, left out of this gap, {CROSSED_WORDS}.")
    if "unmet_kwh" in head:
        out.append(
            f"The plans left {number(float(head['unmet_kwh']))} kWh of the forecast need unmet; the resourceful stations ran "
            f"short of energy in {head['supply_limited_periods']} periods."
        )
    return out


def _helpers(run: RoadRun) -> list[str]:
    """Say whether charging pushed a resourceful station over its limit; nothing where none was recorded."""
    rows = pushed_over(run)
    if not len(rows):
        return []
    pushed = rows[rows["bins_pushed"] > 0]
    if not len(pushed):
        return [f"Charging mobile storage pushed no resourceful station over its limit in any of the {bins_name(run)}."]
    parts = [
        f"{row['station']} in {row['bins_pushed']} of {row['bins']} {bins_name(run)}, up to {number(row['peak_with_kw'])} of "
        f"{number(row['limit_kw'])} kW"
        for row in pushed.to_dict("records")
    ]
    return [f"Charging mobile storage pushed a resourceful station over its limit: {'; '.join(parts)}."]


def _unagreed(run: RoadRun) -> str:
    """Say in how many periods the operators ended without agreement, and why in the first of them."""
    held = run.frame("negotiations").sort_values("period", kind="stable")
    held = held[~held["agreed"].astype(bool) & ~held["claimed_agreed"].astype(bool)]
    if not len(held):
        return ""
    many, first = f"{len(held)} period{'' if len(held) == 1 else 's'}", clock(run, int(held["period"].iloc[0]))[:5]
    return f"In {many} the best plan found was carried out without agreement; at {first}{unagreed_reason(held)}."
