"""Put days with the transport operator in C beside the shipped ones into docs/other_languages.md.

``python studies/make_other_languages.py`` builds the program and runs the days of both worlds with it and without: six minutes.
With ``--page ROAD ROAD_IN_C RAIL RAIL_IN_C`` it makes the page from these folders of results and runs nothing.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from page_parts import made_with

from federates.boundary.markdown import markdown_table
from federates.reporting.formatting import number, percent
from federates.reporting.tables import RunTables

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/other_languages.md"
MARKS = re.compile(r"(<!-- what comes out: made by `python studies/make_other_languages.py` -->\n).*?(<!-- end -->\n)", re.DOTALL)


def days(folder: Path) -> list[Path]:
    """Run both days with the shipped operator and with the one in C; return the folders of results."""
    sys.path.insert(0, str(ROOT / "tests/support"))
    from other_languages import TRANSPORT, build_programs, copy_of, put_in

    programs = build_programs(folder / "programs")
    results = []
    for scenario in ("la_gcs", "ieee30"):
        for name in ("shipped", "in_c"):
            (folder / name).mkdir(exist_ok=True)
            copy = copy_of(scenario, folder / name)
            if name == "in_c":
                put_in(copy, programs, TRANSPORT)
            helics = Path(sys.executable).with_name("helics")
            path = f"{helics.parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run([helics, "run", f"--path={copy}/runner.json"], env=os.environ | {"PATH": path}, check=True)
            results += list((copy / "results").iterdir())
    return results


def road(shipped: Path, in_c: Path) -> str:
    """Return the table of the road."""
    heads = [RunTables.read(run).summary for run in (shipped, in_c)]
    rows = {
        "energy above the feeder limits without mobile storage, kWh": "{above_limit_without_bin_kwh:.0f}",
        "the same with it, kWh": "{above_limit_with_bin_kwh:.0f}",
        "periods in which the operators agreed": "{agreed_periods} of {periods}",
        "rounds per period": "{rounds_mean:.1f}",
        "storages sent (arrived by the end)": "{mves_sent_veh} ({mves_arrived_veh})",
        "forecast need that the plans left, kWh": "{unmet_kwh:.0f}",
    }
    table = [[name, *(text.format(**head) for head in heads)] for name, text in rows.items()]
    gaps = [f"{percent(float(h['gap_mean']), 2)} ({percent(float(h['gap_max']), 2)})" for h in heads]
    table.insert(4, ["proven gap, mean (largest)", *gaps])
    return markdown_table(["Los Angeles (`la_gcs`)", "shipped", "in C"], table)


def rail(shipped: Path, in_c: Path) -> str:
    """Return the table of the 30 buses."""
    heads = [RunTables.read(run).summary for run in (shipped, in_c)]

    def row(name: str, *keys: str) -> list[str]:
        return [name, *("; ".join(number(float(head[key]), 2) for key in keys) for head in heads)]

    table = [
        row("agreed plan: cost of both, USD", "upper_bound_usd"),
        row("proven bound, USD", "answers_bound_usd"),
        ["gap; rounds", *(f"{percent(float(h['answers_gap']), 2)}; {h['rounds']}" for h in heads)],
        row("carried out: cost of the power operator, USD", "realised_operating_cost_usd"),
        ["times that the plan was negotiated", *(str(h["negotiations"]) for h in heads)],
        ["periods that the latest train came late", *(str(h.get("most_delay_periods", "not recorded")) for h in heads)],
    ]
    return markdown_table(["30 buses (`ieee30`)", "shipped", "in C"], table)


def main() -> None:
    """Run what is to be run and write the part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", nargs=4, type=Path, metavar="RUN", help="make the page from these results")
    runs = parser.parse_args().page
    with tempfile.TemporaryDirectory() as folder:
        runs = runs or days(Path(folder))
        part = f"{road(*runs[:2])}\n{rail(*runs[2:])}\n{made_with(runs[0])}\n"
    PAGE.write_text(MARKS.sub(lambda marks: marks[1] + part + marks[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
