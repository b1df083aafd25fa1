"""What a check is: an id, a sentence that must hold, and a function that tries it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from federates.boundary.names import Role
from federates.boundary.world import World

if TYPE_CHECKING:
    from federates.conformance.fixtures import Fixtures

__all__ = ["EVERYONE", "OPERATORS", "Check", "Does", "does", "in_order", "rules"]

Run = TypeVar("Run", bound="Callable[[Fixtures], str]")


class Does(StrEnum):
    """What an agent does in its world, whatever its role is called there."""

    ASK = "asks"
    OFFER = "offers"
    TRADE = "asks and offers"
    MODEL = "models"
    REPORT = "reports"
    COORDINATE = "coordinates"


OPERATORS = (Does.ASK, Does.OFFER, Does.TRADE)
EVERYONE = tuple(Does)


def does(role: str, world: World) -> Does | None:
    """Return what agents of ``role`` do in ``world``; None if they do nothing there."""
    for kind, roles in ((Does.COORDINATE, (Role.COORDINATOR,)), (Does.MODEL, world.models), (Does.REPORT, world.reporters)):
        if role in roles:
            return kind
    asks = any(role in exchange.asks for exchange in world.exchanges)
    offers = any(role in exchange.offers for exchange in world.exchanges)
    if asks and offers:
        return Does.TRADE
    return Does.ASK if asks else Does.OFFER if offers else None


@dataclass(frozen=True)
class Check:
    """One rule, and how to find out whether an agent keeps it.

    ``run`` returns what was seen, in one short line without a full stop. It raises `Breach` if the rule is broken, with what was
    asked and what came, and `DoesNotApply` if the rule says nothing about this session. Any other exception is a
    fault of the kit, which is not put down to the agent.
    """

    id: str
    """``<area>.<name>``, such as ``answers.shape``; never changes, for others select and count by it."""
    holds: str
    """What must hold, as a sentence with its full stop."""
    run: Callable[[Fixtures], str]
    """Tries it; see above."""
    of: tuple[Does, ...] = OPERATORS
    """Whose rule it is."""
    whole_only: bool = False
    """Whether the rule is for worlds only in which what is exchanged is whole."""
    needs: tuple[str, ...] = ()
    """Ids of checks without which this one says nothing: if one of them is broken, this one is not reached."""
    classes_only: bool = False
    """Whether it looks at something that only a class in this process has, such as the arrays it is given."""

    def is_for(self, role: str, world: World) -> bool:
        """Return whether the rule is for agents of ``role`` in ``world``."""
        return does(role, world) in self.of and self.holds_in(world)

    def holds_in(self, world: World) -> bool:
        """Return whether the rule is for a world."""
        return not self.whole_only or all(exchange.whole for exchange in world.exchanges)

    @property
    def area(self) -> str:
        """Return the part of the id before the dot."""
        return self.id.partition(".")[0]


def rules(checks: list[Check], **common: Any) -> Callable[..., Callable[[Run], Run]]:
    """Return a decorator that makes functions checks of a list: of an id and what it needs, other fields by name.

    What must hold is the function's docstring, or ``holds`` where several checks share one. ``common`` are fields of all.
    """

    def rule(name: str, *needs: str, holds: str = "", **fields: Any) -> Callable[[Run], Run]:
        def add(run: Run) -> Run:
            checks.append(Check(name, holds or " ".join((run.__doc__ or "").split()), run, needs=needs, **{**common, **fields}))
            return run

        return add

    return rule


def in_order(*checks: Check) -> tuple[Check, ...]:
    """Return the checks, each behind those that it needs, else as they stand."""
    left, found = list(checks), list[Check]()
    while left:
        ready = next(c for c in left if not any(other.id in c.needs for other in left))
        left.remove(ready)
        found.append(ready)
    return tuple(found)
