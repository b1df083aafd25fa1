"""Assignment against textbook answers: Pigou, Braess, two routes in closed form, tolls, the price of capacity.

Braess: demand 6; costs 10v, 50+v, 50+v, 10v and the bridge 10+v (D. Braess, Unternehmensforschung 12, 258-268, 1968).
"""

import numpy as np
import pytest

from federates.transport_operator.models.joint_graph.assignment import PathSet, assign
from federates.transport_operator.models.joint_graph.capacity import assign_within


class Linear:
    """Edge time ``a + b v``; equilibrium, or system optimum; with a toll."""

    def __init__(self, a, b, optimum=False, toll=0.0):
        self.a, self.b = np.asarray(a, float) + toll, np.asarray(b, float) * (2.0 if optimum else 1.0)

    def value(self, v):
        return self.a * v + 0.5 * self.b * v * v

    def gradient(self, v):
        return self.a + self.b * v

    def curvature(self, v):
        return self.b + 0.0 * v


def solve(law, paths, demand, edges, **options):
    return assign(law, PathSet([paths], edges), np.array([[float(demand)]]), tolerance=1e-13, **options)


BRAESS_A, BRAESS_B = [0, 50, 50, 0, 10], [10, 1, 1, 10, 1]  # s-u, u-t, s-v, v-t, u-v
OUTER, BRIDGE = [(0, 1), (2, 3)], (0, 4, 3)


def total_time(v):
    return float((v * (np.array(BRAESS_A) + np.array(BRAESS_B) * v)).sum())


def path_costs(v, paths, toll=0.0):
    cost = Linear(BRAESS_A, BRAESS_B, toll=toll).gradient(v)
    return [cost[list(path)].sum() for path in paths]


def test_braess_without_bridge():
    for optimum in (False, True):
        result = solve(Linear(BRAESS_A, BRAESS_B, optimum), OUTER, 6, 5)
        np.testing.assert_allclose(result.path_flow[0, 0], [3, 3], atol=1e-9)
        assert path_costs(result.edge_flow[0], OUTER) == pytest.approx([83, 83])
    assert total_time(result.edge_flow[0]) == pytest.approx(498)


def test_braess_with_bridge_is_worse_for_all():
    result = solve(Linear(BRAESS_A, BRAESS_B), [*OUTER, BRIDGE], 6, 5)
    np.testing.assert_allclose(result.path_flow[0, 0], [2, 2, 2], atol=1e-9)
    assert path_costs(result.edge_flow[0], [*OUTER, BRIDGE]) == pytest.approx([92, 92, 92])
    assert result.objective[0] == pytest.approx(386)
    assert total_time(result.edge_flow[0]) == pytest.approx(552)
    assert total_time(result.edge_flow[0]) / 498 == pytest.approx(1.1084, abs=1e-4)


def test_braess_optimum_leaves_the_bridge_empty_and_tolls_reach_it():
    best = solve(Linear(BRAESS_A, BRAESS_B, optimum=True), [*OUTER, BRIDGE], 6, 5)
    np.testing.assert_allclose(best.path_flow[0, 0], [3, 3, 0], atol=1e-9)
    toll = np.array(BRAESS_B) * best.edge_flow[0]
    np.testing.assert_allclose(toll, [30, 3, 3, 30, 0], atol=1e-8)
    tolled = solve(Linear(BRAESS_A, BRAESS_B, toll=toll), [*OUTER, BRIDGE], 6, 5)
    np.testing.assert_allclose(tolled.edge_flow, best.edge_flow, atol=1e-8)
    assert path_costs(tolled.edge_flow[0], (*OUTER, BRIDGE), toll) == pytest.approx([116, 116, 130])


def test_pigou():
    equilibrium = solve(Linear([0, 1], [1, 0]), [(0,), (1,)], 1, 2)
    best = solve(Linear([0, 1], [1, 0], optimum=True), [(0,), (1,)], 1, 2)
    np.testing.assert_allclose(equilibrium.edge_flow[0], [1, 0], atol=1e-6)
    np.testing.assert_allclose(best.edge_flow[0], [0.5, 0.5], atol=1e-9)
    assert best.objective[0] == pytest.approx(0.75)
    time_at_equilibrium = Linear([0, 1], [1, 0]).gradient(equilibrium.edge_flow[0])
    assert (equilibrium.edge_flow[0] * time_at_equilibrium).sum() / best.objective[0] == pytest.approx(4 / 3, abs=1e-6)
    toll = np.array([1.0, 0.0]) * best.edge_flow[0]  # v t'(v)
    assert toll[0] == pytest.approx(0.5)
    tolled = solve(Linear([0, 1], [1, 0], toll=toll), [(0,), (1,)], 1, 2)
    np.testing.assert_allclose(tolled.edge_flow, best.edge_flow, atol=1e-9)


@pytest.mark.parametrize("optimum", [False, True])
@pytest.mark.parametrize(("a", "b", "demand"), [((10, 15), (0.02, 0.01), 800), ((1, 9), (0.5, 0.1), 5), ((3, 3), (1, 2), 7)])
def test_two_routes_in_closed_form(a, b, demand, optimum):
    result = solve(Linear(a, b, optimum), [(0,), (1,)], demand, 2)
    factor = 2 if optimum else 1
    first = (a[1] - a[0] + factor * b[1] * demand) / (factor * (b[0] + b[1]))
    assert result.edge_flow[0, 0] == pytest.approx(min(max(first, 0), demand), abs=1e-9)


@pytest.mark.parametrize(("optimum", "price"), [(False, 4.0), (True, 6.0)])
def test_price_of_capacity_is_the_difference_of_the_two_links(optimum, price):
    """1 + v and 3 + v, demand 10, at most 4 on the first: times 5 and 9, marginal costs 9 and 15."""
    limit = np.array([[4.0, np.inf]])
    law = Linear([1, 3], [1, 1], optimum)
    result = assign_within(law, PathSet([[(0,), (1,)]], 2), np.array([[10.0]]), limit)
    assert result.edge_flow[0] == pytest.approx([4, 6], abs=1e-5)
    assert result.price[0] == pytest.approx([price, 0], abs=1e-4)
    assert result.bound[0] <= law.value(np.array([4.0, 6.0])).sum() + 1e-9
    assert result.bound[0] == pytest.approx(law.value(np.array([4.0, 6.0])).sum(), abs=1e-3)


def test_a_limit_that_does_not_bind_has_no_price():
    result = assign_within(Linear([1, 3], [1, 1]), PathSet([[(0,), (1,)]], 2), np.array([[10.0]]), np.array([[9.0, 9.0]]))
    np.testing.assert_allclose(result.edge_flow[0], [6, 4], atol=1e-6)
    assert not result.price.any()


def test_zero_cost_edges_and_empty_demand():
    result = solve(Linear([0, 0, 5], [0, 0, 0]), [(0, 1), (2,)], 3, 3)
    np.testing.assert_allclose(result.edge_flow[0], [3, 3, 0])
    assert solve(Linear([1, 2], [1, 1]), [(0,), (1,)], 0, 2).objective[0] == 0


def test_problems_of_a_batch_do_not_touch_each_other():
    paths, law = PathSet([[(0,), (1,)]], 2), Linear([10, 15], [0.02, 0.01])
    together = assign(law, paths, np.array([[100.0], [800.0], [0.0]]), tolerance=1e-13)
    alone = assign(law, paths, np.array([[800.0]]), tolerance=1e-13)
    np.testing.assert_allclose(together.edge_flow[1], alone.edge_flow[0], atol=1e-9)
