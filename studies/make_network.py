"""Make docs/network.md: gap, rounds and time against loss and latency, per algorithm.

``python studies/make_network.py`` takes some minutes and keeps the numbers in studies/network.json; ``--page`` writes the page
from that file, ``--check`` only says whether the page is up to date. The worlds are small ones whose optimum is known: four
traders (tests/third_world, closed form) and two trains (tests/support/toy_railway.py, all routes tried). Nothing waits for real
time: rounds are those of a run, without HELICS (tests/support/lossy_play.py).
"""

from __future__ import annotations

import functools
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/third_world")]

import market  # noqa: E402
from lossy_play import LossyPlay  # noqa: E402
from negotiate import ask  # noqa: E402
from rail_algorithms import ALGORITHMS  # noqa: E402
from toy_railway import ToyRailway  # noqa: E402

from federates.boundary.markdown import markdown_table  # noqa: E402
from federates.boundary.network import LinkClass, NetworkSettings  # noqa: E402
from federates.coordinator.algorithms.admm import Admm  # noqa: E402
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition  # noqa: E402
from federates.coordinator.algorithms.posted_price import PostedPrice  # noqa: E402
from federates.coordinator.algorithms.stackelberg import Stackelberg  # noqa: E402
from federates.reporting.network import seconds  # noqa: E402

KEPT, TEXT, PAGE = HERE / "network.json", HERE / "network.md.in", ROOT / "docs/network.md"
SEEDS = range(5)
LOSSES = (0.0, 0.05, 0.1, 0.2, 0.3)
LATENCIES_S = (0.05, 0.4, 0.8, 1.6)
DEADLINE_S = 0.5
_MOST = 1000
_RAIL = {"seed": 1, "periods": 6, "slots": 1}
MARKET = {
    "ocd, shortfall": (OptimalityConditionDecomposition, {"update": "shortfall"}),
    "ocd, residual": (OptimalityConditionDecomposition, {"update": "residual"}),
    "ocd, box_step": (OptimalityConditionDecomposition, {"update": "box_step", "plan": "mean", "evaluate_every": 1}),
    "admm": (Admm, {}),
    "posted_price": (PostedPrice, {"price_usd_per_veh": 12.0}),
    "stackelberg": (Stackelberg, {"negotiation": {"max_iterations": 10}}),
}
TRAINS = {
    "ocd (trains)": ("ocd", {}),
    "bundle (trains)": ("bundle", {}),
    "cuts (trains)": ("cuts", {}),
    "admm (trains)": ("admm", {}),
}
Row = dict[str, Any]


def network(loss: float, latency_s: float, missing: str = "go_on") -> NetworkSettings:
    """Return a network in which all but the coordinator use a link of this kind."""
    link = LinkClass(loss=loss, latency_s=latency_s, jitter_s=0.1 * latency_s)
    return NetworkSettings(everyone="studied", classes={"studied": link}, deadline_s=DEADLINE_S, missing=missing)


def one(name: str, settings: NetworkSettings, seed: int) -> Row:
    """Return what one negotiation comes to: rounds, time on the network, proven gap and what the plan costs too much."""
    play, algorithm, openings, best_usd = (_trains if name in TRAINS else _market)(name, settings, seed)
    algorithm.begin(play.session, play._rows)
    play.negotiate(algorithm, 0, openings)
    bounds = algorithm.bounds
    share = 1e-6 * max(1.0, abs(best_usd))
    return {
        "rounds": play.rounds.round,
        "network_s": float(seconds(play.told, DEADLINE_S).sum()),
        "gap": min(float(bounds.gap), 1.0),
        "excess": float((bounds.upper_usd - best_usd) / abs(best_usd)),
        "holds": bool(bounds.lower_usd <= best_usd + 10 * share and bounds.upper_usd >= best_usd - 10 * share),
        "outcome": play.tables["commits"][-1]["outcome"],
    }


@functools.cache
def _installed() -> None:
    market.install(Path(tempfile.mkdtemp(prefix="portage-market-")))


def _market(name: str, settings: NetworkSettings, seed: int) -> tuple[LossyPlay, Any, Any, float]:
    _installed()
    import market_world as mw

    kind, own = MARKET[name]
    traders = market.traders(4)
    agents = [{"name": trader, "role": trader.split("_")[0]} for trader in traders]
    data = {"schema_version": 1, "world": "market", "name": "market", "periods": 1, "goods": ["bread"]}
    session = mw.MarketSession.model_validate(data | {"agents": [*agents, {"name": "coordinator", "role": "coordinator"}]})
    classes = {"buyer": mw.Buyer, "seller": mw.Seller}
    everyone = {trader: classes[trader.split("_")[0]](mw.TraderSettings(**s)) for trader, s in traders.items()}
    play = LossyPlay(session, functools.partial(ask, everyone), settings, _MOST, seed)
    return play, kind(kind.Settings(**own)), None, market.clearing(traders)[2]


