"""Who accepts which reward, and why the others do not; every fleet says so of its own vehicles, in numbers only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    hour_axis,
    legend_below,
    legend_inside,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, percent, ratio
from federates.reporting.world import Grid, RunFigure
from federates.worlds.fleets.report.run import FleetRun, fleet_looks

REASONS: dict[str, str] = {
    "refused_no_energy_veh": "too little charge",
    "refused_time_veh": "time is dearer",
    "refused_traction_veh": "energy of the drive is dearer",
    "refused_wear_veh": "wear is dearer",
    "refused_threshold_veh": "wants more",
    "elsewhere_veh": "takes another trip",
    "away_veh": "is away",
}
"""What became of a vehicle that was near and did not accept, in words."""
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#bdbdbd", "hatch": "xxxx"},
    {"color": ORANGE, "hatch": "////"},
    {"color": SKY, "hatch": "...."},
    {"color": PURPLE, "hatch": "\\\\\\\\"},
    {"color": GREEN, "hatch": "++++"},
    {"color": "#e8e8e8", "hatch": ""},
    {"color": "#6b6b6b", "hatch": ""},
)


def asked(run: FleetRun) -> pd.DataFrame:
    """Return ``acceptance``, only rows with a reward: without one nobody accepts, and nobody need say why."""
    table = run.frame("acceptance")
    return table[table["reward_usd_per_kwh"] > 0.0]


def refusals(run: FleetRun) -> pd.DataFrame:
    """Return one row per fleet: near, accepted, and how many stayed for which reason; sums over pairs and periods."""
    columns = ["near_veh", "accepted_veh", *REASONS]
    table = asked(run).groupby("agent")[columns].sum()
    return table.reindex([fleet for fleet in run.session.fleets if fleet in table.index]).reset_index()


@paper_style
def acceptance_figure(run: FleetRun) -> Figure:
    """Return the share that accepts against the reward, a mark per fleet and period, and below it why the others refuse."""
    figure = new_figure(5.6, f"Acceptance: {run.title}")
    share, why = stack(figure, 2, sharex=False)
    _shares(share, run)
    _reasons(why, run)
    legend_below(figure, 4, *why.get_legend_handles_labels())
    return figure


def _shares(axes: Axes, run: FleetRun) -> None:
    for (fleet, look), marker in zip(fleet_looks(run).items(), "osD^vPX*", strict=False):
        own = asked(run)
        own = own[(own["agent"] == fleet) & (own["near_veh"] > 0)]
        if not len(own):
            continue
        means = {"near": ("near_veh", "sum"), "yes": ("accepted_veh", "sum"), "reward": ("reward_usd_per_kwh", "mean")}
        sums = own.groupby("period").agg(**means)
        axes.plot(
            sums["reward"],
            100.0 * sums["yes"] / sums["near"],
            linestyle="",
            marker=marker,
            mfc="white",
            mec=look["color"],
            label=fleet,
        )
    axes.set_xlabel("Reward of the opened period (USD/kWh)")
    axes.set_ylabel("Accept (% of\nvehicles near)")
    axes.set_ylim(bottom=0.0)
    legend_inside(axes, 3, loc="best")


def _reasons(axes: Axes, run: FleetRun) -> None:
    table = asked(run).groupby("period")[list(REASONS)].sum().reindex(range(run.session.periods), fill_value=0.0)
    middles, base = run.clock_h(table.index.to_numpy()) + 0.5 * run.period_h, np.zeros(len(table))
    for column, look in zip(REASONS, _LOOKS, strict=True):
        values = table[column].to_numpy(float)
        axes.bar(middles, values, 0.85 * run.period_h, bottom=base, edgecolor=BLACK, linewidth=0.3, label=REASONS[column], **look)
        base += values
    yes = asked(run).groupby("period")["accepted_veh"].sum().reindex(range(run.session.periods), fill_value=0.0)
    axes.plot(middles, yes, color=BLUE, marker="o", markersize=3.0, linewidth=0.8, label="accept")
    axes.set_ylabel("Vehicles near that\ndo not go (number)")
    axes.set_ylim(bottom=0.0)
    hour_axis(axes, run.session)


def _missing(run: FleetRun) -> str:
    return run.lacks("acceptance") or ("" if len(asked(run)) else "no reward was offered")


def _reading(run: FleetRun) -> str:
    table = refusals(run)
    texts = []
    for row in table.to_dict("records"):
        reasons = {REASONS[name]: row[name] for name in REASONS if row[name] > 0}
        if reasons:
            most = max(reasons, key=lambda words: reasons[words])
            yes = percent(ratio(row["accepted_veh"], row["near_veh"]))
            texts.append(f"{row['agent']}: {yes} accept, most others do not because: {most}")
    return (
        "Top: of the vehicles near a station with energy to spare, the share that accepts at the reward of the period; a mark a "
        "period. Bottom: the others, by what is the largest part of the cost that the reward does not cover. A vehicle is "
        f"counted once for each pair of stations for which it could leave. {'; '.join(texts)}."
    )


ACCEPTANCE = RunFigure("acceptance", "Acceptance against reward, and why drivers refuse", _missing, acceptance_figure, _reading)


def grid(run: FleetRun) -> Grid:
    """Return how many were near, accepted and stayed for which reason, a row per fleet."""
    caption = "Vehicles near a station with energy to spare, over all pairs and periods with a reward."
    if _missing(run):
        return Grid(caption, [], [])
    return Grid.of(
        caption,
        refusals(run).to_dict("records"),
        ("Fleet", str, "agent"),
        ("Near", number, "near_veh"),
        ("Accept", number, "accepted_veh"),
        *((f"{words[0].upper()}{words[1:]}", number, column) for column, words in REASONS.items()),
    )
