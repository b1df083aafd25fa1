"""Terms of linear rows: (coefficient, index array) or (sparse matrix, index vector), expanded to coordinates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Groups", "Indices", "RowBlock", "Term", "Values", "row_block"]

Indices = NDArray[np.int64]
Values = NDArray[np.float64]
Term = tuple[Any, ArrayLike]


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows as coordinates; ``row`` counts from 0 within the block, ``shape`` is the shape of the block."""

    shape: tuple[int, ...]
    row: Indices
    column: Indices
    value: Values
    lower: Values
    upper: Values

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.lower.size


@dataclass(slots=True)
class Groups:
    """Names of consecutive blocks of columns or rows, so that a message can name what an index stands for."""

    names: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, shape: tuple[int, ...]) -> Indices:
        """Append a block and return its indices in ``shape``."""
        count = int(np.prod(shape, dtype=np.int64))
        start = self.size
        self.names.append(name)
        self.starts.append(start)
        self.shapes.append(shape)
        self.size += count
        return np.arange(start, start + count, dtype=np.int64).reshape(shape)

    def copy(self) -> Groups:
        """Return a copy that can grow on its own."""
        return Groups(list(self.names), list(self.starts), list(self.shapes), self.size)

    def label(self, index: int) -> str:
        """Return the name of the block with the position in it, such as ``balance[3]``."""
        block = bisect_right(self.starts, index) - 1
        position = np.unravel_index(index - self.starts[block], self.shapes[block])
        return f"{self.names[block]}[{', '.join(str(int(i)) for i in position)}]"


def row_block(
    terms: Sequence[Term],
    lower: ArrayLike,
    upper: ArrayLike,
    shape: tuple[int, ...] | None = None,
) -> RowBlock:
    """Expand ``terms`` to coordinates.

    ``shape`` is the shape of the block; by default the shape of the term with the fewest axes, so it must be
    given where every index array has the axis that is to be summed.

    Raises
    ------
    ValueError : a term does not fit the shape of the rows.
    """
    if shape is None:
        shape = min((_row_shape(term) for term in terms), key=len, default=())
    parts = [_coordinates(term, shape) for term in terms]
    row, column, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True)) if parts else _nothing()
    kept = (column >= 0) & (value != 0.0)
    return RowBlock(
        shape,
        row[kept].astype(np.int64),
        column[kept].astype(np.int64),
        value[kept].astype(np.float64),
        _bounds(lower, shape),
        _bounds(upper, shape),
    )


def _bounds(bound: ArrayLike, shape: tuple[int, ...]) -> Values:
    values = np.asarray(bound, dtype=np.float64)
    try:
        return np.broadcast_to(values, shape).ravel()
    except ValueError:
        raise ValueError(f"bounds of shape {values.shape} do not fit rows of shape {shape}: give shape=?") from None


def _nothing() -> tuple[Indices, Indices, Values]:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)


def _is_matrix(coefficient: object) -> bool:
    return hasattr(coefficient, "tocoo")


def _row_shape(term: Term) -> tuple[int, ...]:
    coefficient, index = term
    return (int(coefficient.shape[0]),) if _is_matrix(coefficient) else np.shape(index)


def _coordinates(term: Term, shape: tuple[int, ...]) -> tuple[Indices, Indices, Values]:
    coefficient, given = term
    index = np.asarray(given, dtype=np.int64)
    size = int(np.prod(shape, dtype=np.int64))
    if _is_matrix(coefficient):
        matrix = coefficient.tocoo()
        if matrix.shape != (size, index.size):
            raise ValueError(f"a matrix of shape {matrix.shape} does not fit {size} rows and {index.size} variables")
        return matrix.row.astype(np.int64), index.ravel()[matrix.col], np.asarray(matrix.data, dtype=np.float64)
    value = np.broadcast_to(np.asarray(coefficient, dtype=np.float64), index.shape).ravel()
    if index.shape == shape:
        return np.arange(size, dtype=np.int64), index.ravel(), value
    if index.shape[:-1] == shape:
        return np.repeat(np.arange(size, dtype=np.int64), index.shape[-1]), index.ravel(), value
    raise ValueError(f"an index array of shape {index.shape} does not fit rows of shape {shape}")
