"""Linear and mixed-integer models collected as arrays and handed to HiGHS once (`highs.Solver` changes them in place)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from federates.boundary.errors import ModelError
from federates.lp.highs import Solver
from federates.lp.linear_result import ArrayModel, Improvement, NoSolutionInTimeError, Solution
from federates.lp.linear_terms import Groups, Indices, RowBlock, Term, Values, row_block

__all__ = ["Improvement", "LinearModel", "NoSolutionInTimeError", "Solution", "Solver", "Term"]


class LinearModel:
    """Rows and columns of a minimisation, collected as arrays; ``column_groups`` and ``row_groups`` hold their names."""

    def __init__(self) -> None:
        self.column_groups = Groups()
        self.row_groups = Groups()
        self._columns: list[tuple[Values, Values, Values]] = []
        self._integer: list[NDArray[np.bool_]] = []
        self._rows: list[RowBlock] = []
        self._costs: list[tuple[Indices, Values]] = []
        self._constant = 0.0

    def variables(
        self,
        name: str,
        shape: int | tuple[int, ...],
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Indices:
        """Add variables and return their column indices in ``shape``; the bounds and costs broadcast to it."""
        dims = (shape,) if isinstance(shape, int) else tuple(shape)
        low, up, price = (np.broadcast_to(np.asarray(a, dtype=np.float64), dims).ravel() for a in (lower, upper, cost))
        self._columns.append((low, up, price))
        self._integer.append(np.full(low.size, integer))
        return self.column_groups.add(name, dims)

    def rows(
        self,
        name: str,
        terms: Sequence[Term],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        shape: tuple[int, ...] | None = None,
    ) -> Indices:
        """Add rows ``lower <= sum of terms <= upper`` and return their row indices.

        A term is (coefficient, index array) or (sparse matrix A, index vector x), the latter adding A @ x. An index
        array has the shape of the rows, or one trailing axis more, which is summed over; the coefficient broadcasts
        to it. Index -1 means no variable. The shape of the rows is that of the term with the fewest axes; give
        ``shape`` where every term has the axis to be summed.

        Raises
        ------
        ValueError : a term does not fit the shape of the rows.
        """
        block = row_block(terms, lower, upper, shape)
        self._rows.append(block)
        return self.row_groups.add(name, block.shape)

    def add_cost(self, index: ArrayLike, value: ArrayLike) -> None:
        """Add ``value`` to the objective's coefficients of the columns ``index``; index -1 is left out."""
        columns = np.asarray(index, dtype=np.int64)
        prices = np.broadcast_to(np.asarray(value, dtype=np.float64), columns.shape).ravel()
        kept = columns.ravel() >= 0
        self._costs.append((columns.ravel()[kept], prices[kept]))

    def bounds(self, index: ArrayLike) -> tuple[Values, Values]:
        """Return lower and upper bounds of the columns ``index``, in its shape."""
        columns = np.asarray(index, dtype=np.int64)
        lower, upper = (_joined([column[part] for column in self._columns])[columns] for part in range(2))
        return lower, upper

    def constant(self, value: float) -> None:
        """Add ``value`` to the objective's constant."""
        self._constant += float(value)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.row_groups.size, self.column_groups.size

    @property
    def costs(self) -> tuple[Values, float]:
        """The objective: coefficients of all columns, and the constant."""
        cost = _joined([column[2] for column in self._columns])
        for index, value in self._costs:
            np.add.at(cost, index, value)
        return cost, self._constant

    def solver(self, threads: int = 1, **highs_options: bool | float | str) -> Solver:
        """Hand the model to a new HiGHS instance with ``highs_options``, which keeps it between solves.

        Raises
        ------
        ModelError : HiGHS refuses the model or an option.
        """
        return Solver(self._arrays(), self.column_groups, self.row_groups, threads, highs_options)

    def _arrays(self) -> ArrayModel:
        lower, upper = (_joined([column[part] for column in self._columns]) for part in range(2))
        cost, constant = self.costs
        integer = np.concatenate(self._integer or [np.empty(0, dtype=bool)])
        offsets = np.cumsum([0] + [block.size for block in self._rows])
        row = np.concatenate([b.row + o for b, o in zip(self._rows, offsets, strict=False)] or [np.empty(0, dtype=np.int64)])
        column = np.concatenate([b.column for b in self._rows] or [np.empty(0, dtype=np.int64)])
        value = _joined([b.value for b in self._rows])
        if not (np.isfinite(value).all() and np.isfinite(cost).all()):
            raise ModelError("the model has a coefficient or a cost that is not a finite number")
        matrix = sp.csr_matrix((value, (row, column)), shape=self.shape)
        matrix.eliminate_zeros()
        row_lower, row_upper = _joined([b.lower for b in self._rows]), _joined([b.upper for b in self._rows])
        return ArrayModel(matrix, lower, upper, cost, integer, row_lower, row_upper, constant)


def _joined(parts: list[Values]) -> Values:
    return np.concatenate(parts) if parts else np.empty(0)
