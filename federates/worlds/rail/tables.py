"""Tables that agents by rail leave, beside those of every world (`federates.boundary.tables`)."""

from __future__ import annotations

from federates.boundary.names import Role
from federates.boundary.table import Table

TABLES: tuple[Table, ...] = (
    Table(
        "connections",
        Role.COORDINATOR,
        "Agreed connections: one row per train and period in which it stands at a station.",
        {"negotiated_in": "period of the negotiation", "train": "name", "station": "name", "period": "period"},
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
    ),
    Table(
        "bus_prices",
        Role.POWER_OPERATOR,
        "Locational price: what one more MWh of load at the bus would cost in the realised dispatch of the rest of the day, with "
        "the commitment fixed and without losses; it does not depend on a reference bus. Where one more and one less MWh differ "
        "in cost, the price is one between both.",
        {"period": "period", "bus": "bus", "load_mw": "actual load at the bus", "price_usd_per_mwh": "price"},
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
    ),
    Table(
        "line_flow",
        Role.POWER_OPERATOR,
        "Realised flow of lines with a limit.",
        {"period": "period", "line": "name", "flow_mw": "flow", "limit_mw": "limit"},
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
    ),
    Table(
        "slacks",
        Role.POWER_OPERATOR,
        "What a plan pays for because it cannot hold it; a sound day has no row.",
        {"planned_in": "period in which it was planned", "constraint": "group, name, period and amount, in words"},
        exceptional=True,
    ),
    Table(
        "stopped_by_time",
        Role.POWER_OPERATOR,
        "Answers whose search a limit of time has ended, so that another computer may give another one; else it has no row.",
        {"period": "period in which it was asked", "question": "solve or evaluate"},
        exceptional=True,
    ),
    Table(
        "late_ends",
        Role.TRANSPORT_OPERATOR,
        "Trains that did not end the day where they should, because lateness left no other way; else it has no row.",
        {
            "train": "name",
            "end_station": "where it should have ended the day",
            "next_station": "where it stands, or arrives next",
            "ready_period": "period in which it stands there (T or more: not this day)",
            "price_usd": "what the transport operator counts for it",
        },
        exceptional=True,
    ),
)
