"""Decentralised against centralised, and the tight formulation against the literal one, on the 30- and 118-bus days.

``python benchmarks/ieee.py --write`` runs everything in one go, one solve at a time, and writes ``benchmarks/ieee.md``. Times are
wall times of this computer in this run; compare the ratios.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from federates.boundary.errors import ModelError
from federates.centralised.solve import CentralisedResult, solve_centralised
from federates.runs.check import check_scenario
from federates.runs.launch import launch

HERE = Path(__file__).parent
SCENARIOS = HERE.parent / "scenarios"
CASES = {"ieee30": "M1", "ieee118": "M4"}
LIMITS_S = (30.0, 60.0, 120.0, 300.0)
ALGORITHMS = ("ocd", "bundle", "cuts")


@dataclass(frozen=True, slots=True)
class Federation:
    """What one run of the federation came to."""

    algorithm: str
    cost_usd: float
    bound_usd: float
    gap: float
    rounds: int
    negotiation_s: float
    run_s: float


def flow_progress(case: str, gap: float, limit_s: float) -> CentralisedResult:
    return solve_centralised(SCENARIOS / case, gap=gap, time_limit_s=limit_s)


def literal_at(case: str, limit_s: float) -> tuple[float, float]:
    """Return gap and cost of the literal formulation after ``limit_s``; infinite where it has no plan yet."""
    try:
        result = solve_centralised(SCENARIOS / case, formulation="literal", gap=1e-3, time_limit_s=limit_s)
    except ModelError:
        return float("inf"), float("inf")
    return result.gap, result.total_cost_usd


def flow_at(case: str, limit_s: float) -> tuple[float, float]:
    try:
        result = solve_centralised(SCENARIOS / case, gap=1e-3, time_limit_s=limit_s)
    except ModelError:
        return float("inf"), float("inf")
    return result.gap, result.total_cost_usd


def federation(case: str, algorithm: str, scratch: Path) -> Federation:
    """Run the federation with one algorithm; it keeps the scenario's settings where it is the scenario's own."""
    folder = scratch / f"{case}-{algorithm}"
    shutil.copytree(SCENARIOS / case, folder, ignore=shutil.ignore_patterns("results", "*.log"))
    config = folder / "coordinator" / "config.yaml"
    own = yaml.safe_load(config.read_text(encoding="utf-8"))
    if own["algorithm"] != algorithm:
        config.write_text(yaml.safe_dump({"schema_version": 1, "algorithm": algorithm, "settings": {}}), encoding="utf-8")
    began = time.perf_counter()
    finished = launch(check_scenario(folder))
    run_s = time.perf_counter() - began
    if not finished.ok:
        raise SystemExit(f"{case}, {algorithm}: {finished.record.get('failure') or finished.culprit}")
    first = pd.read_parquet(finished.folder / "coordinator" / "negotiations.parquet").iloc[0]
    timings = pd.read_parquet(finished.folder / "coordinator" / "timings.parquet")
    spent = timings[(timings["period"] == 0) & (timings["activity"] == "negotiation")]["wall_s"].sum()
    return Federation(
        algorithm,
        float(first["upper_bound_usd"]),
        max(float(first["lower_bound_usd"]), float(first["claimed_lower_bound_usd"])),
        float(first["claimed_gap"]),
        int(first["rounds"]),
        float(spent),
        run_s,
    )


def formulations_table(case: str, limits_s: list[float]) -> list[str]:
    lines = ["| time limit | gap, tight | gap, literal | tight / literal |", "|---|---|---|---|"]
    for limit_s in limits_s:
        (tight, _), (literal, _) = flow_at(case, limit_s), literal_at(case, limit_s)
        ratio = f"{tight / literal:.3f}" if literal < float("inf") else "no plan yet"
        lines.append(f"| {limit_s:.0f} s | {_percent(tight)} | {_percent(literal)} | {ratio} |")
        print(lines[-1], flush=True)
    return lines


def coordination_table(case: str, algorithms: list[str], reference: CentralisedResult, scratch: Path) -> list[str]:
    lines = [
        "| | cost, $ | certified bound, $ | gap | above the best known | rounds | negotiation, s |",
        "|---|---|---|---|---|---|---|",
    ]
    runs = [federation(case, algorithm, scratch) for algorithm in algorithms]
    best = min(reference.total_cost_usd, *(run.cost_usd for run in runs))
    for run in runs:
        above = run.cost_usd / best - 1
        lines.append(
            f"| {run.algorithm} | {run.cost_usd:,.2f} | {run.bound_usd:,.2f} | {_percent(run.gap)} | {_percent(above)} "
            f"| {run.rounds} | {run.negotiation_s:.1f} |"
        )
    lines.append(
        f"| centralised, tight | {reference.total_cost_usd:,.2f} | {reference.bound_usd:,.2f} | {_percent(reference.gap)} "
        f"| {_percent(reference.total_cost_usd / best - 1)} | - | {reference.wall_s:.1f} |"
    )
    default = runs[-1]
    same = flow_progress(case, max(default.gap, 1e-6), 600.0)
    lines += [
        "",
        f"To the gap that `{default.algorithm}` certified ({_percent(default.gap)}) the tight centralised form took "
        f"{same.wall_s:.1f} s, the negotiation {default.negotiation_s:.1f} s: ratio {default.negotiation_s / same.wall_s:.2f}. "
        f"The whole run, with its processes, the day carried out and the report: {default.run_s:.0f} s.",
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/ieee.md")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument(
        "--limits-s", default=",".join(f"{limit:g}" for limit in LIMITS_S), help="time limits of the formulations"
    )
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS), help="the last one is held against the centralised form")
    parser.add_argument("--reference-s", type=float, default=600.0, help="time limit of the centralised reference")
    arguments = parser.parse_args()
    text = [
        "# The IEEE days: decentralised against centralised, tight against literal",
        "",
        f"Made by `python benchmarks/ieee.py --write`: {platform.machine()}, Python {platform.python_version()}, one thread.",
        "Gaps are (cost - bound) / cost; every bound is a proven dual bound.",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for case in arguments.cases.split(","):
            text += ["", f"## {case} ({CASES[case]})", "", "### Centralised: the tight formulation against the literal one", ""]
            text += formulations_table(case, [float(limit) for limit in arguments.limits_s.split(",")])
            reference = flow_progress(case, 1e-3, arguments.reference_s)
            text += [
                "",
                f"The tight form reaches {_percent(reference.gap)} after {reference.wall_s:.1f} s (target: 0.1 % in 600 s).",
            ]
            text += ["", "### Federation, by coordinator algorithm", ""]
            text += coordination_table(case, arguments.algorithms.split(","), reference, Path(scratch))
            print("\n".join(text), flush=True)
    if arguments.write:
        (HERE / "ieee.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _percent(share: float) -> str:
    return "no plan yet" if share == float("inf") else f"{share:.3%}"


if __name__ == "__main__":
    main()
