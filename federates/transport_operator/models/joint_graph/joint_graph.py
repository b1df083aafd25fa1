"""Joint graph: roads, and what happens inside stations, as edges of one directed graph.

::

    r.arrive --charge(level)--> j_r.out --link--> j.in --bypass--> j.out --link--> j_q.in --discharge(level)--> q.done
    r.arrive --stay--> r.end                                                         q.done --trip(r, q)--> r.end

* A junction with a station is split into ``in`` and ``out``, so that who passes (bypass edge, no time) and who leaves
  fully charged are told apart; other junctions are one vertex.
* One charging edge per energy level beside ``stay``, the bypass of a vehicle that is not called; one discharging edge per level
  beside the bypass at q.
* ``trip`` edges carry what belongs to a whole trip: its money, and the reward as a negative cost. The flow on it is the number
  sent from r to q, the flow on ``stay`` the number not called, so elastic supply is an assignment of a fixed fleet.

A path counts only if it discharges the level it charged; that couples two edges, so paths are enumerated (`routes`), not grown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from federates.transport_operator.models.joint_graph.assignment import Path
from federates.transport_operator.models.joint_graph.graph import Array, DirectedGraph, Indices
from federates.transport_operator.models.joint_graph.routes import fastest_paths
from federates.worlds.road.messages import MAX_ROUTE_LINKS

MOST_ROUTES = 200
"""Most routes of a pair of stations: the fastest on an empty road."""


class Kind(Enum):
    """What an edge stands for."""

    ROAD = "road"
    BYPASS = "bypass"
    CHARGE = "charge"
    DISCHARGE = "discharge"
    TRIP = "trip"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class RoadNetwork:
    """L links between junctions; the order of links is the session's."""

    junctions: tuple[str, ...]
    links: tuple[str, ...]
    tail: Indices
    head: Indices
    free_time_s: Array
    capacity_veh_per_h: Array


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge; ``place`` is a link, junction or station (r for TRIP), ``other`` q for TRIP, ``level`` the energy level."""

    kind: Kind
    place: str
    tail: str
    head: str
    other: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """One way from r to q: edges of the joint graph, links on the road, energy level."""

    origin: int
    destination: int
    level: int
    edges: Path
    links: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JointGraph:
    """Edges (road links first, in their order), and all trips in the order of origin, destination, level, route."""

    edges: tuple[Edge, ...]
    trips: tuple[Trip, ...]
    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    road_links: int

    def find(self, kind: Kind, place: str, other: str = "", level: int = 0) -> int:
        """Return the number of an edge; KeyError if there is none."""
        for number, edge in enumerate(self.edges):
            if (edge.kind, edge.place, edge.other, edge.level) == (kind, place, other, level):
                return number
        raise KeyError((kind, place, other, level))

    def of_kind(self, kind: Kind) -> Indices:
        """Return the numbers of all edges of a kind."""
        return np.array([n for n, edge in enumerate(self.edges) if edge.kind is kind], dtype=np.intp)


def road_routes(road: RoadNetwork, origin: str, destination: str, most_detour: float) -> list[tuple[int, ...]]:
    """Return the fastest simple routes, as links, in free time at most ``most_detour`` times the fastest; fastest first.

    At most `MOST_ROUTES`, of at most `MAX_ROUTE_LINKS` links each: the traffic model can be told no longer ones.
    """
    graph = DirectedGraph(len(road.junctions), road.tail, road.head)
    ends = road.junctions.index(origin), road.junctions.index(destination)
    if ends[0] == ends[1]:
        return []
    limits = {"most_edges": MAX_ROUTE_LINKS, "most_paths": MOST_ROUTES}
    routes = fastest_paths(graph, road.free_time_s, ends, **limits, most_detour=most_detour)
    timed = sorted((float(road.free_time_s[list(route)].sum()), route) for route in routes)
    return [route for time, route in timed if time <= most_detour * timed[0][0]]


def build_joint_graph(
    road: RoadNetwork,
    junction_of: Mapping[str, str],
    origins: Sequence[str],
    destinations: Sequence[str],
    *,
    levels: int = 1,
    most_detour: float = 3.0,
) -> JointGraph:
    """Return the joint graph of ``road`` with stations ``origins`` (RCS) and ``destinations`` (LCS) at their junctions."""
    split = sorted({junction_of[s] for s in (*origins, *destinations)}, key=road.junctions.index)
    edges = _road_edges(road, set(split))
    edges += [Edge(Kind.BYPASS, j, f"{j}.in", f"{j}.out") for j in split]
    for r in origins:
        out = f"{junction_of[r]}.out"
        edges += [Edge(Kind.CHARGE, r, f"{r}.arrive", out, level=k) for k in range(levels)]
    for q in destinations:
        into = f"{junction_of[q]}.in"
        edges += [Edge(Kind.DISCHARGE, q, into, f"{q}.done", level=k) for k in range(levels)]
    edges += [Edge(Kind.TRIP, r, f"{q}.done", f"{r}.end", other=q) for r in origins for q in destinations]
    edges += [Edge(Kind.STAY, r, f"{r}.arrive", f"{r}.end") for r in origins]
    bare = JointGraph(tuple(edges), (), tuple(origins), tuple(destinations), len(road.links))
    trips = [
        _trip(bare, road, (i, r), (j, q), level, route)
        for i, r in enumerate(origins)
        for j, q in enumerate(destinations)
        for level in range(levels)
        for route in road_routes(road, junction_of[r], junction_of[q], most_detour)
    ]
    return JointGraph(bare.edges, tuple(trips), bare.origins, bare.destinations, bare.road_links)


def _road_edges(road: RoadNetwork, split: set[str]) -> list[Edge]:
    def vertex(junction: int, side: str) -> str:
        name = road.junctions[junction]
        return f"{name}.{side}" if name in split else name

    return [
        Edge(Kind.ROAD, link, vertex(tail, "out"), vertex(head, "in"))
        for link, tail, head in zip(road.links, road.tail, road.head, strict=True)
    ]


def _trip(
    graph: JointGraph, road: RoadNetwork, origin: tuple[int, str], destination: tuple[int, str], level: int, route: Path
) -> Trip:
    """Return the trip by ``route``, with the bypass of every station that it passes on the way."""
    (i, r), (j, q) = origin, destination
    bypass = {edge.place: number for number, edge in enumerate(graph.edges) if edge.kind is Kind.BYPASS}
    passed = [road.junctions[road.head[link]] for link in route[:-1]]
    edges = (
        graph.find(Kind.CHARGE, r, level=level),
        *route,
        *(bypass[junction] for junction in passed if junction in bypass),
        graph.find(Kind.DISCHARGE, q, level=level),
        graph.find(Kind.TRIP, r, q),
    )
    return Trip(i, j, level, edges, route)
