"""Put the figures and numbers of a comparison into the docs: ``python studies/make_la_day.py RESULTS/compare-...``.

Run ``portage compare scenarios/la_gcs`` first. Writes docs/la_day.md and docs/figures/la_*.png.
"""

import json
import shutil
import sys
from pathlib import Path

from page_parts import made_with, markdown_picture

from federates.boundary.markdown import markdown_table
from federates.reporting.tables import RunTables

DOCS = Path(__file__).parents[1] / "docs"
FIGURES = {
    "fig5_feeder_load": "compare",
    "fig6_delivery_time": "compare",
    "network_map": "run",
    "bounds": "run",
    "link_flow": "run",
}
HEAD = """# The Los Angeles day

<!-- Made by `python studies/make_la_day.py RESULTS/compare-...` after `portage compare scenarios/la_gcs`; do not edit. -->

Three runs of the same day with the same random numbers: `proposed` (the operators negotiate), `fastest_route` (the paper's
baseline) and `no_mves`. **Traffic flows are estimated** (Caltrans AADT times an observed hourly shape), the morning speeds and
the shape are observed: see [traffic.md](traffic.md). Prices and values of time are assumptions: see the operators' `config.yaml`.

**What changed, and why.** Overload is counted by quarter-hours, no longer by means of an hour: the power operator plans and
controls by bins, and parked storages wait until the feeder needs them (decision 0212). Costs no longer count the drivers'
effort twice (0217), so the power operator does not care which resourceful station serves which limited one. Without a negotiation
(`fastest_route`) it asks for longer ways; so delivery times are compared between the same stations. Values that cross the
boundary lie on a grid, so that these numbers come out on any processor (0014).

Between the same stations the fastest route is hardly slower here. About 110 vehicles an hour join some 6,000, so a different
route changes little. The proposed scheme takes the system optimum: it serves everybody on the road, and may send a storage the
longer way. What the routing rules do to storages and to all others, in time and money: [how vehicles are led](la_routing.md).

"""


def main(compare: Path) -> None:
    """Write the page and copy the figures of one comparison."""
    data = json.loads((compare / "comparison.json").read_text())
    (run,) = [Path(p) for p in compare.parent.glob("*") if p.name == run_id(compare)]
    for name, source in FIGURES.items():
        shutil.copy((compare if source == "compare" else run) / f"figures/{name}.png", DOCS / f"figures/la_{name}.png")
    rows = [(c["paper"], c["basis"], f"**{c['verdict']}**", c["words"], c["yardstick"]) for c in data["claims"]]
    heads = ["claim (Chen et al. 2019)", "from", "here", "numbers", "yardstick (ours)"]
    text = HEAD + "## The paper's claims\n\n" + markdown_table(heads, rows)
    text += "\n## Figures\n\n"
    tables = RunTables.read(run)
    for name, source in FIGURES.items():
        reading = data["figures"][name] if source == "compare" else tables.world.figure(name).reading(tables)
        text += markdown_picture(f"la_{name}", reading) + "\n"
    (DOCS / "la_day.md").write_text(text + "## All numbers\n\n" + numbers(compare) + f"\n{made_with(run)}\n")


def run_id(compare: Path) -> str:
    """Return the run of the scheme `proposed`."""
    return str(json.loads((compare / "comparison.json").read_text())["runs"]["proposed"])


def numbers(compare: Path) -> str:
    """Return the summary table without what changes from run to run."""
    lines = (compare / "summary.md").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("| Run |")) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
