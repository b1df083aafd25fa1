"""What the information audit costs: the same run with and without it, in turn, and the cost of its parts one by one.

    python benchmarks/audit.py [--pairs 5] [--write]

The runs are real ones by ``portage run``, in scenarios made by ``portage new``: two quick ones, for in a long run the audit's
share is smaller, and the day as shipped. With ``--write`` the page goes to benchmarks/audit.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from audit_parts import events_in, parts, with_counter

from federates.audit.outcome import grouped
from federates.broker.__main__ import _BARRIER_POLL_S
from federates.scaffold.scenario import new_scenario

ROOT = Path(__file__).parents[1]
STATIONS = {
    "r1": {"junction": "J110_101", "passing_link": "US101S_I110-ELA"},
    "r2": {"junction": "JELA", "passing_link": "I5S_ELA-I710"},
    "q1": {"junction": "J5_605", "passing_link": "I5S_I710-I605"},
    "q2": {"junction": "J105_605", "passing_link": "I105E_I710-I605"},
}


@dataclass(frozen=True)
class Case:
    """A shipped scenario, one agent of it exchanged for a quick one, and changes of the agreement."""

    title: str
    source: str
    agent: str
    config: dict[str, Any]
    """Keys of the agent's ``config.yaml`` that change."""
    changes: tuple[str, ...] = ()
    share: float = 1.0
    """Share of the pairs that is run, for a case that takes long."""


CASES = (
    Case(
        "Los Angeles, 8 hours, traffic by formula (`bpr`), `ocd`",
        "la_gcs",
        "traffic_sumo",
        {"model": "bpr", "settings": {"delay_law": "calibrated", "stations": STATIONS}},
        ("--set", "periods=8"),
    ),
    Case(
        "30 buses, one day, power without a network (`copperplate_dispatch`), `cuts`",
        "ieee30",
        "power_operator",
        {"operator": "copperplate_dispatch"},
    ),
    Case("Los Angeles, the whole day as shipped (SUMO, `ocd`)", "la_gcs", "traffic_sumo", {}, share=0.5),
)
OFF = {"ledger": False, "files": False, "sandbox": "off"}


@dataclass(frozen=True)
class Cost:
    """One run: processor time of all its processes, and wall time, s."""

    cpu_s: float
    wall_s: float
    folder: Path


def prepare(case: Case, folder: Path) -> Path:
    """Write the scenario of a case into ``folder``."""
    scenario = new_scenario(Path(tempfile.mkdtemp(dir=folder)) / case.source, case.source)
    config = scenario / case.agent / "config.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | case.config, sort_keys=False))
    return scenario


def switch(scenario: Path, mode: str) -> None:
    """Turn everything of the audit ``on`` or ``off``."""
    runner = json.loads((scenario / "runner.json").read_text())
    broker = next(entry for entry in runner["federates"] if entry["name"] == "broker")
    broker["exec"] = f"python -u {ROOT / 'benchmarks/audit_broker.py'} {mode} --config broker.yaml"
    (scenario / "runner.json").write_text(json.dumps(runner))
    settings = yaml.safe_load((scenario / "broker.yaml").read_text())
    settings.pop("audit", None)
    changes = {"audit": OFF} if mode == "off" else {}
    (scenario / "broker.yaml").write_text(yaml.safe_dump(settings | changes))


def run(case: Case, scenario: Path, mode: str, environment: dict[str, str] | None = None) -> Cost:
    """Run the scenario once and return what it cost, from the operating system's account of all its processes."""
    switch(scenario, mode)
    before = set((scenario / "results").glob("*"))
    words = [sys.executable, "-m", "federates.cli", "run", str(scenario), *case.changes]
    with (scenario / "benchmark.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{scenario.name}: exit code {process.returncode}\n{(scenario / 'benchmark.log').read_text()}")
    folder = next(path for path in set((scenario / "results").glob("*")) - before if (path / "run.json").exists())
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, folder)


def series(case: Case, scenario: Path, pairs: int) -> dict[str, list[Cost]]:
    """Return the costs of the runs with and without the audit, made in turn; who goes first changes from pair to pair."""
    costs: dict[str, list[Cost]] = {"on": [], "off": []}
    for pair in range(pairs):
        for mode in ("on", "off") if pair % 2 == 0 else ("off", "on"):
            costs[mode].append(run(case, scenario, mode))
            print(f"{scenario.name} {mode}: {costs[mode][-1].cpu_s:.2f} s, wall {costs[mode][-1].wall_s:.2f} s", flush=True)
    return costs


