"""Time of the unit commitment alone: the 118-bus day of 24 hours with lazy lines, to a gap of 0.1 %.

Run ``python benchmarks/unit_commitment.py [FOLDER]``; FOLDER is a power operator's folder (default: the 118-bus scenario).
One thread. "First solve" is data to plan: building the rows, handing them to HiGHS, the relaxation that finds the
lines, the integer solves. "Again" changes the price of the wind in every hour and starts from the last plan; what counts
there is the time outside HiGHS. Each figure is the least of three runs; the first solve is judged by the CPU time of this
process, which other work on the machine changes little.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from federates.boundary.config import parse_config, read_yaml
from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.commitment import LazyLines, add_commitment
from federates.power_operator.models.unit_commitment.day_data import read_day
from federates.power_operator.models.unit_commitment.schedule import schedule_of
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "scenarios" / "ieee118" / "power_operator"
GAP_REL = 1e-3
TARGET_FIRST_S, TARGET_OVERHEAD_S = 4.0, 0.1

sys.path.insert(0, str(ROOT / "tests/support"))

from schedule_checker import check_schedule  # noqa: E402 (the checker is the tests')


def system_of(folder, segments=10):
    given = read_yaml(folder / "config.yaml")["settings"] | {"cost_segments": segments}
    settings = parse_config(given, UnitCommitmentSettings, "config.yaml")
    return read_day(settings, folder, 24, 1.0).system


def first_and_again(system):
    start, start_cpu = time.perf_counter(), time.process_time()
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system))
    solver = model.solver(threads=1)
    build_s = time.perf_counter() - start
    solution = lines.solve(solver, gap_rel=GAP_REL)
    first = {"wall_s": time.perf_counter() - start, "cpu_s": time.process_time() - start_cpu, "build_s": build_s}
    first |= {"rounds": lines.rounds, "line_rows": lines.active[0].size, "usd": solution.objective, "bound": solution.bound}
    found = check_schedule(system, schedule_of(lines.commitment, lines, solution.values))

    start = time.perf_counter()
    solver.set_cost(lines.commitment.renewable_mw, np.sin(np.arange(system.periods))[None, :])
    again = lines.solve(solver, gap_rel=GAP_REL, start=solution.values)
    wall_s = time.perf_counter() - start
    return first, {"wall_s": wall_s, "overhead_s": wall_s - again.wall_s, "rounds": lines.rounds}, found


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    system = system_of(folder)
    runs = [first_and_again(system) for _ in range(3)]
    first = min((run[0] for run in runs), key=lambda row: row["cpu_s"])
    again = min((run[1] for run in runs), key=lambda row: row["overhead_s"])
    gap = (first["usd"] - first["bound"]) / first["usd"]
    print(
        f"{system.units.count} units, {len(system.buses)} buses, {system.periods} periods; checker: {len(runs[0][2])} violations"
    )
    print(
        f"first solve {first['wall_s']:.2f} s (CPU {first['cpu_s']:.2f} s, build {first['build_s']:.2f} s), target"
        f" {TARGET_FIRST_S} s; {first['line_rows']} line rows in {first['rounds']} solves;"
        f" {first['usd']:.2f} USD, gap {gap:.2e}"
    )
    print(f"again {again['wall_s']:.2f} s, {again['overhead_s']:.3f} s of it outside HiGHS, target {TARGET_OVERHEAD_S} s")
    if first["cpu_s"] > TARGET_FIRST_S or again["overhead_s"] > TARGET_OVERHEAD_S:
        sys.exit("a target is missed")


if __name__ == "__main__":
    main()
