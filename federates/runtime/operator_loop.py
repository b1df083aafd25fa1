"""The loop of an operator: it looks for the coordinator's command in every micro-step, and answers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

import numpy as np

from federates.boundary.messages import Array, ConnectionAnswer, Departure, Gate, LinkObservation, StationObservation
from federates.boundary.roles import PowerOperator, TransportOperator
from federates.boundary.session import Session
from federates.boundary.topics import MAX_ROUTE_LINKS, Command, Role
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter

__all__ = ["PowerDesk", "TransportDesk", "departures_to_rows", "run_operator"]

_C, _X = f"{Role.COORDINATOR}/", f"{Role.TRAFFIC}/"
_COMMAND = f"{_C}command"


class Desk(ABC):
    """Between an operator's methods and the messages of its role."""

    def __init__(self, federate: Federate, session: Session, writer: ResultWriter) -> None:
        self.federate = federate
        self.session = session
        self.writer = writer
        self.inbox = Inbox(federate.role)

    @abstractmethod
    def open(self, period: int, round_: int) -> None:
        """Answer the command `open`."""

    @abstractmethod
    def solve(self, period: int, round_: int, multipliers_usd_per_veh: Array) -> ConnectionAnswer:
        """Return the answer to `solve`."""

    @abstractmethod
    def evaluate(self, period: int, round_: int) -> ConnectionAnswer:
        """Return the answer to `evaluate`."""

    @abstractmethod
    def commit(self, period: int, round_: int) -> None:
        """Answer the command `commit`."""

    @abstractmethod
    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:
        """Publish an answer."""

    def handle(self, command: Command, period: int, round_: int) -> None:
        """Do what the coordinator says."""
        if command is Command.OPEN:
            self.open(period, round_)
        elif command is Command.SOLVE:
            multipliers = self.inbox.take(f"{_C}multipliers_usd_per_veh", period, round_)
            self.answer(period, round_, self.solve(period, round_, multipliers))
        elif command is Command.EVALUATE:
            self.answer(period, round_, self.evaluate(period, round_))
        elif command is Command.COMMIT:
            self.commit(period, round_)
            self.writer.flush()


class PowerDesk(Desk):
    """The power operator's desk."""

    def __init__(self, federate: Federate, session: Session, writer: ResultWriter, operator: PowerOperator) -> None:
        super().__init__(federate, session, writer)
        self.operator = operator

    def open(self, period: int, round_: int) -> None:  # noqa: D102
        seen = None
        if period > 0:
            take = self.inbox.take
            seen = StationObservation(take(f"{_X}station_passing_veh", period - 1), take(f"{_X}station_arrivals_veh", period - 1))
        gate = self.operator.open_period(period, seen)
        self.federate.publish("gate_time_s", period, round_, gate.time_s)
        self.federate.publish("gate_spots", period, round_, gate.spots)

    def solve(self, period: int, round_: int, multipliers_usd_per_veh: Array) -> ConnectionAnswer:  # noqa: D102
        return self.operator.solve(multipliers_usd_per_veh, self._travel_time_s(period))

    def evaluate(self, period: int, round_: int) -> ConnectionAnswer:  # noqa: D102
        connection = self.inbox.take(f"{_C}power_connection_veh", period, round_)
        return self.operator.evaluate(connection, self._travel_time_s(period))

    def commit(self, period: int, round_: int) -> None:  # noqa: D102
        self.operator.commit(self.inbox.take(f"{_C}power_connection_veh", period, round_))

    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:  # noqa: D102
        self.federate.publish("asked_connection_veh", period, round_, answer.connection_veh)
        self.federate.publish("power_cost_usd", period, round_, np.array([answer.cost_usd, answer.bound_usd]))

    def _travel_time_s(self, period: int) -> Array:
        return self.inbox.take(f"{_C}station_travel_time_s", period)


class TransportDesk(Desk):
    """The transport operator's desk."""

    def __init__(self, federate: Federate, session: Session, writer: ResultWriter, operator: TransportOperator) -> None:
        super().__init__(federate, session, writer)
        self.operator = operator

    def open(self, period: int, round_: int) -> None:  # noqa: D102
        seen = None
        if period > 0:
            names = ("link_flow_veh_per_h", "link_density_veh_per_km", "link_speed_m_per_s", "link_travel_time_s")
            seen = LinkObservation(*(self.inbox.take(_X + name, period - 1) for name in names))
        times_s = self.operator.open_period(period, seen)
        self.federate.publish("station_travel_time_s", period, round_, times_s)

    def solve(self, period: int, round_: int, multipliers_usd_per_veh: Array) -> ConnectionAnswer:  # noqa: D102
        return self.operator.solve(multipliers_usd_per_veh, self._gate(period))

    def evaluate(self, period: int, round_: int) -> ConnectionAnswer:  # noqa: D102
        connection = self.inbox.take(f"{_C}transport_connection_veh", period, round_)
        return self.operator.evaluate(connection, self._gate(period))

    def commit(self, period: int, round_: int) -> None:  # noqa: D102
        departures = self.operator.commit(self.inbox.take(f"{_C}transport_connection_veh", period, round_))
        self.federate.publish("departures", period, round_, departures_to_rows(departures, self.session))

    def answer(self, period: int, round_: int, answer: ConnectionAnswer) -> None:  # noqa: D102
        self.federate.publish("offered_connection_veh", period, round_, answer.connection_veh)
        self.federate.publish("transport_cost_usd", period, round_, np.array([answer.cost_usd, answer.bound_usd]))

    def _gate(self, period: int) -> Gate:
        return Gate(self.inbox.take(f"{_C}gate_time_s", period), self.inbox.take(f"{_C}gate_spots", period))


def departures_to_rows(departures: list[Departure], session: Session) -> Array:
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


def run_operator(federate: Federate, desk: Desk) -> None:
    """Answer commands until `stop`.

    In a negotiation every micro-step is requested; a commit ends it, and the next request is the first micro-step of the
    next period. What the others said in one micro-step is there in the next, whoever was faster (docs/decisions/0002).

    Raises
    ------
    FederationError : the federation ended before `stop`, or a partner did not answer in time.
    """
    broker = federate.identity.broker
    patience_s = broker.limits.period_s + broker.limits.answer_s + broker.limits.begin_s
    time_s = broker.round_step_s
    while True:
        federate.advance(time_s, patience_s, "the coordinator's next command")
        frames = federate.updates()
        desk.inbox.add(frames)
        time_s += broker.round_step_s
        if _COMMAND not in frames:
            continue
        period, round_ = frames[_COMMAND].period, frames[_COMMAND].round
        command = Command(int(frames[_COMMAND].values[0]))
        if command is Command.STOP:
            return
        _timed(federate, desk, command, period, round_)
        if command is Command.COMMIT:
            time_s = (period + 1) * desk.session.period_s + broker.round_step_s


def _timed(federate: Federate, desk: Desk, command: Command, period: int, round_: int) -> None:
    started = time.perf_counter()
    what = f"{federate.role}: {command.name.lower()} in period {period}, round {round_}"
    with federate.watchdog.limit(federate.identity.broker.limits.answer_s, what):
        desk.handle(command, period, round_)
    wall_s = time.perf_counter() - started
    desk.writer.record("timings", period=period, round=round_, activity=command.name.lower(), wall_s=wall_s)
