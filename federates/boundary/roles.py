"""The roles of a federation as abstract classes: what one writes to put an own operator in.

None of them knows HELICS. The runtime calls the methods in this order, once per period p = 0..T-1::

    begin(session, recorder)
    open_period(p, observation of p-1 or None)  ->  opening: what the partner must know
    relax(multipliers, opening of the partner)
    | solve(multipliers, opening)
    | evaluate(connection, opening)             ->  answers, as often as the coordinator's algorithm wants
    commit(connection)                          ->  departures (transport operator, road)
    run(p, departures)                          ->  observation of p (traffic model, road)

and once more ``open_period(T, observation of T-1)`` after the last period, so that every observation is seen. Arrays follow the
topic table. On the road (`RoadSession`) a connection and its multipliers have shape (R, Q, H), entry [r, q, 0] being the period
that is opened; the power operator opens with a `Gate`, the transport operator with travel times in s, shape (R, Q). By rail
(`RailSession`) a connection has shape (K, S, T), entry [k, s, t] being 1 where train k stands at s in period t of the day, past
periods as they were carried out; there is no traffic model and no observation, the power operator opens with None, the transport
operator with the trains' places, shape (K, 3): index of the station where a train stands next, the period from which it does, and
index of the station where it ends the day (-1: open).
A method must be deterministic given the session's seed, and must not keep or change the arrays it is given.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import (
    Array,
    ConnectionAnswer,
    Departure,
    Gate,
    LinkObservation,
    StationObservation,
    TrafficObservation,
)
from federates.boundary.session import World

__all__ = [
    "Commit",
    "CoordinationAlgorithm",
    "Decision",
    "Evaluate",
    "NoSettings",
    "Plugin",
    "PowerOperator",
    "Recorder",
    "RoundResult",
    "Solve",
    "TrafficModel",
    "TransportOperator",
]

Value: TypeAlias = float | int | str | bool


class Recorder(Protocol):
    """Where an agent leaves its results; it writes only into the agent's own part of the run's folder."""

    def record(self, table: str, **row: Value) -> None:
        """Append one row to a table of `federates.boundary.tables` (or to one of the agent's own)."""

    def progress(self, **fields: Value) -> None:
        """Tell the person who watches the run how it goes."""


class NoSettings(Config):
    """Settings of a class that has none."""


class Plugin(ABC):  # noqa: B024 (the roles below add the abstract methods)
    """What every exchangeable class has: settings of its own, and the one folder that it may read."""

    Settings: ClassVar[type[Config]] = NoSettings
    """Model of the ``settings`` part of the agent's ``config.yaml``."""
    worlds: ClassVar[tuple[World, ...]] = (World.ROAD, World.RAIL)
    """Worlds in which the class can work."""

    def __init__(self, settings: Any, folder: Path) -> None:
        """Keep ``settings`` (an instance of ``Settings``) and ``folder``, the agent's own part of the scenario."""
        self.settings = settings
        self.folder = folder

    @classmethod
    def check(cls, settings: Any, folder: Path, session: Any) -> list[Problem]:
        """Return everything wrong with settings and data files that can be found without running (default: nothing).

        A problem's ``file`` is relative to ``folder``; its ``field`` is the dotted key in ``config.yaml``, such as
        ``settings.stations.q1.chargers``, or the column of a data file.
        """
        return []

    @classmethod
    def notes(cls, settings: Any, folder: Path, session: Any) -> list[Problem]:
        """Return what is not wrong, but may not be meant (default: nothing); asked only where `check` finds nothing."""
        return []


class PowerOperator(Plugin):
    """Regional power distribution operator (RPDO): wants vehicles where its feeders overload, or trains where energy is dear."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement (`RoadSession` or `RailSession`); called once, first."""

    @abstractmethod
    def open_period(self, period: int, observation: StationObservation | None) -> Gate | None:
        """Take in what was seen in ``period - 1`` (None before the first, and by rail); return the gates, by rail None."""

    @abstractmethod
    def solve(self, multipliers_usd_per_veh: Array, opening: Array) -> ConnectionAnswer:
        """Return the connection that minimises own cost plus multipliers times connection.

        ``opening`` is what the transport operator opened the period with: travel times (road), the trains' places (rail).
        """

    @abstractmethod
    def evaluate(self, connection_veh: Array, opening: Array) -> ConnectionAnswer:
        """Return the cheapest use of at most ``connection_veh`` and its own cost. Must always have an answer."""

    @abstractmethod
    def commit(self, connection_veh: Array) -> None:
        """``connection_veh`` is agreed: carry out the opened period."""

    def relax(self, multipliers_usd_per_veh: Array, opening: Array) -> ConnectionAnswer:
        """Answer as `solve` does, in the linear relaxation: a quick, valid bound. By default it is `solve` itself."""
        return self.solve(multipliers_usd_per_veh, opening)


class TransportOperator(Plugin):
    """Regional transport system operator (RTSO): sends vehicles or trains at least cost."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement (`RoadSession` or `RailSession`); called once, first."""

    @abstractmethod
    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Take in what was seen in ``period - 1`` (None before the first, and by rail); return the opening, see above."""

    @abstractmethod
    def solve(self, multipliers_usd_per_veh: Array, opening: Any) -> ConnectionAnswer:
        """Return the connection that minimises own cost minus multipliers times connection.

        ``opening`` is what the power operator opened the period with: a `Gate` (road), None (rail).
        """

    @abstractmethod
    def evaluate(self, connection_veh: Array, opening: Any) -> ConnectionAnswer:
        """Return the part of ``connection_veh`` that can be sent (all of it, if possible) and its own cost."""

    @abstractmethod
    def commit(self, connection_veh: Array) -> list[Departure]:
        """``connection_veh`` is agreed: carry out the opened period, and on the road return routes for its vehicles."""

    def relax(self, multipliers_usd_per_veh: Array, opening: Any) -> ConnectionAnswer:
        """Answer as `solve` does, in the linear relaxation: a quick, valid bound. By default it is `solve` itself."""
        return self.solve(multipliers_usd_per_veh, opening)


class TrafficModel(Plugin):
    """The road: knows every vehicle, tells only what detectors would."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement and start; called once, first."""

    @abstractmethod
    def run(self, period: int, departures: list[Departure]) -> TrafficObservation:
        """Move the world through ``period`` with these departures in it."""

    @abstractmethod
    def close(self) -> None:
        """End everything that was started; called once, also after a failure."""


@dataclass(frozen=True, slots=True)
class Solve:
    """Decision: ask both operators for their best connection at these multipliers.

    ``relaxed``: in their linear relaxations, which is quicker, still bounds, and may answer fractions.
    """

    multipliers_usd_per_veh: Array
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Decision: ask what these connections would cost, each of the connection's shape."""

    power_connection_veh: Array
    transport_connection_veh: Array


@dataclass(frozen=True, slots=True)
class Commit:
    """Decision: carry out the opened period of this connection (whole numbers there).

    ``agreed`` tells whether the operators agreed by the algorithm's stopping rule; ``reason`` says in words why the rounds ended.
    ``lower_bound_usd`` is the best lower bound of the joint cost that the algorithm knows by means of its own (cuts, for
    example); the sums of the operators' bounds need not be told. All three are claims: the loop that asks the operators keeps
    what the answers prove beside them. ``ended_by_time`` tells that a limit of time ended the rounds: on another computer the
    decision may be another one.
    """

    connection_veh: Array
    agreed: bool
    reason: str
    lower_bound_usd: float = -math.inf
    ended_by_time: bool = False


Decision: TypeAlias = Solve | Evaluate | Commit


@dataclass(frozen=True, slots=True)
class RoundResult:
    """Both answers to the last decision."""

    asked: ConnectionAnswer
    offered: ConnectionAnswer


class CoordinationAlgorithm(Plugin):
    """Finds multipliers or a plan from the answers alone; sees nothing else of either operator."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement (`RoadSession` or `RailSession`); called once, first."""

    @abstractmethod
    def start(self, period: int, train_ready: Array | None = None) -> Decision:
        """Return the first decision of a period; ``train_ready``, shape (K, 3), is where the trains are and end (rail only)."""

    @abstractmethod
    def next(self, result: RoundResult) -> Decision:
        """Return the next decision, given both answers to the last one."""
