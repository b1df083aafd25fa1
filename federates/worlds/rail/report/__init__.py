"""Reports of days by rail: batteries on trains between storage stations, planned by unit commitment, then carried out."""

from dataclasses import replace

from federates.reporting.negotiation import PRICES, no_prices
from federates.reporting.world import SweepHours, WorldReport
from federates.worlds.rail.report import (
    animation,
    compare,
    market,
    metrics,
    narrative,
    negotiation,
    one_line,
    power,
    storage,
    wear,
)
from federates.worlds.rail.report.run import SCHEMES

REPORT = WorldReport(
    heading="Moving energy by train",
    basis=("What is published and what is reconstructed", "Published and reconstructed"),
    schemes=SCHEMES,
    about=narrative.about,
    summary=metrics.summary,
    headline=narrative.headline,
    figures=(
        storage.ROUTES,
        negotiation.BOUNDS,
        replace(PRICES, obstacle=lambda run: negotiation.no_negotiation(run) or no_prices(run)),
        power.DISPATCH,
        power.WIND,
        storage.STORED,
        power.LINES,
        one_line.ONE_LINE,
        market.BUS_PRICES,
        market.MEAN_PRICE,
    ),
    name_of=lambda key: metrics.NAMES.get(key, ""),
    sections=lambda run: (*narrative.sections(run), *wear.sections(run)),
    grids=narrative.grids,
    negotiation=negotiation.NEGOTIATION,
    must_agree=("name", "periods", "period_s", "start_hour", "rail_stations", "trains", "trip_periods"),
    notes=compare.notes,
    claims=compare.claims,
    compared_sections=compare.sections,
    compared_figures=compare.figures,
    compared_numbers=compare.numbers,
    compared_caption="Summary by scheme, of the day-ahead plan; what is called realised is of the day itself.",
    side_by_side=compare.side_by_side,
    animation=animation.DAY,
    sweep_hours=(
        SweepHours(
            "moving_periods",
            "Time in motion,\nall trains (h)",
            "time in motion (h)",
            "Time in motion is that of the plan found; another plan of nearly the same cost may move for longer or shorter.",
        ),
    ),
)
