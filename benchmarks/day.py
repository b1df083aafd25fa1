"""The Los Angeles day by `helics run`: wall time, where it goes, memory, and what a round costs above the bare exchange.

    python benchmarks/day.py [--scenario scenarios/la_gcs] [--write]

With ``--write`` the table goes to benchmarks/day.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import psutil
from exchange import exchange_s

ROOT = Path(__file__).parents[1]


def run(scenario: Path) -> tuple[Path, float, float]:
    """Return the run's folder, its wall time in s, and the largest memory of all its processes together in MB."""
    before = set((scenario / "results").glob("*"))
    environment = os.environ | {"PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}
    started = time.perf_counter()
    process = subprocess.Popen(
        [shutil.which("helics", path=environment["PATH"]), "run", "--path", str(scenario / "runner.json")],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    peak = [0.0]
    sampler = threading.Thread(target=_sample, args=(process, peak))
    sampler.start()
    code = process.wait()
    wall_s = time.perf_counter() - started
    sampler.join()
    if code:
        raise SystemExit(f"helics run ended with {code}")
    return next(iter(set((scenario / "results").glob("*")) - before)), wall_s, peak[0]


def _sample(process: subprocess.Popen, peak: list[float]) -> None:
    """Sum the proportional set size of all children, so that shared libraries count once."""
    while process.poll() is None:
        total = 0
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                total += child.memory_full_info().pss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], total / 1e6)
        time.sleep(1.0)


def timings(folder: Path, agent: str) -> pd.DataFrame:
    """Return an agent's table of wall-clock times."""
    return pd.read_parquet(folder / agent / "timings.parquet")


def measure(scenario: Path) -> list[tuple[str, str, str]]:
    """Return rows of quantity, value, target."""
    floor_before_s = exchange_s()
    folder, wall_s, memory_mb = run(scenario)
    floor_s = (floor_before_s + exchange_s()) / 2
    coordinator = timings(folder, "coordinator")
    negotiation = coordinator[coordinator.activity == "negotiation"]
    rounds, negotiation_s = int(negotiation["round"].sum()), float(negotiation.wall_s.sum())
    algorithm_s = float(coordinator[coordinator.activity == "algorithm"].wall_s.sum())
    answers = pd.concat([timings(folder, a).assign(agent=a) for a in ("power_operator", "transport_operator")])
    answers = answers[answers.activity.isin(["solve", "evaluate", "commit"])]
    # Both operators work at the same time: a round waits for the slower one.
    slower_s = float(answers.groupby(["period", "round", "agent"]).wall_s.sum().groupby(["period", "round"]).max().sum())
    sumo_s = float(timings(folder, "traffic_sumo").query("activity == 'run'").wall_s.sum())
    overhead_s = negotiation_s - slower_s - algorithm_s
    each_s = overhead_s / max(rounds, 1)
    return [
        ("whole day, start to report", f"{wall_s:.1f} s", "<= 240 s"),
        ("of it SUMO", f"{sumo_s:.1f} s", ""),
        ("of it operators' answers in negotiation (slower of both)", f"{slower_s:.1f} s", ""),
        ("of it the coordinator's algorithm", f"{algorithm_s:.1f} s", ""),
        ("rounds", str(rounds), ""),
        ("coordination: rounds without solver, algorithm and SUMO", f"{overhead_s:.2f} s", ""),
        ("coordination / whole day", f"{overhead_s / wall_s:.1%}", "< 5 %"),
        ("coordination per round", f"{1000 * each_s:.2f} ms", ""),
        ("bare exchange of the same federation per round", f"{1000 * floor_s:.2f} ms", ""),
        ("ratio", f"{each_s / floor_s:.2f}", "<= 2"),
        ("memory of all processes together (proportional set size)", f"{memory_mb:.0f} MB", "< 2000 MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", type=Path, default=ROOT / "scenarios/la_gcs")
    parser.add_argument("--write", action="store_true", help="write benchmarks/day.md")
    arguments = parser.parse_args()
    rows = measure(arguments.scenario)
    lines = ["| quantity | value | target |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    print("\n".join(lines))
    if arguments.write:
        machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
        head = f"# The Los Angeles day\n\nMade by `python benchmarks/day.py --write` on {machine}.\n\n"
        (ROOT / "benchmarks/day.md").write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
