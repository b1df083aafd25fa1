"""Figures of a run by rail and of a comparison, one file each; every function returns a matplotlib figure."""

from __future__ import annotations

from federates.reporting.figures.prices import no_prices, prices_figure
from federates.reporting.rail.figures.bounds import bounds_figure
from federates.reporting.rail.figures.dispatch import dispatch_figure
from federates.reporting.rail.figures.lines import line_loading, lines_figure
from federates.reporting.rail.figures.prices import bus_prices_figure, price_figure
from federates.reporting.rail.figures.routes import routes_figure
from federates.reporting.rail.figures.storage import storage_figure
from federates.reporting.rail.figures.sweeps import sweep_figure
from federates.reporting.rail.figures.utilisation import utilisation_figure
from federates.reporting.rail.figures.wind import wind_figure
from federates.reporting.run_figure import RunFigure
from federates.reporting.tables import RailRun
from federates.worlds.rail.session import RailScheme, RailSession

__all__ = [
    "RAIL_FIGURES",
    "bounds_figure",
    "bus_prices_figure",
    "dispatch_figure",
    "lines_figure",
    "price_figure",
    "routes_figure",
    "storage_figure",
    "sweep_figure",
    "utilisation_figure",
    "wind_figure",
]


def _no_batteries(run: RailRun) -> str:
    return run.lacks("storage_state")


def _no_negotiation(run: RailRun) -> str:
    alone = run.session.scheme is not RailScheme.MOBILE
    return "nobody negotiates in this scheme" if alone else run.lacks("rounds")


def _no_wind(run: RailRun) -> str:
    table = run.frame("power_balance")
    nothing = not table[["forecast_renewable_mw", "available_renewable_mw"]].to_numpy(float).any()
    return run.lacks("power_balance") or ("no renewable power was available" if nothing else "")


def _no_lines(run: RailRun) -> str:
    return run.lacks("line_flow") or ("" if len(line_loading(run)) else "no line has a limit above zero")


RAIL_FIGURES: tuple[RunFigure[RailSession], ...] = (
    RunFigure(
        "capacity_and_routes",
        "Batteries at the stations, and routes of the trains (as the paper's Figs. 4 and 8)",
        _no_batteries,
        routes_figure,
    ),
    RunFigure("bounds", "Bounds of the day-ahead negotiation (as the paper's Fig. 10)", _no_negotiation, bounds_figure),
    RunFigure("prices", "Prices that the operators agree by", lambda run: _no_negotiation(run) or no_prices(run), prices_figure),
    RunFigure("dispatch", "Who serves the load", lambda run: run.lacks("unit_dispatch", "power_balance"), dispatch_figure),
    RunFigure("wind", "Wind available and used", _no_wind, wind_figure),
    RunFigure("storage_energy", "Stored energy", _no_batteries, storage_figure),
    RunFigure("line_flow", "The most loaded lines", _no_lines, lines_figure),
    RunFigure(
        "bus_prices", "Price by place and hour", lambda run: run.lacks("bus_prices", "grid", "line_flow"), bus_prices_figure
    ),
    RunFigure("price", "Price of energy", lambda run: run.lacks("power_balance"), price_figure),
)
"""Figures of one run, in the order of the report."""
