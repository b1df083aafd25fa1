"""Make docs/fleets_reference.md: ``python studies/make_fleets_reference.py``.

It negotiates the day of `la_fleets` by formula traffic and solves the joint problem of each hour: some minutes.
tests/verification/test_fleets_reference.py (long) holds the page against a run.
"""

from pathlib import Path

from federates.boundary.markdown import markdown_table
from federates.centralised.fleets.day import HourReference, reference_day
from federates.centralised.fleets.tell import COLUMNS, cells, rows, summary

ROOT = Path(__file__).parents[1]
PAGE, TEXT = ROOT / "docs/fleets_reference.md", ROOT / "studies/fleets_reference.md.in"


def whole_day() -> list[HourReference]:
    """Return the references of the shipped day by formula traffic."""
    return reference_day(ROOT / "scenarios/la_fleets", use={"traffic_sumo": "bpr"})


def page(day: list[HourReference]) -> str:
    """Return the page of a day."""
    text = TEXT.read_text(encoding="utf-8")
    table = markdown_table(list(COLUMNS.values()), map(cells, rows(day)), 0)
    return text.replace("TABLE\n", table).replace("SUMMARY", summary(day))


if __name__ == "__main__":
    PAGE.write_text(page(whole_day()), encoding="utf-8")
