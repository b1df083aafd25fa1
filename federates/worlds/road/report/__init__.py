"""Reports of days on the road: vehicles with large batteries help stations whose feeder overloads."""

from federates.reporting.negotiation import PRICES
from federates.reporting.world import WorldReport
from federates.worlds.road.report import animation, compare, costs, delivery, energy, links, load, negotiation, seeds, summary
from federates.worlds.road.report.run import SCHEMES

REPORT = WorldReport(
    heading="Moving energy by vehicle",
    basis=("What is observed and what is estimated", "Observed and estimated"),
    schemes=SCHEMES,
    about=summary.about,
    summary=summary.summary,
    headline=summary.headline,
    figures=(
        load.FEEDER_LOAD,
        delivery.DELIVERY_TIME,
        energy.ENERGY,
        costs.ROUTING,
        negotiation.BOUNDS,
        PRICES,
        links.LINK_FLOW,
        links.NETWORK_MAP,
    ),
    name_of=summary.name_of,
    grids=lambda run: (load.grid(run), energy.grid(run), costs.grid(run), delivery.grid(run), negotiation.grid(run)),
    negotiation=negotiation.NEGOTIATION,
    must_agree=("name", "periods", "period_s", "start_hour", "limited_stations", "resourceful_stations", "links"),
    notes=compare.notes,
    claims=compare.check_claims,
    compared_figures=compare.figures,
    compared_grids=compare.grids,
    compared_numbers=compare.numbers,
    repeated_figures=seeds.figures,
    side_by_side=compare.side_by_side,
    animation=animation.DAY,
)
