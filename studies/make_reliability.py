"""Put every fault of tests/support/fault_cases.py into real runs and write docs/reliability.md.

``python studies/make_reliability.py``. Finished rows are kept in studies/reliability.json, so a second call does only what is
missing; ``--again`` runs all of them, ``--only TEXT`` those whose name has this text, ``--page`` runs nothing. One run at a time,
on an idle computer: the page shows seconds.
"""

import argparse
import json
import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from fault_cases import CASES, Case  # noqa: E402
from fault_runs import environment, run_with_fault  # noqa: E402

ROWS, PAGE = ROOT / "studies/reliability.json", ROOT / "docs/reliability.md"
WORLDS = {"road": "small, by road", "rail": "small, by rail", "la": "Los Angeles"}
INTRODUCTION = """# What happens when something breaks

This page shows what a run does when a process dies, hangs or answers nonsense: who is named, what is said, and how soon.
Every row is one real run of separate processes into which one fault was put, by a script, at a known phase. *Seconds* are from
the fault to the end of the command that started the run. *All gone* is when the last process of the run had ended; nothing may
stay. What is said is `failure` in `run.json`. *As wanted* is judged by the list of faults itself,
`tests/support/fault_cases.py`: who must be named, what must be said, and how soon; `python -m pytest -m faults` holds the same.

The small worlds have agents with closed-form answers, so that a fault comes at a known moment; processes, HELICS, broker and
launchers are the real ones. Who is seen as hung, and why a long answer is not, is
[decision 0017](decisions/0017-signs-of-life.md).
"""


def name_of(case: Case, launcher: str) -> str:
    """Return the name of a row."""
    return f"{case.world} | {launcher} | {case.phase} | {case.name}"


def run_case(case: Case, launcher: str) -> dict:
    """Run one case and return its row."""
    with tempfile.TemporaryDirectory(prefix="portage-fault-") as folder:
        try:
            row = asdict(run_with_fault(case, launcher, Path(folder), environment()))
        except RuntimeError as error:
            row = {"code": None, "seconds": 0.0, "gone_s": None, "status": "absent", "failure": f"the fault never came: {error}"}
    row.pop("output", None)
    # Process numbers and places differ from run to run.
    row["failure"] = (
        re.sub(r"process \d+", "process N", row["failure"].replace(folder, "")).splitlines()[0] if row["failure"] else ""
    )
    return row


def page(rows: dict[str, dict]) -> str:
    """Return the page."""
    present = [(case, launcher) for case in CASES for launcher in case.launchers if name_of(case, launcher) in rows]
    good = sum(case.as_wanted(launcher, rows[name_of(case, launcher)]) for case, launcher in present)
    lines = [INTRODUCTION, f"{good} of {len(present)} runs ended as wanted.", ""]
    lines += ["| world | started by | phase | fault | as wanted | seconds | all gone, s | exit code | status | what is said |"]
    lines += ["|---|---|---|---|---|---:|---:|---:|---|---|"]
    for case, launcher in present:
        row = rows[name_of(case, launcher)]
        gone = "never" if row["gone_s"] is None else f"{row['gone_s']:.1f}"
        wanted = "yes" if case.as_wanted(launcher, row) else "**no**"
        cells = [
            WORLDS[case.world],
            launcher,
            case.phase,
            case.name,
            wanted,
            f"{row['seconds']:.1f}",
            gone,
            row["code"],
            row["status"],
        ]
        lines.append("| " + " | ".join(map(str, [*cells, row["failure"].replace("|", "/") or "–"])) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="run also what is there")
    parser.add_argument("--only", default="", metavar="TEXT", help="run only rows whose name has this text")
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    rows = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
    todo = [] if options.page else [(case, launcher) for case in CASES for launcher in case.launchers]
    for case, launcher in todo:
        name = name_of(case, launcher)
        if options.only not in name or (name in rows and not options.again):
            continue
        rows[name] = run_case(case, launcher)
        print(name, rows[name]["status"], f"{rows[name]['seconds']:.1f} s", rows[name]["failure"], flush=True)
        ROWS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
