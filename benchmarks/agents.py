"""How rounds and their time grow with the number of agents: traders of one exchange, in one process and in processes.

    python benchmarks/agents.py [--processes] [--start] [--write]

The world is the one of tests/third_world, which Portage does not know; its optimum is known in closed form. With ``--processes``
64 agents are started as processes too, as ``portage run`` does. With ``--start`` only the start of one agent is measured, and its
line on the page is renewed. With ``--write`` the outcome goes to benchmarks/agents.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/third_world"), str(ROOT / "tests/support")]

import market  # noqa: E402
from quick_runs import quick_run  # noqa: E402

PAGE = ROOT / "benchmarks/agents.md"
COUNTS = (4, 8, 16, 32, 64)
SETTINGS = {"update": "box_step", "gap_target": 0.001, "max_iterations": 100}
_START = "The start of one, until all is imported, takes"
HEADS = ("agents", "rounds", "gap, %", "time a round, ms", "of it a trader, ms")


def measured(count: int, folder: Path) -> tuple[str, ...]:
    """Return a row of the table: one market of ``count`` traders, in one process."""
    run = quick_run(market.write_market(folder, market.traders(count), "ocd", SETTINGS))
    (held,) = pd.read_parquet(run / "coordinator/negotiations.parquet").itertuples()
    assert held.agreed, held
    times = pd.read_parquet(run / "coordinator/timings.parquet")
    round_ms = 1000 * float(times[times.activity == "negotiation"].wall_s.sum()) / held.rounds
    return str(count), str(held.rounds), f"{100 * held.gap:.3f}", f"{round_ms:.1f}", f"{round_ms / count:.2f}"


def started(count: int, folder: Path, site: Path) -> str:
    """Return in words how long ``count`` agents as processes take to start, and what they hold."""
    scenario = market.write_market(folder, market.traders(count), "ocd", SETTINGS)
    words = [sys.executable, "-m", "federates.cli", "run", str(scenario)]
    begun, most_mb, ready_s = time.monotonic(), 0.0, 0.0
    process = subprocess.Popen(
        words, env=os.environ | {"PYTHONPATH": str(site)}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    while process.poll() is None:
        most_mb = max(most_mb, memory_mb(process.pid))
        if not ready_s and any(scenario.glob("results/*/coordinator/session.json")):
            ready_s = time.monotonic() - begun
        time.sleep(0.5)
    took_s = time.monotonic() - begun
    said = f"{count} traders as processes of their own, by `portage run`: all had joined after {ready_s:.0f} s, "
    said += f"the run took {took_s:.0f} s with its reports and ended with {process.returncode}; "
    return said + f"together they held {most_mb / 1000:.1f} GB."


def start_of_one() -> str:
    """Return in words what the start of an agent without solver takes: all its imports, in a fresh Python; the best of five."""
    code = (
        "import federates.agent, market_world, psutil; one = psutil.Process(); "
        "print(sum(one.cpu_times()[:2]), one.memory_info().rss / 1e6)"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests/third_world'}"}
    words = [sys.executable, "-c", code]
    tries = [subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.split() for _ in range(5)]
    used_s, held_mb = (min(float(one[column]) for one in tries) for column in (0, 1))
    return f"{_START} {used_s:.2f} s of processor time with Python itself, and holds {held_mb:.0f} MB."


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and all its children, MB."""
    total = 0.0
    for child in psutil.Process(pid).children(recursive=True):
        try:
            total += child.memory_full_info().pss / 1e6
        except psutil.Error:
            continue
    return total


def main() -> None:
    """Measure, print, and write the page if wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", action="store_true", help="start 64 agents as processes too")
    parser.add_argument("--start", action="store_true", help="only the start of one agent")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    if options.start:
        said = start_of_one()
        print(said)
        if options.write:
            kept = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if not line.startswith(_START)]
            PAGE.write_text("\n".join([*kept, said]) + "\n", encoding="utf-8")
        return
    lines = ["# Agents", ""]
    lines += ["Made by `python benchmarks/agents.py --write`. Traders of one exchange (tests/third_world), half of them buyers;"]
    lines += ["`ocd` with `update: box_step` to a gap of 0.1 %. All agents are threads of one process here.", ""]
    lines += [f"| {' | '.join(HEADS)} |", f"|{'---:|' * len(HEADS)}"]
    with tempfile.TemporaryDirectory(prefix="portage-agents-") as top:
        site = market.install(Path(top) / "site-packages")
        for count in COUNTS:
            lines.append(f"| {' | '.join(measured(count, Path(top) / str(count)))} |")
            print(lines[-1], flush=True)
        if options.processes:
            lines += ["", started(64, Path(top) / "processes", site)]
            print(lines[-1], flush=True)
    lines += ["", start_of_one()]
    if options.write:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
