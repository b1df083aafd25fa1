"""Tables that a run leaves behind: name, owner, columns. The figures and the report read only these.

An agent may record tables of its own beside them. ``period`` is 0-based, ``time_s`` counts from the start of the run,
names of stations and links are those of the session. Wall-clock times live in ``timings`` alone, so that every other table of
two runs with the same seed is identical.
"""

from __future__ import annotations

from dataclasses import dataclass

from federates.boundary.topics import Role

__all__ = ["TABLES", "Table", "table"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results; ``columns`` maps a column to its meaning."""

    name: str
    owner: Role
    meaning: str
    columns: dict[str, str]


TABLES: tuple[Table, ...] = (
    Table(
        "rounds",
        Role.COORDINATOR,
        "One row per round of negotiation.",
        {
            "period": "period",
            "round": "round, from 1",
            "command": "solve or evaluate",
            "lower_bound_usd": "best lower bound so far",
            "upper_bound_usd": "best upper bound so far (-1 while there is none)",
            "gap": "(UB - LB) / |UB| (-1 while there is none)",
            "residual_veh": "sum of |asked - offered|",
            "shortfall_veh": "sum of max(0, asked - offered)",
        },
    ),
    Table(
        "schedule",
        Role.COORDINATOR,
        "Committed vehicles.",
        {
            "period": "period",
            "origin": "r",
            "destination": "q",
            "vehicles": "committed, whole",
            "agreed": "operators agreed by the stopping rule",
            "reason": "why the rounds ended",
        },
    ),
    Table(
        "timings",
        Role.COORDINATOR,
        "Wall-clock times; every agent has this table. The coordinator's are of whole negotiations, the others' of one answer.",
        {
            "period": "period",
            "round": "round; of the coordinator: number of rounds",
            "activity": "command, negotiation, algorithm or run",
            "wall_s": "wall-clock time, s",
        },
    ),
    Table(
        "stations",
        Role.POWER_OPERATOR,
        "Stations as built.",
        {
            "station": "name",
            "kind": "rcs or lcs",
            "feeder_limit_kw": "limit",
            "chargers": "number",
            "charger_kw": "power of one",
            "spots": "spots for mobile storage",
        },
    ),
    Table(
        "feeder_load",
        Role.POWER_OPERATOR,
        "Realised load per station and bin.",
        {
            "period": "period",
            "bin": "bin in the period",
            "time_s": "start of the bin",
            "duration_s": "length of the bin",
            "station": "name",
            "passing_veh_per_h": "flow past the station",
            "pev_arrivals_per_h": "vehicles that come to charge",
            "load_without_kw": "mean charging load",
            "mves_kw": "mean power that mobile storage gives (+) or takes (-)",
            "load_with_kw": "load_without_kw - mves_kw",
            "limit_kw": "feeder limit",
            "overload_probability_without": "P(load > limit) without",
            "overload_probability_with": "P(load > limit) with",
            "blocking_probability": "P(all chargers busy)",
        },
    ),
    Table(
        "energy_plan",
        Role.POWER_OPERATOR,
        "Plan of the committed period per limited station.",
        {
            "period": "period",
            "station": "q",
            "forecast_passing_veh_per_h": "forecast",
            "need_kwh": "forecast energy above the limit, with margin",
            "delivered_kwh": "planned delivery",
            "unmet_kwh": "part of the need that is not met",
            "supply_limited": "true where the group's energy does not suffice",
        },
    ),
    Table(
        "route_flow",
        Role.TRANSPORT_OPERATOR,
        "Committed vehicles per route.",
        {
            "period": "period",
            "origin": "r",
            "destination": "q",
            "route": "links joined by |",
            "vehicles": "whole",
            "road_time_s": "predicted with the committed flows",
        },
    ),
    Table(
        "delivery_forecast",
        Role.TRANSPORT_OPERATOR,
        "Predicted delivery time of the committed vehicles, by formula.",
        {
            "period": "period",
            "origin": "r",
            "destination": "q",
            "vehicles": "whole",
            "charging_s": "wait and charge at r",
            "road_time_s": "vehicle-weighted mean over routes",
            "discharging_s": "wait and discharge at q",
            "delivery_time_s": "their sum",
        },
    ),
    Table(
        "link_plan",
        Role.TRANSPORT_OPERATOR,
        "The transport operator's view of a link in the committed period.",
        {
            "period": "period",
            "link": "name",
            "background_veh_per_h": "forecast of other traffic",
            "mves_veh_per_h": "committed mobile storage",
            "capacity_veh_per_h": "capacity",
            "travel_time_s": "predicted",
            "toll_usd": "marginal-cost toll",
            "capacity_toll_usd": "dual of the capacity",
        },
    ),
    Table(
        "link_state",
        Role.TRAFFIC,
        "What the traffic model published per link.",
        {
            "period": "period",
            "link": "name",
            "flow_veh_per_h": "mean",
            "density_veh_per_km": "mean",
            "speed_m_per_s": "mean",
            "travel_time_s": "mean",
        },
    ),
    Table(
        "deliveries",
        Role.TRAFFIC,
        "Every mobile storage on the road.",
        {
            "vehicle": "id",
            "period": "period of departure",
            "origin": "r",
            "destination": "q",
            "route": "links joined by |",
            "depart_s": "left r",
            "arrive_s": "arrived at q (-1: still on the road at the end)",
            "road_time_s": "arrive - depart (-1: not arrived)",
        },
    ),
    Table(
        "station_state",
        Role.TRAFFIC,
        "What the traffic model published per station.",
        {
            "period": "period",
            "bin": "bin in the period",
            "station": "name",
            "passing_veh": "vehicles",
            "arrivals_veh": "mobile storages",
        },
    ),
    Table(
        "link_geometry",
        Role.TRAFFIC,
        "Course of the links, for the map.",
        {"link": "name", "seq": "order along the link", "lat": "latitude, degrees", "lon": "longitude, degrees"},
    ),
    Table(
        "station_sites",
        Role.TRAFFIC,
        "Places of the stations, for the map.",
        {"station": "name", "lat": "latitude, degrees", "lon": "longitude, degrees"},
    ),
)


def table(name: str) -> Table:
    """Return the table with this name; raise KeyError for a name outside `TABLES`."""
    return _BY_NAME[name]


_BY_NAME = {entry.name: entry for entry in TABLES}
