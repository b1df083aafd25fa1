"""Tables that agents of the fleets' world leave, beside those of every world (`federates.boundary.tables`)."""

from __future__ import annotations

from federates.boundary.names import Role
from federates.boundary.table import Table

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
)
