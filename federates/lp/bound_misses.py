"""Linear programmes whose proven bound missed what the solver said: kept until the agent's loop writes them down."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BoundMiss", "note_miss", "take_misses"]


@dataclass(frozen=True, slots=True)
class BoundMiss:
    """A linear programme whose safe bound did not meet the solver's objective, as it was solved first and then without a basis.

    ``cold_agrees``: the second time both met, and that answer was taken. Else the safe bound went out, never the objective.
    """

    objective_usd: float
    safe_bound_usd: float
    cold_objective_usd: float
    cold_safe_bound_usd: float
    cold_agrees: bool


_misses: list[BoundMiss] = []


def note_miss(miss: BoundMiss) -> None:
    """Keep a miss."""
    _misses.append(miss)


def take_misses() -> list[BoundMiss]:
    """Return what this process missed since the last call; an operator's loop writes it to the table ``bound_misses``."""
    taken = list(_misses)
    _misses.clear()
    return taken
