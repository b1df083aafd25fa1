"""What goes into a solver and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import ModelError
from federates.lp.linear_terms import Values


class NoSolutionInTimeError(ModelError):
    """A limit, ``status``, ended the solve without a feasible solution; ``bound`` is the lower bound proven by then."""

    def __init__(self, message: str, bound: float, status: str = "time_limit") -> None:
        self.bound = bound
        self.status = status
        super().__init__(message)


@dataclass(slots=True)
class ArrayModel:
    """A minimisation: (rows, columns) matrix, bounds and costs of columns, bounds of rows, constant.

    The arrays of bounds and costs may be changed in place.
    """

    matrix: sp.csr_matrix
    lower: Values
    upper: Values
    cost: Values
    integer: NDArray[np.bool_]
    row_lower: Values
    row_upper: Values
    constant: float

    def add_rows(self, matrix: sp.csr_matrix, lower: Values, upper: Values) -> None:
        """Add rows below; ``matrix`` is as wide as there are columns by now."""
        self.matrix.resize(self.matrix.shape[0], self.lower.size)
        self.matrix = sp.vstack([self.matrix, matrix], format="csr")
        self.row_lower, self.row_upper = np.append(self.row_lower, lower), np.append(self.row_upper, upper)

    def add_columns(self, upper: Values, cost: Values) -> None:
        """Add continuous columns >= 0 that are in no row yet."""
        self.lower, self.upper = np.append(self.lower, np.zeros(upper.size)), np.append(self.upper, upper)
        self.cost, self.integer = np.append(self.cost, cost), np.append(self.integer, np.zeros(upper.size, dtype=bool))
        self.matrix.resize(self.matrix.shape[0], self.lower.size)


@dataclass(frozen=True, slots=True)
class Solution:
    """Result of one solve.

    ``bound`` is a lower bound of the minimum: of an LP the safe bound of its dual vector (`safe_bound`), which may be -inf where
    a column has no bound; of a MIP what the solver's tree search claims. ``status`` is "optimal", "time_limit", ...;
    ``row_dual`` (change of the objective per unit of the bound) and ``column_dual`` (reduced costs rounded down, as in
    `SafeBound.reduced_cost`) are None for MIPs.
    """

    values: Values
    objective: float
    bound: float
    status: str
    row_dual: Values | None
    column_dual: Values | None
    wall_s: float
    bound_kind: BoundKind = BoundKind.TREE


@dataclass(frozen=True, slots=True)
class Improvement:
    """A better solution found during a solve; ``bound`` is the lower bound proven so far."""

    values: Values
    objective: float
    bound: float
    wall_s: float
