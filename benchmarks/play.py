"""How many students one computer carries: groups of three play the small day side by side, each a real run.

    python benchmarks/play.py [--groups 10] [--periods 2]

Students are threads that talk HTTP as a page does and answer at once, which no class does: the time of a round is an upper bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from game_http import Viewer, join  # noqa: E402

from federates.play.app import LECTURER  # noqa: E402
from federates.play.game import Game, Rules  # noqa: E402
from federates.play.session import served  # noqa: E402
from federates.runs.check import check_scenario  # noqa: E402

SEATS = ("springs", "norwalk", "transport_operator")
_IDLE_S = 10.0


def memory_mb(processes: list[psutil.Process]) -> float:
    """Return the memory of processes, shared pages counted once, MB."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def busy_s(processes: list[psutil.Process]) -> float:
    """Return the processor time that processes have used, s."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def play(student: Any, rounds: list[float], first_s: threading.Event) -> None:
    """Answer every question at once; note how long each took to come after the answer before it."""
    first_s.wait()
    n, answered_s = 0, 0.0
    while True:
        view = student.view
        if view and (view["over"] or view["state"] in ("over", "revealed")):
            return
        asked = view and view["question"]
        if not asked or asked["n"] <= n:
            time.sleep(0.02)
            continue
        if answered_s:
            rounds.append(time.monotonic() - answered_s)
        n = asked["n"]
        student.post("answer", {"n": n, "best": True})
        answered_s = time.monotonic()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--periods", type=int, default=2)
    arguments = parser.parse_args()
    changes = {"periods": str(arguments.periods)}
    rounds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        rules = Rules(arguments.groups, 600.0, hints=True, seats=SEATS, hour_by_hour=False)
        game = Game(check_scenario(ROOT / "scenarios/la_small", changes), changes, rules, Path(folder) / "game")
        with served(game) as table:
            began_s = time.monotonic()
            students = [join(table, f"{agent} {n}", agent, n).events() for n in game.groups for agent in SEATS]
            while not all(group.logs and all(log.sheet for log in group.logs.values()) for group in game.groups.values()):
                time.sleep(0.2)
            print(f"all groups ready after {time.monotonic() - began_s:.0f} s")
            Viewer(table, table.viewers.link("", LECTURER)).do("start")
            while not all(student.view and student.view["question"] for student in students):
                time.sleep(0.1)
            me = psutil.Process()
            processes = me.children(recursive=True)
            memory = f"{memory_mb(processes):.0f} MB, server {memory_mb([me]):.0f} MB"
            print(f"{len(students)} students, {len(processes)} processes: {memory}")
            before_s, began_s = busy_s(processes), time.monotonic()
            time.sleep(_IDLE_S)
            used = (busy_s(processes) - before_s) / (time.monotonic() - began_s)
            print(f"while all think: {used:.2f} processors for the runs")
            first = threading.Event()
            threads = [threading.Thread(target=play, args=(student, rounds, first)) for student in students]
            for thread in threads:
                thread.start()
            began_s = time.monotonic()
            first.set()
            for thread in threads:
                thread.join()
            print(f"{arguments.periods} hours in {time.monotonic() - began_s:.0f} s with students who answer at once")
            waits = f"median {median(rounds):.2f} s, mean {mean(rounds):.2f} s, most {max(rounds):.2f} s"
            print(f"from an answer to the next question: {waits}")
    print(f"processors: {psutil.cpu_count()}, load at the end {psutil.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
