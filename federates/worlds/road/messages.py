"""What agents on the road tell each other beside the delivery, and how it crosses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.errors import BoundaryError
from federates.boundary.exchange import Message, Moment
from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.topics import FREE, Merge, Topic
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import told_road_time

MAX_ROUTE_LINKS = 16
"""Most links a route may have; shorter routes are padded with -1."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a driver sees at the stations' gates: ``time_s`` and ``spots``, each of shape (S,)."""

    time_s: Array
    spots: Array


@dataclass(frozen=True, slots=True)
class LinkObservation:
    """Means of the last period, each of shape (L,)."""

    flow_veh_per_h: Array
    density_veh_per_km: Array
    speed_m_per_s: Array
    travel_time_s: Array


@dataclass(frozen=True, slots=True)
class StationObservation:
    """Counts of the last period, each of shape (S, B)."""

    passing_veh: Array
    arrivals_veh: Array


@dataclass(frozen=True, slots=True)
class TrafficObservation:
    """All that a traffic model tells of a period."""

    links: LinkObservation
    stations: StationObservation


@dataclass(frozen=True, slots=True)
class Departure:
    """``vehicles`` mobile storages that leave ``origin`` for ``destination`` in a period by ``links`` (identifiers, in order)."""

    origin: str
    destination: str
    vehicles: int
    links: tuple[str, ...]


def departures_to_rows(session: RoadSession, departures: list[Departure]) -> Array:
    """Return the wire form of departures, shape (E, 3 + MAX_ROUTE_LINKS); see topic `departures`."""
    rows = np.full((len(departures), 3 + MAX_ROUTE_LINKS), -1.0)
    for row, departure in zip(rows, departures, strict=True):
        if len(departure.links) > MAX_ROUTE_LINKS:
            raise ValueError(f"a route may have at most {MAX_ROUTE_LINKS} links, got {len(departure.links)}")
        row[0] = session.resourceful_stations.index(departure.origin)
        row[1] = session.limited_stations.index(departure.destination)
        row[2] = departure.vehicles
        row[3 : 3 + len(departure.links)] = [session.links.index(link) for link in departure.links]
    return rows


def rows_to_departures(session: RoadSession, rows: Array) -> list[Departure]:
    """Return the departures in the wire form of topic `departures`; raise `BoundaryError` for an unknown index."""
    departures = []
    for row in rows:
        numbers = [int(value) for value in row]
        if any(number != value for number, value in zip(numbers, row, strict=True)) or min(numbers[:2]) < 0 or numbers[2] < 1:
            raise BoundaryError(
                f"departures: indices must be whole numbers, and every row must have a vehicle, got {row.tolist()}"
            )
        links = [index for index in numbers[3:] if index >= 0]
        # What stands behind the last link could carry anything, so nothing may.
        if numbers[3 + len(links) :] != [-1] * (MAX_ROUTE_LINKS - len(links)):
            raise BoundaryError(f"departures: behind the last link every number must be -1, got {row.tolist()}")
        try:
            departures.append(
                Departure(
                    session.resourceful_stations[numbers[0]],
                    session.limited_stations[numbers[1]],
                    numbers[2],
                    tuple(session.links[index] for index in links),
                )
            )
        except IndexError:
            raise BoundaryError(f"departures: an index is outside the session's names: {numbers}") from None
    return departures


def _topic(name: str, unit: str, shape: tuple[str | int, ...], meaning: str, decimals: int = 6, **more: object) -> Topic:
    return Topic("", name, unit, shape, (), meaning, decimals=decimals, **more)  # type: ignore[arg-type]


def _link_observation(session: RoadSession, seen: LinkObservation) -> tuple[Array, ...]:
    told_road_time(seen.travel_time_s, Role.TRAFFIC, "a link's travel time")
    return seen.flow_veh_per_h, seen.density_veh_per_km, seen.speed_m_per_s, seen.travel_time_s


def _told_times(session: RoadSession, time_s: Array) -> tuple[Array, ...]:
    return (told_road_time(time_s, Role.TRANSPORT_OPERATOR, "a road time"),)


def _heard_times(session: RoadSession, arrays: tuple[Array, ...]) -> Array:
    # The coordinator passes on what the partner says, who may be a program that nothing has checked.
    return told_road_time(arrays[0], Role.TRANSPORT_OPERATOR, "a road time")


_P, _T, _X = Role.POWER_OPERATOR.value, Role.TRANSPORT_OPERATOR.value, Role.TRAFFIC.value
_GATE_TIME = "Expected time from arrival at a station to leaving it: waiting plus charging (RCS) or discharging (LCS)."
_DEPARTURE = "One row a route with at least one vehicle: index of r, index of q, vehicles, then link indices padded with -1."

MESSAGES: tuple[Message, ...] = (
    Message(
        "gate",
        Moment.OPENING,
        _P,
        (_T,),
        (
            _topic("gate_time_s", "s", ("S",), _GATE_TIME, 3),
            _topic("gate_spots", "1", ("S",), "Spots for mobile storage at a station.", merge=Merge.LEAST),
        ),
        lambda _, gate: (gate.time_s, gate.spots),
        lambda _, arrays: Gate(*arrays),
    ),
    Message(
        "road_time_s",
        Moment.OPENING,
        _T,
        (_P,),
        (_topic("station_travel_time_s", "s", ("N", "M"), "Expected road time from r to q now.", 3),),
        _told_times,
        _heard_times,
    ),
    Message(
        "departures",
        Moment.DISPATCH,
        _T,
        (_X,),
        (_topic("departures", "1", (FREE, 3 + MAX_ROUTE_LINKS), _DEPARTURE, 0),),
        lambda session, departures: (departures_to_rows(session, departures),),
        lambda session, arrays: rows_to_departures(session, arrays[0]),
    ),
    Message(
        "links",
        Moment.OBSERVATION,
        _X,
        (_T,),
        (
            _topic("link_flow_veh_per_h", "veh/h", ("L",), "Mean flow of the last period.", 3),
            _topic("link_density_veh_per_km", "veh/km", ("L",), "Mean density of the last period, all lanes."),
            _topic("link_speed_m_per_s", "m/s", ("L",), "Mean speed of the last period."),
            _topic("link_travel_time_s", "s", ("L",), "Mean travel time of the last period.", 3),
        ),
        _link_observation,
        lambda _, arrays: LinkObservation(*arrays),
    ),
    Message(
        "stations",
        Moment.OBSERVATION,
        _X,
        (_P,),
        (
            _topic(
                "station_passing_veh",
                "veh",
                ("S", "B"),
                "Vehicles that passed a station in each bin of the last period.",
                addressed=True,
            ),
            _topic(
                "station_arrivals_veh",
                "veh",
                ("S", "B"),
                "Mobile storages that arrived at a station in each bin of the last period.",
                addressed=True,
            ),
        ),
        lambda _, seen: (seen.passing_veh, seen.arrivals_veh),
        lambda _, arrays: StationObservation(*arrays),
    ),
)
"""In the order in which they are said in a period."""
