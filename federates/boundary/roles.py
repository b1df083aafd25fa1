"""The roles of a federation as abstract classes: what one writes to put an own agent in.

None of them knows HELICS. The runtime calls the methods in this order, once per period p = 0..T-1::

    begin(session, recorder)
    open_period(p, observation of p-1 or None)  ->  opening: what partners must know
    relax(prices, openings of the partners)
    | solve(prices, openings)
    | evaluate(given, openings)                 ->  answers, as often as the coordinator's algorithm wants
    commit(given)                               ->  dispatch: what the world's model must know
    run(p, dispatch)                            ->  observation of p (the world's model, such as a traffic model)

and once more ``open_period(T, observation of T-1)`` after the last period, so that every observation is seen.

Prices and quantities are mappings from the name of an exchange to an array, of the shape of the agent's part of it; along the
last axis entry 0 is the opened period. On the road the exchange is ``delivery`` (R, Q, H), the power operator opens with a `Gate`
(``gate``), the transport operator with travel times (``road_time_s``, (R, Q)). By rail it is ``connection`` (K, S, H), 1 where
train k stands at station s, H being the periods left of the day; there is no model and no observation, and the transport operator
opens with the trains' places (``train_ready``, (K, 3)). The topic table (docs/boundary.md) has them all.

A method must be deterministic given the session's seed, and must not keep or change the arrays it is given.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Answer, Quantities

Value: TypeAlias = float | int | str | bool
Openings: TypeAlias = Mapping[str, Any]
"""What partners have opened the period with, by name of the message."""


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
    worlds: ClassVar[tuple[str, ...]] = ()
    """Worlds in which the class can work; empty: all."""

    def __init__(self, settings: Any = None, folder: Path = Path()) -> None:
        """Keep ``settings`` (an instance of ``Settings``; None: its defaults) and ``folder``, the agent's own of the scenario."""
        self.settings: Any = self.Settings() if settings is None else settings
        self.folder = folder

    def state(self) -> Any:
        """Return what the class must keep to go on behind the period that was carried out last, if it wants to keep it itself.

        Plain values and numpy arrays of numbers, in lists, tuples, sets and mappings; or bytes. None (default): it keeps nothing,
        and a run that goes on after a crash calls `begin` and everything else again as it was called before, by the journal.
        """
        return None

    def restore(self, state: Any) -> None:
        """Go on with what `state` has returned; called after `begin`, in place of all calls before. Recorded rows are there."""
        raise NotImplementedError(f"{type(self).__name__} returns a state, and must have restore too")

    @classmethod
    def works_in(cls, world: str) -> bool:
        """Return whether the class can work in a world, or in the one of which that is a variant."""
        from federates.boundary.world import world_of  # which knows this module's roles

        return not cls.worlds or world in cls.worlds or world_of(world).variant_of in cls.worlds

    @classmethod
    def check(cls, settings: Any, folder: Path, session: Any) -> list[Problem]:
        """Return everything wrong with settings and data files that can be found without running (default: nothing).

        A problem's ``file`` is relative to ``folder``; its ``field`` is the dotted key in ``config.yaml``, such as
        ``settings.stations.q1.chargers``, or the column of a data file. ``session`` is the agent's view of it.
        """
        return []

    @classmethod
    def notes(cls, settings: Any, folder: Path, session: Any) -> list[Problem]:
        """Return what is not wrong, but may not be meant (default: nothing); asked only where `check` finds nothing."""
        return []


class Operator(Plugin):
    """An agent that takes part in exchanges: it knows its own costs and limits, and tells no more than its answers."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the agent's view of the public agreement; called once, first."""

    @abstractmethod
    def open_period(self, period: int, observation: Any) -> Any:
        """Take in what was seen in ``period - 1`` (None before the first, and where nothing is seen); return the opening."""

    @abstractmethod
    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return what minimises own cost plus price times what is asked minus price times what is offered."""

    @abstractmethod
    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the cheapest use of at most what is given (asked), or what can be sent of it (offered), and its own cost.

        There must always be an answer.
        """

    @abstractmethod
    def commit(self, given: Quantities) -> Any:
        """``given`` is agreed: carry out the opened period; return what the world's model must know, if there is one."""

    def relax(self, prices: Quantities, openings: Openings) -> Answer:
        """Answer as `solve` does, in the linear relaxation: a quick, valid bound. By default it is `solve` itself."""
        return self.solve(prices, openings)

    def outlook(self) -> Mapping[str, Any]:
        """Return what the class expects of the opened period, for the person in its seat: own numbers, never told to others.

        By name with the unit at its end: numbers, lists over the horizon, or mappings of them by station (default: nothing).
        """
        return {}


