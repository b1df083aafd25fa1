"""One table of results: who writes it, what it means, and what its columns are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results; ``columns`` maps a column to its meaning."""

    name: str
    owner: str
    meaning: str
    columns: dict[str, str]
    exceptional: bool = False
    """A sound run has no row, and then no such table."""
