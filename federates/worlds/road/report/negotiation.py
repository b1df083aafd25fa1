"""Negotiations on the road: agreement and bounds by period, and how they are shown, for every pair of stations."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.reporting.claims import CROSSED_WORDS, crossed, rests_on
from federates.reporting.figures import (
    BLUE,
    SKY,
    beside,
    hour_axis,
    hour_edges,
    hour_panels,
    legend_below,
    legend_inside,
    new_figure,
    paper_style,
    rows_beside,
    stack,
)
from federates.reporting.formatting import clock, number, number_2, percent, yes_no
from federates.reporting.media import pt
from federates.reporting.negotiation import Negotiation, Transcript, draw_bounds, place_look
from federates.reporting.world import Grid, RunFigure
from federates.worlds.road.report.run import RoadRun

_BOUNDS = ["lower_bound_usd", "upper_bound_usd"]


def vehicles_by_period(run: RoadRun) -> np.ndarray:
    """Return committed vehicles, shape (T,)."""
    sums = run.frame("schedule").groupby("period")["vehicles"].sum()
    return np.asarray(sums.reindex(range(run.session.periods), fill_value=0), float)


def agreement(run: RoadRun) -> pd.DataFrame:
    """Return one row per period of ``negotiations``.

    Returns
    -------
    DataFrame : period, hour (h), vehicles, agreed, claimed_agreed, verdict, reason, rounds, and of the committed plan gap,
        claimed_gap, lower_bound_usd, upper_bound_usd (NaN where the answers do not tell).
    """
    columns = ["agreed", "claimed_agreed", "verdict", "reason", "rounds", "gap", "claimed_gap", *_BOUNDS]
    held = run.frame("negotiations").sort_values("period", kind="stable")
    out = held[["period", *columns]].reset_index(drop=True)
    out["rounds"] = out["rounds"].astype(int)
    out.insert(1, "hour", [run.session.hour_of_day(int(period)) for period in out["period"]])
    out.insert(2, "vehicles", [vehicles_by_period(run)[int(period)] for period in out["period"]])
    return out


def selected_periods(table: pd.DataFrame) -> dict[int, str]:
    """Return up to three periods and why: the first with vehicles, the busiest, the last.

    ``table`` is that of `agreement`. A day has too many periods to draw the rounds of each.
    """
    table = table[table["rounds"] > 0]
    if not len(table):
        return {}
    sent = table[table["vehicles"] > 0]
    wanted = [(int(table["period"].iloc[-1]), "last")]
    if len(sent):
        busiest = int(sent.loc[sent["vehicles"].idxmax(), "period"])
        wanted = [(int(sent["period"].iloc[0]), "first with vehicles"), (busiest, "busiest"), *wanted]
    out: dict[int, str] = {}
    for period, why in wanted:
        out[period] = f"{out[period]}, {why}" if period in out else why
    return out


@paper_style
def bounds_figure(run: RoadRun) -> Figure:
    """Return lower and upper bound against the round, and the last gap and the rounds of each period."""
    table = agreement(run)
    periods = selected_periods(table)
    rows = rows_beside(len(periods))
    figure = new_figure(2.6 + (3.0 if rows == 1 else 1.9 * rows), f"Bounds of the negotiation: {run.title}")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.15 if rows == 1 else 0.7 * rows, 1.0])  # type: ignore[misc]
    panels = beside(upper, len(periods))
    rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
    for panel, (period, why) in zip(panels, periods.items(), strict=True):
        _rounds(panel, rounds[rounds["period"] == period])
        panel.set_title(f"Period from {run.session.hour_of_day(period):g} h\n({why})", fontsize=pt(8.5))
    for panel in panels[-1:] if rows > 1 else panels:
        panel.set_xlabel("Round (number)")
    for panel in panels if rows > 1 else panels[:1]:
        panel.set_ylabel("Cost bound (USD)")
    legend_below(upper, 2, *panels[0].get_legend_handles_labels())
    gaps, counts = stack(lower, 2)
    _gaps(gaps, table, run)
    middles = run.clock_h(table["period"]) + 0.5 * run.period_h
    counts.bar(middles, table["rounds"], 0.8 * run.period_h, color=SKY, edgecolor=BLUE, linewidth=0.5)
    counts.set_ylabel("Rounds\n(number)")
    counts.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    hour_panels(np.array([gaps, counts]), run)
    lower.align_ylabels([gaps, counts])
    return figure


def _rounds(axes: Axes, part: pd.DataFrame) -> None:
    draw_bounds(axes, part, markersize=2.6)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    known = pd.concat([part["upper_bound_usd"].astype(float).mask(part["gap"] < 0), part["lower_bound_usd"]]).dropna()
    if len(known) and known.min() == known.max():
        axes.set_ylim(known.min() - 1.0, known.max() + 1.0)  # an hour without vehicles: both bounds are one number


def _gaps(axes: Axes, table: pd.DataFrame, run: RoadRun) -> None:
    middles = run.clock_h(table["period"]) + 0.5 * run.period_h
    gap_percent, agreed = 100.0 * table["gap"], table["agreed"].astype(bool)
    axes.plot(middles, gap_percent, color="#999999", linewidth=0.8)
    for mask, face, name in ((agreed, BLUE, "agreed"), (~agreed, "white", "not agreed")):
        if np.any(mask & gap_percent.notna()):
            axes.plot(
                middles[mask],
                gap_percent[mask],
                linestyle="",
                marker="o",
                mfc=face,
                mec=BLUE,
                clip_on=False,
                zorder=3,
                label=name,
            )
    axes.set_ylabel("Last gap\n(%)")
    if gap_percent.notna().any():
        legend_inside(axes, 2, loc="best")
        axes.set_ylim(bottom=0.0, top=max(0.1, 1.15 * float(gap_percent.max())))


def _no_bounds(run: RoadRun) -> str:
    nothing = "" if selected_periods(agreement(run)) else "no period was negotiated"
    return run.lacks("rounds", "negotiations", "schedule") or nothing


def _reading(run: RoadRun) -> str:
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


BOUNDS = RunFigure("bounds", "Bounds of the negotiation", _no_bounds, bounds_figure, _reading)


def _shown(run: RoadRun, priced: pd.DataFrame) -> int:
    """Return the period in which most vehicles are sent."""
    sent = run.frame("schedule").groupby("period")["vehicles"].sum().reindex(sorted(set(priced["period"])), fill_value=0)
    return int(sent.idxmax())


def _draw_best(part: Any, said: Transcript) -> None:
    """Draw the price of the opened period at the best bound, for every period and pair."""
    axes, edges = part.subplots(), hour_edges(said.run.session)
    values = np.full((len(said.names), len(edges) - 1), np.nan)
    for period in said.priced["period"].unique():
        values[:, int(period)] = said.best_prices(int(period))[:, 0]
    for row, name in enumerate(said.names):
        axes.plot(0.5 * (edges[:-1] + edges[1:]), values[row], label=name, **place_look(row))
    axes.set_ylabel("Price (USD/vehicle)")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(values))))
    axes.set_title("Price of a vehicle that leaves in the period, at the best bound", fontsize=pt(8.5))
    hour_axis(axes, said.run.session)


NEGOTIATION = Negotiation(
    unit="vehicle",
    priced="a vehicle of a pair of stations",
    price_label="Price (USD/vehicle)",
    places=lambda run: [(r, q) for r in run.session.resourceful_stations for q in run.session.limited_stations],
    shown=_shown,
    title=lambda run, period: f"Negotiation of the period from {run.session.hour_of_day(period):g} h",
    reading=lambda run, period: (
        f"Shown is the period from {run.session.hour_of_day(period):g} h, in which most vehicles are sent. "
        "Bottom: the prices that gave the best bound, in every period."
    ),
    draw_best=_draw_best,
    replayed="Shown is the period that opens; vehicles of later periods are negotiated with it.",
    place_head="From, to",
)


def grid(run: RoadRun) -> Grid:
    """Return agreement, bounds and gap by period."""
    return Grid.of(
        "Agreement of the operators per period. Bounds and gap follow from the operators' answers, for the committed plan before "
        "its first period was rounded to whole vehicles; why the rounds ended is what the algorithm says, in brackets what the "
        "answers prove.",
        agreement(run).to_dict("records"),
        ("Period", functools.partial(clock, run), "period"),
        ("Vehicles", number, "vehicles"),
        ("Agreed", yes_no, "agreed", "claimed_agreed"),
        ("Rounds", number, "rounds"),
        ("Gap", functools.partial(percent, digits=2), "gap"),
        ("Lower bound (USD)", number_2, "lower_bound_usd"),
        ("Cost of the plan (USD)", number_2, "upper_bound_usd"),
        ("Why the rounds ended", "{} ({})".format, "reason", "verdict"),
        text=(7,),
    )
