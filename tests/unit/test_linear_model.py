"""The array layer over HiGHS: results against brute force and known duals, changes in place, messages."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from federates.boundary.errors import ModelError
from federates.lp.linear_model import LinearModel, NoSolutionInTimeError


def test_knapsack_against_brute_force():
    rng = np.random.default_rng(3)
    value, weight = rng.integers(1, 30, 12).astype(float), rng.integers(1, 20, 12).astype(float)
    model = LinearModel()
    take = model.variables("take", 12, upper=1.0, cost=-value, integer=True)
    model.rows("weight", [(weight, take)], upper=50.0, shape=())
    best = max(float(value @ np.array(x)) for x in itertools.product((0, 1), repeat=12) if float(weight @ np.array(x)) <= 50.0)
    solver = model.solver()
    solution = solver.solve(gap_rel=0.0)
    assert solution.objective == pytest.approx(-best)
    assert solution.bound == pytest.approx(-best)
    assert solution.row_dual is None
    relaxed = solver.solve(relaxed=True)
    assert relaxed.objective <= solution.objective
    assert relaxed.row_dual is not None
    assert solver.solve(gap_rel=0.0, start=solution.values).objective == pytest.approx(-best)


def test_lp_with_known_duals_and_changes_in_place():
    model = LinearModel()
    output = model.variables("output", (2, 1), upper=[[60.0], [100.0]], cost=[[10.0], [25.0]])
    balance = model.rows("balance", [(1.0, output.T)], lower=100.0, upper=100.0, shape=(1,))
    model.constant(7.0)
    solver = model.solver()
    solution = solver.solve()
    assert solution.objective == pytest.approx(60 * 10 + 40 * 25 + 7)
    assert solution.row_dual[balance] == pytest.approx(25.0)
    assert solution.column_dual[output[0]] == pytest.approx(-15.0)
    solver.set_row_bounds(balance, 50.0, 50.0)
    assert solver.solve().row_dual[balance] == pytest.approx(10.0)
    solver.set_cost(output[0], 30.0)
    assert solver.solve().objective == pytest.approx(50 * 25 + 7)
    solver.set_bounds(output[1], 0.0, 20.0)
    assert solver.solve().objective == pytest.approx(20 * 25 + 30 * 30 + 7)


def test_rows_and_columns_added_after_the_first_solve():
    model = LinearModel()
    x = model.variables("x", 2, cost=-1.0, upper=10.0)
    solver = model.solver()
    assert solver.solve().objective == pytest.approx(-20.0)
    slack = solver.add_columns("slack", 1, cost=0.5)
    added = solver.add_rows("cut", [(1.0, x[None, :]), (-1.0, slack)], upper=12.0)
    assert added.tolist() == [0]
    assert solver.solve().objective == pytest.approx(-16.0)


def test_a_limit_of_nodes_ends_a_tree_search_at_the_same_point():
    rng = np.random.default_rng(5)
    model = LinearModel()
    take = model.variables("take", 60, upper=1.0, cost=-rng.integers(20, 60, 60).astype(float), integer=True)
    model.rows("weight", [(rng.integers(20, 60, (8, 60)).astype(float), np.tile(take, (8, 1)))], upper=900.0, shape=(8,))
    found = [model.solver().solve(gap_rel=0.0, node_limit=nodes) for nodes in (5, 5, 40)]
    assert [solution.status for solution in found] == ["solution_limit"] * 3
    np.testing.assert_array_equal(found[0].values, found[1].values)
    assert found[0].bound == found[1].bound
    assert found[0].bound <= found[2].bound < found[2].objective <= found[0].objective
    solver = model.solver()
    assert solver.solve(relaxed=True, node_limit=1).status == "optimal"  # a limit of the tree search, and of nothing else


def test_missing_variable_and_sparse_term():
    model = LinearModel()
    x = model.variables("x", 3, cost=1.0)
    previous = np.array([-1, x[0], x[1]])
    model.rows("growth", [(1.0, x), (-2.0, previous)], lower=1.0)
    model.rows("matrix", [(sp.csr_matrix([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), x)], lower=[5.0, 0.0])
    assert model.solver().solve().values.tolist() == pytest.approx([4 / 3, 11 / 3, 25 / 3])


def test_infeasible_model_names_the_group():
    model = LinearModel()
    x = model.variables("output_mw", 3, upper=1.0, integer=True)
    model.rows("balance", [(1.0, x[None, :])], lower=5.0, shape=(1,))
    model.rows("idle", [(1.0, x)], upper=1.0)
    with pytest.raises(ModelError, match=r"balance\[0\]"):
        model.solver().solve()
    assert [model.column_groups.label(int(x[2])), model.row_groups.label(0)] == ["output_mw[2]", "balance[0]"]


def test_unbounded_and_unknown_option_and_bad_shape():
    model = LinearModel()
    x = model.variables("x", 1, cost=-1.0)
    with pytest.raises(ModelError):
        model.solver().solve()
    with pytest.raises(ModelError, match="no_such_option"):
        model.solver(no_such_option=1)
    with pytest.raises(ValueError, match="shape"):
        model.rows("bad", [(1.0, x), (1.0, np.zeros((2, 2), dtype=int))])


def test_thread_counts_mix_in_one_process():
    """HiGHS itself refuses, without an exception, another number of threads than that of the first solve."""
    model = LinearModel()
    x = model.variables("x", 4, upper=1.0, cost=-np.arange(1.0, 5.0), integer=True)
    model.rows("limit", [(1.0, x[None, :])], upper=2.0, shape=(1,))
    assert model.solver(threads=1).solve().objective == pytest.approx(-7.0)
    two = model.solver(threads=2)
    for solver in (two, model.solver(threads=1), two):
        assert solver.solve().objective == pytest.approx(-7.0)


def test_improvements_are_reported_and_no_time_is_an_error():
    rng = np.random.default_rng(1)
    model = LinearModel()
    x = model.variables("x", (30, 40), upper=1.0, cost=rng.random((30, 40)), integer=True)
    model.rows("cover", [(rng.integers(1, 40, (30, 40)).astype(float), x)], lower=100.0, shape=(30,))
    model.rows("share", [(rng.integers(1, 40, (40, 30)).astype(float), x.T)], lower=61.0, shape=(40,))
    seen: list[float] = []
    solution = model.solver().solve(gap_rel=0.02, time_limit_s=20, on_improvement=lambda i: seen.append(i.objective))
    assert seen
    assert min(seen) == pytest.approx(solution.objective)
    with pytest.raises(NoSolutionInTimeError) as error:
        model.solver(presolve="off", mip_heuristic_effort=0.0).solve(time_limit_s=0.0)
    assert error.value.bound <= solution.objective
