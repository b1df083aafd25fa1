"""Sioux Falls against the published optimum, and system optimum against its tolled equilibrium.

Network and trips: L. J. LeBlanc, E. K. Morlok, W. P. Pierskalla, "An efficient approach to solving the road network equilibrium
traffic assignment problem", Transportation Research 9(5), 309-318, 1975 (24 nodes, 76 links, 528 pairs). The optimum of
Beckmann's function is the best known one, 42.3133528710744 x 1e5.
"""

import numpy as np
import pytest

from federates.transport_operator.models.joint_graph.assignment import PathSet, assign
from federates.transport_operator.models.joint_graph.graph import DirectedGraph

# fmt: off
LINKS = (  # ends, capacity in each direction, free time
    (1, 2, 25900.20064, 6), (1, 3, 23403.47319, 4), (2, 6, 4958.180928, 5), (3, 4, 17110.52372, 4), (3, 12, 23403.47319, 4),
    (4, 5, 17782.7941, 2), (4, 11, 4908.82673, 6), (5, 6, 4947.995469, 4), (5, 9, 10000.0, 5), (6, 8, 4898.587646, 2),
    (7, 8, 7841.81131, 3), (7, 18, 23403.47319, 2), (8, 9, 5050.193156, 10), (8, 16, 5045.822583, 5), (9, 10, 13915.78842, 3),
    (10, 11, 10000.0, 5), (10, 15, 13512.00155, 6), (10, 16, 4854.917717, 4), (10, 17, 4993.510694, 8),
    (11, 12, 4908.82673, 6), (11, 14, 4876.508287, 4), (12, 13, 25900.20064, 3), (13, 24, 5091.256152, 4),
    (14, 15, 5127.526119, 5), (14, 23, 4924.790605, 4), (15, 19, 14564.75315, 3), (15, 22, 9599.180565, 3),
    (16, 17, 5229.910063, 2), (16, 18, 19679.89671, 3), (17, 19, 4823.950831, 2), (18, 20, 23403.47319, 4),
    (19, 20, 5002.607563, 4), (20, 21, 5059.91234, 6), (20, 22, 5075.697193, 5), (21, 22, 5229.910063, 2),
    (21, 24, 4885.357564, 3), (22, 23, 5000.0, 4), (23, 24, 5078.508436, 2),
)
TRIPS = """
0 1 1 5 2 3 5 8 5 13 5 2 5 3 5 5 4 1 3 3 1 4 3 1
1 0 1 2 1 4 2 4 2 6 2 1 3 1 1 4 2 0 1 1 0 1 0 0
1 1 0 2 1 3 1 2 1 3 3 2 1 1 1 2 1 0 0 0 0 1 1 0
5 2 2 0 5 4 4 7 7 12 14 6 6 5 5 8 5 1 2 3 2 4 5 2
2 1 1 5 0 2 2 5 8 10 5 2 2 1 2 5 2 0 1 1 1 2 1 0
3 4 3 4 2 0 4 8 4 8 4 2 2 1 2 9 5 1 2 3 1 2 1 1
5 2 1 4 2 4 0 10 6 19 5 7 4 2 5 14 10 2 4 5 2 5 2 1
8 4 2 7 5 8 10 0 8 16 8 6 6 4 6 22 14 3 7 9 4 5 3 2
5 2 1 7 8 4 6 8 0 28 14 6 6 6 9 14 9 2 4 6 3 7 5 2
13 6 3 12 10 8 19 16 28 0 40 20 19 21 40 44 39 7 18 25 12 26 18 8
5 2 3 15 5 4 5 8 14 39 0 14 10 16 14 14 10 1 4 6 4 11 13 6
2 1 2 6 2 2 7 6 6 20 14 0 13 7 7 7 6 2 3 4 3 7 7 5
5 3 1 6 2 2 4 6 6 19 10 13 0 6 7 6 5 1 3 6 6 13 8 8
3 1 1 5 1 1 2 4 6 21 16 7 6 0 13 7 7 1 3 5 4 12 11 4
5 1 1 5 2 2 5 6 10 40 14 7 7 13 0 12 15 2 8 11 8 26 10 4
5 4 2 8 5 9 14 22 14 44 14 7 6 7 12 0 28 5 13 16 6 12 5 3
4 2 1 5 2 5 10 14 9 39 10 6 5 7 15 28 0 6 17 17 6 17 6 3
1 0 0 1 0 1 2 3 2 7 2 2 1 1 2 5 6 0 3 4 1 3 1 0
3 1 0 2 1 2 4 7 4 18 4 3 3 3 8 13 17 3 0 12 4 12 3 1
3 1 0 3 1 3 5 9 6 25 6 5 6 5 11 16 17 4 12 0 12 24 7 4
1 0 0 2 1 1 2 4 3 12 4 3 6 4 8 6 6 1 4 12 0 18 7 5
4 1 1 4 2 2 5 5 7 26 11 7 13 12 26 12 17 3 12 24 18 0 21 11
3 0 1 5 1 1 2 3 5 18 13 7 8 11 10 5 6 1 3 7 7 21 0 7
1 0 0 2 0 1 1 2 2 8 6 5 7 4 4 3 3 0 1 4 5 11 7 0
"""
# fmt: on
NODES = 24
BECKMANN = 4231335.28710744
TOTAL_TIME = 7480225.34


