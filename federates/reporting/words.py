"""Say in words what the numbers of a run mean: the headline, and one paragraph under each figure.

Every sentence is made from the tables. A sentence whose numbers the run lacks is not written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from federates.reporting.accounts import routing_totals
from federates.reporting.bound_words import rests_on
from federates.reporting.bounds import CROSSED_WORDS, crossed
from federates.reporting.delivery import delivery_by_period
from federates.reporting.figures.bounds import selected_periods
from federates.reporting.figures.link_flow import KMH_PER_M_PER_S, link_grid
from federates.reporting.figures.network_map import shown_period
from federates.reporting.metrics import agreement, overload, pushed_over, summary, vehicles_by_period
from federates.reporting.price_words import prices_reading
from federates.reporting.tables import RunTables
from federates.worlds.road.session import Scheme

__all__ = [
    "bins_name",
    "clock",
    "disputed",
    "ended_by_time",
    "figure_reading",
    "headline",
    "minutes",
    "missed_bounds",
    "number",
    "percent",
    "scheme_sentence",
    "traffic_sentence",
    "unagreed_reason",
    "yes_no",
]

_SCHEMES = {
    Scheme.PROPOSED: "The power operator and the transport operator negotiated how many vehicles drive between which stations; "
    "routes were chosen for the good of all traffic.",
    Scheme.FASTEST_ROUTE: "The power operator asked for vehicles and every vehicle took the route that was fastest at the time, "
    "ignoring its own effect on the traffic (the baseline of the paper).",
    Scheme.NO_MVES: "No vehicle carried energy: this is the day without mobile storage.",
}


def number(value: float, digits: int = 0) -> str:
    """Write a number with a thin space between thousands; a dash if there is none. What rounds to nothing has no sign."""
    if not np.isfinite(value):
        return "–"
    return f"{round(float(value), digits) + 0.0:,.{digits}f}".replace(",", "\u202f")


def percent(share: float, digits: int = 1) -> str:
    """Write a share as per cent."""
    return "–" if not np.isfinite(share) else f"{100.0 * share:.{digits}f} %"


def minutes(seconds: float) -> str:
    """Write seconds as minutes with one decimal."""
    return "–" if not np.isfinite(seconds) else f"{seconds / 60.0:.1f} min"


def clock(run: RunTables[Any], period: int) -> str:
    """Write when a period starts and ends, as ``15:00-16:00``."""
    start = run.session.hour_of_day(period)
    minutes_ = [round(60 * hour) % 1440 for hour in (start, start + run.period_h)]
    return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes_)


def bins_name(run: RunTables[Any]) -> str:
    """Return what the bins of the session are called, in the plural: ``quarter-hours``."""
    length = run.session.period_s / run.session.bins_per_period / 60.0
    known = {15.0: "quarter-hours", 30.0: "half-hours", 60.0: "hours"}
    return known.get(length, f"intervals of {length:g} min")


def yes_no(agreed: bool, claimed: bool) -> str:
    """Write whether operators agreed, and beside it what the algorithm says if that is something else."""
    shown = "yes" if agreed else "no"
    return shown if bool(agreed) == bool(claimed) else f"{shown} (the algorithm says {'yes' if claimed else 'no'})"


def scheme_sentence(run: RunTables) -> str:
    """Say how vehicles were sent in this run."""
    return _SCHEMES[run.session.scheme]


def traffic_sentence(run: RunTables) -> str:
    """Say what the traffic was made by."""
    if run.traffic_name == "SUMO":
        return "The traffic itself was simulated in SUMO, vehicle by vehicle."
    return f"The traffic itself comes from the traffic model {run.traffic_name}."


def headline(run: RunTables) -> list[str]:
    """Return the main results as sentences."""
    head, out = summary(run), []
    if "above_limit_without_bin_kwh" in head:
        without, with_ = float(head["above_limit_without_bin_kwh"]), float(head["above_limit_with_bin_kwh"])
        if without > 0:
            out.append(
                f"Without mobile storage {number(without)} kWh lay above the feeder limits of the limited stations; with it "
                f"{number(with_)} kWh did ({percent(with_ / without)} of it), counted by {bins_name(run)}."
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
        f"{minutes(float(value))} {f'in {run.traffic_name}' if kind == 'traffic' else 'by formula'}"
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


def _helpers(run: RunTables) -> list[str]:
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


def disputed(run: RunTables[Any]) -> str:
    """Say where the coordinator's algorithm claims an agreement that the answers do not show; empty if nowhere."""
    held = run.frame("negotiations").sort_values("period", kind="stable")
    held = held[held["claimed_agreed"].astype(bool) & ~held["agreed"].astype(bool)]
    if not len(held):
        return ""
    first = held.iloc[0]
    more = f"{len(held)} agreement{'' if len(held) == 1 else 's'} more"
    return (
        f" The coordinator's algorithm claims {more}, which the answers do not show; the first, at "
        f"{clock(run, int(first['period']))[:5]}: {first['verdict']}."
    )


