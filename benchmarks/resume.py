"""How long a run that was killed in its 21st hour takes to ask its next question.

    python benchmarks/resume.py [--write]

Los Angeles as processes, all killed when the coordinator has carried out 20 hours: with the formula for traffic, with SUMO, which
is simulated again, and with SUMO that begins every period from its own saved state. With ``--write`` the outcome goes to
benchmarks/resume.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/support")]

from killed import behind, killed, los_angeles  # noqa: E402

from federates.runtime.journal import JOURNAL  # noqa: E402

PAGE = ROOT / "benchmarks/resume.md"
PERIODS = 20
LIMIT_S = 300.0
CASES = {
    "formula for traffic (`bpr`)": (("--use", "traffic_sumo=bpr"), False),
    "SUMO, simulated again": ((), False),
    "SUMO, from its own state (`period_states`)": ((), True),
}


def first_question_s(run: Path) -> float:
    """Let the run go on; return the time from the command to the first message that was not in the journal, s."""
    journal = run / "coordinator" / JOURNAL
    begun_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "federates.cli", "run", str(run), "--resume"], stdout=subprocess.DEVNULL)
    try:
        least = journal.stat().st_size  # the run is cut back first, and then grows again
        while (size := journal.stat().st_size) <= least:
            least = min(size, least)
            if process.poll() is not None or time.monotonic() - begun_s > LIMIT_S:
                raise SystemExit(f"the run did not go on: {process.returncode}")
            time.sleep(0.005)
        asked_s = time.monotonic() - begun_s
        if process.wait(LIMIT_S):
            raise SystemExit("the run that went on has failed")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return asked_s


def measure(folder: Path, options: tuple[str, ...], states: bool) -> tuple[float, dict[str, float]]:
    """Return the time to the next question, s, and that which each agent spent on what was before, s."""
    run = killed(los_angeles(folder, states), "all", behind("coordinator", PERIODS), *options)
    asked_s = first_question_s(run)
    return asked_s, {path.parent.name: json.loads(path.read_text())["wall_s"] for path in run.glob("*/resumed.json")}


def words(found: dict[str, tuple[float, dict[str, float]]], load: float) -> str:
    """Return the page."""
    rows = "\n".join(
        f"| {name} | {asked_s:.1f} s | {agents['traffic_sumo']:.1f} s | {asked_s - agents['traffic_sumo']:.1f} s |"
        for name, (asked_s, agents) in found.items()
    )
    return f"""# A run that goes on

Made by `python benchmarks/resume.py --write`: Los Angeles as processes on two cores, all killed when the coordinator had carried
out {PERIODS} hours; then `portage run RUN --resume`. Load by other work before: {load:.1f}.

| traffic | from the command to the next question | of it the traffic model's hours before | rest |
|---|---:|---:|---:|
{rows}

The rest is the start of all processes, and the other agents' journals, through which they live meanwhile.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        found = {}
        for number, (name, case) in enumerate(CASES.items()):
            found[name] = measure(Path(scratch) / str(number), *case)
            print(name, found[name], flush=True)
    text = words(found, load)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
