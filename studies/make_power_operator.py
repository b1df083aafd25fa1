"""Put the days that the charging stations' operator alone is measured on into docs/power_operator.md.

``python studies/make_power_operator.py`` takes half a minute. The days are those of tests/support/power_days.py;
tests/verification/test_power_day.py holds the first row against the page.
"""

import re
import sys
from pathlib import Path
from typing import Any

from federates.boundary.markdown import markdown_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
from power_days import remaining_overload, run_day  # noqa: E402 (the days are the tests')

PAGE = ROOT / "docs/power_operator.md"
MARKS = re.compile(r"(<!-- days: made by `python studies/make_power_operator.py` -->\n).*?(<!-- end -->\n)", re.DOTALL)
DAYS: dict[str, dict[str, Any]] = {
    "typical": {},
    "other shape (`am_leaning`)": {"shape": "am_leaning"},
    "5 % noise": {"noise": 0.05},
}
SAFETY = [(0.0, 0.0), (0.0, 0.02), (120.0, 0.02), (0.0, 0.05)]
"""Lead times, s, and margins that are compared."""


def measured(memory: Any, sent: Any) -> tuple[float, float, int, int, float]:
    """Return the shares of overload left at q1 and q2, vehicles, most parked at a time and hours of waiting."""
    stock = [row for row in memory.tables["mves_stock"] if row["kind"] == "lcs"]
    parked, waiting_veh_h = max(row["parked_veh"] for row in stock), sum(row["waiting_veh_h"] for row in stock)
    return remaining_overload(memory, "q1", 1), remaining_overload(memory, "q2", 1), int(sent.sum()), int(parked), waiting_veh_h


def day_row(name: str, of: tuple[float, float, int, int, float]) -> list[str]:
    """Return the cells of a day's row."""
    first, second, vehicles, parked, waiting_veh_h = of
    return [name, f"{100 * first:.2f} / {100 * second:.2f} %", str(vehicles), str(parked), f"{waiting_veh_h:.0f}"]


def part() -> str:
    """Return both tables."""
    rows = [day_row(name, measured(*run_day(**road))) for name, road in DAYS.items()]
    out = markdown_table(["day", "left", "vehicles", "parked at a time, at most", "waiting (h)"], rows)
    out += "\nTwo settings trade waiting for safety; the worse station, with hours of waiting:\n\n"
    safety = []
    for lead_time_s, margin_share in SAFETY:
        changes = {"margins": {"lead_time_s": lead_time_s, "margin_share": margin_share}}
        of = [measured(*run_day(changes=changes, **road)) for road in DAYS.values()]
        safety.append([f"{lead_time_s:g}", f"{margin_share:g}", *(f"{100 * max(d[:2]):.1f} %, {d[4]:.0f} h" for d in of)])
    return out + markdown_table(["`lead_time_s`", "`margin_share`", *DAYS], safety)


def shown() -> str:
    """Return the part as it stands on the page."""
    found = MARKS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, "power_operator.md has lost the marks of its days"
    return found[0][len(found[1]) : -len(found[2])]


if __name__ == "__main__":
    made = part()
    PAGE.write_text(MARKS.sub(lambda marks: marks[1] + made + marks[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")
