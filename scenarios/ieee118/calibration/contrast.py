"""How much rests on `CONTRAST`, and on what "the same capacity" means: ``python scenarios/ieee118/calibration/contrast.py``.

Solves the 118-bus day without trains over a range of `CONTRAST`, and at the chosen value all models under each reading of the
capacity. Each result is kept in ``contrast.json`` at once: stop the program and start it again, and it goes on (about 20 min).
Costs are intervals: the best plan found and the proven bound. ``docs/make_ieee.py`` prints and draws what stands there.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
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
READINGS = {"stated": (2, 4), "equal_4h": (4, 4), "equal_2h": (2, 2)}
"""Hours of the mobile and of the fixed batteries. As stated: beta = 2 for the mobile ones, 400 MWh for 100 MW of fixed ones."""
GAPS = {"mobile": 1e-3, "fixed": 2e-5, "central": 2e-5, "no_storage": 2e-5}
TIME_LIMIT_S = {"mobile": 1000.0}
"""Longest wall time; without trains a minute is enough on a computer that has nothing else to do."""


@dataclass(frozen=True)
class Case:
    """One solve: its scheme, contrast, and hours of the mobile and of the fixed batteries."""

    scheme: str
    contrast: float
    hours: tuple[int, int] = READINGS["stated"]
    changes: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """Return the name of the case in the file of results."""
        hours = {"no_storage": "", "mobile": f" {self.hours[0]} h"}.get(self.scheme, f" {self.hours[1]} h")
        return f"{self.contrast:.2f} {self.scheme}{hours}"


def cases() -> Iterator[Case]:
    """Yield every case once, the cheap ones first."""
    for contrast in sorted({*COARSE, *FINE}):
        yield Case("no_storage", contrast)
    for contrast in COARSE:
        yield Case("fixed", contrast)
        yield Case("central", contrast)
    for hours in READINGS.values():
        yield from (Case(scheme, CONTRAST, hours) for scheme in ("fixed", "central"))
    for hours in READINGS.values():
        yield Case("mobile", CONTRAST, hours)


def solve(case: Case) -> dict[str, Any]:
    """Solve a case on a copy of the scenario, one thread."""
    with tempfile.TemporaryDirectory(prefix="portage-contrast-") as folder:
        copy = Path(folder) / SCENARIO.name
        shutil.copytree(SCENARIO, copy, ignore=shutil.ignore_patterns("results", "calibration"))
        lines = [f"{t},{value}" for t, value in enumerate(load_mw(case.contrast))]
        (copy / "power_operator" / "data" / "load.csv").write_text("\n".join(["period,load_mw", *lines]) + "\n", encoding="utf-8")
        apply_changes(copy, Point(case.scheme, _storage(*case.hours), "centralised", {}, ""))
        found = solve_centralised(copy, gap=GAPS[case.scheme], time_limit_s=TIME_LIMIT_S.get(case.scheme, 600.0))
    kept = ("total_cost_usd", "bound_usd", "transport_cost_usd", "wind_used_share", "storage_utilisation", "trips")
    return {name: round(float(getattr(found, name)), 6) for name in kept}


def _storage(mobile_h: int, fixed_h: int) -> dict[str, Any]:
    mine = "power_operator.settings.storage"
    return {
        f"{mine}.battery.duration_h": mobile_h,
        **{f"{mine}.mobile.{name}.energy_mwh": mobile_h * CAPACITY_MW for name in STATIONS},
        **{f"{mine}.trains.{name}.energy_mwh": mobile_h * 2 * CAPACITY_MW for name in TRAINS},
        **{f"{mine}.fixed.{name}.energy_mwh": fixed_h * CAPACITY_MW for name in STATIONS},
        f"{mine}.central.bus117.energy_mwh": fixed_h * 4 * CAPACITY_MW,
    }


def nearest(known: dict[str, dict[str, float]]) -> float:
    """Return the contrast on the grid of 0.01 whose day without storage costs nearest to the paper's: the rule."""
    published_usd = published_without_storage_usd()
    return min(FINE, key=lambda c: abs(known[Case("no_storage", c).key]["total_cost_usd"] - published_usd))


def published_without_storage_usd() -> float:
    """Return F_0 of the paper, as the scenario quotes it."""
    case = read_published(SCENARIO).case
    assert case is not None
    return case.without_storage_usd


def main() -> None:
    """Solve what is not known yet, and say whether `CONTRAST` follows the rule."""
    known: dict[str, dict[str, float]] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for case in dict.fromkeys(cases()):
        if case.key in known:
            continue
        known[case.key] = solve(case)
        RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        print(f"{case.key}: {known[case.key]['total_cost_usd']:,.0f} $, bound {known[case.key]['bound_usd']:,.0f} $", flush=True)
    chosen = nearest(known)
    print(f"nearest to {published_without_storage_usd():,.0f} $ without storage: {chosen}; make_data.CONTRAST is {CONTRAST}")


if __name__ == "__main__":
    main()
