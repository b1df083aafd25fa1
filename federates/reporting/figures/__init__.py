"""Figures of a run and of a comparison, one file each; every function returns a matplotlib figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from federates.reporting.accounts import routing_alternatives
from federates.reporting.delivery import delivery_by_period
from federates.reporting.figures.bounds import bounds_figure, selected_periods
from federates.reporting.figures.delivery_time import delivery_time_figure
from federates.reporting.figures.feeder_load import feeder_load_figure
from federates.reporting.figures.link_flow import link_flow_by_scheme_figure, link_flow_figure
from federates.reporting.figures.network_map import network_map_figure
from federates.reporting.figures.prices import no_prices, prices_figure
from federates.reporting.figures.routing import routing_figure
from federates.reporting.geometry import load_geometry
from federates.reporting.metrics import agreement, bin_load
from federates.reporting.run_figure import RunFigure
from federates.reporting.tables import RunTables
from federates.worlds.road.session import RoadSession

__all__ = [
    "RUN_FIGURES",
    "bounds_figure",
    "delivery_time_figure",
    "feeder_load_figure",
    "link_flow_by_scheme_figure",
    "link_flow_figure",
    "network_map_figure",
    "prices_figure",
    "routing_figure",
]


def _no_load(run: RunTables) -> str:
    stations = set(bin_load(run)["station"])
    recorded = stations & set(run.session.limited_stations)
    return run.lacks("feeder_load") or ("" if recorded else "table feeder_load has no limited station")


def _no_delivery(run: RunTables) -> str:
    table = delivery_by_period(run)
    if (table[["traffic_veh", "formula_veh"]] > 0).any(axis=None):
        return ""
    return run.lacks("delivery_forecast") or "no vehicle was sent"


def _no_bounds(run: RunTables) -> str:
    return run.lacks("rounds", "negotiations", "schedule") or (
        "" if selected_periods(agreement(run)) else "no period was negotiated"
    )


def _no_links(run: RunTables) -> str:
    both = "link_state" in run.missing and "link_plan" in run.missing
    return run.lacks("link_state", "link_plan") if both else ""


def _no_map(run: RunTables) -> str:
    no_geometry = "" if load_geometry(run) else "the run holds no geometry of the network"
    return no_geometry or _no_links(run)


def _no_routing(run: RunTables) -> str:
    if len(routing_alternatives(run)):
        return ""
    return run.lacks("routing_alternatives") or "no vehicle was sent"


def _draw_map(run: RunTables) -> Figure:
    geometry = load_geometry(run)
    if geometry is None:
        raise ValueError("the run holds no geometry of the network")
    return network_map_figure(run, geometry)


RUN_FIGURES: tuple[RunFigure[RoadSession], ...] = (
    RunFigure("fig5_feeder_load", "Feeder load without and with mobile storage", _no_load, feeder_load_figure),
    RunFigure(
        "fig6_delivery_time",
        "Mean energy delivery time",
        _no_delivery,
        lambda run: delivery_time_figure({run.session.scheme.value: run}),
    ),
    RunFigure("routing", "The same vehicles by other routes", _no_routing, routing_figure),
    RunFigure("bounds", "Bounds of the negotiation", _no_bounds, bounds_figure),
    RunFigure("prices", "Prices that the operators agree by", no_prices, prices_figure),
    RunFigure("link_flow", "Flow and speed of the links", _no_links, link_flow_figure),
    RunFigure("network_map", "The network in its busiest period", _no_map, _draw_map),
)
"""Figures of one run, in the order of the report."""
