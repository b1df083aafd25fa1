"""The same hour in SUMO: what routes by rule cost, over seeds, and where drivers who learn day by day settle.

``python studies/tolls/in_sumo.py`` adds what is missing to ``studies/tolls/sumo.json``; each run takes 4 s of processor time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from road import FREE_CHOICE, HOUR, LA, SECOND, Morning, morning

from federates.boundary.config import parse_config, read_yaml
from federates.traffic_sumo.settings import Settings
from federates.traffic_sumo.sumo import SumoTraffic
from federates.transport_operator.models.joint_graph.delay import SocialCost, UserCost
from federates.transport_operator.models.joint_graph.dispatch import departures, whole_trips
from federates.transport_operator.models.joint_graph.graph import Array
from federates.worlds.road.session import RoadSession

RESULTS = Path(__file__).with_name("sumo.json")
VEHICLES = 800
SEEDS = range(1, 6)
DAYS = 6
RULES = ("fastest", "equilibrium", "optimum")


class _Trips:
    """A recorder that keeps the trips."""

    def __init__(self) -> None:
        self.times_s: list[float] = []

    def record(self, table: str, **row: Any) -> None:
        """Keep the time of a storage on the road."""
        if table == "deliveries":
            self.times_s.append(float(row["road_time_s"]))

    def progress(self, **fields: Any) -> None:
        """Drop."""


def trips_by(of: Morning, rule: str) -> Array:
    """Return the flows by trip (K,) of a rule by formula."""
    if rule == "fastest":
        return trip_share(of, 0.0)
    return of.trips(UserCost(of.costs) if rule == "equilibrium" else SocialCost(of.costs), of.demand(VEHICLES))


def trip_share(of: Morning, second_veh_per_h: float) -> Array:
    """Return flows by trip (K,) with that many on the second freeway to q2, of every r as many, on each r's fastest way there."""
    graph, demand = of.graph, of.demand(VEHICLES)[0]
    empty_s = of.costs.time_s(np.zeros((1, len(graph.edges))))[0]
    flow, second = np.zeros(len(graph.trips)), of.links.index(SECOND)
    for number, sent in enumerate(demand):
        r, q = divmod(number, len(graph.destinations))
        for by_second in (True, False):
            ways = [
                (empty_s[list(t.links)].sum(), k)
                for k, t in enumerate(graph.trips)
                if (t.origin, t.destination) == (r, q) and (second in t.links) is by_second
            ]
            part = second_veh_per_h / VEHICLES
            if sent:
                flow[min(ways)[1]] += sent * (part if by_second else 1.0 - part)
    return flow


def drive(of: Morning, trip_flow: Array, seed: int) -> dict[str, Any]:
    """Simulate the hour and the next with whole vehicles in proportion to ``trip_flow`` (K,); return what everybody needed."""
    raw = read_yaml(LA / "traffic_sumo" / "config.yaml")["settings"] | {"engine": "libsumo"}
    changes = {"start_hour": HOUR, "periods": 2, "seed": seed}
    session = parse_config(read_yaml(LA / "scenario.yaml") | changes, RoadSession, "scenario.yaml")
    vehicles = np.rint(of.demand(VEHICLES)[0]).astype(np.intp).reshape(len(of.graph.origins), -1)
    counts = whole_trips(of.graph, trip_flow, vehicles)
    trips, model = _Trips(), SumoTraffic(parse_config(raw, Settings, "config.yaml"), LA / "traffic_sumo")
    try:
        model.begin(session, trips)
        seen = [model.run(0, departures(of.graph, counts, session)).links, model.run(1, []).links]
    finally:
        model.close()
    arrived = [time for time in trips.times_s if time >= 0]
    return {
        "second_veh": int(sum(n for n, t in zip(counts, of.graph.trips, strict=True) if of.links.index(SECOND) in t.links)),
        "arrived_veh": len(arrived),
        "storages_min": float(np.mean(arrived)) / 60.0,
        "everybody_h": float(sum((o.flow_veh_per_h * o.travel_time_s).sum() for o in seen)) / 3600.0,
        "link_time_s": [round(float(time), 3) for time in seen[0].travel_time_s],
    }


def learn(of: Morning, toll_usd: Array, first_seed: int) -> list[dict[str, Any]]:
    """Let drivers come to equilibrium day by day: each day the share 1 / (day + 1) of them takes what cost least the day before.

    The method of successive averages on times that SUMO shows, the traffic of every day with a seed of its own. They begin on the
    fastest way. ``toll_usd`` (L,) is paid on the links.
    """
    second, days = 0.0, []
    usd_per_s = of.costs.driver_usd_per_h / 3600.0
    for day in range(DAYS):
        seen = drive(of, trip_share(of, second), first_seed + day)
        cost = usd_per_s * np.array(seen["link_time_s"]) + toll_usd
        at_second = of.links.index(SECOND)
        trips = [t for t in of.graph.trips if of.graph.destinations[t.destination] == FREE_CHOICE and t.origin == 1]
        ways = [min(cost[list(t.links)].sum() for t in trips if (at_second in t.links) is by) for by in (True, False)]
        days.append(seen | {"second_usd": float(ways[0]), "first_usd": float(ways[1])})
        best = float(VEHICLES) if ways[0] < ways[1] else 0.0
        second += (best - second) / (day + 2)
    return days


def main() -> None:
    """Simulate what is not there yet."""
    of, found = morning(), json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    links, toll_usd = len(of.links), of.costs.marginal_toll_usd(of.spread(SocialCost(of.costs), of.demand(VEHICLES)))
    found.setdefault("rules", {})
    for seed in SEEDS:
        for rule in RULES:
            key = f"{rule} {seed}"
            if key not in found["rules"]:
                found["rules"][key] = drive(of, trips_by(of, rule), seed)
                _write(found)
        if seed == 2:  # the days of learning come early: few seeds already say something of the rules
            for name, toll in (("free", np.zeros(links)), ("tolled", toll_usd[0, :links])):
                if name not in found:
                    found[name] = learn(of, toll, first_seed=101)
                    _write(found)


def _write(found: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
