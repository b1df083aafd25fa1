"""Make docs/tolls.md: ``python studies/make_tolls.py``; with ``--check`` it only says whether the page is up to date.

All that is by formula is computed anew, in seconds. What SUMO showed is read from studies/tolls/sumo.json, which
``python studies/tolls/in_sumo.py`` makes.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "tolls"))

from road import DRIVERS, HOUR, SECOND, Morning, learned_tolls, morning, with_drivers  # noqa: E402

from federates.reporting.formatting import number  # noqa: E402
from federates.transport_operator.models.joint_graph.assignment import PathSet, assign  # noqa: E402
from federates.transport_operator.models.joint_graph.delay import SocialCost, UserCost  # noqa: E402
from federates.transport_operator.models.joint_graph.graph import Array  # noqa: E402
from federates.transport_operator.models.joint_graph.joint_graph import Kind  # noqa: E402

PAGE, TEXT, SUMO = HERE.parent / "docs" / "tolls.md", HERE / "tolls" / "tolls.md.in", HERE / "tolls" / "sumo.json"
VOLUMES, REWARDS_USD = (100, 200, 400, 800, 1600), (15.0, 20.0, 30.0)
BRAESS = (np.array([0.0, 50.0, 50.0, 0.0, 10.0]), np.array([10.0, 1.0, 1.0, 10.0, 1.0]))
"""Times a + b v of s-u, u-t, s-v, v-t and the bridge u-v; 6 vehicles from s to t."""


class Linear:
    """Times a + b v: the equilibrium's function, or with twice the slope the optimum's."""

    def __init__(self, a: Array, b: Array, factor: float = 1.0) -> None:
        self.a, self.b = a, factor * b

    def value(self, v: Array) -> Array:
        """Return the integral."""
        return np.asarray(self.a * v + 0.5 * self.b * v * v)

    def gradient(self, v: Array) -> Array:
        """Return the time."""
        return np.asarray(self.a + self.b * v)

    def curvature(self, v: Array) -> Array:
        """Return its slope."""
        return np.asarray(self.b + 0.0 * v)


def textbook() -> list[list[str]]:
    """Return rows of what textbooks say: case, quantity, computed."""
    a, b = BRAESS
    outer, bridge = [(0, 1), (2, 3)], (0, 4, 3)

    def flows(law: Linear, paths: list[tuple[int, ...]], demand: float) -> Array:
        return assign(law, PathSet([paths], len(law.a)), np.array([[demand]]), tolerance=1e-13).edge_flow[0]

    def total(v: Array) -> float:
        return float((v * (a + b * v)).sum())

    without, with_ = flows(Linear(a, b), outer, 6.0), flows(Linear(a, b), [*outer, bridge], 6.0)
    best = flows(Linear(a, b, 2.0), [*outer, bridge], 6.0)
    toll = b * best
    felt = a + b * best + toll
    ways = [felt[list(path)].sum() for path in (*outer, bridge)]
    pigou = flows(Linear(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 2.0), [(0,), (1,)], 1.0)
    pigou_best = float(pigou[0] ** 2 + pigou[1])
    return [
        ["Braess without bridge", "total time at equilibrium, which is the optimum", f"{total(without):.0f}"],
        ["Braess with bridge", "total time at equilibrium", f"{total(with_):.0f}"],
        ["", "total time at the optimum", f"{total(best):.0f}"],
        ["", "price of anarchy", f"{total(with_) / total(best):.4f}"],
        ["", "tolls v t'(v) at the optimum", ", ".join(f"{abs(value):.0f}" for value in toll)],
        ["", "time and toll of the ways used; by the bridge", f"{ways[0]:.0f}, {ways[1]:.0f}; {ways[2]:.0f}"],
        ["Pigou", "toll at the optimum", f"{pigou[0]:.2f}"],
        ["", "price of anarchy", f"{1.0 / pigou_best:.4f}"],
    ]


def morning_rows(of: Morning) -> list[list[str]]:
    """Return a row per volume and rule of vehicles bound for q2."""
    rows = []
    for vehicles in VOLUMES:
        demand = of.demand(vehicles)
        best = of.spread(SocialCost(of.costs), demand)
        toll = of.costs.marginal_toll_usd(best)
        tolled = of.spread(UserCost(of.costs, toll), demand)
        free = of.spread(UserCost(of.costs), demand)
        hours, _ = learned_tolls(of, demand, best)
        ways = (("fastest", of.fastest(demand)), ("equilibrium", free), ("equilibrium with tolls", tolled), ("optimum", best))
        for name, flow in ways:
            away = f"{np.abs(flow - best).max():.3f}"
            cells = [number(vehicles), name, f"{flow[0, of.links.index(SECOND)]:.1f}", f"{minutes(of, flow, vehicles):.2f}"]
            more_usd = max(0.0, cost_usd(of, flow) - cost_usd(of, best))
            rows.append([*cells, f"{more_usd:.2f}", away, str(hours) if name == "equilibrium with tolls" else ""])
    return rows


def minutes(of: Morning, flow: Array, vehicles: float) -> float:
    """Return the mean time of a storage on the road, min."""
    return float((flow * of.costs.time_s(flow)).sum()) / vehicles / 60.0


def cost_usd(of: Morning, flow: Array) -> float:
    """Return what it costs everybody, usd per hour of the day."""
    return float(SocialCost(of.costs).value(flow).sum())


def staying_rows(plain: Morning) -> list[list[str]]:
    """Return a row per reward and rule of drivers who may stay, with waits at the gates that grow with use."""
    rows = []
    for reward in REWARDS_USD:
        of = with_drivers(plain, reward)
        best = of.chosen(SocialCost(of.costs), DRIVERS)
        tolls = of.costs.marginal_toll_usd(best)
        ways = (
            ("equilibrium", of.chosen(UserCost(of.costs), DRIVERS)),
            ("equilibrium with tolls", of.chosen(UserCost(of.costs, tolls), DRIVERS)),
            ("optimum", best),
        )
        for name, flow in ways:
            go = flow[0, of.graph.of_kind(Kind.TRIP)]
            cells = [f"{reward:.0f}", name, f"{go.sum():.1f}", ", ".join(f"{abs(value):.1f}" for value in go)]
            rows.append([*cells, f"{0.0 - round(cost_usd(of, flow)):.0f}", f"{np.abs(flow - best).max():.3f}"])
    return rows


def interval(values: list[float]) -> str:
    """Return mean and 95 % confidence interval of a sample by Student's t; one value alone has none."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.1f} (one seed)"
    half = float(student.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


def sumo_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return a row per difference of two rules, paired by seed, of seeds that have both."""
    by_rule: dict[str, dict[int, dict[str, float]]] = {}
    for key, run in found["rules"].items():
        rule, seed = key.split()
        by_rule.setdefault(rule, {})[int(seed)] = run
    rows = []
    for longer, shorter in (("fastest", "optimum"), ("equilibrium", "optimum"), ("fastest", "equilibrium")):
        seeds = sorted(by_rule[longer].keys() & by_rule[shorter].keys())
        everybody, storages = (
            [by_rule[longer][seed][name] - by_rule[shorter][seed][name] for seed in seeds]
            for name in ("everybody_h", "storages_min")
        )
        seconds = interval([60.0 * value for value in storages])
        rows.append([f"{longer} less {shorter}", str(len(seeds)), interval(everybody), seconds])
    return rows


def learning_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return a row per day of drivers who learn in SUMO."""
    ways = [found.get(name, []) for name in ("free", "tolled")]
    rows = []
    for day, (free, tolled) in enumerate(zip(*ways, strict=False)):
        cells = [str(day + 1)]
        for seen in (free, tolled):
            cells += [number(seen["second_veh"]), f"{seen['second_usd'] - seen['first_usd']:+.2f}", f"{seen['everybody_h']:.0f}"]
        rows.append(cells)
    return rows


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, or that there is nothing to put in it."""
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines) if rows else "*Not computed yet.*"


def page() -> str:
    """Return the page."""
    of, found = morning(), json.loads(SUMO.read_text(encoding="utf-8"))
    best, free = (
        of.spread(law, of.demand(800.0))[0, of.links.index(SECOND)] for law in (SocialCost(of.costs), UserCost(of.costs))
    )
    compared = ["difference, paired by seed", "seeds", "everybody on the links, h", "a storage on the road, s"]
    seen = ["by I-710", "I-710 costs more, usd", "everybody, h"]
    learning = ["day", *(f"{kind}: {words}" for kind in ("no toll", "tolls") for words in seen)]
    hours = ["dearer for everybody, usd/h", "off the optimum, veh/h", "hours of learning"]
    go = ["drivers who go, veh/h", "r1-q1, r1-q2, r2-q1, r2-q2", "worth to everybody, usd/h", "off the optimum, veh/h"]
    parts = {
        "HOUR": str(HOUR),
        "HOUR+1": str(HOUR + 1),
        "HOUR+2": str(HOUR + 2),
        "TEXTBOOK": table(["case", "quantity", "computed"], textbook()),
        "MORNING": table(["veh/h to q2", "rule", "by I-710, veh/h", "on the road, min", *hours], morning_rows(of)),
        "STAYING": table(["reward, usd", "rule", *go], staying_rows(of)),
        "SUMO": table(compared, sumo_rows(found)),
        "LEARNING": table(learning, learning_rows(found)),
        "FREE": f"{free:.0f}",
        "BEST": f"{best:.0f}",
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, made in parts.items():
        text = text.replace(f"@{name}@", made)
    return text


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it is not up to date."""
    text = page()
    if "--check" in sys.argv:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