class PowerOperator(Operator):
    """Regional power distribution operator (RPDO): wants vehicles where its feeders overload, or trains where energy is dear."""


class TransportOperator(Operator):
    """Regional transport system operator (RTSO): sends vehicles or trains at least cost."""


class MvesFleet(Operator):
    """Fleet of mobile storages (MVES): offers to carry energy, and asks for passage on the roads."""


class Reporter(Plugin):
    """An agent that takes part in no exchange: it opens every period with what others must know of it."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the agent's view of the public agreement; called once, first."""

    @abstractmethod
    def open_period(self, period: int, heard: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Take in what was heard of ``period - 1``, by message (None before the first); return the opening, by message.

        It is called once more behind the last period, to close the account.
        """


class ChargingStation(Reporter):
    """Charging station (GCS): serves vehicles that come to charge, and takes in or gives out what mobile storages carry."""


class WorldModel(Plugin):
    """What the agents act in: it knows everything that happens, and tells only what could be measured."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement and start; called once, first."""

    @abstractmethod
    def run(self, period: int, dispatch: Any) -> Any:
        """Move the world through ``period`` with this dispatch; return what is seen, one attribute per message."""

    @abstractmethod
    def close(self) -> None:
        """End everything that was started; called once, also after a failure."""


class TrafficModel(WorldModel):
    """The road: knows every vehicle, tells only what detectors would."""


@dataclass(frozen=True, slots=True)
class Solve:
    """Decision: ask all operators for their best quantities at these prices, an array per exchange.

    ``relaxed``: in their linear relaxations, which is quicker, still bounds, and may answer fractions.
    """

    prices: Quantities
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Decision: ask each agent what its own quantities would cost, by agent.

    ``whole``: members of a private sum, whose single parts nobody knows, each round up what is carried out in whole numbers.
    """

    given: Mapping[str, Quantities]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """Decision: carry out the opened period of these quantities (by agent, in balance, whole numbers there).

    ``agreed`` tells whether the operators agreed by the algorithm's stopping rule; ``reason`` says in words why the rounds ended.
    ``lower_bound_usd`` is the best lower bound of the joint cost that the algorithm knows by means of its own (cuts, for
    example); the sums of the operators' bounds need not be told. All three are claims: the loop that asks the operators keeps
    what the answers prove beside them. ``ended_by_time`` tells that a limit of time ended the rounds: on another computer the
    decision may be another one. ``prices`` are those at which the plan is paid, an array per exchange; None: those of the best
    lower bound.
    """

    given: Mapping[str, Quantities]
    agreed: bool
    reason: str
    lower_bound_usd: float = -math.inf
    ended_by_time: bool = False
    prices: Quantities | None = None


Decision: TypeAlias = Solve | Evaluate | Commit


class LateAnswer(NamedTuple):
    """An answer that has come late: whose it is, and to which question."""

    agent: str
    question: Solve | Evaluate
    answer: Answer


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The answers to the last decision, by agent.

    ``missing`` are agents whose answer did not come through the network in time. In place of it stands something that the agent
    has answered before: quantities it can do at the cost it named, and a bound that is proven at the prices of this question
    (minus infinity: none is). So an algorithm may use it as any other, but learns nothing new by it. ``late`` are answers to
    questions asked before. Both are empty where there is no network (`Session.network`).
    """

    answers: Mapping[str, Answer]
    missing: frozenset[str] = frozenset()
    late: tuple[LateAnswer, ...] = ()


class CoordinationAlgorithm(Plugin):
    """Finds prices or a plan from the answers alone; sees nothing else of any operator."""

    @abstractmethod
    def begin(self, session: Any, recorder: Recorder) -> None:
        """Take in the public agreement, all of it; called once, first."""

    @abstractmethod
    def start(self, period: int, openings: Openings) -> Decision:
        """Return the first decision of a period; ``openings`` are the messages by which the operators have opened it."""

    @abstractmethod
    def next(self, result: RoundResult) -> Decision:
        """Return the next decision, given all answers to the last one."""

    def goes_on_without(self, question: Solve) -> bool:
        """Return whether `next` may be called though an answer to ``question`` has not come in time (`RoundResult.missing`).

        By default it may not: the question is asked again until all have answered, as every `Evaluate` is.
        """
        return False
