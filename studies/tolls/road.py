"""The Los Angeles morning as the study of tolls needs it: the road's own law, drivers at equilibrium, tolls, and the optimum.

The curves are those that SUMO's speeds are set by (`federates.traffic_sumo.control`), t = t0 + (t_target - t0) (v / F)^4 with F
the given flow of the hour, so nobody errs about the road here. How an operator fares that has to learn it: docs/la_routing.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from federates.boundary.config import parse_config, read_yaml
from federates.traffic_sumo.data import load_road
from federates.traffic_sumo.settings import Settings
from federates.transport_operator.models.joint_graph.assignment import PathSet, assign
from federates.transport_operator.models.joint_graph.data import read_road_data
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, SocialCost, TimeCurve, UserCost
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import JointGraph, Kind, build_joint_graph
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings
from federates.worlds.road.session import RoadSession

LA = Path(__file__).parents[2] / "scenarios" / "la_gcs"
HOUR = 6
"""In this hour two ways lead to q2 in nearly the same time, and the road is busy enough for a vehicle to delay many."""
FREE_CHOICE = "q2"
"""Where drivers are bound: to q1 there is one way only."""
SECOND = "I710S_I5-I105"
"""Link of the second freeway to it."""
VALUE_OF_TIME_USD_PER_H = 20.0
SERVICE_S, SPOTS, DRIVERS, READIEST_USD, LAST_USD = 600.0, 40.0, 1200.0, 1.0, 8.0
"""Of drivers who may stay: 40 spots at every station, 1 200 drivers at each r, whose trips cost 1 to 9 usd beside time."""
_GAP = 1e-13


@dataclass(frozen=True)
class Morning:
    """The joint graph and the costs on it of one hour."""

    graph: JointGraph
    costs: EdgeCosts
    links: tuple[str, ...]

    @property
    def pairs(self) -> list[list[tuple[int, ...]]]:
        """Return the routes of every pair of stations, as edges."""
        g = self.graph
        ends = np.ndindex(len(g.origins), len(g.destinations))
        return [[t.edges for t in g.trips if (t.origin, t.destination) == pair] for pair in ends]

    def demand(self, vehicles: float) -> Array:
        """Return ``vehicles`` per hour by pair (1, N): bound for q2, from every r as many."""
        g = self.graph
        to = [float(q == FREE_CHOICE) for _ in g.origins for q in g.destinations]
        return np.array([to]) * (vehicles / len(g.origins))

    def fastest(self, demand: Array) -> Array:
        """Return edge flows (1, E) of ``demand`` (1, N), veh/h, all on the route that is fastest without them."""
        empty_s = self.costs.time_s(np.zeros((1, len(self.graph.edges))))[0]
        flow = np.zeros((1, len(self.graph.edges)))
        for routes, sent in zip(self.pairs, demand[0], strict=True):
            flow[0, list(min(routes, key=lambda route: empty_s[list(route)].sum()))] += sent
        return flow

    def spread(self, law: SocialCost | UserCost, demand: Array) -> Array:
        """Return edge flows (1, E) of ``demand`` (1, N), veh/h, at the minimum of ``law``."""
        return assign(law, PathSet(self.pairs, len(self.graph.edges)), demand, tolerance=_GAP).edge_flow

    def trips(self, law: SocialCost | UserCost, demand: Array) -> Array:
        """Return what `spread` has by trip, (K,)."""
        found = assign(law, PathSet(self.pairs, len(self.graph.edges)), demand, tolerance=_GAP).path_flow[0]
        return np.concatenate([flow[: len(routes)] for flow, routes in zip(found, self.pairs, strict=True)])

    def chosen(self, law: SocialCost | UserCost, drivers: float) -> Array:
        """Return edge flows (1, E) of ``drivers`` at each r who may stay, at the minimum of ``law``."""
        g = self.graph
        routes = [
            [(g.find(Kind.STAY, r),), *(t.edges for t in g.trips if t.origin == number)] for number, r in enumerate(g.origins)
        ]
        paths = PathSet(routes, len(g.edges))
        return assign(law, paths, np.full((1, len(routes)), drivers), tolerance=_GAP).edge_flow


def morning(hour: int = HOUR, volume: float = 1.0) -> Morning:
    """Return the hour with the road's own curves, other traffic ``volume`` times the given; gates and trips cost nothing."""
    session = parse_config(read_yaml(LA / "scenario.yaml"), RoadSession, "scenario.yaml")
    folder = LA / "transport_operator"
    settings = parse_config(read_yaml(folder / "config.yaml")["settings"], JointGraphSettings, "config.yaml")
    data = read_road_data(settings, folder, session)[0]
    if data is None:
        raise ValueError("the scenario's road data have problems: portage check scenarios/la_gcs")
    folder = LA / "traffic_sumo"
    sumo = load_road(parse_config(read_yaml(folder / "config.yaml")["settings"], Settings, "config.yaml"), folder)
    junctions = {name: station.junction for name, station in settings.stations.items()}
    graph = build_joint_graph(data.road, junctions, session.resourceful_stations, session.limited_stations)
    links, edges = len(session.links), len(graph.edges)
    base, rise, capacity, others = np.zeros(edges), np.zeros(edges), np.ones(edges), np.zeros((1, edges))
    base[:links] = data.road.free_time_s
    rise[:links] = [max(0.0, sumo.target_s[name][hour] - free) for name, free in zip(session.links, base, strict=False)]
    others[0, :links] = capacity[:links] = [sumo.flow_veh_per_h[name][hour] for name in session.links]
    others *= volume
    values = VALUE_OF_TIME_USD_PER_H, VALUE_OF_TIME_USD_PER_H
    costs = EdgeCosts(TimeCurve(base, rise, capacity), others, np.zeros((1, edges)), np.zeros(edges), *values)
    return Morning(graph, costs, session.links)