class Bpr:
    """Equilibrium (``share`` 1: integral of the time) or system optimum (``share`` 5: flow x time), with a toll per link."""

    def __init__(self, free, capacity, optimum, toll=0.0):
        self.free, self.capacity, self.optimum, self.toll = free, capacity, optimum, toll

    def time(self, v):
        return self.free * (1 + 0.15 * (v / self.capacity) ** 4)

    def value(self, v):
        share = 1.0 if self.optimum else 0.2
        return v * self.free * (1 + share * 0.15 * (v / self.capacity) ** 4) + v * self.toll

    def gradient(self, v):
        share = 5.0 if self.optimum else 1.0
        return self.free * (1 + share * 0.15 * (v / self.capacity) ** 4) + self.toll

    def curvature(self, v):
        share = 5.0 if self.optimum else 1.0
        return self.free * share * 0.6 * (v / self.capacity) ** 3 / self.capacity


class SiouxFalls:
    """The network as arrays; `solve` assigns its trips from nothing."""

    def __init__(self):
        rows = [(a, b, c, t) for a, b, c, t in LINKS] + [(b, a, c, t) for a, b, c, t in LINKS]
        table = np.array(rows)
        self.graph = DirectedGraph(NODES, table[:, 0].astype(np.intp) - 1, table[:, 1].astype(np.intp) - 1)
        self.capacity, self.free = table[:, 2], table[:, 3]
        trips = 100.0 * np.array([[float(x) for x in row.split()] for row in TRIPS.split("\n")[1:-1]])
        self.origins, self.destinations = np.nonzero(trips)
        self.demand = trips[self.origins, self.destinations][None, :]

    def oracle(self, cost):
        return self.graph.shortest_paths(cost, self.origins, self.destinations)

    def solve(self, law, tolerance):
        groups = [np.flatnonzero(self.origins == node) for node in range(NODES)]
        first = self.oracle(law.gradient(np.zeros(len(self.free))))[1]
        paths = PathSet([[path] for path in first], len(self.free), groups)
        return assign(law, paths, self.demand, oracle=self.oracle, tolerance=tolerance), paths


@pytest.fixture(scope="module")
def network():
    return SiouxFalls()


def test_the_data_are_those_of_the_source(network):
    assert network.demand.sum() == 360_600
    assert (len(network.free), network.demand.shape[1]) == (76, 528)


def test_equilibrium_meets_the_published_optimum(network):
    law = Bpr(network.free, network.capacity, optimum=False)
    result, _ = network.solve(law, 1e-8)
    v = result.edge_flow[0]
    assert result.relative_gap <= 1e-8
    assert result.objective[0] == pytest.approx(BECKMANN, rel=1e-9)
    assert result.bound[0] <= BECKMANN <= result.objective[0] * (1 + 1e-12)
    assert (v * law.time(v)).sum() == pytest.approx(TOTAL_TIME, rel=1e-6)


def test_optimum_is_below_equilibrium_and_equals_the_tolled_equilibrium(network):
    optimum, _ = network.solve(Bpr(network.free, network.capacity, optimum=True), 1e-9)
    v = optimum.edge_flow[0]
    assert optimum.relative_gap <= 1e-9
    assert optimum.objective[0] < 0.97 * TOTAL_TIME
    toll = 0.6 * network.free * (v / network.capacity) ** 4
    tolled, _ = network.solve(Bpr(network.free, network.capacity, optimum=False, toll=toll), 1e-9)
    np.testing.assert_allclose(tolled.edge_flow[0], v, atol=2.0)
    assert (tolled.edge_flow[0] * Bpr(network.free, network.capacity, False).time(tolled.edge_flow[0])).sum() == pytest.approx(
        optimum.objective[0], rel=1e-7
    )


def test_flow_is_conserved_at_every_node(network):
    result, _ = network.solve(Bpr(network.free, network.capacity, optimum=False), 1e-4)
    balance = np.zeros(NODES)
    np.add.at(balance, network.graph.tail, result.edge_flow[0])
    np.subtract.at(balance, network.graph.head, result.edge_flow[0])
    np.subtract.at(balance, network.origins, network.demand[0])
    np.add.at(balance, network.destinations, network.demand[0])
    np.testing.assert_allclose(balance, 0.0, atol=1e-6)
