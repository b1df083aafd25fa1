"""Reports of days of fleets: who carried which kWh, who was paid what for it, and why others refused."""

from federates.reporting.world import WorldReport
from federates.worlds.fleets.report import acceptance, energy, money, stations, summary
from federates.worlds.fleets.report.run import SCHEMES
from federates.worlds.road.report import animation, links, load, negotiation

REPORT = WorldReport(
    heading="Moving energy by fleets",
    basis=("What is observed and what is estimated", "Observed and estimated"),
    schemes=SCHEMES,
    about=summary.about,
    summary=summary.summary,
    headline=summary.headline,
    figures=(
        load.FEEDER_LOAD,
        money.PRICES,
        acceptance.ACCEPTANCE,
        money.GAINS,
        energy.ENERGY,
        stations.WAITING,
        negotiation.BOUNDS,
        links.LINK_FLOW,
        links.NETWORK_MAP,
    ),
    name_of=summary.name_of,
    grids=lambda run: (
        *money.grids(run),
        acceptance.grid(run),
        load.grid(run),
        energy.grid(run),
        *stations.grids(run),
        negotiation.grid(run),
    ),
    animation=animation.DAY,
    must_agree=("name", "periods", "period_s", "start_hour", "limited_stations", "resourceful_stations", "links"),
)
