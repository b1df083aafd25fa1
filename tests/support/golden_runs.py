"""Runs whose tables are kept as hashes: what a change of structure must leave as it is.

``python tests/support/golden_runs.py`` writes golden.json anew. Whoever does that says in the commit which tables changed, and
why.
A hash is of the table's columns and values, not of the file, so that another version of the writer does not change it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from quick_runs import quick_run
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.scaffold.scenario import new_scenario

GOLDEN = Path(__file__).parents[1] / "data/golden.json"
WALL_TIMES = "timings"


@dataclass(frozen=True)
class GoldenRun:
    """One run: a small one of tests/support or a shipped scenario, with what is changed in it."""

    name: str
    scenario: str
    overrides: dict[str, Any] = field(default_factory=dict)
    use: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    long: bool = False

    def folder(self, target: Path) -> Path:
        """Write the scenario below ``target`` and return its folder."""
        if self.scenario == "small_road":
            return write_small_scenario(target)
        if self.scenario == "small_rail":
            return write_small_rail_scenario(target)
        return new_scenario(target / self.scenario, self.scenario)


_SMALL = {"small_road": ("ocd", "admm", "posted_price"), "small_rail": ("ocd", "bundle", "cuts", "admm", "posted_price")}
_POSTED = {"posted_price": {"coordinator": {"price_usd_per_veh": 4.0}}}
_BPR = {"traffic_sumo": "bpr"}
_LA, _RAIL = {"periods": 6}, {"periods": 6}

RUNS: tuple[GoldenRun, ...] = (
    *(
        GoldenRun(f"{scenario} {name}", scenario, use={"coordinator": name}, settings=_POSTED.get(name, {}))
        for scenario, names in _SMALL.items()
        for name in names
    ),
    GoldenRun("la_gcs 6 h bpr", "la_gcs", _LA | {"start_hour": 15}, _BPR),
    GoldenRun("la_gcs 6 h bpr fastest_route", "la_gcs", _LA | {"start_hour": 15, "scheme": "fastest_route"}, _BPR),
    *(GoldenRun(f"ieee30 6 h {name}", "ieee30", _RAIL, {"coordinator": name}) for name in ("cuts", "bundle")),
    *(GoldenRun(f"ieee30 4 h {name}", "ieee30", {"periods": 4}, {"coordinator": name}) for name in ("ocd", "admm")),
    GoldenRun("ieee30 day", "ieee30", long=True),
    GoldenRun("la_gcs day bpr", "la_gcs", {}, _BPR, long=True),
)


def table_hashes(run: GoldenRun, target: Path) -> dict[str, str]:
    """Run it in this process and return a hash by ``<agent>/<table>``."""
    results = quick_run(run.folder(target), run.overrides, run.settings, run.use)
    tables = {path.relative_to(results).with_suffix("").as_posix(): path for path in sorted(results.glob("*/*.parquet"))}
    return {name: _hash(path) for name, path in tables.items() if Path(name).name != WALL_TIMES}


def _hash(path: Path) -> str:
    text = pd.read_parquet(path).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main(names: list[str]) -> None:
    """Run all, or those whose name is given, and keep their hashes."""
    known = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    for run in RUNS:
        if not names or run.name in names:
            with tempfile.TemporaryDirectory(prefix="portage-golden-") as folder:
                known[run.name] = table_hashes(run, Path(folder))
            print(run.name, len(known[run.name]), flush=True)
    GOLDEN.write_text(json.dumps({run.name: known[run.name] for run in RUNS}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
