"""Make docs/coupling.md and its map from two sweeps: from where on it matters whether routes are coupled with the plan.

``python studies/make_coupling.py RESULTS/sweep-coupling RESULTS/sweep-coupling-sumo`` after ``portage sweep
scenarios/la_gcs/sweeps/coupling.yaml`` and ``... coupling_sumo.yaml``. It keeps what it needs in studies/coupling.json and
writes the page; without folders it writes the page from that file, with ``--check`` it only says whether the page is up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from scipy.stats import t as student

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "tolls"))

from road import Morning, morning  # noqa: E402

from federates.reporting.figures import new_figure, paper_style, save_figure  # noqa: E402
from federates.reporting.formatting import number  # noqa: E402
from federates.transport_operator.models.joint_graph.delay import SocialCost  # noqa: E402

DOCS, KEPT, TEXT = HERE.parent / "docs", HERE / "coupling.json", HERE / "coupling.md.in"
ENERGY, SEED = "power_operator.settings.mves.energy_kwh", "scenario.seed"
FIRST_HOUR = 6
MATTERS = 1.0
"""The scheme matters where the fastest route takes this much longer, per cent."""
NAMES = ("mves_sent_veh", "everybody_on_links_h", "unmet_kwh", "gap_max", "pairs")
_MEANS = (
    ("longer", "Whole runs: time on the road"),
    ("dearer", "Routes alone: cost to everybody"),
)
Row = dict[str, Any]


def keep(folder: Path) -> list[Row]:
    """Return what is kept of a sweep's points: scheme, energy, volume, seed and results."""
    rows = []
    for path in sorted((folder / "points").glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        if not (result := read.get("result")):
            continue
        point, changes = read["point"], read["point"]["changes"]
        road = changes.get("traffic_sumo.settings", {})
        where = {"energy_kwh": changes[ENERGY], "volume": road.get("demand_scale", 1.0), "seed": changes.get(SEED, 1)}
        rows.append({"scheme": point["scheme"]} | where | {name: result[name] for name in NAMES if name in result})
    return sorted(rows, key=lambda row: (row["energy_kwh"], row["volume"], row["seed"], row["scheme"]))


def compared(rows: Iterable[Row]) -> list[Row]:
    """Return the points that both schemes have, with what the fastest route does more, per cent."""
    schemes: dict[tuple[float, float, int], dict[str, Row]] = {}
    for row in rows:
        schemes.setdefault((row["energy_kwh"], row["volume"], row["seed"]), {})[row["scheme"]] = row
    out = []
    for (energy, volume, seed), both in sorted(schemes.items()):
        if len(both) == 2:
            plan, fastest = both["proposed"], both["fastest_route"]
            found = {"longer": same_pairs_percent(plan, fastest), "dearer": routes_alone_percent(plan)}
            found["at_seven"] = same_pairs_percent(plan, fastest, 7 - FIRST_HOUR)
            sent = {"planned_veh": plan["mves_sent_veh"], "fastest_veh": fastest["mves_sent_veh"], "gap_max": plan["gap_max"]}
            out.append({"energy_kwh": energy, "volume": volume, "seed": seed} | found | sent)
    return out


def same_pairs_percent(plan: Row, fastest: Row, period: int | None = None) -> float:
    """Return how much longer the fastest-route scheme drives if both serve the pairs as often as the plan, per cent.

    The schemes send different numbers between different stations; pairs and periods that only one serves are left out.
    """
    times = np.zeros(2)
    for pair, of in plan["pairs"].items():
        other = fastest["pairs"].get(pair)
        for number_, (n, a) in enumerate(zip(of["vehicles"], of["road_time_s"], strict=True)):
            b = None if other is None else other["road_time_s"][number_]
            if a is not None and b is not None and period in (None, number_):
                times += n * np.array([a, b])
    return float(100.0 * (times[1] / times[0] - 1.0)) if times[0] > 0 else float("nan")


def routes_alone_percent(plan: Row) -> float:
    """Return what the plan's vehicles would cost everybody more on the fastest route than at the system optimum, per cent.

    By formula, on the road's own law (`tolls/road.py`), hour by hour; fastest: without the vehicles themselves.
    """
    cost = np.zeros(2)
    hours = len(next(iter(plan["pairs"].values()))["vehicles"])
    for period in range(hours):
        of = _morning(FIRST_HOUR + period, plan["volume"])
        names = [f"{r}-{q}" for r in of.graph.origins for q in of.graph.destinations]
        demand = np.array([[float(plan["pairs"].get(name, {"vehicles": [0] * hours})["vehicles"][period]) for name in names]])
        law = SocialCost(of.costs)
        cost += [law.value(flow).sum() for flow in (of.spread(law, demand), of.fastest(demand))]
    return float(100.0 * (cost[1] / cost[0] - 1.0))


@cache
def _morning(hour: int, volume: float) -> Morning:
    return morning(hour, volume)


def grid(found: list[Row], name: str) -> tuple[list[float], list[float], np.ndarray]:
    """Return energies, volumes and a value for each pair of them (NaN: not computed)."""
    energies = sorted({row["energy_kwh"] for row in found}, reverse=True)
    volumes = sorted({row["volume"] for row in found})
    values = np.full((len(energies), len(volumes)), np.nan)
    for row in found:
        values[energies.index(row["energy_kwh"]), volumes.index(row["volume"])] = row[name]
    return energies, volumes, values


@paper_style
def map_figure(found: list[Row]) -> Figure:
    """Return the map: what the fastest route does more by energy of a vehicle and traffic volume."""
    figure = new_figure(2.9, "What the fastest route costs more than the negotiated plan, 6 to 10 h")
    panels = figure.subplots(1, len(_MEANS), sharey=True)
    largest = max(1.0, *(float(np.nanmax(np.abs(grid(found, name)[2]))) for name, _ in _MEANS))
    norm, mesh = TwoSlopeNorm(0.0, -largest, largest), None
    for axes, (name, title) in zip(panels, _MEANS, strict=True):
        mesh = _panel(axes, found, name, norm)
        axes.set_title(title, loc="left")
        axes.set_xlabel("Traffic volume (of the estimated flows)")
    panels[0].set_ylabel("Energy of a vehicle (kWh)")
    figure.colorbar(mesh, ax=list(panels), label="fastest route, more (%)")
    return figure


def _panel(axes: Axes, found: list[Row], name: str, norm: TwoSlopeNorm) -> Any:
    energies, volumes, values = grid(found, name)
    x, y = np.arange(len(volumes) + 1) - 0.5, np.arange(len(energies) + 1) - 0.5
    mesh = axes.pcolormesh(x, y, values, cmap="PuOr_r", norm=norm)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            weight = "bold" if value >= MATTERS else "normal"
            colour = "white" if abs(value) > 0.6 * norm.vmax else "black"
            axes.text(column, row, f"{value:+.1f}", ha="center", va="center", weight=weight, color=colour)
    axes.set_xticks(range(len(volumes)), [f"{value:g}" for value in volumes])
    axes.set_yticks(range(len(energies)), [f"{value:g}" for value in energies])
    axes.grid(False)
    return mesh


def map_rows(found: list[Row]) -> list[list[str]]:
    """Return a row per point of the map."""
    return [
        [
            f"{row['energy_kwh']:g}",
            f"{row['volume']:g}",
            f"{number(row['planned_veh'])}, {number(row['fastest_veh'])}",
            f"{row['longer']:+.1f}",
            f"{row['dearer']:+.1f}",
            f"{100.0 * row['gap_max']:.2f}",
        ]
        for row in sorted(found, key=lambda row: (-row["energy_kwh"], row["volume"]))
    ]


def hours_rows(rows: list[Row], energy_kwh: float, volume: float) -> list[list[str]]:
    """Return a row per hour of one point: times of both schemes with the plan's vehicles, min."""
    both = {row["scheme"]: row for row in rows if (row["energy_kwh"], row["volume"]) == (energy_kwh, volume)}
    if len(both) < 2:
        return []
    out = []
    for period in range(len(next(iter(both["proposed"]["pairs"].values()))["vehicles"])):
        means = [_mean_min(both[name], period) for name in ("proposed", "fastest_route")]
        percent = same_pairs_percent(both["proposed"], both["fastest_route"], period)
        out.append([f"{FIRST_HOUR + period}", *(f"{value:.1f}" for value in means), f"{percent:+.1f}"])
    return out


def _mean_min(row: Row, period: int) -> float:
    sent = [(of["vehicles"][period], of["road_time_s"][period] or 0.0) for of in row["pairs"].values()]
    return sum(n * t for n, t in sent) / max(1, sum(n for n, _ in sent)) / 60.0


def reading(found: list[Row]) -> str:
    """Return what the map says, in words."""
    alone, longer = (np.array([row[name] for row in found]) for name in ("dearer", "longer"))
    busy = np.array([row["volume"] > 1.0 for row in found])
    energies = sorted({row["energy_kwh"] for row in found}, reverse=True)
    by_energy = ", ".join(
        f"{np.mean([row['dearer'] for row in found if row['energy_kwh'] == e]):.1f} % at {e:g} kWh" for e in energies
    )
    return (
        "**Routes alone matter everywhere, and more the less a vehicle carries**: led by the fastest route, the plan's vehicles "
        f"cost everybody on the road {alone.min():.1f} to {alone.max():.1f} % more than at the system optimum (means: "
        f"{by_energy}). "
        f"Up to the estimated flows it is {alone[~busy].min():.1f} to {alone[~busy].max():.1f} %; on busier roads the fastest "
        f"way is the second freeway by itself more often, and {alone[busy].min():.1f} to {alone[busy].max():.1f} % are left.\n\n"
        f"**A delivery's own time is hardly shorter**: in whole runs the fastest route takes between {longer.min():+.1f} and "
        f"{longer.max():+.1f} %, and at least {MATTERS:g} % in {int((longer >= MATTERS).sum())} of {len(found)} points. A system "
        "optimum spares the crowd on the first freeway, not the storages' own time. What the paper's Fig. 6 shows, deliveries "
        "that take longer by the fastest route, comes out clearly in single hours only (next table)."
    )


def sumo_rows(found: list[Row]) -> list[list[str]]:
    """Return a row per energy: mean over seeds and 95 % interval by Student's t."""
    out = []
    for energy in sorted({row["energy_kwh"] for row in found}, reverse=True):
        of = [row for row in found if row["energy_kwh"] == energy]
        cells = [f"{energy:g}", str(len(of))]
        for name in ("longer", "at_seven"):
            values = np.array([row[name] for row in of])
            half = student.ppf(0.975, len(of) - 1) * values.std(ddof=1) / np.sqrt(len(of)) if len(of) > 1 else np.nan
            cells.append(f"{values.mean():+.1f}" + (f" ± {half:.1f}" if np.isfinite(half) else ""))
        out.append(cells)
    return out


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, or that there is nothing to put in it."""
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines) if rows else "*Not computed yet.*"


def page(kept: dict[str, list[Row]]) -> str:
    """Return the page."""
    formula, sumo = compared(kept["formula"]), compared(kept["sumo"])
    more = ["whole runs: road time, %", "routes alone: cost to everybody, %"]
    heads = ["kWh of a vehicle", "volume", "vehicles: plan, fastest route", *more, "largest gap of the plan, %"]
    parts = {
        "MATTERS": f"{MATTERS:g}",
        "READING": reading(formula),
        "MAP": table(heads, map_rows(formula)),
        "HOURS": table(["hour", "plan, min", "fastest route, min", "same pairs, %"], hours_rows(kept["formula"], 2.5, 1.0)),
        "SUMO": table(["kWh of a vehicle", "seeds", "road time, 6 to 10 h, %", "road time, 7 h, %"], sumo_rows(sumo)),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, made in parts.items():
        text = text.replace(f"@{name}@", made)
    return text


def main(arguments: list[str]) -> int:
    """Write page and map, or with ``--check`` return 1 if the page is not up to date."""
    folders = [Path(name) for name in arguments if name != "--check"]
    if folders:
        kept = dict(zip(("formula", "sumo"), (keep(folder) for folder in folders), strict=True))
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    text, file = page(kept), DOCS / "coupling.md"
    if "--check" in arguments:
        return int(not file.is_file() or file.read_text(encoding="utf-8") != text)
    file.write_text(text, encoding="utf-8")
    save_figure(map_figure(compared(kept["formula"])), DOCS / "figures", "coupling_map", ("png",))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