def unagreed_reason(held: pd.DataFrame) -> str:
    """Return why the first of these negotiations ended without agreement, in the algorithm's words; empty if it claims one."""
    if not len(held) or held["agreed"].iloc[0] or held["claimed_agreed"].iloc[0]:
        return ""
    return f" ({held['reason'].iloc[0]})"


def _unagreed(run: RunTables[Any]) -> str:
    """Say in how many periods the operators ended without agreement, and why in the first of them."""
    held = run.frame("negotiations").sort_values("period", kind="stable")
    held = held[~held["agreed"].astype(bool) & ~held["claimed_agreed"].astype(bool)]
    if not len(held):
        return ""
    many, first = f"{len(held)} period{'' if len(held) == 1 else 's'}", clock(run, int(held["period"].iloc[0]))[:5]
    return f"In {many} the best plan found was carried out without agreement; at {first}{unagreed_reason(held)}."


def ended_by_time(run: RunTables[Any], searches: str = "") -> str:
    """Say what limits of time have ended, ``searches`` and negotiations; empty if nothing."""
    held = run.frame("negotiations")
    count = int(held["ended_by_time"].astype(bool).sum()) if "ended_by_time" in held else 0
    negotiations = f"{count} negotiation{'' if count == 1 else 's'}" if count else ""
    ended = " and ".join(part for part in (searches, negotiations) if part)
    if not ended:
        return ""
    return f"A limit of time ended {ended}: what is proven holds, but on another computer the day may come out differently."


def missed_bounds(run: RunTables[Any]) -> str:
    """Say how often a solver gave an operator an objective that its dual values do not prove; empty if never."""
    held = [pd.read_parquet(path) for path in sorted(run.folder.glob("*/bound_misses.parquet"))]
    count = sum(len(rows) for rows in held)
    if not count:
        return ""
    mended = sum(int(rows["cold_agrees"].sum()) for rows in held)
    return (
        f" {count} answer{'' if count == 1 else 's'} of the operators' solver missed the bound that its dual values prove; "
        f"solved again, {mended} met it, and for the others the proven bound was sent."
    )


def figure_reading(name: str, run: RunTables) -> str:
    """Return the paragraph under a figure of the report."""
    return _READINGS[name](run)


def _feeder_load(run: RunTables) -> str:
    name = bins_name(run)
    text = (
        f"Means over {name}. The hatched area is what would lie above the feeder's limit without mobile storage, the filled area "
        "what lies above it all the same. Resourceful stations charge the storages."
    )
    for row in overload(run).to_dict("records"):
        text += (
            f" {row['station']}: above {number(row['limit_kw'])} kW in {row['bins_above_without']} of {row['bins']} "
            f"{name} without and in {row['bins_above_with']} with mobile storage; the peak is "
            f"{number(row['peak_without_kw'])} kW without and {number(row['peak_with_kw'])} kW with."
        )
    for row in pushed_over(run).to_dict("records"):
        text += f" {row['station']}: at most {number(row['peak_with_kw'])} of {number(row['limit_kw'])} kW."
    return (
        f"{text} Bottom: probability that the load is above the limit at a moment; it swings as vehicles come and go, also where "
        "storages hold its mean at the limit."
    )


