"""Say in words what the numbers of a run by rail mean: the headline, and one paragraph under each figure.

Every sentence is made from the tables. A sentence whose numbers the run lacks is not written.
"""

from __future__ import annotations

import numpy as np

from federates.reporting.bound_words import rests_on
from federates.reporting.bounds import CROSSED_WORDS, crossed
from federates.reporting.price_words import prices_reading
from federates.reporting.rail.figures.bounds import day_ahead_rounds
from federates.reporting.rail.figures.dispatch import leading_units
from federates.reporting.rail.figures.lines import line_loading
from federates.reporting.rail.metrics import Numbers, batteries, day_ahead, moves, plan_cost, rail_summary
from federates.reporting.rail.prices import battery_trade
from federates.reporting.tables import RailRun
from federates.reporting.words import clock, disputed, ended_by_time, missed_bounds, number, percent, unagreed_reason
from federates.worlds.rail.session import RailScheme

__all__ = ["figure_reading", "headline", "scheme_sentence", "trade_sentence"]

_SCHEMES = {
    RailScheme.MOBILE: "Trains carry batteries between the stations. The power operator, who commits the units and runs the "
    "batteries, and the transport operator, who runs the trains, negotiated which train stands where and when.",
    RailScheme.FIXED: "The same batteries as with trains, but fixed at the stations; no train takes part.",
    RailScheme.CENTRAL: "The same batteries as with trains, but all fixed at one bus; no train takes part.",
    RailScheme.NO_STORAGE: "No batteries: the cost that the other schemes are compared with.",
}


def scheme_sentence(run: RailRun) -> str:
    """Say where the batteries were in this run."""
    return _SCHEMES[run.session.scheme]


def headline(run: RailRun) -> list[str]:
    """Return the main results as sentences."""
    head = rail_summary(run)
    sentences = [_cost(run, head), _wind(head), _agreement(run, head), _trains(run, head), trade_sentence(run), _stopped(run)]
    return [text for text in sentences if text]


def _cost(run: RailRun, head: Numbers) -> str:
    known = {phase: _usd(head, f"{prefix}total_cost_usd") for phase, prefix in (("planned", ""), ("realised", "realised_"))}
    if "total_cost_usd" in head and "realised_total_cost_usd" in head:
        text = f"The day was planned to cost {known['planned']} and cost {known['realised']}"
    elif "total_cost_usd" in head:
        text = f"The day was planned to cost {known['planned']}"
    elif "realised_total_cost_usd" in head:
        text = f"The day cost {known['realised']}"
    else:
        return ""
    transport = [head.get(f"{prefix}transport_cost_usd") for prefix in ("", "realised_")]
    if any(transport):
        words = " and ".join(number(float(value)) for value in transport if value is not None)
        text += f", both operators together; transport is {words} USD of it"
    slack = float(head.get("realised_slack_usd", head.get("slack_usd", 0.0)))
    text += f". {number(slack)} USD of it are penalties for what could not be kept." if slack > 0.5 else "."
    return f"{text}{_late_ends(run, head)}"


def _late_ends(run: RailRun, head: Numbers) -> str:
    """Say which trains did not end the day where they should, and what that counts."""
    if "realised_late_end_usd" not in head:
        return ""
    trains = []
    for row in run.frame("late_ends").itertuples():
        way = "stood at" if row.ready_period <= run.session.periods else "was on its way to"
        trains.append(f"{row.train} {way} {row.next_station} instead of {row.end_station}")
    usd = number(float(head["realised_late_end_usd"]))
    return f" {usd} USD of it are for trains that did not end the day where they should: {', '.join(trains)}."


def _usd(head: Numbers, key: str) -> str:
    return f"{number(float(head[key]))} USD" if key in head else ""


def _wind(head: Numbers) -> str:
    planned, realised = head.get("wind_used_share"), head.get("realised_wind_used_share")
    if realised is None:
        return "" if planned is None else f"The plan uses {percent(float(planned))} of the wind that is forecast."
    text = f"{percent(float(realised))} of the available wind was used"
    return f"{text}; planned were {percent(float(planned))}." if planned is not None else f"{text}."


