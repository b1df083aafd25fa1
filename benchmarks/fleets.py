"""How long fleets take to answer: the shipped sizes, two resourceful and two limited stations, four periods ahead.

    python benchmarks/fleets.py [--write]

With ``--write`` the outcome goes to benchmarks/fleets.md.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import fleet_days as days  # noqa: E402

from federates.mves_fleet.models.company.operator import CompanyFleet  # noqa: E402
from federates.mves_fleet.models.private.operator import PrivateFleet  # noqa: E402
from federates.mves_fleet.models.utility.operator import UtilityFleet  # noqa: E402

PAGE = ROOT / "benchmarks/fleets.md"
REPEATS = 5
CASES = (
    ("utility, 4 vehicles", UtilityFleet, 400.0, {}),
    ("company, 250 vehicles", CompanyFleet, 10.0, {}),
    ("private, 10 000 drivers", PrivateFleet, 10.0, {}),
    ("private, 100 000 drivers", PrivateFleet, 10.0, {"drivers": 100_000}),
)
HEADS = ("fleet", "begin", "answer to prices", "vehicles asked", "answer to them", "commit")


def measured(words: str, kind: type, kwh: float, own: dict[str, float]) -> list[tuple[str, ...]]:
    """Return rows of the table: seconds, the slowest of the repeats; rewards so that few, some and many vehicles go."""
    session, openings = days.view(kwh, periods=24), days.told()
    begun = time.process_time()
    fleet, _ = days.made(kind, session, **own)
    begin_s, rows = time.process_time() - begun, []
    for period, reward in enumerate((0.8, 1.2, 3.0)):
        fleet.open_period(period, None)
        at = days.prices(np.random.default_rng(period).uniform(0.8, 1.2, session.connection_shape) * reward)
        solve_s, answer = slowest(lambda at=at: fleet.solve(at, openings))
        evaluate_s, _ = slowest(lambda answer=answer: fleet.evaluate(answer.quantities, openings))
        plan = days.rounded_up(answer.quantities, kwh)
        begun = time.process_time()
        fleet.commit(plan)
        commit_s = time.process_time() - begun
        vehicles = f"{answer.quantities['passage'].sum():.0f}"
        rows.append((words, f"{begin_s:.2f}", f"{solve_s:.3f}", vehicles, f"{evaluate_s:.3f}", f"{commit_s:.3f}"))
    return rows


def slowest(call):
    """Return the longest time of a few calls, s, and the last answer."""
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        answer = call()
        times.append(time.process_time() - begun)
    return max(times), answer


def page(rows: list[tuple[str, ...]]) -> str:
    """Return the page."""
    lines = [
        "# Fleets that answer",
        "",
        "Made by `python benchmarks/fleets.py --write`. Seconds of processor time, one thread; of answers",
    ]
    lines += [
        f"the slowest of {REPEATS}, of which the first in a period also prepares it. For 10 000 drivers 1 s is allowed.",
        "",
    ]
    lines += ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    written = page([row for case in CASES for row in measured(*case)])
    if parser.parse_args().write:
        PAGE.write_text(written)
    print(written)
