"""Sums and products whose last bit is the same on every processor.

BLAS and LAPACK choose their kernels by the processor and split sums by threads, and the C library has exponentials of its own for
processors with fused multiply-add; the last bits differ. Elementwise products and numpy's sums have one order, and IEEE 754
fixes every step, so that results made of them alone do not. Use these where a result steers a choice. docs/decisions/0014.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def product(a: Array, b: Array) -> Array:
    """Return the matrix product ``a @ b`` of vectors, matrices or stacks of matrices."""
    if b.ndim == 1:
        return np.asarray((a * b).sum(axis=-1))
    return (
        np.asarray((a[..., :, None] * b[..., None, :, :]).sum(axis=-2))
        if a.ndim > 1
        else np.asarray((a[:, None] * b).sum(axis=-2))
    )


def power(base: Array, exponent: int) -> Array:
    """Return ``base`` to a whole ``exponent`` >= 1 by repeated products."""
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result


def solve_definite(matrix: Array, right: Array) -> Array:
    """Return x with ``matrix x = right`` for symmetric positive definite matrices (B, K, K) and right sides (B, K).

    Gaussian elimination, which needs no pivoting for such matrices.
    """
    a, x = np.array(matrix), np.array(right)
    size = a.shape[1]
    for j in range(size):
        factor = a[:, j + 1 :, j] / a[:, j, j, None]
        a[:, j + 1 :, j + 1 :] -= factor[:, :, None] * a[:, j, None, j + 1 :]
        x[:, j + 1 :] -= factor * x[:, j, None]
    for j in range(size - 1, -1, -1):
        x[:, j] = (x[:, j] - (a[:, j, j + 1 :] * x[:, j + 1 :]).sum(axis=1)) / a[:, j, j]
    return x