def _agreement(run: RailRun, head: Numbers) -> str:
    if run.session.scheme is not RailScheme.MOBILE or "rounds" not in head:
        return ""
    rounds = f"{head['rounds']} round{'' if head['rounds'] == 1 else 's'}"
    outcome = "agreed on the day" if head["agreed"] else "ended the rounds without the agreement they looked for"
    rounds += unagreed_reason(day_ahead(run))
    if head.get("bounds_cross"):
        return f"The operators {outcome} after {rounds}: {CROSSED_WORDS}.{disputed(run)}"
    gap = ""
    if "answers_gap" in head:
        gap = f"; by their answers the plan is proven to be within {percent(float(head['answers_gap']), 2)} of the best one"
        if float(head["gap"]) < float(head["answers_gap"]):
            gap += f", by the algorithm's own bound within {percent(float(head['gap']), 2)}"
    return f"The operators {outcome} after {rounds}{gap}.{disputed(run)}{missed_bounds(run)}"


def _stopped(run: RailRun) -> str:
    count = len(run.frame("stopped_by_time"))
    return ended_by_time(run, f"{count} search{'' if count == 1 else 'es'} of the power operator" if count else "")


def _trains(run: RailRun, head: Numbers) -> str:
    """Say how the trains moved, and whether something late made the operators negotiate again."""
    if run.session.scheme is not RailScheme.MOBILE:
        return ""
    count = head.get("realised_trips", head.get("trips"))
    if count is None:
        return ""
    periods = head.get("realised_moving_periods", head.get("moving_periods"))
    names = moves(run, "realised" if "realised_trips" in head else "planned")["train"].nunique()
    text = f"{names} train{'' if names == 1 else 's'} made {count} trip{'' if count == 1 else 's'}, {periods} periods in motion."
    late = head.get("most_delay_periods")
    if late:
        text += f" A trip was late, by up to {late} period{'' if late == 1 else 's'}."
    again = run.frame("negotiations").sort_values("period", kind="stable").iloc[1:]
    if len(again):
        rows = [again.iloc[i : i + 1] for i in range(len(again))]
        held = [(clock(run, int(row["period"].iloc[0]))[:5], str(row["cause"].iloc[0]), unagreed_reason(row)) for row in rows]
        times = ", ".join(f"{when} ({cause}){why}" for when, cause, why in held)
        text += f" The operators negotiated again at {times}."
    return text


def figure_reading(name: str, run: RailRun) -> str:
    """Return the paragraph under a figure of the report."""
    return _READINGS[name](run)


def _routes(run: RailRun) -> str:
    text = (
        "Battery capacity at every station and on the trains: solid as carried out, dashed as planned day-ahead. It moves only "
        "with trains; where nothing is dashed the day went as planned."
    )
    if len(run.frame("negotiations")) > 1:
        text += (
            " From a new negotiation on, the dashed capacities are those of the new plan; dashed routes are the day-ahead plan's."
        )
    if run.session.scheme is RailScheme.MOBILE and len(moves(run, "realised")):
        text += " Bottom: where the trains are; level where a train stands, sloping where it moves."
    table = batteries(run, "planned")
    if len(table):
        low, high = table["capacity_mw"].min(), table["capacity_mw"].max()
        kept = (
            f"{number(low, 1)} MW in every period"
            if np.isclose(low, high)
            else f"NOT constant: {number(low, 1)} to {number(high, 1)} MW"
        )
        text += f" All batteries together: {kept}."
    return text


def _bounds(run: RailRun) -> str:
    rounds = day_ahead_rounds(run)
    last = rounds.iloc[-1]
    text = (
        "Left: what any plan costs at least (lower bound, proven) and what the best plan so far costs (upper bound). Right: "
        f"the distance between them. After {len(rounds)} rounds the lower bound is {number(last['lower_bound_usd'], 1)} USD"
    )
    if np.isfinite(last["upper_bound_usd"]):
        text += f", the upper bound {number(last['upper_bound_usd'], 1)} USD"
        text += f"; {CROSSED_WORDS}" if crossed(rounds)[-1] else f", the gap {percent(last['gap'], 3)}"
    counts = rounds["command"].value_counts()
    return f"{text}. Rounds by command: {', '.join(f'{name} {count}' for name, count in counts.items())}.{rests_on(rounds)}"


def _dispatch(run: RailRun) -> str:
    names = leading_units(run)
    text = "Output stacked from below; storage that charges is drawn below zero and adds to what the others must make. "
    text += "Bottom: storage alone."
    if names:
        text += f" Units with most energy: {', '.join(names)}."
    costs = {"planned": plan_cost(run, "planned"), "realised": plan_cost(run, "realised")}
    for phase, kinds in costs.items():
        if kinds:
            text += (
                f" {phase.capitalize()} fuel {number(kinds['production_usd'])} USD, starts {number(kinds['start_up_usd'])} USD."
            )
    return text


