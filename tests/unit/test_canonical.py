"""Values without the bits in which processors differ, and arithmetic whose bits do not differ."""

import ast
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import federates
from federates.boundary.canonical import canonical, down_to_grid, to_grid, up_to_grid
from federates.lp.arithmetic import power, product, solve_definite
from federates.runtime.results import ResultWriter

numbers = st.floats(-1e12, 1e12)
AGENTS = ("power_operator", "transport_operator", "traffic_sumo", "mves_fleet", "charging_station", "coordinator")


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 9))
def test_what_lies_on_a_grid_stays(value, decimals):
    for rule in (to_grid, down_to_grid, up_to_grid):
        once = rule(value, decimals)
        assert rule(once, decimals) == once


@given(numbers, st.integers(0, 6))
def test_the_grid_is_the_decimal_one_and_the_rule_is_kept(value, decimals):
    step, exact = Fraction(1, 10**decimals), Fraction(value)
    assert abs(Fraction(float(to_grid(value, decimals))) - exact) <= step / 2 + abs(exact) * Fraction(1, 2**51)
    ends = Fraction(float(down_to_grid(value, decimals))), Fraction(float(up_to_grid(value, decimals)))
    slack = step / 1000 + abs(exact) * Fraction(21, 10**15)
    assert exact - step - slack <= ends[0] <= exact + slack
    assert exact - slack <= ends[1] <= exact + step + slack


@given(numbers, st.floats(-1e-15, 1e-15))
def test_rounding_error_at_a_point_of_the_grid_is_no_step(value, error):
    at = float(to_grid(value / 1e4, 6))
    for rule in (to_grid, down_to_grid, up_to_grid):
        assert rule(at * (1.0 + error), 6) == at


@given(st.floats(-1e20, 1e20).filter(lambda x: x == 0 or abs(x) > 1e-9), st.integers(1, 13))
def test_significant_digits_are_those_of_the_decimal_number(value, digits):
    # numpy writes the exact decimal expansion; at a tie both neighbours are right.
    expected = float(f"{value:.{digits - 1}e}")
    assert float(canonical(value, digits)) == pytest.approx(expected, rel=1.01 * 10.0 ** (1 - digits))
    assert abs(float(canonical(value, digits)) - value) <= (0.5 + 1e-6) * 10.0 ** (1 - digits) * abs(value)
    assert canonical(canonical(value, digits), digits) == canonical(value, digits)


def test_no_minus_zero_and_nothing_of_what_is_not_finite():
    for rounded in (to_grid(-1e-9, 6), canonical(-0.0), up_to_grid(-1e-9, 6)):
        assert str(float(rounded)) == "0.0"
    assert canonical([np.inf, -np.inf]).tolist() == [np.inf, -np.inf]
    assert np.isnan(canonical(np.nan))


def test_tables_hold_ten_digits_and_no_dust(tmp_path):
    import pyarrow.parquet as pq

    writer = ResultWriter(tmp_path)
    writer.record("t", a=100.0 / 3.0, b=-0.0, c=7, d="x", e=np.float64(200.0) / 3.0, f=float("nan"), g=-3.6e-12)
    writer.finish("agent")
    row = pq.read_table(tmp_path / "t.parquet").to_pylist()[0]
    assert (row["a"], str(row["b"]), row["c"], row["d"], row["e"]) == (33.33333333, "0.0", 7, "x", 66.66666667)
    assert np.isnan(row["f"])
    assert str(row["g"]) == "0.0"


def test_products_and_solutions_are_those_of_linear_algebra():
    random = np.random.default_rng(3)
    for shape_a, shape_b in (((4,), (4,)), ((5, 4), (4,)), ((4,), (4, 3)), ((5, 4), (4, 3)), ((2, 5, 4), (2, 4, 3))):
        a, b = random.normal(size=shape_a), random.normal(size=shape_b)
        np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-12, atol=1e-12)
    root = random.normal(size=(3, 6, 9))
    matrix, right = root @ root.transpose(0, 2, 1), random.normal(size=(3, 6))
    np.testing.assert_allclose(solve_definite(matrix, right), np.linalg.solve(matrix, right[:, :, None])[:, :, 0], rtol=1e-8)
    np.testing.assert_allclose(power(right, 5), right**5, rtol=1e-14)


_OF_BLAS = {"dot", "inner", "vdot", "matmul", "einsum", "tensordot", "linalg", "polyfit", "linprog", "cov", "corrcoef"}
_ALLOWED = {
    "power_operator/models/unit_commitment/network.py": "sparse, and a factorisation that is rounded",
    "traffic_sumo/demand.py": "whole numbers, and least squares that are rounded",
    "traffic_sumo/calibrate.py": "made the calibration files; no part of a run",
}


def test_no_agent_leaves_sums_to_blas():
    """BLAS splits sums by processor and threads: agents take `federates.lp.arithmetic`, or round what they get."""
    found = set()
    for agent in AGENTS:
        for file in (Path(federates.__file__).parent / agent).rglob("*.py"):
            name = file.relative_to(Path(federates.__file__).parent).as_posix()
            for node in ast.walk(ast.parse(file.read_text())):
                by_name = isinstance(node, ast.Attribute) and node.attr in _OF_BLAS
                if by_name or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)):
                    found.add(name)
    assert found <= set(_ALLOWED), sorted(found - set(_ALLOWED))
