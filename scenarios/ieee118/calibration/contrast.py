"""How much rests on `CONTRAST`, and on what "the same capacity" means: ``python scenarios/ieee118/calibration/contrast.py``.

Solves the 118-bus day without trains over a range of `CONTRAST`, and at the chosen value all models under each reading of the
capacity. Each result is kept in ``contrast.json`` at once: stop the program and start it again, and it goes on (about 40 min).
Costs are intervals: the best plan found and the proven bound. ``studies/make_ieee.py`` prints and draws what stands there.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from make_data import CONTRAST, HERE, load_mw

from federates.centralised.solve import solve_centralised
from federates.reporting.published import read_published
from federates.sweep.changes import apply_changes
from federates.sweep.spec import Point

SCENARIO = HERE.parent
RESULTS = HERE / "contrast.json"

COARSE = [1.0, 1.1, 1.2, 1.25, 1.3, 1.33, 1.36, 1.4, 1.45, 1.5, 1.6]
FINE = [round(1.3 + 0.01 * k, 2) for k in range(11)]
"""Grid of the rule, around the coarse value that is nearest; F_0 rises with the contrast, so no value outside can be nearer."""
CAPACITY_MW, STATIONS, TRAINS = 100, ("bus25", "bus38", "bus77", "bus117"), ("train1", "train2")
STATED_H = {"mobile": 2, "fixed": 4, "central": 4}
"""Hours of the batteries as the paper states them: beta = 2 for the mobile ones, 400 MWh for 100 MW of fixed ones."""
GAPS = {"mobile": 1e-3, "fixed": 2e-5, "central": 2e-5, "no_storage": 2e-5}
TIME_LIMIT_S = {"mobile": 600.0}
"""Longest wall time; without trains a minute is enough on a computer that has nothing else to do."""


@dataclass(frozen=True)
class Case:
    """One solve: its scheme, its contrast, and the hours of its batteries (mobile or fixed; 0 without any)."""

    scheme: str
    contrast: float
    hours: int


def cases() -> list[Case]:
    """Return every case once, the cheap ones first."""
    found = [Case("no_storage", contrast, 0) for contrast in sorted({*COARSE, *FINE})]
    found += [Case(scheme, contrast, STATED_H["fixed"]) for contrast in COARSE for scheme in ("fixed", "central")]
    found += [Case(scheme, CONTRAST, hours) for scheme in ("fixed", "central", "mobile") for hours in (2, 4)]
    return list(dict.fromkeys(found))


def solve(case: Case) -> dict[str, float]:
    """Solve a case on a copy of the scenario, one thread."""
    with tempfile.TemporaryDirectory(prefix="portage-contrast-") as folder:
        copy = Path(folder) / SCENARIO.name
        shutil.copytree(SCENARIO, copy, ignore=shutil.ignore_patterns("results", "calibration"))
        prepare(copy, case)
        found = solve_centralised(copy, gap=GAPS[case.scheme], time_limit_s=TIME_LIMIT_S.get(case.scheme, 600.0))
    kept = ("total_cost_usd", "bound_usd", "transport_cost_usd", "wind_used_share", "storage_utilisation", "trips")
    return {name: round(float(getattr(found, name)), 6) for name in kept}


def prepare(copy: Path, case: Case) -> None:
    """Give a copy of the scenario the load and the batteries of a case."""
    lines = [f"{t},{value}" for t, value in enumerate(load_mw(case.contrast))]
    (copy / "power_operator" / "data" / "load.csv").write_text("\n".join(["period,load_mw", *lines]) + "\n", encoding="utf-8")
    apply_changes(copy, Point(case.scheme, _storage(case), "centralised", {}, ""))


def _storage(case: Case) -> dict[str, Any]:
    mine, hours = "power_operator.settings.storage", case.hours
    if case.scheme == "no_storage":
        return {}
    if case.scheme == "central":
        return {f"{mine}.central.bus117.energy_mwh": hours * 4 * CAPACITY_MW}
    sites = {f"{mine}.{case.scheme}.{name}.energy_mwh": hours * CAPACITY_MW for name in STATIONS}
    if case.scheme == "fixed":
        return sites
    trains = {f"{mine}.trains.{name}.energy_mwh": hours * 2 * CAPACITY_MW for name in TRAINS}
    return sites | trains | {f"{mine}.battery.duration_h": hours}


def nearest(known: Mapping[Case, Mapping[str, float]]) -> float:
    """Return the contrast on the grid of 0.01 whose day without storage costs nearest to the paper's: the rule."""
    published = read_published(SCENARIO, "rail").case
    assert published is not None
    cost = {contrast: known[Case("no_storage", contrast, 0)]["total_cost_usd"] for contrast in FINE}
    return min(FINE, key=lambda contrast: abs(cost[contrast] - published.without_storage_usd))


def read_results() -> dict[Case, dict[str, float]]:
    """Return the cases that have been solved, with their numbers."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["points"] if RESULTS.is_file() else []
    names = [entry.name for entry in fields(Case)]
    return {Case(*(row.pop(name) for name in names)): row for row in rows}


def write_results(known: Mapping[Case, Mapping[str, float]]) -> None:
    """Write what has been solved, and the contrast of the data."""
    content = {"chosen": CONTRAST, "points": [asdict(case) | dict(row) for case, row in known.items()]}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Solve what is not known yet, and say whether `CONTRAST` follows the rule."""
    known = read_results()
    for case in cases():
        if case not in known:
            known[case] = solve(case)
            write_results(known)
            print(f"{case}: {known[case]['total_cost_usd']:,.0f} $, bound {known[case]['bound_usd']:,.0f} $", flush=True)
    print(f"nearest to the published cost without storage: {nearest(known)}; make_data.CONTRAST is {CONTRAST}")


if __name__ == "__main__":
    main()
