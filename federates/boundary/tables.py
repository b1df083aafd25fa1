"""Tables that a run leaves behind: name, owner, columns. The figures and the report read only these.

An agent may record tables of its own beside them. ``period`` is 0-based, ``time_s`` counts from the start of the run,
names of stations and links are those of the session. Wall-clock times live in ``timings`` alone, so that every other table of
two runs with the same seed is identical.
"""

from __future__ import annotations

from federates.boundary.exceptional_tables import EXCEPTIONAL_TABLES
from federates.boundary.negotiation_tables import NEGOTIATION_TABLES
from federates.boundary.session import World
from federates.boundary.table import Table
from federates.boundary.topics import Role

__all__ = ["TABLES", "Table", "table"]


TABLES: tuple[Table, ...] = (
    *NEGOTIATION_TABLES,
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
        World.ROAD,
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
        World.ROAD,
    ),
    Table(
        "power_costs",
        Role.POWER_OPERATOR,
        "What a period cost the power operator as it came, without what it pays to others for deliveries.",
        {
            "period": "period",
            "drawn_kwh": "energy that mobile storages took at resourceful stations",
            "waiting_veh_h": "vehicle hours that storages wait at stations",
            "unmet_kwh": "energy above the limits of limited stations all the same, from bins",
            "energy_usd": "drawn_kwh at the price of the hour",
            "waiting_usd": "waiting_veh_h at what an hour of waiting costs",
            "unmet_usd": "unmet_kwh at the value of lost load",
            "total_usd": "sum",
        },
        World.ROAD,
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
        World.ROAD,
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
        World.ROAD,
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
        World.ROAD,
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
        World.ROAD,
    ),
    Table(
        "transport_costs",
        Role.TRANSPORT_OPERATOR,
        "What the committed vehicles cost everybody on the road, by the operator's forecast; prices are no part of it.",
        {
            "period": "period",
            "vehicles": "whole",
            "storage_time_h": "vehicle hours of the mobile storages: charging, road, discharging",
            "public_delay_h": "vehicle hours that other traffic loses to them",
            "storage_time_usd": "storage_time_h at the value of time of a driver",
            "public_delay_usd": "public_delay_h at the value of time of the public",
            "trip_usd": "other cost of trips",
            "total_usd": "their sum, f_T of the period",
        },
        World.ROAD,
    ),
    Table(
        "routing_alternatives",
        Role.TRANSPORT_OPERATOR,
        "The committed vehicles of a period under every routing rule, by the operator's forecast, not rounded to whole vehicles.",
        {
            "period": "period",
            "routing": "system_optimum, storage_optimum, user_equilibrium or fastest_route",
            "vehicles": "whole",
            "delivery_time_s": "mean time of a delivery",
            "storage_time_h": "vehicle hours of the mobile storages: charging, road, discharging",
            "public_delay_h": "vehicle hours that other traffic loses to them",
            "total_usd": "cost to everybody on the road",
        },
        World.ROAD,
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
        World.ROAD,
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
        World.ROAD,
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
        World.ROAD,
    ),
    Table(
        "link_geometry",
        Role.TRAFFIC,
        "Course of the links, for the map.",
        {"link": "name", "seq": "order along the link", "lat": "latitude, degrees", "lon": "longitude, degrees"},
        World.ROAD,
    ),
    Table(
        "station_sites",
        Role.TRAFFIC,
        "Places of the stations, for the map.",
        {"station": "name", "lat": "latitude, degrees", "lon": "longitude, degrees"},
        World.ROAD,
    ),
    Table(
        "plan_costs",
        Role.POWER_OPERATOR,
        "Cost of the power operator's plan for the whole day, per negotiation, and (phase realised) of what was carried out.",
        {
            "phase": "planned or realised",
            "period": "period in which it was planned; T for what was carried out",
            "production_usd": "fuel",
            "start_up_usd": "starts",
            "shut_down_usd": "stops",
            "throughput_usd": "tie-break cost of charging and discharging",
            "slack_usd": "priced slacks: energy not served, overloads, storage end states",
            "total_usd": "sum",
        },
        World.RAIL,
    ),
    Table(
        "power_balance",
        Role.POWER_OPERATOR,
        "Load, renewables, storage and price per period, as forecast, planned and realised.",
        {
            "period": "period",
            "forecast_load_mw": "forecast load",
            "load_mw": "actual load",
            "forecast_renewable_mw": "forecast of available renewable power",
            "available_renewable_mw": "available renewable power",
            "planned_renewable_mw": "planned use",
            "renewable_mw": "used",
            "planned_storage_mw": "planned discharge minus charge of all stations",
            "storage_mw": "discharge minus charge of all stations",
            "shed_mw": "load not served",
            "spill_mw": "generation that nobody takes",
            "price_usd_per_mwh": "price of the realised dispatch, mean over the buses weighted by load",
            "planned_cost_usd": "planned cost of the period",
            "cost_usd": "realised cost of the period",
        },
        World.RAIL,
    ),
    Table(
        "bus_prices",
        Role.POWER_OPERATOR,
        "Locational price: what one more MWh of load at the bus would cost in the realised dispatch of the rest of the day, with "
        "the commitment fixed and without losses; it does not depend on a reference bus. Where one more and one less MWh differ "
        "in cost, the price is one between both.",
        {"period": "period", "bus": "bus", "load_mw": "actual load at the bus", "price_usd_per_mwh": "price"},
        World.RAIL,
    ),
    Table(
        "grid",
        Role.POWER_OPERATOR,
        "What stands where in the grid, one row each.",
        {
            "kind": "line, unit, renewable or station",
            "name": "name",
            "bus": "bus; of a line where it begins",
            "to_bus": "bus where a line ends; empty for all others",
            "limit_mw": "limit of a line (-1: none), largest output of a unit, largest forecast of a renewable, or most "
            "batteries at a station",
        },
        World.RAIL,
    ),
    Table(
        "unit_dispatch",
        Role.POWER_OPERATOR,
        "Thermal units per period.",
        {
            "period": "period",
            "unit": "name",
            "bus": "bus",
            "on": "committed",
            "planned_mw": "planned output",
            "output_mw": "realised output",
        },
        World.RAIL,
    ),
    Table(
        "storage_state",
        Role.POWER_OPERATOR,
        "Storage stations at the end of each period.",
        {
            "period": "period",
            "planned_in": "period of the negotiation whose plan the planned values are of; where it changes, so does the plan",
            "station": "name",
            "planned_capacity_mw": "planned battery capacity at the station, c[s, t]",
            "capacity_mw": "realised",
            "planned_energy_mwh": "planned energy at the station, e[s, t]",
            "energy_mwh": "realised",
            "planned_charge_mw": "planned charging power",
            "charge_mw": "realised",
            "planned_discharge_mw": "planned discharging power",
            "discharge_mw": "realised",
        },
        World.RAIL,
    ),
    Table(
        "train_storage",
        Role.POWER_OPERATOR,
        "What the trains carry at the end of each period.",
        {
            "period": "period",
            "planned_in": "period of the negotiation whose plan the planned values are of; where it changes, so does the plan",
            "train": "name",
            "planned_capacity_mw": "planned battery capacity on the train, c[k, t]",
            "capacity_mw": "realised",
            "planned_energy_mwh": "planned energy on the train, e[k, t]",
            "energy_mwh": "realised",
        },
        World.RAIL,
    ),
    Table(
        "line_flow",
        Role.POWER_OPERATOR,
        "Realised flow of lines with a limit.",
        {"period": "period", "line": "name", "flow_mw": "flow", "limit_mw": "limit"},
        World.RAIL,
    ),
    Table(
        "train_moves",
        Role.TRANSPORT_OPERATOR,
        "Where the trains are: one row per train and period, planned (per negotiation) and realised.",
        {
            "phase": "planned or realised",
            "planned_in": "period of the negotiation; T for what was carried out",
            "train": "name",
            "period": "period",
            "origin": "station where the train stands or which it left",
            "destination": "the same station, or where it is going",
            "delay_periods": "periods by which the running trip is late",
            "cost_usd": "transport cost of the period",
        },
        World.RAIL,
    ),
    *EXCEPTIONAL_TABLES,
)


def table(name: str) -> Table:
    """Return the table with this name; raise KeyError for a name outside `TABLES`."""
    return _BY_NAME[name]


_BY_NAME = {entry.name: entry for entry in TABLES}
