"""Properties of the assignment on random networks."""

import numpy as np
from every_path import simple_paths
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.transport_operator.models.joint_graph.assignment import PathSet, assign
from federates.transport_operator.models.joint_graph.capacity import assign_within
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, SocialCost, TimeCurve, UserCost
from federates.transport_operator.models.joint_graph.graph import DirectedGraph

LAYERS, WIDTH = 3, 2


def layered_graph(parallel):
    """Return source 0, LAYERS layers of WIDTH nodes, a sink, fully connected from layer to layer, ``parallel`` edges each."""
    sizes = [1] + [WIDTH] * LAYERS + [1]
    first = np.concatenate(([0], np.cumsum(sizes)))
    pairs = [
        (int(first[k] + i), int(first[k + 1] + j))
        for k in range(len(sizes) - 1)
        for i in range(sizes[k])
        for j in range(sizes[k + 1])
        for _ in range(parallel)
    ]
    tail, head = np.array(pairs, dtype=np.intp).T
    return DirectedGraph(int(first[-1]), tail, head)


def random_law(seed, edges, batch, kind):
    rng = np.random.default_rng(seed)
    base = rng.uniform(0, 300, edges) * (rng.random(edges) < 0.8)
    curve = TimeCurve(base, rng.uniform(0, 100, edges) * (rng.random(edges) < 0.8), rng.uniform(500, 9000, edges))
    background = rng.uniform(0, 8000, (batch, edges)) * (rng.random(edges) < 0.7)
    money = rng.uniform(-5, 5, (batch, edges)) * (rng.random(edges) < 0.3)
    return kind(EdgeCosts(curve, background, money, rng.uniform(0, 0.01, edges), 20.0, 15.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 3000), st.sampled_from([SocialCost, UserCost]), st.integers(1, 3))
def test_flows_meet_demand_and_the_bound_holds(seed, demand, kind, batch):
    graph = layered_graph(1)
    ways = simple_paths(graph, 0, graph.nodes - 1, 100)
    half = simple_paths(graph, 1, graph.nodes - 1, 100)
    paths = PathSet([ways, half], len(graph.tail))
    law = random_law(seed, len(graph.tail), batch, kind)
    wanted = np.tile([demand, demand / 3], (batch, 1))
    result = assign(law, paths, wanted, tolerance=1e-7)
    assert result.relative_gap <= 1e-7
    assert (result.path_flow >= 0).all()
    np.testing.assert_allclose(result.path_flow.sum(axis=2), wanted, rtol=1e-9, atol=1e-9)
    net = np.zeros((batch, graph.nodes))
    for edge, (tail, head) in enumerate(zip(graph.tail, graph.head, strict=True)):
        net[:, tail] += result.edge_flow[:, edge]
        net[:, head] -= result.edge_flow[:, edge]
    expected = np.zeros_like(net)
    expected[:, 0], expected[:, 1], expected[:, -1] = wanted[:, 0], wanted[:, 1], -wanted.sum(axis=1)
    np.testing.assert_allclose(net, expected, atol=1e-6)
    assert (result.bound <= result.objective + 1e-9).all()
    rng = np.random.default_rng(seed)
    other = rng.random(result.path_flow.shape) * paths.exists
    other *= (wanted / other.sum(axis=2))[:, :, None]
    flow = other.reshape(batch, -1) @ paths.incidence.reshape(-1, paths.edges)
    assert (law.value(flow).sum(axis=1) >= result.bound - 1e-9).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(1, 3000))
def test_column_generation_finds_what_enumeration_finds(seed, demand):
    graph = layered_graph(2)
    law = random_law(seed, len(graph.tail), 1, SocialCost)
    law = SocialCost(law.costs.with_fixed(np.abs(law.costs.fixed_usd)))  # shortest paths need costs >= 0
    ends = np.array([0]), np.array([graph.nodes - 1])

    def oracle(cost):
        return graph.shortest_paths(cost, *ends)

    grown = PathSet([oracle(law.gradient(np.zeros((1, len(graph.tail))))[0])[1]], len(graph.tail))
    first = assign(law, grown, np.array([[demand]]), oracle=oracle, tolerance=1e-8)
    every = PathSet([simple_paths(graph, 0, graph.nodes - 1, 1000)], len(graph.tail))
    second = assign(law, every, np.array([[demand]]), tolerance=1e-8)
    np.testing.assert_allclose(first.objective, second.objective, rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.9))
def test_limits_are_kept_and_the_bound_stays_below(seed, part):
    """Three parallel edges, the last without limit; what the limits leave must go there."""
    law = random_law(seed, 3, 1, SocialCost)
    limit = np.array([[part * 300, part * 200, np.inf]])
    result = assign_within(law, PathSet([[(0,), (1,), (2,)]], 3), np.array([[600.0]]), limit)
    assert result.excess <= 1e-5
    assert (result.price >= 0).all()
    assert result.price[0, 2] == 0
    feasible = np.minimum(result.edge_flow, limit)
    feasible[0, 2] = 600 - feasible[0, :2].sum()
    assert result.bound[0] <= law.value(feasible).sum() + 1e-6


def test_warm_start_gives_the_same_optimum():
    graph = layered_graph(1)
    paths = PathSet([simple_paths(graph, 0, graph.nodes - 1, 100)], len(graph.tail))
    law = random_law(5, len(graph.tail), 2, SocialCost)
    cold = assign(law, paths, np.array([[900.0], [400.0]]), tolerance=1e-10)
    warm = assign(law, paths, np.array([[900.0], [400.0]]), tolerance=1e-10, start=cold.path_flow * 3)
    assert warm.iterations == 1
    np.testing.assert_allclose(warm.objective, cold.objective, rtol=1e-10)


def test_derivatives_are_those_of_the_value():
    for kind in (SocialCost, UserCost):
        law, step = random_law(3, 12, 2, kind), 1e-2
        flow = np.random.default_rng(0).uniform(100, 900, (2, 12))
        slope = (law.value(flow + step) - law.value(flow - step)) / (2 * step)
        bend = (law.gradient(flow + step) - law.gradient(flow - step)) / (2 * step)
        np.testing.assert_allclose(law.gradient(flow), slope, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(law.curvature(flow), bend, rtol=1e-5, atol=1e-9)


def test_shortest_paths_take_the_cheaper_of_parallel_edges_and_zero_costs():
    graph = DirectedGraph(4, np.array([0, 0, 1, 0]), np.array([1, 1, 2, 2]))
    cost, paths = graph.shortest_paths(np.array([5.0, 0.0, 0.0, 1.0]), np.array([0, 0]), np.array([2, 3]))
    assert cost.tolist() == [0.0, np.inf]
    assert paths == [(1, 2), ()]
