"""Tables of the pages: as many cells in every row as in the head, or GitHub drops what is too much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from federates.boundary.markdown import markdown_row, markdown_table

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
_BAR = re.compile(r"(?<!\\)\|")


def _cells(line: str) -> int:
    return len(_BAR.findall(line)) - 1


def _tables(text: str) -> list[tuple[int, list[str]]]:
    """Return the number of cells in the head, and the rows, of every table; code blocks hold none."""
    lines = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()
    found = []
    for k, line in enumerate(lines[:-1]):
        if line.startswith("|") and re.fullmatch(r"\|[\s:|-]+\|", lines[k + 1]):
            body = lines[k + 1 :]
            rows = body[: next((i for i, row in enumerate(body) if not row.startswith("|")), len(body))]
            found.append((_cells(line), rows))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_row_has_more_or_fewer_cells_than_its_head(page):
    for width, rows in _tables(page.read_text(encoding="utf-8")):
        assert [row for row in rows if _cells(row) != width] == []


def test_the_check_sees_a_bar_that_is_not_escaped():
    ((width, rows),) = _tables("| a | b |\n|---|---|\n| `gap` | (UB - LB) / |UB| |\n")
    assert [_cells(row) for row in rows] != [width, width]


def test_a_bar_in_a_cell_is_escaped_and_a_line_break_is_a_space():
    assert markdown_row(["sum of |a|", 3, "two\n lines"]) == r"| sum of \|a\| | 3 | two lines |"
    assert markdown_table(["x", "y"], [["|", 1]], 1) == "| x | y |\n|---|---:|\n| \\| | 1 |\n"
