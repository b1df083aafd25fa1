"""Measure what boundary values reveal, and write docs/privacy.md: ``python docs/privacy/make_privacy.py``.

Runs the Los Angeles morning and the 30-bus day in this process with `curious.py` as coordinator. Takes about three minutes.
"""

import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml
from learning import LearnedCost, Told, explained, read_told

from federates.runs.in_process import run_in_process

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE, FIGURE = HERE.parent / "privacy.md", HERE.parent / "figures" / "privacy_curves.png"
STAGES = {
    "negotiation": "the negotiation alone",
    "scan": "and a scan of one price",
    "probe": "and random prices",
    "trial": "and plans",
}
ROLES = ("power", "transport")


def run_curious(
    name: str, folder: Path, period: int, changes: dict[str, object], engine: dict[str, dict[str, str]]
) -> pd.DataFrame:
    """Return the table ``told`` of a run of scenario ``name`` whose coordinator is curious after ``period``."""
    scenario = folder / "scenarios" / name
    shutil.copytree(ROOT / "scenarios" / name, scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
    shutil.copy(HERE / "curious.py", scenario / "coordinator" / "curious.py")
    config = scenario / "coordinator" / "config.yaml"
    settings = {"honest": yaml.safe_load(config.read_text())["settings"], "period": period}
    config.write_text(yaml.safe_dump({"schema_version": 1, "algorithm": "curious:Curious", "settings": settings}))
    told = pd.read_parquet(run_in_process(scenario, changes, engine) / "coordinator" / "told.parquet")
    return told[told["period"] == period]


def cost(answer: Told, role: str) -> float:
    """Return the own cost that ``role`` told, usd."""
    return answer.asked_cost if role == "power" else answer.offered_cost


def rows(told: pd.DataFrame, unit: str) -> list[str]:
    """Return the table of what is learned from stage to stage."""
    tests, marginal = read_told(told, "test"), read_told(told, "marginal")
    base = marginal[0]
    entries = [tuple(np.argwhere(base.given - less.given > 0.5)[0]) for less in marginal[1:]]
    lines = [
        f"| operator | answers | planes | variance of cost explained | median true marginal cost, usd/{unit} | median error |",
        "|---|---|---|---|---|---|",
    ]
    for role in ROLES:
        model = LearnedCost(role)
        true = np.array([cost(answer, role) for answer in tests])
        points = [answer.given if role == "power" else answer.offered for answer in tests]
        marginals = np.array([cost(base, role) - cost(less, role) for less in marginal[1:]])
        for phase, words in STAGES.items():
            for answer in read_told(told, phase):
                model.learn(answer)
            share = explained(true, np.array([model.floor(z) for z in points]))
            slope = model.marginal(base.given)
            error = np.median(np.abs(marginals - [slope[entry] for entry in entries]))
            found = f"{len(model.offsets)} | {share:.3f} | {np.median(marginals):.2f} | {error:.2f}"
            lines.append(f"| {role} | {words} | {found} |")
    return lines


def curve(told: pd.DataFrame) -> pd.DataFrame:
    """Return what was asked and offered in the opened period at each price of the scan."""
    scan = read_told(told, "scan")
    values = [(answer.given.flat[0], answer.asked[..., 0].sum(), answer.offered[..., 0].sum()) for answer in scan]
    return pd.DataFrame(values, columns=["price", "asked", "offered"])


def draw(road: pd.DataFrame) -> None:
    """Draw the demand and supply curves that a scan of prices reveals."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.step(road["asked"], road["price"], where="post", marker="o", ms=3, label="asked by the power operator")
    axes.plot(road["offered"], road["price"], marker="o", ms=3, label="offered by the transport operator")
    axes.set(xlabel="vehicles in the opened hour", ylabel="price, usd per vehicle", title="What a scan of one price reveals")
    axes.set_xlim(0, 3 * road["asked"].max())
    axes.legend(frameon=False)
    figure.savefig(FIGURE, dpi=150)


def main() -> None:
    """Run both worlds and write page and figure."""
    with tempfile.TemporaryDirectory(prefix="portage-privacy-") as folder:
        road = run_curious("la_gcs", Path(folder, "road"), 8, {"periods": 9}, {"traffic_sumo": {"engine": "libsumo"}})
        rail = run_curious("ieee30", Path(folder, "rail"), 0, {}, {})
    scan = curve(road)
    draw(scan)
    bought = scan[scan["asked"] > 1.0]["price"].max()
    refused = scan[scan["price"] > bought]["price"].min()
    first = scan[scan["offered"] > 1.0]["price"].min()
    page = (HERE / "privacy.md.in").read_text(encoding="utf-8")
    values = {
        "ROAD": "\n".join(rows(road, "vehicle")),
        "RAIL": "\n".join(rows(rail, "train and hour")),
        "BOUGHT": f"{bought:.1f}",
        "REFUSED": f"{refused:.1f}",
        "FIRST": f"{first:.1f}",
    }
    for key, value in values.items():
        page = page.replace(f"@{key}@", value)
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote {PAGE} and {FIGURE}")


if __name__ == "__main__":
    main()
