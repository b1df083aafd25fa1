"""Numbers as whole steps modulo 2^64, so that masks cancel to the bit and the total is exact.

A value v is the word round(v 10^d) mod 2^64. It may have at most 2^52 steps either way: up to there a 64-bit float
holds every step, and the total of `MOST_CONTRIBUTORS` terms stays below 2^63, so it never wraps around.

The total is exact as a whole number of steps. As a float it is the nearest one, which is the exact one up to 2^53
steps.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from federates.private_sum.errors import PrivateSumError

Array: TypeAlias = NDArray[np.float64]
Words: TypeAlias = NDArray[np.uint64]

MOST_STEPS = 2.0**52


def to_words(values: ArrayLike, decimals: int) -> Words:
    """Return numbers as words, flat.

    Raises
    ------
    PrivateSumError : a value is not finite, or has more than `MOST_STEPS` steps of 10^-``decimals``.
    """
    given = np.asarray(values, dtype=np.float64).ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(given * 10.0**decimals)
    wrong = ~(np.abs(steps) <= MOST_STEPS)
    if wrong.any():
        most = MOST_STEPS / 10.0**decimals
        at = int(np.argmax(wrong))
        raise PrivateSumError(
            f"value {at} is {given[at]:g}: in a private sum with {decimals} decimals it must lie between {-most:g} and {most:g}"
        )
    return steps.astype(np.int64).view(np.uint64)


def from_words(total: Words, decimals: int) -> Array:
    """Return a total of words as numbers."""
    return total.view(np.int64).astype(np.float64) / 10.0**decimals


def to_halves(words: Words) -> Array:
    """Return words as floats of 32 bits each, (n, 2), high and low: a message is a vector of floats."""
    return np.stack([words >> np.uint64(32), words & np.uint64(0xFFFFFFFF)], axis=-1).astype(np.float64)


def from_halves(halves: Array) -> Words:
    """Return the words that `to_halves` has cut.

    Raises
    ------
    PrivateSumError : an entry is no whole number of 32 bits.
    """
    if not ((halves >= 0) & (halves < 2.0**32) & (halves == np.floor(halves))).all():
        raise PrivateSumError("a masked word must be two whole numbers of 32 bits")
    cut = halves.astype(np.uint64)
    return (cut[..., 0] << np.uint64(32)) | cut[..., 1]