def _delivery_time(run: RunTables) -> str:
    table, text = delivery_by_period(run), ""
    for kind, name in (("traffic", run.traffic_name), ("formula", "the formula")):
        part = table[table[f"{kind}_veh"] > 0]
        if len(part):
            low, high = (part.loc[getattr(part[f"{kind}_s"], pick)()] for pick in ("idxmin", "idxmax"))
            text += (
                f" By {name} it lies between {minutes(low[f'{kind}_s'])} ({clock(run, int(low['period']))}) and "
                f"{minutes(high[f'{kind}_s'])} ({clock(run, int(high['period']))})."
            )
    return (
        "Time from arriving at the resourceful station to leaving the limited one, averaged over the vehicles that depart in a "
        f"period. {run.traffic_name} measures the drive; waiting, charging and discharging come from the operators' forecast in "
        "both curves. Periods without a vehicle have no point." + text
    )


def _routing(run: RunTables) -> str:
    return (
        "The vehicles that were sent, under four rules, by the transport operator's forecast. The system optimum costs everybody "
        "on the road least: the storages' time, the delay of all others, other cost of trips. The optimum of the storages "
        "alone does not count the delay of others. In the user equilibrium no driver gains by another route. The fastest "
        "route is the one that was fastest in the last period. " + routing_sentence(run)
    )


def routing_sentence(run: RunTables) -> str:
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


def _bounds(run: RunTables) -> str:
    table = agreement(run)
    shown = ", ".join(f"{clock(run, period)} ({why})" for period, why in selected_periods(table).items())
    failed = table[~table["agreed"].astype(bool)]
    text = (
        "Top: what the best plan is proven to cost at least (lower bound) and what the best plan found costs (upper bound), "
        f"round by round, for the periods {shown}. Middle: the distance that was left when the rounds ended; an open circle "
        "marks a period without agreement. Bottom: how many rounds it took."
    )
    text += f" {len(failed)} of {len(table)} periods ended without agreement."
    without = table[crossed(table)]
    if len(without):
        text += f" No gap is shown for {', '.join(clock(run, int(period)) for period in without['period'])}: {CROSSED_WORDS}."
    return text + rests_on(run.frame("rounds"))


def _link_flow(run: RunTables) -> str:
    text = "One row a link, one column a period; grey where the run has no value."
    if "link_state" not in run.missing:
        flow, speed = link_grid(run, "link_state", "flow_veh_per_h"), link_grid(run, "link_state", "speed_m_per_s")
        text += f" The largest flow is {_peak(run, flow, 1.0, 'veh/h')}; the lowest mean speed is"
        text += f" {_peak(run, -speed, -KMH_PER_M_PER_S, 'km/h')}."
    if "link_plan" not in run.missing:
        mves = link_grid(run, "link_plan", "mves_veh_per_h")
        if np.nanmax(mves, initial=0.0) > 0:
            text += f" Mobile storage is densest with {_peak(run, mves, 1.0, 'veh/h')}."
    return text


def _peak(run: RunTables, grid: np.ndarray, factor: float, unit: str) -> str:
    """Return the largest value of a grid (L, T) with its unit, link and period."""
    if not np.isfinite(grid).any():
        return "–"
    link, period = np.unravel_index(np.nanargmax(grid), grid.shape)
    return f"{number(factor * grid[link, period])} {unit} ({run.session.links[link]}, {clock(run, int(period))})"


def _network_map(run: RunTables) -> str:
    period = shown_period(run)
    sent = vehicles_by_period(run)[period]
    why = f"most vehicles are sent ({number(sent)})" if sent > 0 else "traffic is largest"
    return (
        f"The period {clock(run, period)}, in which {why}. Left: all traffic, wide where its flow is large and dark where it "
        "is slow. Right: mobile storage alone. Circles are stations with energy to spare, squares those whose feeder "
        "overloads. Each map has a width scale of its own."
    )


_READINGS = {
    "fig5_feeder_load": _feeder_load,
    "fig6_delivery_time": _delivery_time,
    "routing": _routing,
    "bounds": _bounds,
    "prices": lambda run: prices_reading(run, number),
    "link_flow": _link_flow,
    "network_map": _network_map,
}
