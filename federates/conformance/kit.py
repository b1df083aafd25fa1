"""What a world brings to the checks of its agents: a small session, what partners say, operators whose joint optimum is known.

A world's kit is the object ``KIT`` in the module ``conformance`` of its package, such as
`federates.worlds.road.conformance`. The checks ask the kit, the world and its exchanges, never which world it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from federates.boundary.exchange import Message
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, RoundResult, Solve
from federates.boundary.session import Session
from federates.boundary.world import world_of

__all__ = [
    "SEED",
    "ModelKit",
    "ReporterKit",
    "Scripted",
    "Stage",
    "WorldKit",
    "kit_of",
    "model_kit_of",
    "reporter_kit_of",
    "small_session",
]

SEED = 20240229
"""Of all that partners say: it is the same in every life."""
_ROUNDING = 1e-6


class Scripted(ABC):
    """All operators of one period in closed form; they know the joint optimum, of which the algorithm is not told.

    Vectors are (n,), of all that is exchanged (`federates.boundary.layout.Layout`); of what is said of one agent its own entries
    count. Costs are given by entry, so that agents that share a role out have each its own.

    Parameters
    ----------
    stubborn : who offers never offers what is asked.
    """

    def __init__(self, session: Any, period: int = 0, *, stubborn: bool = False) -> None:
        self.session, self.period, self.stubborn = session, period, stubborn
        self.layout = Layout(session, period)

    @property
    @abstractmethod
    def openings(self) -> dict[str, Any]:
        """Return by which messages the period has been opened, those too that the coordinator does not hear."""

    @abstractmethod
    def best(self, agent: str, prices: Array) -> tuple[Array, Array]:
        """Return an agent's best quantities at these prices, and what each costs."""

    @abstractmethod
    def can(self, agent: str, given: Array) -> tuple[Array, Array, Array | None]:
        """Return what an agent uses or can send of what is given, what each costs, and the slopes, if there are any."""

    @abstractmethod
    def optimum_usd(self) -> float:
        """Return the least cost of all operators together, from the opened period on."""

    @abstractmethod
    def following(self, plan: Array, *, late: bool = False) -> tuple[Scripted, bool]:
        """Return the operators of the next period, and whether something came ``late``, as it was to."""

    def asks(self, agent: str) -> bool:
        """Return whether an agent asks for anything."""
        return not self.layout.only_offers(agent)

    def heard_by_coordinator(self) -> dict[str, Any]:
        """Return the openings without those that are told past the coordinator."""
        passed_on = {message.name for message in world_of(self.session.world).messages if message.passed_on}
        return {name: content for name, content in self.openings.items() if name in passed_on}

    def cost_usd(self, copies: Mapping[str, Array]) -> float | None:
        """Return the cost of all operators with a plan, each agent's part of it; None if they cannot carry it out."""
        total = 0.0
        for agent, copy in copies.items():
            own, given = self.layout.entries[agent], np.zeros(self.layout.size)
            given[own] = copy
            z, costs, _ = self.can(agent, given)
            if (copy - z[own])[self.layout.sign[agent] < 0].max(initial=0.0) > _ROUNDING:
                return None
            total += float(costs[own].sum())
        return total

    def answer(self, decision: Any) -> RoundResult:
        """Return all answers to `Solve` or `Evaluate`."""
        return RoundResult({agent: self._answer(agent, decision) for agent in self.layout.agents})

    def _answer(self, agent: str, decision: Any) -> Answer:
        layout, slopes = self.layout, None
        own = layout.entries[agent]
        if isinstance(decision, Solve):
            prices = layout.flat(decision.prices)
            z, costs = self.best(agent, prices)
            priced = layout.price_of(agent, z[own], prices)
        else:
            given, priced = np.zeros(layout.size), 0.0
            given[own] = layout.own(agent, decision.given[agent])
            z, costs, slopes = self.can(agent, given)
        cost = float(costs[own].sum())
        told = None if slopes is None else layout.own_shaped(agent, slopes[own])
        return Answer(layout.own_shaped(agent, z[own]), cost, cost + priced, told)


