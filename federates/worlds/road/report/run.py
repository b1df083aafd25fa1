"""A run on the road as its reports read it."""

from __future__ import annotations

from typing import Any

from federates.boundary.names import Role
from federates.reporting.figures import BLACK, BLUE, VERMILLION
from federates.reporting.tables import RunTables
from federates.worlds.road.session import RoadSession, Scheme

RoadRun = RunTables[RoadSession]


def traffic_name(run: RoadRun) -> str:
    """Return the name of the traffic model of a run, as a reader knows it."""
    model = str(run.configuration.get(Role.TRAFFIC.value, {}).get("model", "sumo"))
    return "SUMO" if model == "sumo" else model


def bins_name(run: RoadRun) -> str:
    """Return what the bins of the session are called, in the plural: ``quarter-hours``."""
    length = run.session.period_s / run.session.bins_per_period / 60.0
    known = {15.0: "quarter-hours", 30.0: "half-hours", 60.0: "hours"}
    return known.get(length, f"intervals of {length:g} min")


SCHEMES: dict[str, dict[str, Any]] = {
    Scheme.PROPOSED.value: {"color": BLUE, "marker": "o", "hatch": "", "dash": "-", "label": "proposed"},
    Scheme.FASTEST_ROUTE.value: {"color": VERMILLION, "marker": "s", "hatch": "////", "dash": "-", "label": "fastest route"},
    Scheme.NO_MVES.value: {"color": BLACK, "marker": "^", "hatch": "....", "dash": "-", "label": "no mobile storage"},
}
"""Schemes in the order in which they are compared, with their looks."""
