"""Make docs/la_routing.md from two sweeps: money and vehicle hours of everybody by routing rule, on roads of several laws.

``python studies/make_la_routing.py RESULTS/sweep-routing-formula RESULTS/sweep-routing-sumo`` after ``portage sweep
scenarios/la_gcs/sweeps/routing_formula.yaml`` and ``... routing_sumo.yaml``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from federates.reporting.formatting import number, percent
from federates.worlds.road.report.costs import ROUTING_LABELS

DOCS = Path(__file__).parents[1] / "docs"
POWER, SETTINGS, MODEL = "traffic_sumo.settings.delay_power", "traffic_sumo.settings", "traffic_sumo.model"
ROUTING = "transport_operator.settings.routing"

HEAD = """# How vehicles are led: money and hours of everybody

<!-- Made by `python studies/make_la_routing.py` from two sweeps of scenarios/la_gcs/sweeps; do not edit. -->

Which route a mobile storage takes matters to itself and to all others on the road. The transport operator knows four rules
(`routing` of its `config.yaml`):

| rule | what it does |
|---|---|
| system optimum | least cost to everybody: storages' time, delay of all others, other cost of trips; scheme `proposed` |
| optimum of the storages alone | least cost of all storages together; the delay of others is not counted |
| user equilibrium | no driver gains by another route (Wardrop's first principle) |
| fastest route | all on the route that was fastest in the last period, own effect ignored. The paper's baseline |

Delivery time alone is no yardstick for the system optimum: it sends storages the longer way where that spares others more. So the
tables have both: the time of a delivery, and the vehicle hours that *all* vehicles spend on the links (flow times travel time).

**The operator's law is not the road's.** The operator fits a fourth power of the flow to what it observes
([transport operator](transport_operator.md)). The shipped SUMO model sets link speeds by a fourth power too, so a gain that it
shows is partly the operator's own assumption (an *inverse crime*). Here the same day runs on roads that the operator is wrong
about: other powers, and a point queue (Vickrey 1969), where a vehicle more delays all that follow it until the queue is gone,
so that no function of the hour's flow is right. Each row is a whole negotiated day; the number of vehicles differs by a few,
since routes change what a delivery costs. "As forecast" is what the operator itself expects of the difference: storages' time
and delay of others. With a point queue one vehicle costs the others several hours, so a part of that road's differences comes
from the number of vehicles; and the operator, who knows powers only, expects a small part of what happens.

"""

HEADS = (
    "road",
    "rule",
    "vehicles",
    "delivery, min",
    "all vehicles on the links, h",
    "more than system optimum, h",
    "as forecast, h",
)
COLUMNS = "| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS) + "\n"


SUMO_NOTE = """SUMO's own queueing differs by some tenths of a per cent with other departures (its calibration leaves 0.4 % on
average): differences of that size, of either sign, show nothing. Replications over seeds would be needed.

"""


def main(formula: Path, sumo: Path) -> None:
    """Write the page."""
    text = HEAD + "## On roads by formula\n\n" + COLUMNS + rows(points(formula), _formula_road)
    text += "\n## In SUMO\n\n" + SUMO_NOTE + COLUMNS + rows(points(sumo), lambda changes: f"SUMO, power {changes[POWER]:g}")
    (DOCS / "la_routing.md").write_text(text + "\n" + _versions(), encoding="utf-8")


def points(folder: Path) -> list[dict[str, Any]]:
    """Return the points of a sweep that have a result."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "points").glob("*.json"))]
    return [point for point in read if point.get("result")]


def rows(found: Iterable[Mapping[str, Any]], road: Any) -> str:
    """Return the table's rows: road by road, each rule against the system optimum on the same road."""
    by_road: dict[str, dict[str, Mapping[str, Any]]] = {}
    for point in found:
        changes = point["point"]["changes"]
        by_road.setdefault(road(changes), {})[changes[ROUTING]] = point["result"]
    lines = []
    for name in sorted(by_road):
        best = by_road[name].get("system_optimum")
        if best is None:
            continue
        for rule, label in ROUTING_LABELS.items():
            if (run := by_road[name].get(rule)) is not None:
                lines.append(_row(name, label, run, best))
    return "\n".join(lines) + "\n"


def _row(road: str, label: str, run: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    hours, least = run["everybody_on_links_h"], best["everybody_on_links_h"]
    forecast = run["transport_public_delay_h"] + run["transport_storage_time_h"]
    forecast -= best["transport_public_delay_h"] + best["transport_storage_time_h"]
    more = f"{hours - least:+.0f} ({percent(hours / least - 1.0, 2)})" if run is not best else "0"
    cells = [road, label, number(run["mves_sent_veh"]), f"{run['delivery_time_traffic_s'] / 60:.2f}", number(hours), more]
    return "| " + " | ".join([*cells, f"{forecast:+.0f}" if run is not best else "0"]) + " |"


def _formula_road(changes: Mapping[str, Any]) -> str:
    settings = changes[SETTINGS]
    if settings["delay_law"] == "point_queue":
        return "point queue"
    return f"power {settings['delay_power']:g}"


def _versions() -> str:
    return "Rows by `portage sweep` on one computer; a run's seed is the scenario's, so all rows share their random numbers.\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