class Stage(ABC):
    """What an operator under test meets on a day, and what may be asked of it.

    ``session`` is the operator's own view. Quantities are of its part, entry 0 being the opened period.
    """

    def __init__(self, session: Any, role: str) -> None:
        self.session, self.role = session, role
        self.late = False
        """Whether what the first periods should bring comes late."""

    @abstractmethod
    def openings(self, period: int, plan: dict[str, Array]) -> dict[str, Any]:
        """Return what partners open ``period`` with; where something is late, ``plan`` is changed to what is left of it."""

    def observation(self, period: int) -> Any:
        """Return what was seen of the period before (default: nothing is seen)."""
        return None

    def is_broken(self, period: int, opening: Any) -> bool:
        """Return whether the operator's own opening says that it cannot follow the plan (default: it can)."""
        return False

    def committed(self, plan: Quantities) -> dict[str, Array]:
        """Return the plan as it is committed, and remember it (default: as it is)."""
        return dict(plan)

    @abstractmethod
    def modest(self, period: int) -> dict[str, Array]:
        """Return quantities that any operator should be able to deal with."""

    @abstractmethod
    def trials(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        """Return quantities to ask for, in words too, in an order in which one bounds the next."""

    @abstractmethod
    def impossible(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        """Return quantities that nobody can have, in words too."""

    @abstractmethod
    def wanted(self, period: int, answered: Quantities | None) -> dict[str, Array]:
        """Return what is to be carried out; ``answered`` is the last answer to prices, if there is one."""


class WorldKit(ABC):
    """What the checks must know of a world beside its description."""

    thing: ClassVar[str] = "quantity"
    """What one unit of what is exchanged is called."""
    worth_usd: ClassVar[Mapping[str, float]] = {}
    """About what one unit of an exchange is worth where one of another is worth 1 usd; 1 where it is not named."""

    @abstractmethod
    def session(self) -> Session:
        """Return a small public agreement, for agents that come without a scenario."""

    @abstractmethod
    def stage(self, session: Any, role: str) -> Stage:
        """Return the surroundings of an operator on one day."""

    @abstractmethod
    def scripted(self, session: Any, *, stubborn: bool = False) -> Scripted:
        """Return operators of period 0 whose joint optimum is known."""

    def message_fault(self, session: Any, period: int, message: Message, arrays: Sequence[Array]) -> str | None:
        """Return what is wrong with the finite values of a message (default: nothing)."""
        return None

    def offer_fault(self, session: Any, period: int, offered: Quantities, openings: Openings) -> str | None:
        """Return why nobody can send what is offered (default: it can be)."""
        return None

    def rounded_away(self, session: Any) -> Mapping[str, float]:
        """Return how much less than its own offer one may send, because what it asked for was rounded (default: nothing)."""
        return {}

    def commit_fault(
        self, session: Any, openings: Mapping[int, Any], commits: Sequence[tuple[int, Quantities, Any]]
    ) -> tuple[str, str] | None:
        """Return how who offers does not carry out what was committed, and what was asked, in words (default: it does)."""
        return None

    def alike(self, session: Any, prices: dict[str, Array]) -> dict[str, Array]:
        """Return prices that are the same for what is interchangeable (default: nothing is)."""
        return prices

    def twin(self, session: Any, openings: Openings, values: Quantities) -> dict[str, Array] | None:
        """Return ``values`` with two interchangeable things exchanged; None if there are none (default)."""
        return None


class ReporterKit(WorldKit):
    """What a world brings that has agents which report and take part in no exchange."""

    @abstractmethod
    def heard(self, session: Any, role: str, periods: int, *, flooded: bool) -> Sequence[dict[str, Any]]:
        """Return what an agent hears of each period, by message; ``session`` is its view, ``flooded``: far too much."""

    @abstractmethod
    def report_fault(
        self, session: Any, heard: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]
    ) -> tuple[int, str] | None:
        """Return in which opening an account does not close, and how; None if all do.

        ``said[p + 1]`` is what the agent said when it had heard ``heard[p]``.
        """


class ModelKit(WorldKit):
    """What a world that has a model brings."""

    @abstractmethod
    def dispatches(self, session: Any, routes: Sequence[Any], periods: int, *, flooded: bool) -> Iterable[tuple[str, Any]]:
        """Return what a model is told of each period, in words too; ``routes`` are known to it, ``flooded``: far too much."""

    @abstractmethod
    def sent_to(self, session: Any, dispatch: Any) -> Array:
        """Return how much leaves for each destination."""

    @abstractmethod
    def arrived_at(self, session: Any, seen: Any) -> Array:
        """Return how much has arrived at each destination by an observation."""

    @abstractmethod
    def example(self, session: Any, period: int) -> Any:
        """Return an observation of a period in which nothing was sent."""

    @abstractmethod
    def ordinary(self, session: Any) -> dict[str, Array]:
        """Return the quantities of an ordinary period."""


def small_session(world: str) -> Any:
    """Return the small session of a world, for agents that come without a scenario."""
    return _kit(world).session()


def kit_of(session: Any) -> WorldKit:
    """Return the kit of a session's world; raise ImportError if the world brings none."""
    return _kit(session.world)


def model_kit_of(session: Any) -> ModelKit:
    """Return the kit of a session's world; raise ImportError if it brings none for agents that hear or are a model."""
    kit = kit_of(session)
    if not isinstance(kit, ModelKit):
        raise ImportError(f"the world {session.world} has no kit for checks of a model")
    return kit


def reporter_kit_of(session: Any) -> ReporterKit:
    """Return the kit of a session's world; raise ImportError if it brings none for agents that report."""
    kit = kit_of(session)
    if not isinstance(kit, ReporterKit):
        raise ImportError(f"the world {session.world} has no kit for checks of agents that report")
    return kit


def _kit(world: str) -> WorldKit:
    module = world_of(world).module("conformance")
    if module is None:
        raise ImportError(f"the world {world} has no kit for checks of its agents")
    found: WorldKit = module.KIT
    return found
