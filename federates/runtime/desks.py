"""The desks of the operators: between an operator's methods and the messages of its role, one per role and world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np

from federates.boundary.messages import Array, ConnectionAnswer, Departure, Gate, LinkObservation, StationObservation
from federates.boundary.roles import PowerOperator, TransportOperator
from federates.boundary.session import RoadSession, Session
from federates.boundary.topics import MAX_ROUTE_LINKS, Command, Role
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter
from federates.runtime.road_times import told_road_time

__all__ = ["AnyDesk", "departures_to_rows", "desk_of"]

_C, _X = f"{Role.COORDINATOR}/", f"{Role.TRAFFIC}/"
_LINK_TOPICS = ("link_flow_veh_per_h", "link_density_veh_per_km", "link_speed_m_per_s", "link_travel_time_s")

Operator = TypeVar("Operator", PowerOperator, TransportOperator)


class Desk(ABC, Generic[Operator]):
    """Takes the coordinator's commands to the operator, and its answers back."""

    connection: ClassVar[str]
    """Topic by which the coordinator sends this role a connection."""

    def __init__(self, federate: Federate, session: Session, writer: ResultWriter, operator: Operator) -> None:
        self.federate = federate
        self.session = session
        self.writer = writer
        self.operator: Operator = operator
        self.inbox = Inbox(federate.role)

    @abstractmethod
    def open(self, period: int, round_: int) -> None:
        """Answer the command `open`."""

    @abstractmethod
    def opening(self, period: int) -> Any:
        """Return what the partner opened the period with."""

    @abstractmethod
    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:
        """Publish an answer."""

    @abstractmethod
    def commit(self, period: int, round_: int) -> None:
        """Answer the command `commit`."""

    def handle(self, command: Command, period: int, round_: int) -> None:
        """Do what the coordinator says."""
        if command is Command.OPEN:
            self.open(period, round_)
        elif command is Command.COMMIT:
            self.commit(period, round_)
            self.writer.flush()
        elif command is Command.EVALUATE:
            self.answer(period, round_, self.operator.evaluate(self.shown(period, round_), self.opening(period)))
        else:
            multipliers = self.inbox.take(f"{_C}multipliers_usd_per_veh", period, round_)
            solve = self.operator.relax if command is Command.RELAX else self.operator.solve
            self.answer(period, round_, solve(multipliers, self.opening(period)))

    def shown(self, period: int, round_: int) -> Array:
        """Return the connection that the coordinator has sent, to evaluate or as committed."""
        return self.inbox.take(_C + self.connection, period, round_)


class _PowerDesk(Desk[PowerOperator]):
    """What the power operator's desks have in common."""

    connection = "power_connection_veh"

    def commit(self, period: int, round_: int) -> None:
        self.operator.commit(self.shown(period, round_))

    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:
        slope = answer.slope_usd_per_veh
        # Without trains a row has no values, so that nobody could tell it from none.
        rows = np.zeros((0, *self.session.connection_shape)) if slope is None or slope.size == 0 else slope[np.newaxis]
        self.federate.publish("asked_connection_veh", period, round_, answer.connection_veh)
        self.federate.publish("power_cost_usd", period, round_, answer.cost_values)
        self.federate.publish("power_slope_usd_per_veh", period, round_, rows)


class RoadPowerDesk(_PowerDesk):
    """The power operator's desk on the road: it says what a driver sees at the gates."""

    def open(self, period: int, round_: int) -> None:
        seen = None
        if period > 0:
            take = self.inbox.take
            seen = StationObservation(take(f"{_X}station_passing_veh", period - 1), take(f"{_X}station_arrivals_veh", period - 1))
        gate = self.operator.open_period(period, seen)
        if gate is None:
            raise TypeError(f"{type(self.operator).__name__}.open_period must return a Gate on the road, but returned None")
        self.federate.publish("gate_time_s", period, round_, gate.time_s)
        self.federate.publish("gate_spots", period, round_, gate.spots)

    def opening(self, period: int) -> Array:
        # The coordinator passes on what the partner says, who may be a program that nothing has checked.
        told = self.inbox.take(f"{_C}station_travel_time_s", period)
        return told_road_time(told, Role.TRANSPORT_OPERATOR, "a road time")


class RailPowerDesk(_PowerDesk):
    """The power operator's desk by rail: it has nothing to say before it is asked."""

    def open(self, period: int, round_: int) -> None:
        self.operator.open_period(period, None)

    def opening(self, period: int) -> Array:
        return self.inbox.take(f"{_C}train_ready", period)


class _TransportDesk(Desk[TransportOperator]):
    """What the transport operator's desks have in common."""

    connection = "transport_connection_veh"

    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:
        self.federate.publish("offered_connection_veh", period, round_, answer.connection_veh)
        self.federate.publish("transport_cost_usd", period, round_, answer.cost_values)


class RoadTransportDesk(_TransportDesk):
    """The transport operator's desk on the road: it hears the traffic model and sends it departures."""

    def open(self, period: int, round_: int) -> None:
        seen = None
        if period > 0:
            seen = LinkObservation(*(self.inbox.take(_X + name, period - 1) for name in _LINK_TOPICS))
        told = told_road_time(self.operator.open_period(period, seen), self.federate.role, "a road time")
        self.federate.publish("station_travel_time_s", period, round_, told)

    def opening(self, period: int) -> Gate:
        return Gate(self.inbox.take(f"{_C}gate_time_s", period), self.inbox.take(f"{_C}gate_spots", period))

    def commit(self, period: int, round_: int) -> None:
        departures = self.operator.commit(self.shown(period, round_))
        rows = departures_to_rows(departures, cast(RoadSession, self.session))
        self.federate.publish("departures", period, round_, rows)


class RailTransportDesk(_TransportDesk):
    """The transport operator's desk by rail: it says where its trains are, and drives them itself."""

    def open(self, period: int, round_: int) -> None:
        self.federate.publish("train_ready", period, round_, self.operator.open_period(period, None))

    def opening(self, period: int) -> None:
        return None

    def commit(self, period: int, round_: int) -> None:
        self.operator.commit(self.shown(period, round_))


AnyDesk = Desk[PowerOperator] | Desk[TransportOperator]


def desk_of(federate: Federate, session: Session, writer: ResultWriter, operator: PowerOperator | TransportOperator) -> AnyDesk:
    """Return the desk for an operator in the session's world."""
    on_road = isinstance(session, RoadSession)
    if isinstance(operator, PowerOperator):
        return (RoadPowerDesk if on_road else RailPowerDesk)(federate, session, writer, operator)
    return (RoadTransportDesk if on_road else RailTransportDesk)(federate, session, writer, operator)


def departures_to_rows(departures: list[Departure], session: RoadSession) -> Array:
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
