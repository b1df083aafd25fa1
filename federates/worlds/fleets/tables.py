"""Tables that agents of the fleets' world leave, beside those of every world (`federates.boundary.tables`)."""

from __future__ import annotations

from federates.boundary.names import Role
from federates.boundary.table import Table
from federates.worlds.road.tables import TABLES as ROAD_TABLES

_AS_ON_THE_ROAD = (
    "route_flow",
    "delivery_forecast",
    "link_plan",
    "routing_alternatives",
    "link_state",
    "deliveries",
    "station_state",
    "link_geometry",
    "station_sites",
)

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
    *(table for table in ROAD_TABLES if table.name in _AS_ON_THE_ROAD),
    Table(
        "tolls",
        Role.TRANSPORT_OPERATOR,
        "What one passage more costs all others by formula, at the committed vehicles of all fleets; the settled toll is in `schedule`.",
        {
            "period": "period",
            "origin": "r",
            "destination": "q",
            "vehicles": "committed, whole",
            "told_road_time_s": "road time that was told: the fastest without mobile storages",
            "road_time_s": "predicted with all of them",
            "others_usd": "delay of other traffic",
            "storages_usd": "delay of the other mobile storages on the road",
            "gates_usd": "delay of the other mobile storages at both gates, and the own beyond what was told",
            "beyond_told_usd": "own time on the road beyond what was told",
            "toll_usd": "sum: the derivative of the operator's cost",
        },
    ),
    Table(
        "passage_costs",
        Role.TRANSPORT_OPERATOR,
        "What the committed vehicles cost others, and each other beyond what they were told, by the operator's forecast.",
        {
            "period": "period",
            "vehicles": "whole",
            "storage_time_h": "vehicle hours of the mobile storages: gates and road",
            "public_delay_h": "vehicle hours that other traffic loses to them",
            "public_delay_usd": "public_delay_h at the value of time of the public",
            "beyond_told_usd": "storage_time_h less the time they were told, at the value of time of a driver",
            "total_usd": "their sum, f_T of the period",
        },
    ),
)
