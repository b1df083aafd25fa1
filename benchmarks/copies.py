"""The paper's algorithm with its own copy J and with routes: `python benchmarks/copies.py [--hours 6 11]` prints a table.

The 30-bus day, cut to some hours. (39) of Ding et al., JMPCE 2025, lets the power operator's copy be any 0/1 per train, station
and period (`connection_copy: any`); with `route` it is a route of the public timetable. The yardstick is the centralised
reference.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from federates.centralised.solve import solve_centralised
from federates.runs.in_process import run_in_process

ROOT = Path(__file__).parents[1]
ALGORITHMS = ("ocd", "cuts")


def cut(first: int, last: int, top: Path) -> Path:
    """Return a copy of the 30-bus scenario whose data hold the hours ``first`` to ``last`` only."""
    folder = top / "ieee30"
    shutil.copytree(ROOT / "scenarios/ieee30", folder, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(ROOT / "broker.yaml", top / "broker.yaml")
    for name in ("load.csv", "renewables.csv"):
        file = folder / "power_operator/data" / name
        lines = file.read_text(encoding="utf-8").splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith("period"))
        rows = [line.partition(",")[2] for line in lines[head + 1 :]][first : last + 1]
        file.write_text("\n".join([*lines[: head + 1], *(f"{t},{row}" for t, row in enumerate(rows))]) + "\n", encoding="utf-8")
    return folder


def row(folder: Path, copy: str, algorithm: str, hours: tuple[int, int], optimum_usd: float) -> str:
    """Negotiate the hours once, and return a line of the table."""
    config = {"schema_version": 1, "algorithm": algorithm, "settings": {}}
    (folder / "coordinator/config.yaml").write_text(str(config), encoding="utf-8")
    session = {"periods": hours[1] - hours[0] + 1, "start_hour": hours[0]}
    agents = {
        "transport_operator": {"lateness": {}},
        "power_operator": {"connection_copy": copy, "solver": {"solve_gap_usd": 1.0, "solve_time_s": 600.0}},
    }
    run = run_in_process(folder, session, agents)
    held = pd.read_parquet(run / "coordinator/negotiations.parquet").iloc[0]
    rounds = pd.read_parquet(run / "coordinator/rounds.parquet")
    counts = ", ".join(f"{count} {command}" for command, count in rounds["command"].value_counts().items())
    bound, upper = held["lower_bound_usd"], held["upper_bound_usd"]
    below = (optimum_usd - bound) / optimum_usd
    numbers = f"{bound:,.2f} | {upper:,.2f} | {held['gap']:.2%} | {below:.2%}"
    return f"| `{algorithm}` | `{copy}` | {numbers} | {counts} | {held['reason']} |"


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=int, nargs=2, default=(6, 11))
    first, last = asked.parse_args().hours
    with tempfile.TemporaryDirectory() as place:
        folder = cut(first, last, Path(place))
        best = solve_centralised(folder, overrides={"periods": last - first + 1, "start_hour": first}, gap=1e-6, time_limit_s=900)
        print(f"Hours {first} to {last}; centralised: {best.total_cost_usd:,.2f} $, at least {best.bound_usd:,.2f} $\n")
        print("| algorithm | copy J | LB, $ | UB, $ | certified gap | LB below the optimum | rounds | end |")
        print("|---|---|---|---|---|---|---|---|")
        for algorithm in ALGORITHMS:
            for copy in ("any", "route"):
                print(row(folder, copy, algorithm, (first, last), best.bound_usd), flush=True)


if __name__ == "__main__":
    main()
