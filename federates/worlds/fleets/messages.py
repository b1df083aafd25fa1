"""What agents of the fleets' world tell each other beside the exchanges, and how it crosses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from federates.boundary.exchange import Message, Moment
from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.topics import Topic
from federates.worlds.road import messages as road

_P, _T, _X = Role.POWER_OPERATOR.value, Role.TRANSPORT_OPERATOR.value, Role.TRAFFIC.value
ALLOTMENTS = "allotments"
_F, _G = Role.MVES_FLEET.value, Role.CHARGING_STATION.value


@dataclass(frozen=True, slots=True)
class Balance:
    """What stations need or have to spare in each bin of the horizon, kWh, each of shape (S, H, B).

    ``need``: energy above the feeder's limit, before deliveries (limited stations). ``surplus``: energy that the feeder can give
    (resourceful stations). ``due``: energy that parked vehicles and those under way can still give the feeder.
    """

    need_kwh: Array
    surplus_kwh: Array
    due_kwh: Array


def _topic(name: str, unit: str, shape: tuple[str | int, ...], meaning: str, decimals: int = 6, **more: object) -> Topic:
    return Topic("", name, unit, shape, (), meaning, decimals=decimals, **more)  # type: ignore[arg-type]


_ROAD = {message.name: message for message in road.MESSAGES}

MESSAGES: tuple[Message, ...] = (
    replace(_ROAD["gate"], sender=_G, hearers=(_P, _T, _F)),
    Message(
        "balance",
        Moment.OPENING,
        _G,
        (_P,),
        tuple(
            _topic(f"station_{name}_kwh", "kWh", ("S", "H", "B"), meaning, addressed=True)
            for name, meaning in (
                ("need", "Energy above the feeder's limit in each bin, before deliveries; 0 at resourceful stations."),
                ("surplus", "Energy that the feeder can give in each bin; 0 at limited stations."),
                (
                    "due",
                    "Energy that parked vehicles and those under way can give the feeder in each bin; 0 at resourceful ones.",
                ),
            )
        ),
        lambda _, balance: (balance.need_kwh, balance.surplus_kwh, balance.due_kwh),
        lambda _, arrays: Balance(*arrays),
        direct=True,
    ),
    Message(
        "receipts",
        Moment.OPENING,
        _G,
        (_F, _P),
        (
            _topic(
                "station_receipts",
                "1",
                ("S", "F", 3),
                "Last period, of each fleet. At q: vehicles that arrived, kWh in their batteries, kWh given to the feeder. "
                "At r: vehicles that left, kWh in their batteries, kWh drawn from the feeder.",
                9,
                addressed=True,
            ),
        ),
        direct=True,
    ),
    replace(_ROAD["road_time_s"], hearers=(_P, _F)),
    Message(
        ALLOTMENTS,
        Moment.DISPATCH,
        Role.COORDINATOR.value,
        (_G,),
        (
            _topic(
                "station_allotments",
                "1",
                ("S", "F", 2),
                "Vehicles of each fleet, and kWh in their batteries, that leave r, or leave for q, in the committed period.",
                9,
                addressed=True,
            ),
        ),
    ),
    _ROAD["departures"],
    _ROAD["links"],
    replace(_ROAD["stations"], hearers=(_G,)),
)
"""In the order in which they are said in a period."""