@functools.cache
def _optimum_usd() -> float:
    return float(ToyRailway(**_RAIL).optimum_usd())


def _trains(name: str, settings: NetworkSettings, seed: int) -> tuple[LossyPlay, Any, Any, float]:
    railway = ToyRailway(**_RAIL)
    kind = ALGORITHMS[TRAINS[name][0]]
    play = LossyPlay(railway.session, railway.answers, settings, _MOST, seed)
    return play, kind(kind.Settings(**TRAINS[name][1])), {"train_ready": railway.ready}, _optimum_usd()


def points() -> Iterable[tuple[str, float, float, str]]:
    """Yield algorithm, loss, latency and what is done where an answer is missing, of every point of the study."""
    for name in (*MARKET, *TRAINS):
        for loss in LOSSES:
            yield name, loss, LATENCIES_S[0], "go_on"
        for latency_s in LATENCIES_S[1:]:
            yield name, 0.0, latency_s, "go_on"
    for name in ("ocd, residual", "ocd, box_step", "admm", "bundle (trains)"):
        yield name, 0.2, LATENCIES_S[0], "ask_again"


def mean(name: str, loss: float, latency_s: float, missing: str, seeds: Iterable[int] = SEEDS) -> Row:
    """Return a point of the study: the means over seeds."""
    rows = [one(name, network(loss, latency_s, missing), seed) for seed in seeds]
    found = {key: round(float(np.mean([row[key] for row in rows])), 6) for key in ("rounds", "network_s", "gap", "excess")}
    point = {"algorithm": name, "loss": loss, "latency_s": latency_s, "missing": missing}
    kept = {"holds": all(row["holds"] for row in rows), "given_up": sum(row["outcome"] != "agreed plan" for row in rows)}
    return point | found | kept


def page(rows: list[Row]) -> str:
    """Return the page."""
    by = {(row["algorithm"], row["loss"], row["latency_s"], row["missing"]): row for row in rows}
    names, first_s = (*MARKET, *TRAINS), LATENCIES_S[0]

    def table(words: str, key: Any, columns: list[tuple[str, float, float]]) -> str:
        body = [[name, *(key(by[name, loss, latency, "go_on"]) for _, loss, latency in columns)] for name in names]
        return markdown_table([words, *(head for head, _, _ in columns)], body, 1)

    losses = [(f"{loss:.0%}", loss, first_s) for loss in LOSSES]
    latencies = [(f"{latency:g} s", 0.0, latency) for latency in LATENCIES_S]
    again = [row for row in rows if row["missing"] == "ask_again"]
    compared = [
        [r["algorithm"], *(_rounds(x) for x in pair), *(_gap(x) for x in pair)]
        for r in again
        for pair in [(by[r["algorithm"], r["loss"], r["latency_s"], "go_on"], r)]
    ]
    parts = {
        "rounds": table("rounds", _rounds, losses),
        "gaps": table("proven gap", _gap, losses),
        "seconds": table("seconds", lambda r: f"{r['network_s']:.1f}", losses),
        "latency_rounds": table("rounds", _rounds, latencies),
        "latency_gaps": table("proven gap", _gap, latencies),
        "again": markdown_table(["algorithm", "rounds, go on", "rounds, ask again", "gap, go on", "gap, ask again"], compared, 1),
        "runs": f"{len(SEEDS) * len(rows)}",
        "broken": f"{sum(not row['holds'] for row in rows)}",
        "given_up": f"{sum(row['given_up'] for row in rows)}",
        "seeds": f"{len(SEEDS)}",
        "deadline": f"{DEADLINE_S:g}",
        "latency": f"{first_s:g}",
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{ {name} }}}}", part.strip())
    return text


def _rounds(row: Row) -> str:
    return f"{row['rounds']:.1f}"


def _gap(row: Row) -> str:
    return f"{100 * row['gap']:.2f} %"


def main(words: list[str]) -> int:
    """Make the numbers, the page, or compare it."""
    if not words:
        rows = []
        for point in points():
            rows.append(mean(*point))
            print(json.dumps(rows[-1]), flush=True)
        KEPT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    text = page(json.loads(KEPT.read_text(encoding="utf-8")))
    if "--check" in words:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