def _wind_reading(run: RailRun) -> str:
    head = rail_summary(run)
    parts = [
        f"{word} {percent(float(head[key]))}"
        for word, key in (("planned", "wind_used_share"), ("realised", "realised_wind_used_share"))
        if key in head
    ]
    shares = f" Used over the day (46): {', '.join(parts)}." if parts else ""
    return f"What is available and not used is curtailed (hatched).{shares}"


def _storage(run: RailRun) -> str:
    head = rail_summary(run)
    text = "Energy at the end of each period: solid as carried out, dashed as planned. Areas: realised charging and discharging."
    if run.session.scheme is RailScheme.MOBILE:
        text += " At a dotted line batteries come or go by train, and energy with them."
    if "storage_utilisation" in head:
        share, power = percent(float(head["storage_utilisation"])), number(float(head["storage_mw"]), 1)
        text += f" In the plan, charging plus discharging is {share} of what {power} MW could do all day."
    return text


def _lines(run: RailRun) -> str:
    table = line_loading(run)
    bound = table[table["periods_at_limit"] > 0]
    rows = bound.head(6).itertuples()
    where = ", ".join(f"{row.line} ({row.periods_at_limit} periods)" for row in rows)
    return f"{len(bound)} of {len(table)} limited lines reach their limit{': ' + where if where else ''}."


def _price(run: RailRun) -> str:
    table = run.frame("power_balance")
    low, high = (table.loc[getattr(table["price_usd_per_mwh"], pick)()] for pick in ("idxmin", "idxmax"))
    text = "What one more MWh of load would cost in the realised dispatch, with the commitment fixed: the mean over the buses, "
    text += "weighted by their load"
    text += "." if run.lacks("bus_prices") else "; the band reaches from the cheapest bus to the dearest."
    text += f" Lowest mean {number(low['price_usd_per_mwh'], 2)} USD/MWh ({clock(run, int(low['period']))}), highest"
    text += f" {number(high['price_usd_per_mwh'], 2)} USD/MWh ({clock(run, int(high['period']))})."
    shed = float(table["shed_mw"].sum()) * run.period_h
    return text + (f" {number(shed, 1)} MWh of load were not served." if shed > 1e-6 else " All load was served.")


def _bus_prices(run: RailRun) -> str:
    prices = run.frame("bus_prices")
    low, high = (prices.loc[getattr(prices["price_usd_per_mwh"], pick)()] for pick in ("idxmin", "idxmax"))
    text = (
        "What one more MWh of load at a bus would cost in the realised dispatch, with the commitment fixed and without losses. "
    )
    text += "Prices differ between buses only while a line is at its limit (below)."
    for word, row in (("Lowest", low), ("highest", high)):
        text += f" {word} {number(row['price_usd_per_mwh'], 2)} USD/MWh at bus {row['bus']} ({clock(run, int(row['period']))})"
        text += "," if word == "Lowest" else "."
    return f"{text} {trade_sentence(run)}".rstrip()


def trade_sentence(run: RailRun) -> str:
    """Say what the batteries earned from price differences, and which part of it from being at several places."""
    trade = battery_trade(run)
    if trade is None or not trade.stations["sold_mwh"].sum() > 0.05:
        return ""
    total = trade.stations.sum(numeric_only=True)
    text = (
        f"At the prices of their buses the batteries bought {number(total['bought_mwh'], 1)} MWh for "
        f"{number(total['bought_usd'])} USD and sold {number(total['sold_mwh'], 1)} MWh for {number(total['sold_usd'])} USD, "
        f"which earned {number(trade.margin_usd)} USD"
    )
    if run.session.scheme is not RailScheme.MOBILE or len(trade.stations) < 2:
        return f"{text}."
    return (
        f"{text}; the same trade, hour by hour, at one station alone would have earned at most {number(trade.one_place_usd)} USD "
        f"({trade.one_place}), so that the price differences between places, which moving uses, "
        f"earned {number(trade.by_place_usd)} USD."
    )


_READINGS = {
    "prices": lambda run: prices_reading(run, number),
    "capacity_and_routes": _routes,
    "bounds": _bounds,
    "dispatch": _dispatch,
    "wind": _wind_reading,
    "storage_energy": _storage,
    "line_flow": _lines,
    "bus_prices": _bus_prices,
    "price": _price,
}
