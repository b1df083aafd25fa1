"""Safe bounds of linear programmes against exact rational arithmetic, with dual vectors of any quality."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from federates.lp.bound_misses import take_misses
from federates.lp.linear_model import LinearModel
from federates.lp.linear_result import ArrayModel
from federates.lp.safe_bound import lower_dot, lower_sum, safe_bound

Rational = Fraction


def _exact_minimum(model: ArrayModel) -> Fraction | None:
    """Return the minimum over all vertices, by Cramer's rule in fractions; None if there is no feasible vertex."""
    count = model.lower.size
    dense = model.matrix.toarray()
    rows = [[Rational(float(a)) for a in row] for row in dense]
    unit = [[Rational(int(i == j)) for j in range(count)] for i in range(count)]
    sides = [(unit[j], Rational(float(b))) for j in range(count) for b in (model.lower[j], model.upper[j])]
    limits = [(row, b) for row, pair in zip(rows, zip(model.row_lower, model.row_upper, strict=True), strict=True) for b in pair]
    sides += [(row, Rational(float(b))) for row, b in limits if math.isfinite(b)]
    best = None
    for chosen in itertools.combinations(sides, count):
        x = _solve([row for row, _ in chosen], [b for _, b in chosen])
        if x is None or not _feasible(model, rows, x):
            continue
        value = sum((Rational(float(c)) * v for c, v in zip(model.cost, x, strict=True)), Rational(model.constant))
        best = value if best is None else min(best, value)
    return best


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """Gauss elimination; None if the matrix is singular."""
    size, table = len(matrix), [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = next((r for r in range(i, size) if table[r][i] != 0), None)
        if pivot is None:
            return None
        table[i], table[pivot] = table[pivot], table[i]
        table[i] = [v / table[i][i] for v in table[i]]
        for r in range(size):
            if r != i and table[r][i] != 0:
                table[r] = [a - table[r][i] * b for a, b in zip(table[r], table[i], strict=True)]
    return [row[-1] for row in table]


def _feasible(model: ArrayModel, rows: list[list[Fraction]], x: list[Fraction]) -> bool:
    inside = all(Rational(float(lo)) <= v <= Rational(float(up)) for lo, v, up in zip(model.lower, x, model.upper, strict=True))
    sums = [sum((a * v for a, v in zip(row, x, strict=True)), Rational(0)) for row in rows]
    bounds = zip(model.row_lower.tolist(), sums, model.row_upper.tolist(), strict=True)
    return inside and all((lo == -math.inf or lo <= s) and (up == math.inf or s <= up) for lo, s, up in bounds)


def _programme(rng: np.random.Generator, *, degenerate: bool) -> ArrayModel:
    """Return a feasible programme of 3 columns and 3 rows; degenerate ones have small whole numbers, and rows twice."""
    if degenerate:
        dense = rng.integers(-2, 3, (2, 3)).astype(float)
        dense = np.vstack([dense, dense[0]])
        x, cost, lower = rng.integers(0, 3, 3).astype(float), rng.integers(-2, 3, 3).astype(float), np.zeros(3)
        upper = np.full(3, 2.0)
    else:
        dense, x, cost = rng.normal(size=(3, 3)) * 10.0 ** rng.integers(-3, 4, (3, 3)), rng.random(3), rng.normal(size=3) * 1e3
        dense[rng.random((3, 3)) < 0.3] = 0.0
        lower, upper = x - rng.random(3), x + 3.0 * rng.random(3)
    through = dense @ x
    loose = np.where(rng.random((2, 3)) < 0.4, np.inf, np.where(degenerate, 0.0, rng.random((2, 3))))
    return ArrayModel(
        sp.csr_matrix(dense), lower, upper, cost, np.zeros(3, dtype=bool), through - loose[0] - 1e-9, through + loose[1] + 1e-9,
        float(rng.normal()),
    )  # fmt: skip


def _solved(model: ArrayModel):
    built = LinearModel()
    x = built.variables("x", 3, model.lower, model.upper, model.cost)
    built.rows("rows", [(model.matrix, x)], model.row_lower, model.row_upper)
    built.constant(model.constant)
    return built.solver().solve()


@pytest.mark.parametrize("degenerate", [False, True])
def test_no_dual_vector_gives_more_than_the_exact_minimum(degenerate: bool):
    """Any dual vector gives a bound; HiGHS's gives the minimum to 1e-9 of it."""
    rng = np.random.default_rng(7)
    for _ in range(25):
        model = _programme(rng, degenerate=degenerate)
        exact = _exact_minimum(model)
        assert exact is not None
        best = _solved(model).row_dual
        for dual in (best, *(best + 10.0**p * rng.normal(size=3) for p in (-12, -6, 0, 6)), [math.nan, -1e308, math.inf]):
            value = safe_bound(model, dual).value
            assert not math.isnan(value)
            assert value == -math.inf or Rational(value) <= exact
        sharp = safe_bound(model, best).value
        assert float(exact - Rational(sharp)) <= 1e-9 * (1.0 + float(np.abs(model.cost) @ np.abs(model.upper)))
    assert take_misses() == []


def test_the_reduced_costs_make_a_plane_below_the_minimum():
    """As upper bounds move, the minimum stays above bound + min(reduced cost, 0) . change, also from a poor dual vector."""
    rng = np.random.default_rng(8)
    seen = 0
    for _ in range(12):
        model = _programme(rng, degenerate=True)
        dual = _solved(model).row_dual + rng.choice([0.0, 0.1]) * rng.normal(size=3)
        safe = safe_bound(model, dual)
        slope = [Rational(min(float(d), 0.0)) for d in safe.reduced_cost]
        for upper in rng.choice([0.0, 1.0, 1.5], (10, 3)).tolist():
            moved = ArrayModel(
                model.matrix, model.lower, np.array(upper), model.cost, model.integer, model.row_lower, model.row_upper,
                model.constant,
            )  # fmt: skip
            exact = _exact_minimum(moved)
            if exact is None:
                continue
            seen += 1
            change = [Rational(u) - Rational(float(v)) for u, v in zip(upper, model.upper, strict=True)]
            assert Rational(safe.value) + sum(s * c for s, c in zip(slope, change, strict=True)) <= exact
    assert seen > 40


def test_a_column_without_bound_proves_nothing_unless_its_reduced_cost_does():
    def model(cost: float) -> ArrayModel:
        matrix = sp.csr_matrix(np.array([[1.0, -1.0]]))
        return ArrayModel(
            matrix, np.zeros(2), np.array([1.0, np.inf]), np.array([3.0, cost]), np.zeros(2, dtype=bool), np.array([0.5]),
            np.array([np.inf]), 0.0,
        )  # fmt: skip

    assert safe_bound(model(1.0), [3.0]).value == pytest.approx(1.5)
    assert safe_bound(model(-4.0), [3.0]).value == -math.inf
    assert safe_bound(model(1.0), [-3.0]).value == pytest.approx(0.0)  # the row has no upper side: the multiplier counts as 0


def test_sums_and_products_are_rounded_down():
    rng = np.random.default_rng(9)
    for _ in range(50):
        left, right = rng.normal(size=(2, 30)) * 10.0 ** rng.integers(-8, 9, (2, 30))
        exact = sum((Rational(float(a)) * Rational(float(b)) for a, b in zip(left, right, strict=True)), Rational(0))
        value = lower_dot(left, right)
        assert Rational(value) <= exact
        assert float(exact - Rational(value)) <= 1e-14 * float(np.abs(left * right).sum())
        assert Rational(lower_sum(left)) <= sum(map(Rational, left.tolist()), Rational(0))
    assert lower_sum([1.0, -math.inf]) == -math.inf
    assert lower_sum([1e308, 1e308, -1e308]) <= 1e308


class _Corrupted:
    """HiGHS with a wrong answer: the next ``times`` reads of ``what`` ("dual" or "objective") are not its own."""

    def __init__(self, highs, what: str, times: int) -> None:
        self._inner, self._what, self._left = highs, what, times

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def _now(self, what: str) -> bool:
        if what != self._what or self._left == 0:
            return False
        self._left -= 1
        return True

    def getInfo(self):  # noqa: N802
        info = self._inner.getInfo()
        if self._now("objective"):
            info.objective_function_value += 5.0
        return info

    def getSolution(self):  # noqa: N802
        solution = self._inner.getSolution()
        if self._now("dual"):
            solution.row_dual = [0.5 * d for d in solution.row_dual]
        return solution


def _dispatch():
    model = LinearModel()
    output = model.variables("output", (2, 1), upper=[[60.0], [100.0]], cost=[[10.0], [25.0]])
    model.rows("balance", [(1.0, output.T)], lower=100.0, upper=100.0, shape=(1,))
    return model.solver()


@pytest.mark.parametrize("what", ["dual", "objective"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_wrong_answer_is_solved_again_and_never_passed_on_as_a_bound(what: str, times: int):
    """1600 is the cost of 60 MW at 10 and 40 MW at 25; with both answers wrong the bound is still below it."""
    solver = _dispatch()
    assert solver.solve().objective == pytest.approx(1600.0)
    assert take_misses() == []
    solver._highs = _Corrupted(solver._highs, what, times)
    solution = solver.solve()
    (miss,) = take_misses()
    assert abs(miss.objective_usd - miss.safe_bound_usd) > 1.0
    assert miss.cold_agrees == (times == 1)
    assert solution.objective == pytest.approx(1600.0)
    assert solution.bound <= 1600.0
    if times == 1 or what == "objective":
        assert solution.bound == pytest.approx(1600.0, rel=1e-9)
    else:
        assert solution.bound == pytest.approx(miss.cold_safe_bound_usd)
    assert solver.solve().bound == pytest.approx(1600.0)
    assert take_misses() == []