def counted_events(case: Case, scenario: Path) -> int:
    """Return how many events Python raised in the agents of one more run, without the audit."""
    with tempfile.TemporaryDirectory() as folder:
        run(case, scenario, "off", with_counter(dict(os.environ), Path(folder)))
        return events_in(Path(folder))


def ratios(costs: dict[str, list[Cost]], name: str) -> list[float]:
    """Return with / without, pair by pair."""
    return [getattr(on, name) / getattr(off, name) for on, off in zip(costs["on"], costs["off"], strict=True)]


def section(case: Case, costs: dict[str, list[Cost]], events: int, scenario: Path) -> str:
    """Return the part of the page about one case."""
    lines = [
        f"## {case.title}",
        "",
        "| of a whole run | without, s | with, s | with / without, pair by pair |",
        "|---|---|---|---|",
    ]
    for words, name in (("processor time of all processes", "cpu_s"), ("wall time", "wall_s")):
        off, on = (_spread([getattr(cost, name) for cost in costs[mode]], "{:.1f}") for mode in ("off", "on"))
        lines.append(f"| {words} | {off} | {on} | {_spread(ratios(costs, name), '{:.3f}')} |")
    middle = sorted(costs["on"], key=lambda cost: cost.wall_s)[len(costs["on"]) // 2]
    rows = parts(scenario, middle.folder, events, _BARRIER_POLL_S)
    total_s = sum(seconds for _, _, seconds in rows)
    fastest_s, cpu_s = (min(getattr(cost, name) for cost in costs["off"]) for name in ("wall_s", "cpu_s"))
    lines += ["", "| part | how often | together, ms |", "|---|---|---|"]
    lines += [f"| {words} | {grouped(count)} | {1000 * seconds:.1f} |" for words, count, seconds in rows]
    lines.append(f"| **all parts, one after the other** | | **{1000 * total_s:.0f}** |")
    lines.append(f"| share of the least processor time without the audit ({cpu_s:.1f} s) | | {total_s / cpu_s:.2%} |")
    lines.append(
        f"| **share of the shortest wall time without the audit ({fastest_s:.1f} s)** | | **{total_s / fastest_s:.2%}** |"
    )
    return "\n".join(lines)


def _spread(values: list[float], form: str) -> str:
    low, middle, high = (form.format(value) for value in (min(values), median(values), max(values)))
    return f"**{middle}** ({low} to {high})"


TEXT = """\
# What the information audit costs

Made by `python benchmarks/audit.py --write` on {MACHINE}.

- **With**: as shipped; ledger, record of opened files, sandbox, start held until the wiring is seen, looks at the wiring,
  audit at the end. **Without**: `audit: {{ledger: false, files: false, sandbox: "off"}}`, and a broker that neither holds nor
  looks nor audits (`benchmarks/audit_broker.py`; no setting leaves these out).
- {PAIRS} pairs of runs by `portage run` (of the whole day half as many), in turn; who goes first changes from pair to pair.
  Medians, lowest and highest in brackets. Processor time is noisy too: agents that wait for each other exchange messages
  inside HELICS, the more the busier the machine is.
- The noise is larger than the audit, so **the parts are measured one by one** as well: processor time of each step (of a look
  and of holding the start the wall time), times how often it was done in the run whose wall time is the median. What the
  agents do side by side is added up, so the sum is more than it can cost in wall time.
- The first two runs are quick ones. Most of the audit is paid at the start and at the end, so its share of a longer run is
  smaller.
- The target is less than 3 % of a run's wall time. Where the ratio pair by pair says more than the parts add up to, the rest has
  not been found in any part: switching off one part at a time changes less than the noise.

{SECTIONS}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write benchmarks/audit.md")
    arguments = parser.parse_args()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            scenario = prepare(case, Path(folder))
            costs = series(case, scenario, max(2, round(case.share * arguments.pairs)))
            sections.append(section(case, costs, counted_events(case, scenario), scenario))
    machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
    page = TEXT.format(MACHINE=machine, PAIRS=arguments.pairs, SECTIONS="\n\n".join(sections))
    print(page)
    if arguments.write:
        (ROOT / "benchmarks/audit.md").write_text(page)


if __name__ == "__main__":
    main()
