"""Tables in Markdown, for generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_row(cells: Iterable[object]) -> str:
    """Return one row of a table; a bar in a cell is escaped, since it would end the cell (GitHub Flavored Markdown, 4.10)."""
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def markdown_table(head: Sequence[str], rows: Iterable[Iterable[object]], numbers_from: int | None = None) -> str:
    """Return a table with a line break at its end; columns from ``numbers_from`` on are aligned to the right."""
    left = len(head) if numbers_from is None else numbers_from
    rule = "|" + "|".join("---" if column < left else "---:" for column in range(len(head))) + "|"
    return "\n".join([markdown_row(head), rule, *map(markdown_row, rows)]) + "\n"
