"""Put the energy accounts of Los Angeles runs by formula into docs/energy_account.md.

``python studies/make_energy_account.py`` takes two minutes. tests/verification/test_energy_account.py holds the page against
runs.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from federates.boundary.markdown import markdown_table
from federates.reporting.formatting import number
from federates.reporting.tables import RunTables
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.energy import road_account

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

PAGE = ROOT / "docs/energy_account.md"
MARKS = re.compile(r"(<!-- runs: made by `python studies/make_energy_account.py` -->\n).*?(<!-- end -->\n)", re.DOTALL)
_EVENING = {"periods": 6, "start_hour": 15}
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "six hours from 15:00": (_EVENING, {}),
    "the same, drive fed from the carried energy": (_EVENING, {"power_operator": {"mves": {"traction": "on"}}}),
    "a whole day": ({}, {}),
}
"""Name, overrides of the session and settings of each run."""
HEADS = ["run", "cohorts", "drawn (kWh)", "given (kWh)", "total open (kWh)", "largest difference (kWh)", "in"]


def row(name: str, target: Path) -> list[str]:
    """Run a day by formula below ``target`` and return the cells of its row."""
    from quick_runs import quick_run

    overrides, settings = RUNS[name]
    run = quick_run(new_scenario(target / "la_gcs", "la_gcs"), overrides, settings, {"traffic_sumo": "bpr"})
    account = road_account(RunTables.read(run))
    where, worst = max(account.differences.items(), key=lambda item: item[1])
    total = account.total
    cells = [number(total["drawn_kwh"], 1), number(total["given_kwh"], 1), f"{abs(total['open_kwh']):.0e}", f"{worst:.2g}", where]
    return [name, number(len(account.cohorts)), *cells]


def shown() -> str:
    """Return the table as it stands on the page."""
    found = MARKS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, "energy_account.md has lost the marks of its table"
    return found[0][len(found[1]) : -len(found[2])]


def main() -> None:
    """Write the table into the page."""
    rows = []
    for name in RUNS:
        with tempfile.TemporaryDirectory(prefix="portage-energy-") as target:
            rows.append(row(name, Path(target)))
    made = markdown_table(HEADS, rows, 1)
    PAGE.write_text(MARKS.sub(lambda marks: marks[1] + made + marks[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
