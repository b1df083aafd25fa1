"""Tables that agents of the fleets' world leave, beside those of every world (`federates.boundary.tables`)."""

from __future__ import annotations

from dataclasses import replace

from federates.boundary.names import Role
from federates.boundary.table import Table
from federates.worlds.road import tables as road

_ROAD = {table.name: table for table in road.TABLES}
_STATION = Role.CHARGING_STATION.value
_ENERGY_PLAN = _ROAD["energy_plan"]

TABLES: tuple[Table, ...] = (
    Table(
        "schedule",
        Role.COORDINATOR,
        "Committed deliveries of each fleet, and what is paid for them at the settled prices.",
        {
            "period": "period",
            "fleet": "agent",
            "origin": "r",
            "destination": "q",
            "vehicles": "committed, whole",
            "delivery_kwh": "in their batteries when they leave",
            "reward_usd_per_kwh": "settled price of delivery: multiplier of the best lower bound (NaN: not negotiated)",
            "toll_usd_per_veh": "settled price of passage",
            "reward_usd": "paid to the fleet",
            "toll_usd": "paid by the fleet",
            "agreed": "as in negotiations",
            "reason": "why the rounds ended, in the algorithm's words",
        },
    ),
    *(replace(_ROAD[name], owner=_STATION) for name in ("stations", "feeder_load")),
    Table(
        "mves_stock",
        _STATION,
        "Energy in the batteries at a station, per bin.",
        {
            "period": "period",
            "bin": "bin in the period",
            "station": "name",
            "kind": "rcs or lcs",
            "vehicles": "that left (rcs) or arrived (lcs)",
            "into_kwh": "charged (rcs), or in the batteries of those that arrived (lcs)",
            "out_kwh": "in the batteries of those that left (rcs), or taken out for the feeder (lcs)",
            "stock_kwh": "at the end of the bin",
            "parked_veh": "vehicles at the end of the bin; rcs: as many as the stock fills",
            "waiting_veh_h": "vehicle hours beyond what charging or giving takes",
            "waiting_usd": "these at the station's value of an hour",
        },
    ),
    Table(
        "station_receipts",
        _STATION,
        "What a station has told of a period, per fleet; the sums are those of its feeder.",
        {
            "period": "period",
            "station": "name",
            "kind": "rcs or lcs",
            "fleet": "agent",
            "vehicles": "that left (rcs) or arrived (lcs)",
            "battery_kwh": "in their batteries then",
            "feeder_kwh": "drawn from the feeder for them (rcs), or given to it (lcs)",
        },
    ),
    Table(
        "station_waiting",
        _STATION,
        "Gate of a period as it was told, and how it came.",
        {
            "period": "period",
            "station": "name",
            "kind": "rcs or lcs",
            "told_time_s": "at the station: waiting and service",
            "told_wait_s": "waiting of it",
            "expected_veh_per_h": "mobile storages for which it was told",
            "reserved_spots": "spots that those announced and parked took through the period, as expected",
            "spots": "spots in all",
            "vehicles": "announced ones that came (lcs) or left (rcs)",
            "unknown_veh": "counted, but announced by nobody: not served",
            "waiting_veh_h": "vehicle hours that storages waited",
        },
    ),
    Table(
        "station_energy",
        _STATION,
        "The day's energy of a station, charger to feeder.",
        {
            "station": "name",
            "kind": "rcs or lcs",
            "announced_kwh": "in batteries at departure, of all vehicles announced",
            "under_way_kwh": "of these not counted at the station by the end",
            "lost_kwh": "of these no longer expected",
            "counted_kwh": "of these counted: left (rcs) or arrived (lcs)",
            "drawn_kwh": "from the feeder",
            "own_charge_kwh": "from the vehicles' own charge, where the feeder could not give it in time",
            "given_kwh": "to the feeder",
            "loss_kwh": "of charging (rcs); of the drive and of discharging (lcs)",
            "stock_kwh": "in batteries at the station at the end",
            "closure_kwh": "what does not add up",
        },
    ),
    replace(
        _ENERGY_PLAN,
        columns={name: words for name, words in _ENERGY_PLAN.columns.items() if name != "forecast_passing_veh_per_h"},
    ),
    Table(
        "power_costs",
        Role.POWER_OPERATOR,
        "What a committed period costs a power operator by its plan, without what it pays for deliveries.",
        {
            "period": "period",
            "drawn_kwh": "energy that vehicles take at resourceful stations",
            "waiting_kwh_h": "energy that waits parked, times the hours it waits",
            "unmet_kwh": "part of the need that is not met",
            "energy_usd": "drawn_kwh at the price of the hour",
            "waiting_usd": "waiting_kwh_h at what an hour of waiting costs",
            "unmet_usd": "unmet_kwh at the value of lost load",
            "total_usd": "sum",
        },
    ),
    Table(
        "power_receipts",
        Role.POWER_OPERATOR,
        "What a power operator has heard of a period from its stations, when the next one opened.",
        {
            "period": "period",
            "station": "name",
            "kind": "rcs or lcs",
            "vehicles": "that left (rcs) or arrived (lcs)",
            "battery_kwh": "in their batteries then",
            "feeder_kwh": "drawn from the feeder for them (rcs), or given to it (lcs)",
        },
    ),
)
