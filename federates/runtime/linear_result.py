"""What goes into a solver and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.boundary.errors import ModelError
from federates.runtime.linear_terms import Values

__all__ = ["ArrayModel", "Improvement", "NoSolutionInTimeError", "Solution"]


class NoSolutionInTimeError(ModelError):
    """A limit, ``status``, ended the solve without a feasible solution; ``bound`` is the lower bound proven by then."""

    def __init__(self, message: str, bound: float, status: str = "time_limit") -> None:
        self.bound = bound
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ArrayModel:
    """A minimisation: (rows, columns) matrix, bounds and costs of columns, bounds of rows, constant."""

    matrix: sp.csr_matrix
    lower: Values
    upper: Values
    cost: Values
    integer: NDArray[np.bool_]
    row_lower: Values
    row_upper: Values
    constant: float


@dataclass(frozen=True, slots=True)
class Solution:
    """Result of one solve.

    ``bound`` is the proven lower bound (the objective itself for LPs); ``status`` is "optimal", "time_limit", ...;
    ``row_dual`` and ``column_dual`` (change of the objective per unit of the bound) are None for MIPs.
    """

    values: Values
    objective: float
    bound: float
    status: str
    row_dual: Values | None
    column_dual: Values | None
    wall_s: float


@dataclass(frozen=True, slots=True)
class Improvement:
    """A better solution found during a solve; ``bound`` is the lower bound proven so far."""

    values: Values
    objective: float
    bound: float
    wall_s: float
