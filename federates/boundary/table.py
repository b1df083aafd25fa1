"""One table of results: who writes it, what it means, and what its columns are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results; ``columns`` maps a column to its meaning."""

    name: str
    owner: str
    meaning: str
    columns: dict[str, str]
    exceptional: bool = False
    """A sound run may have no row, and then no such table: nothing went wrong, or its agent's model does not keep it."""
