"""What HiGHS does to a whole process: its worker threads, and its banner on the standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rail_equations import RailEquations
from random_rail_cases import random_day, write_day

DAY = random_day(6, most_stands=18)  # two trains, two stations, four periods


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("formulation", ["flow", "literal"])
def test_json_is_all_that_is_printed(formulation: str, tmp_path: Path) -> None:
    folder = write_day(DAY, tmp_path / "day")
    done = run("-m", "federates.cli", "centralised", str(folder), "--json", "--formulation", formulation, "--gap", "0")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total_cost_usd"] == pytest.approx(RailEquations(DAY).least()[0], rel=1e-6)
    assert done.stderr == ""


def test_no_banner_of_the_solver() -> None:
    """Neither our layer nor Pyomo lets HiGHS introduce itself, not even when the C library empties its buffers at the end."""
    ours = "from federates.lp.linear_model import LinearModel; m = LinearModel(); m.variables('x', 1); m.solver().solve()"
    assert run("-c", ours).stdout == ""


def test_a_day_with_two_threads(tmp_path: Path) -> None:
    """Negotiation and dispatch, with the other agents, whose programmes have one thread, in the same process."""
    folder = write_day(DAY, tmp_path / "day")
    program = (
        "import sys; from pathlib import Path; from federates.runs.in_process import run_in_process;"
        "run_in_process(Path(sys.argv[1]), settings={'power_operator': {'solver': {'threads': 2}}})"
    )
    done = run("-c", program, str(folder))
    assert done.returncode == 0, done.stderr
    (record,) = folder.glob("results/*/run.json")
    assert json.loads(record.read_text(encoding="utf-8"))["status"] == "complete"
