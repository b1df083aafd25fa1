"""The joint graph: every trip is a walk from arrival to the end; levels; stations passed by their bypass."""

from collections import Counter

import numpy as np
import pytest

from federates.transport_operator.models.joint_graph.dispatch import largest_remainder
from federates.transport_operator.models.joint_graph.joint_graph import Kind, RoadNetwork, build_joint_graph, road_routes


def diamond():
    """Return a -> b -> d and a -> c -> d, with d -> e behind; the way over c is three times as long."""
    names = ("a", "b", "c", "d", "e")
    ends = [(0, 1), (1, 3), (0, 2), (2, 3), (3, 4)]
    tail, head = np.array(ends, dtype=np.intp).T
    return RoadNetwork(names, ("ab", "bd", "ac", "cd", "de"), tail, head, np.array([1.0, 1, 3, 3, 1]), np.full(5, 1000.0))


@pytest.mark.parametrize("levels", [1, 3])
def test_every_trip_is_a_walk_and_keeps_its_level(levels):
    graph = build_joint_graph(diamond(), {"r": "a", "q": "d", "p": "e"}, ["r"], ["q", "p"], levels=levels, most_detour=10)
    assert len(graph.trips) == 2 * 2 * levels
    for trip in graph.trips:
        charge, *_, discharge, pair = (graph.edges[e] for e in trip.edges)
        assert (charge.kind, discharge.kind, pair.kind) == (Kind.CHARGE, Kind.DISCHARGE, Kind.TRIP)
        assert charge.level == discharge.level == trip.level
        balance = Counter()
        for edge in (graph.edges[e] for e in trip.edges):
            balance[edge.tail] += 1
            balance[edge.head] -= 1
        ends = {node: n for node, n in balance.items() if n}
        assert ends == {"r.arrive": 1, "r.end": -1}


def test_a_station_on_the_way_is_passed_by_its_bypass():
    graph = build_joint_graph(diamond(), {"r": "a", "q": "d", "p": "e"}, ["r"], ["q", "p"])
    through = [t for t in graph.trips if t.destination == 1]
    bypass = graph.find(Kind.BYPASS, "d")
    assert all(bypass in t.edges for t in through)
    assert all(bypass not in t.edges for t in graph.trips if t.destination == 0)


def test_routes_are_sorted_and_limited_by_detour():
    assert road_routes(diamond(), "a", "d", 10) == [(0, 1), (2, 3)]
    assert road_routes(diamond(), "a", "d", 2.9) == [(0, 1)]
    assert road_routes(diamond(), "d", "a", 10) == []
    assert road_routes(diamond(), "a", "a", 10) == []


def test_unknown_edge_is_an_error():
    graph = build_joint_graph(diamond(), {"r": "a", "q": "d"}, ["r"], ["q"])
    with pytest.raises(KeyError):
        graph.find(Kind.CHARGE, "q")


@pytest.mark.parametrize(
    ("shares", "total", "expected"),
    [([1.0, 1.0, 1.0], 4, [2, 1, 1]), ([2.6, 0.4], 3, [3, 0]), ([0.0, 0.0], 3, [2, 1]), ([5.0, 3.0], 0, [0, 0]), ([7.0], 7, [7])],
)
def test_largest_remainder(shares, total, expected):
    assert largest_remainder(np.array(shares), total).tolist() == expected
