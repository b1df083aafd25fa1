"""Lower bounds of a linear programme's minimum that hold whatever the solver's answer is worth.

For min c'x over rl <= A x <= ru, l <= x <= u and *any* vector y with d = c - A'y, weak duality says

    min c'x  >=  sum_i min(y_i rl_i, y_i ru_i)  +  sum_j min(d_j l_j, d_j u_j)

(Neumaier and Shcherbina, "Safe bounds in linear and mixed-integer linear programming", Mathematical Programming 99, 283-296,
2004, doi:10.1007/s10107-003-0433-3: the lower bound from an approximate dual vector and the columns' bounds). A solver's dual
vector makes it sharp; a wrong one makes it weak, never wrong. Nothing else of the solver's answer is used.

Rounding. d is computed in double precision with the error bound |error_j| <= gamma_n (|c_j| + sum_i |a_ij| |y_i|), n the number
of terms, gamma_n = n u / (1 - n u), u = 2^-53 (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., 2002, section
3.1: in any order of summation), so that d lies in a known interval; every product is rounded down, and `math.fsum` adds without
error. The numbers in the arrays are taken for exact: the bound is one of the programme as it is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from federates.lp.bound_misses import BoundMiss, note_miss
from federates.lp.linear_result import ArrayModel
from federates.lp.linear_terms import Values

__all__ = ["SafeBound", "answer_and_proof", "lower_dot", "lower_sum", "safe_bound", "tolerance"]

_ULP = 2.0**-52
_TINY = 2.0**-1022  # per product: far above what underflow can take away
_MISS_REL = 1e-6


@dataclass(frozen=True, slots=True)
class SafeBound:
    """``value`` is below the minimum; ``reduced_cost`` (columns,) is below c - A'y, with the y that ``value`` was made of.

    As the upper bounds of columns change, the minimum stays above ``value + sum_j min(reduced_cost_j, 0) (new u_j - u_j)`` where
    l_j = 0: a plane below the minimum.
    """

    value: float
    reduced_cost: Values


def safe_bound(model: ArrayModel, row_dual: ArrayLike) -> SafeBound:
    """Return a lower bound of the minimum of the linear relaxation of ``model``, from a dual vector (rows,) of any quality.

    It is -inf where nothing finite follows: a column without bound has a reduced cost that is not proven to have the right sign.
    Numbers in ``row_dual`` that are not finite count as 0, as do those whose sign asks for a bound that the row does not have.
    """
    dual = _usable(np.asarray(row_dual, dtype=np.float64), model.row_lower, model.row_upper)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = _reduced_costs(model, dual)
        sides = np.where(dual > 0.0, model.row_lower, model.row_upper)
        rows = _down(dual[dual != 0.0] * sides[dual != 0.0])
        corners = [_corner(d, x) for d in (low, high) for x in (model.lower, model.upper)]
        columns = np.where(np.isfinite(low) & np.isfinite(high), np.minimum.reduce(corners), -np.inf)
    return SafeBound(lower_sum(np.concatenate([rows, columns, [model.constant]])), low)


def lower_sum(terms: ArrayLike) -> float:
    """Return a lower bound of the exact sum of ``terms``, nearer than any other number but one."""
    values = np.ravel(np.asarray(terms, dtype=np.float64))
    if np.isneginf(values).any():
        return -math.inf
    try:
        return math.nextafter(math.fsum(values.tolist()), -math.inf)
    except OverflowError:
        return -math.inf


def lower_dot(left: ArrayLike, right: ArrayLike) -> float:
    """Return a lower bound of the exact sum of left times right, both broadcast; every product is rounded down."""
    products = np.asarray(left, dtype=np.float64) * np.asarray(right, dtype=np.float64)
    return lower_sum(_down(products[products != 0.0]))


def tolerance(model: ArrayModel, values: Values) -> float:
    """Return by how much bound and objective may differ before one of them counts as wrong: 1e-6 of the objective's terms."""
    return _MISS_REL * max(1.0, abs(model.constant) + float(np.abs(model.cost * values).sum()))


def _usable(dual: Values, row_lower: Values, row_upper: Values) -> Values:
    """Return ``dual`` with 0 where its sign asks for an infinite bound of the row."""
    wrong = ~np.isfinite(dual) | ((dual > 0.0) & np.isneginf(row_lower)) | ((dual < 0.0) & np.isposinf(row_upper))
    return np.where(wrong, 0.0, dual)


def _reduced_costs(model: ArrayModel, dual: Values) -> tuple[Values, Values]:
    """Return numbers below and above c - A'y, (columns,)."""
    matrix = model.matrix
    terms = 1.0 + np.bincount(matrix.indices, minlength=matrix.shape[1])
    computed = model.cost - matrix.T @ dual
    size = np.abs(model.cost) + abs(matrix).T @ np.abs(dual)
    # Twice gamma of one term more, since the size itself is rounded; and what underflow can take.
    error = (terms + 1.0) * (_ULP * size + _TINY)
    return _down(computed - error), np.nextafter(computed + error, np.inf)


def _corner(reduced: Values, bound: Values) -> Values:
    """Return ``reduced * bound`` rounded down; nothing at a reduced cost of 0, also where the column has no bound."""
    return np.where(reduced == 0.0, 0.0, _down(reduced * bound))


def _down(values: Values) -> Values:
    return np.nextafter(values, -np.inf)


class _Answer(Protocol):
    """Objective and safe bound of one solve."""

    @property
    def objective(self) -> float: ...

    @property
    def bound(self) -> float: ...


Answered = TypeVar("Answered", bound=_Answer)


def answer_and_proof(
    first: Answered, again: Callable[[], Answered], apart: Callable[[Answered], bool]
) -> tuple[Answered, Answered]:
    """Return the answer to take, and the one whose bound holds best.

    Both are ``first``, unless its objective and its bound are ``apart``: then the programme is solved ``again``, without a basis,
    and the miss is kept for `take_misses`.
    """
    if not apart(first):
        return first, first
    cold = again()
    agrees = not apart(cold)
    note_miss(BoundMiss(first.objective, first.bound, cold.objective, cold.bound, agrees))
    return cold, cold if agrees or cold.bound >= first.bound else first
