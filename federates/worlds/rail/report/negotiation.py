"""The negotiations of a day by rail: bounds of the day-ahead one (the paper's Fig. 10), and how they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from federates.reporting.claims import CROSSED_WORDS, crossed, rests_on
from federates.reporting.figures import (
    BLACK,
    BLUE,
    beside,
    hour_axis,
    hour_edges,
    new_figure,
    paper_style,
    rows_beside,
    thousands,
)
from federates.reporting.formatting import number, percent
from federates.reporting.media import pt
from federates.reporting.negotiation import Negotiation, Transcript, draw_bounds
from federates.reporting.world import RunFigure
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.session import RailScheme


def day_ahead_rounds(run: RailRun) -> pd.DataFrame:
    """Return the rounds of the first negotiation, in order; ``upper_bound_usd`` and ``gap`` are NaN while there is none."""
    rounds = run.frame("rounds").sort_values(["period", "round"], kind="stable")
    rounds = rounds[rounds["period"] == rounds["period"].min()]
    none = rounds["gap"] < 0
    return rounds.assign(**{name: rounds[name].astype(float).mask(none) for name in ("upper_bound_usd", "gap")})


@paper_style
def bounds_figure(run: RailRun) -> Figure:
    """Return lower and upper bound against the round, and the gap between them on a logarithmic axis."""
    rounds = day_ahead_rounds(run)
    figure = new_figure(3.1 if rows_beside(2) == 1 else 4.6, f"Bounds of the day-ahead negotiation: {run.title}")
    bounds, gaps = beside(figure, 2, [1.35, 1.0])
    draw_bounds(bounds, rounds, markersize=3.0)
    bounds.set_ylabel("Cost of both operators (USD)")
    bounds.legend(loc="best")
    _window(bounds, rounds)
    thousands(bounds)
    _gaps(gaps, rounds)
    for axes in (bounds, gaps):
        axes.set_xlabel("Round (number)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    return figure


def _window(axes: Axes, rounds: pd.DataFrame) -> None:
    """Show the last bounds and what led to them; a first bound far away would flatten everything else and is named instead."""
    lower, upper = rounds["lower_bound_usd"], rounds["upper_bound_usd"].dropna()
    if not len(upper):
        return
    last, spread = float(upper.iloc[-1]), float(upper.max() - upper.min())
    height = max(4.0 * spread, 20.0 * abs(last - float(lower.iloc[-1])), 1e-3 * abs(last))
    if float(lower.min()) < last - height:
        axes.set_ylim(last - height, float(upper.max()) + 0.15 * height)
        text = f"lower bound from {lower.min():,.0f} USD".replace(",", "\u202f")
        axes.annotate(text, (0.97, 0.04), xycoords="axes fraction", ha="right", fontsize=pt(7.5), color=BLUE)


def _gaps(axes: Axes, rounds: pd.DataFrame) -> None:
    percent = 100.0 * rounds["gap"]
    positive = percent.where(percent > 0)
    if np.isfinite(positive).any():
        axes.semilogy(rounds["round"], positive, color=BLACK, marker="o", markersize=3.0, linewidth=1.2)
        axes.yaxis.set_minor_locator(LogLocator(subs=(0.2, 0.5)))
    else:
        axes.plot(rounds["round"], percent, color=BLACK, marker="o", markersize=3.0, linewidth=1.2)
    for pick in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        pick(lambda value, _: f"{value:g}")
    axes.set_ylabel("Gap, (UB - LB) / |UB| (%)")


def no_negotiation(run: RailRun) -> str:
    """Return why there is no negotiation to show."""
    alone = run.session.scheme is not RailScheme.MOBILE
    return "nobody negotiates in this scheme" if alone else run.lacks("rounds")


def _reading(run: RailRun) -> str:
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


BOUNDS = RunFigure(
    "bounds", "Bounds of the day-ahead negotiation (as the paper's Fig. 10)", no_negotiation, bounds_figure, _reading
)


def _draw_best(part: Any, said: Transcript) -> None:
    """Draw the day-ahead prices at the best bound by station and period, and where trains stand in the committed plan."""
    axes, session, period = part.subplots(), said.run.session, said.shown
    assert period is not None
    grid = said.best_prices(period)
    edges = hour_edges(session)
    image = axes.pcolormesh(edges, np.arange(len(grid) + 1), grid, cmap="cividis", edgecolors="white", linewidth=0.3)
    plan = said.run.frame("connections")
    plan = plan[plan["negotiated_in"] == period]
    stands = plan.groupby(["station", "period"]).size()
    for (station, at), count in stands.items():
        where = (0.5 * (edges[int(at)] + edges[int(at) + 1]), list(session.stations).index(station) + 0.5)
        axes.annotate(
            str(count), where, ha="center", va="center", fontsize=pt(6.5), bbox={"boxstyle": "circle,pad=0.15", "fc": "white"}
        )
    axes.set_yticks(np.arange(len(grid)) + 0.5, list(session.stations))
    axes.set_ylabel("Station")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_title("Price of a stand at the best bound, mean over the trains; numbers: trains that stand there", fontsize=pt(8.5))
    part.colorbar(image, ax=axes, label="Price of a stand (USD)")
    hour_axis(axes, session)


NEGOTIATION = Negotiation(
    unit="stand",
    priced="a train that stands at a station for one period",
    price_label="Price of a stand, mean (USD)",
    places=lambda run: [("", station) for station in run.session.stations],
    shown=lambda run, priced: int(priced["period"].min()),
    title=lambda run, period: "Day-ahead negotiation",
    reading=lambda run, period: (
        "Prices are means over trains and open periods; where one is negative, the transport operator pays for the stand. "
        "Bottom: the day-ahead prices of the best bound, by station and period, with the trains of the plan."
    ),
    draw_best=_draw_best,
    replayed="Prices are means over the trains and what is asked and offered is summed over them; "
    "every bar is a period of the day.",
    place_head="Station",
    whole_day=True,
    shared_by=lambda run: len(run.session.trains),
)
