"""A recorder that keeps rows in memory, for agents that are asked outside a run."""

from __future__ import annotations

from federates.boundary.roles import Value

__all__ = ["Notes"]


class Notes:
    """Rows by table, in ``tables``."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Value]]] = {}

    def record(self, table: str, **row: Value) -> None:
        """Append a row."""
        self.tables.setdefault(table, []).append(row)

    def progress(self, **fields: Value) -> None:
        """Nobody watches."""