def with_drivers(plain: Morning, reward_usd: float) -> Morning:
    """Return the hour with gates whose waits grow with use, and drivers who go for a reward, the readiest first."""
    graph, costs = plain.graph, plain.costs
    base, rise, capacity = (np.array(a) for a in (costs.curve.base_s, costs.curve.rise_s, costs.curve.capacity_veh_per_h))
    fixed, per_flow = np.array(costs.fixed_usd), np.zeros(len(graph.edges))
    for number, edge in enumerate(graph.edges):
        if edge.kind in (Kind.CHARGE, Kind.DISCHARGE):
            base[number] = rise[number] = SERVICE_S  # at full use a vehicle waits one service time
            capacity[number] = SPOTS * 3600.0 / SERVICE_S
    for edge in graph.of_kind(Kind.TRIP):
        fixed[:, edge], per_flow[edge] = READIEST_USD - reward_usd, LAST_USD / DRIVERS
    curve = TimeCurve(base, rise, capacity)
    values = costs.public_usd_per_h, costs.driver_usd_per_h
    return Morning(graph, EdgeCosts(curve, costs.background_veh_per_h, fixed, per_flow, *values), plain.links)


def learned_tolls(of: Morning, demand: Array, best: Array) -> tuple[int, Array]:
    """Return after how many hours tolls that follow the observed flows have led drivers to ``best``, and the flows then.

    The operator need not know the optimum: each hour drivers come to equilibrium at the tolls of the hour before, and tolls go
    a fifth of the way to what the formula says at the flows seen (a half would swing: a fourth power's slope is steep).
    """
    toll = np.zeros_like(best)
    for hour in range(1, 101):
        flow = of.spread(UserCost(of.costs, toll), demand)
        if np.abs(flow - best).max() <= 1e-3 * demand.sum():
            return hour, flow
        toll = toll + 0.2 * (of.costs.marginal_toll_usd(flow) - toll)
    raise RuntimeError("tolls did not settle")
