"""What the report of a run by rail says: the headline in sentences, what was run, its tables, and what plans could not hold."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from federates.reporting.claims import CROSSED_WORDS
from federates.reporting.formatting import (
    clock,
    disputed,
    ended_by_time,
    missed_bounds,
    number,
    number_2,
    percent,
    unagreed_reason,
    yes_no,
)
from federates.reporting.world import Grid, Numbers, Section
from federates.worlds.rail.report.market import battery_trade, trade_sentence
from federates.worlds.rail.report.metrics import day_ahead, moves, plan_cost
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.session import RailScheme

_SCHEMES = {
    RailScheme.MOBILE: "Trains carry batteries between the stations. The power operator, who commits the units and runs the "
    "batteries, and the transport operator, who runs the trains, negotiated which train stands where and when.",
    RailScheme.FIXED: "The same batteries as with trains, but fixed at the stations; no train takes part.",
    RailScheme.CENTRAL: "The same batteries as with trains, but all fixed at one bus; no train takes part.",
    RailScheme.NO_STORAGE: "No batteries: the cost that the other schemes are compared with.",
}


def about(run: RailRun) -> list[str]:
    """Return the paragraphs that say what was run."""
    public = run.session
    trains = f" {len(public.trains)} trains;" if public.scheme is RailScheme.MOBILE else ""
    return [
        f"A day of unit commitment with storage stations ({', '.join(public.stations)}). {_SCHEMES[public.scheme]} Neither "
        "operator shows its data to the other. The plan is made day-ahead; then the day is carried out against actual load "
        "and wind, which differ from their forecast.",
        f"{public.periods} periods of {run.period_h:g} h from {public.start_hour}:00;{trains} seed {public.seed}.",
    ]


def headline(run: RailRun) -> list[str]:
    """Return the main results as sentences."""
    head = run.summary
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


def sections(run: RailRun) -> Iterator[Section]:
    """Yield what a plan could not hold, if there was anything."""
    rows = [f"plan of {clock(run, int(row.planned_in))[:5]}: {row.constraint}" for row in run.frame("slacks").itertuples()]
    if rows:
        text = ("Each is paid for with a penalty that is part of the cost.",)
        yield Section("slacks", "What a plan could not hold", items=tuple(rows), text=text, bad=True)


def grids(run: RailRun) -> list[Grid]:
    """Return cost, indicators, trade and negotiations; each without rows where the run recorded nothing of it."""
    trade = battery_trade(run)
    total = (
        []
        if trade is None or len(trade.stations) < 2
        else [{"station": "together", "bus": "", **trade.stations.sum(numeric_only=True)}]
    )
    return [
        Grid("Cost of the day, USD.", ["", "Planned", "Realised", "Difference"], _cost_rows(run)),
        Grid(
            "Indicators. Numbers in brackets are the paper's equations; the formula of (48) is lost in the text we hold: here it "
            "is charging plus discharging power, summed over stations and periods, over what all batteries could do in the "
            "whole day.",
            ["", "Planned", "Realised"],
            _indicator_rows(run),
        ),
        Grid.of(
            "What the batteries bought (charged) and sold (discharged) at the prices of their buses, as carried out. Prices are "
            "those of one more MWh, so that this is not what storage saves: a comparison with the scheme no_storage shows that.",
            [] if trade is None else [*trade.stations.to_dict("records"), *total],
            ("Station", str, "station"),
            ("Bus", str, "bus"),
            *((head, _NUMBER_1, key) for head, key in _TRADE),
        ),
        Grid.of(
            "Negotiations: the first is day-ahead, others follow a disturbance. Bound, cost and gap follow from the operators' "
            "answers; beside it stands the gap with the algorithm's own lower bound, where that is better. Why the rounds ended "
            "is what the algorithm says, in brackets what is proven.",
            run.frame("negotiations").sort_values("period", kind="stable").to_dict("records"),
            ("Held in", functools.partial(clock, run), "period"),
            ("Cause", str, "cause"),
            ("Rounds", number, "rounds"),
            ("Agreed", yes_no, "agreed", "claimed_agreed"),
            ("Lower bound (USD)", number_2, "lower_bound_usd"),
            ("Cost of the plan (USD)", number_2, "upper_bound_usd"),
            ("Gap", _PERCENT_3, "gap"),
            ("Gap, own bound", _PERCENT_3, "claimed_gap"),
            ("Why the rounds ended", "{} ({})".format, "reason", "verdict"),
            text=(1, 8),
        ),
    ]


_NUMBER_1, _PERCENT_3 = functools.partial(number, digits=1), functools.partial(percent, digits=3)
_TRADE = (
    ("Bought (MWh)", "bought_mwh"),
    ("for (USD)", "bought_usd"),
    ("Sold (MWh)", "sold_mwh"),
    ("for (USD)", "sold_usd"),
    ("Earned (USD)", "margin_usd"),
)
_COSTS = {
    "production_usd": "Fuel",
    "start_up_usd": "Starts",
    "shut_down_usd": "Stops",
    "throughput_usd": "Tie-break of charging and discharging",
    "slack_usd": "Penalties for what could not be kept",
    "total_usd": "Power operator together",
}


def _cost_rows(run: RailRun) -> list[list[str]]:
    planned, realised = plan_cost(run, "planned"), plan_cost(run, "realised")
    if not planned and not realised:
        return []
    head, nan = run.summary, float("nan")
    pairs = [(title, planned.get(name, nan), realised.get(name, nan)) for name, title in _COSTS.items()]
    titles = {"transport_cost_usd": "Transport operator", "total_cost_usd": "Both operators"}
    if "realised_late_end_usd" in head:
        titles = {"late_end_usd": "Trains that did not end the day where they should"} | titles
    for key, title in titles.items():
        pairs.append((title, float(head.get(key, nan)), float(head.get(f"realised_{key}", nan))))
    return [[title, number(left, 2), number(right, 2), number(right - left, 2)] for title, left, right in pairs]


_INDICATORS = (
    ("wind_used_share", "Wind used (46)", percent),
    ("storage_utilisation", "Use of the batteries' power (48)", percent),
    ("storage_energy_utilisation", "Mean filling of the batteries", percent),
    ("trips", "Trips", number),
    ("moving_periods", "Periods in motion, all trains", number),
    ("shed_mwh", "Load not served (MWh)", number),
)


def _indicator_rows(run: RailRun) -> list[list[str]]:
    head = run.summary
    rows = []
    for key, title, write in _INDICATORS:
        if key in head or f"realised_{key}" in head:
            rows.append([title, *(write(float(head.get(f"{prefix}{key}", float("nan")))) for prefix in ("", "realised_"))])
    return rows
