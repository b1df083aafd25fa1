"""Arrow arrays from Python's numbers and words, without pandas.

`pyarrow.array` and `pyarrow.Table.from_pylist` import pandas wherever it is installed, to ask whether what they are given is of
pandas. That takes longer than all else an agent loads, and 30 MB; an agent needs it for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from federates.boundary.errors import ModelError

_NONE = type(None)
_FLOATS, _WHOLES, _WORDS, _TRUTHS = {float, np.float64}, {int, np.int64}, {str, np.str_}, {bool, np.bool_}


def table_of_rows(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table; columns are in the order in which they first come, None where a row lacks one."""
    names = dict.fromkeys(name for row in rows for name in row)
    return table_of_columns({name: [row.get(name) for row in rows] for name in names})


def table_of_columns(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return columns of equal length as a table, with the types that `pyarrow.array` would give them.

    Raises
    ------
    ModelError : a column holds values of several kinds, or such as no table holds; the error names it.
    """
    return pa.Table.from_arrays([_column(name, values) for name, values in columns.items()], names=list(columns))


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    try:
        return _array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise ModelError(f"column {name} cannot be written: {error}") from error


def _array(values: Sequence[Any]) -> pa.Array:
    if isinstance(values, np.ndarray) and (values.ndim != 1 or values.dtype not in (np.float64, np.int64, np.bool_)):
        return pa.array(values)
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    there = np.array([value is not None for value in listed], dtype=bool)
    found = {type(value) for value in listed} - {_NONE}
    if not found:
        return pa.nulls(len(listed))
    if found <= _WORDS:
        return _words(listed, there)
    if found <= _TRUTHS:
        return _numbers(pa.bool_(), np.packbits([bool(value) for value in listed], bitorder="little"), there)
    if found <= _WHOLES:
        return _numbers(pa.int64(), np.array([value or 0 for value in listed], dtype=np.int64), there)
    if found <= _FLOATS | _WHOLES:
        return _numbers(pa.float64(), np.array([0.0 if value is None else value for value in listed], dtype=np.float64), there)
    return pa.array(values)


def _numbers(kind: pa.DataType, values: NDArray[Any], there: NDArray[np.bool_]) -> pa.Array:
    return pa.Array.from_buffers(kind, there.size, [_validity(there), pa.py_buffer(values)])


def _words(listed: Sequence[str | None], there: NDArray[np.bool_]) -> pa.Array:
    encoded = [b"" if word is None else word.encode() for word in listed]
    ends = np.concatenate(([0], np.cumsum([len(word) for word in encoded]))).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), there.size, [_validity(there), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])


def _validity(there: NDArray[np.bool_]) -> pa.Buffer | None:
    return None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
