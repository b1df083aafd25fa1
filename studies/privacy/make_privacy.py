"""Measure what boundary values reveal, and write docs/privacy.md: ``python studies/privacy/make_privacy.py``.

Runs the Los Angeles morning, the 30-bus day and a part of that day with closed tracks in this process, with `curious.py` as
coordinator. Takes about six minutes.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from learning import LearnedCost, Told, explained, read_told, suspects, trips
from matplotlib.figure import Figure

from federates.reporting.figures import BLUE, VERMILLION, new_figure, paper_style, save_figure
from federates.runs.in_process import run_in_process

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE, FIGURE = ROOT / "docs/privacy.md", ROOT / "docs/figures/privacy_curves.png"
STAGES = {
    "negotiation": "the negotiation alone",
    "scan": "and a scan of one price",
    "probe": "and random prices",
    "trial": "and plans",
}
ROLES = ("power", "transport")
FIRST_HOUR, HOURS = 4, 12
"""Part of the 30-bus day for the closed tracks; a whole day of such proposals takes too long."""
CLOSED = (
    {"origin": "bus4", "destination": "bus13", "from_period": 0, "to_period": 2},
    {"origin": "bus13", "destination": "bus15", "from_period": 3, "to_period": 11},
)
TRIP_PERIODS = 2
"""Of every trip in that scenario."""
NEVER = 10**6
"""A period after which the curious coordinator would ask on, but that never comes: it only keeps what is said."""


def run_curious(
    name: str,
    folder: Path,
    period: int,
    changes: dict[str, object],
    settings: Mapping[str, Mapping[str, object]],
    hours: slice = slice(None),
) -> pd.DataFrame:
    """Return the table ``told`` of a run of scenario ``name`` whose coordinator is curious after ``period``."""
    scenario = folder / "scenarios" / name
    shutil.copytree(ROOT / "scenarios" / name, scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
    shutil.copy(HERE / "curious.py", scenario / "coordinator" / "curious.py")
    config = scenario / "coordinator" / "config.yaml"
    own = {"honest": yaml.safe_load(config.read_text())["settings"], "period": period}
    config.write_text(yaml.safe_dump({"schema_version": 1, "algorithm": "curious:Curious", "settings": own}))
    for name in ("load.csv", "renewables.csv") if hours != slice(None) else ():
        file = scenario / "power_operator" / "data" / name
        part = pd.read_csv(file).iloc[hours]
        part.assign(period=range(len(part))).to_csv(file, index=False)
    told = pd.read_parquet(run_in_process(scenario, changes, settings) / "coordinator" / "told.parquet")
    return told if period == NEVER else told[told["period"] == period]


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


def heard_prices(told: pd.DataFrame) -> list[str]:
    """Return what the last prices, which both operators hear, say about the other's marginal cost at the agreed plan."""
    prices = [answer.given for answer in read_told(told, "negotiation") if answer.question == "solve"][-1]
    base, *less = read_told(told, "marginal")
    entries = [tuple(np.argwhere(base.given - one.given > 0.5)[0]) for one in less]
    heard = np.array([prices[entry] for entry in entries])
    lines = [
        "| who listens | what is private | median true value, usd/vehicle | median price heard | median error |",
        "|---|---|---|---|---|",
    ]
    listeners = (
        ("power", "transport", "transport operator's marginal cost of a delivery", 1.0),
        ("transport", "power", "what a delivery is worth to the power operator", -1.0),
    )
    for listener, other, words, sign in listeners:
        true = sign * np.array([cost(base, other) - cost(one, other) for one in less])
        error = np.median(np.abs(true - heard))
        lines.append(f"| {listener} operator | {words} | {np.median(true):.2f} | {np.median(heard):.2f} | {error:.2f} |")
    return lines


def closed_tracks(told: pd.DataFrame, stations: Sequence[str]) -> dict[str, str]:
    """Return how well the power operator can tell closed tracks from the plans that it is shown, asking nothing itself."""

    def closed(trip: tuple[int, int, int]) -> bool:
        origin, destination, period = stations[trip[0]], stations[trip[1]], trip[2]
        return any(
            (track["origin"], track["destination"]) == (origin, destination)
            and period <= track["to_period"]
            and period + TRIP_PERIODS > track["from_period"]
            for track in CLOSED
        )

    shown = [answer.given for answer in read_told(told, "negotiation") if answer.question == "evaluate"]
    every, guessed = {trip for plan in shown for trip in trips(plan)}, suspects(shown)
    right = sum(map(closed, guessed))
    return {
        "PLANS": str(len(shown)),
        "TRIPS": str(len(every)),
        "CLOSED": str(sum(map(closed, every))),
        "GUESSED": str(len(guessed)),
        "RIGHT": str(right),
        "CHANCE": f"{100 * sum(map(closed, every)) / len(every):.0f} %",
        "FIRST_HOUR": str(FIRST_HOUR),
        "LAST_HOUR": str(FIRST_HOUR + HOURS),
    }


def curve(told: pd.DataFrame) -> pd.DataFrame:
    """Return what was asked and offered in the opened period at each price of the scan."""
    scan = read_told(told, "scan")
    values = [(answer.given.flat[0], answer.asked[..., 0].sum(), answer.offered[..., 0].sum()) for answer in scan]
    return pd.DataFrame(values, columns=["price", "asked", "offered"])


@paper_style
def curves_figure(road: pd.DataFrame) -> Figure:
    """Return the demand and supply curves that a scan of prices reveals."""
    figure = new_figure(3.2, "What a scan of one price reveals")
    axes = figure.subplots()
    dashed = (0, (4, 1.5))
    axes.step(
        road["asked"],
        road["price"],
        where="post",
        color=VERMILLION,
        linestyle=dashed,
        marker="v",
        label="asked by the power operator",
    )
    axes.plot(road["offered"], road["price"], color=BLUE, marker="^", label="offered by the transport operator")
    axes.set(xlabel="Vehicles in the opened hour (veh)", ylabel="Price (USD/veh)")
    axes.set_xlim(0, 3 * road["asked"].max())
    axes.legend()
    return figure


def draw(road: pd.DataFrame) -> None:
    """Draw these curves into the figure of the page."""
    save_figure(curves_figure(road), FIGURE.parent, FIGURE.stem, ("png",))


def main() -> None:
    """Run both worlds and write page and figure."""
    with tempfile.TemporaryDirectory(prefix="portage-privacy-") as folder:
        road = run_curious("la_gcs", Path(folder, "road"), 8, {"periods": 9}, {"traffic_sumo": {"engine": "libsumo"}})
        rail = run_curious("ieee30", Path(folder, "rail"), 0, {}, {})
        part = slice(FIRST_HOUR, FIRST_HOUR + HOURS)
        private = {"transport_operator": {"closed_tracks": list(CLOSED)}}
        closed = run_curious("ieee30", Path(folder, "closed"), NEVER, {"periods": HOURS}, private, part)
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
        "HEARD": "\n".join(heard_prices(road)),
        **closed_tracks(closed, yaml.safe_load((ROOT / "scenarios/ieee30/scenario.yaml").read_text())["rail_stations"]),
    }
    for key, value in sorted(values.items(), key=lambda item: -len(item[0])):
        page = page.replace(f"@{key}@", value)
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote {PAGE} and {FIGURE}")


if __name__ == "__main__":
    main()
