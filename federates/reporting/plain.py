"""The report of a world that brings none of its own: who took part, how the negotiations ended, and their bounds."""

from __future__ import annotations

from functools import partial
from typing import Any

from matplotlib.figure import Figure

from federates.boundary.world import world_of
from federates.reporting.figures import BLACK, BLUE, VERMILLION, new_figure, paper_style
from federates.reporting.formatting import number, number_2, percent, yes_no
from federates.reporting.negotiation import draw_bounds
from federates.reporting.tables import RunTables
from federates.reporting.world import Grid, Numbers, RunFigure, WorldReport

Run = RunTables[Any]
_LOOKS = ((BLUE, "o"), (VERMILLION, "s"), (BLACK, "^"))


def plain_report(world: str) -> WorldReport:
    """Return the report of a world by what every world has."""
    schemes = world_of(world).schemes or ("",)
    looks = {
        scheme: {"color": color, "marker": marker, "hatch": "", "dash": "-", "label": scheme or world}
        for scheme, (color, marker) in zip(schemes, _LOOKS * len(schemes), strict=False)
    }
    return WorldReport(
        heading=f"The world {world}",
        basis=("What the data rest on", "Data"),
        schemes=looks,
        about=_about,
        summary=_summary,
        headline=_headline,
        figures=(RunFigure("bounds", "Bounds of the negotiation", lambda run: run.lacks("rounds"), _bounds, _reading),),
        grids=lambda run: (_negotiations(run),),
        must_agree=("name", "periods", "period_s", "start_hour"),
    )


def _about(run: Run) -> list[str]:
    session = run.session
    names = ", ".join(f"{agent.name} ({agent.role})" for agent in session.agents)
    exchanges = "; ".join(f"{exchange.name}: {exchange.meaning}" for exchange in world_of(session.world).exchanges)
    return [f"{session.periods} periods of {session.period_s:g} s. Agents: {names}.", f"They agree on {exchanges}"]


def _summary(run: Run) -> Numbers:
    held = run.frame("negotiations")
    if held.empty:
        return {}
    return {
        "negotiations": len(held),
        "agreed": int(held["agreed"].sum()),
        "rounds_mean": float(held["rounds"].mean()),
        "gap_most": float(held["gap"].max()),
    }


def _headline(run: Run) -> list[str]:
    held = run.frame("negotiations")
    if held.empty:
        return []
    rounds = number(float(held["rounds"].mean()), 1)
    return [f"The agents agreed in {int(held['agreed'].sum())} of {len(held)} negotiations, after {rounds} rounds on average."]


def _negotiations(run: Run) -> Grid:
    rows = run.frame("negotiations").to_dict("records")
    columns = (
        ("period", number, "period"),
        ("agreed", yes_no, "agreed", "claimed_agreed"),
        ("rounds", number, "rounds"),
        ("lower bound, USD", number_2, "lower_bound_usd"),
        ("cost, USD", number_2, "upper_bound_usd"),
        ("gap", partial(percent, digits=2), "gap"),
        ("why it ended", str, "reason"),
    )
    return Grid.of("Negotiations.", rows, *columns, text=(6,))


@paper_style
def _bounds(run: Run) -> Figure:
    """Return the bounds of the longest negotiation by round."""
    rounds = run.frame("rounds")
    longest = rounds.groupby("period").size().idxmax()
    figure = new_figure(3.0)
    draw_bounds(figure.subplots(), rounds[rounds["period"] == longest])
    return figure


def _reading(run: Run) -> str:
    longest = run.frame("rounds").groupby("period").size().idxmax()
    return f"Best lower and upper bound of the joint cost after every round of the negotiation of period {longest}."
