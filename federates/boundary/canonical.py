"""One value for what differs by rounding error alone, so that the same scenario gives the same tables on any computer.

Processors differ in the last bits of exponentials, powers and linear algebra. Where such a number crosses a boundary, steers a
choice or stands in a table, it is rounded to a grid far coarser than the error: what comes behind then starts from equal bits.
Only products, quotients and roundings are used here, which IEEE 754 fixes to the bit. docs/decisions/0014.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]

_ON_GRID, _ON_GRID_RELATIVE = 1e-3, 2e-14
"""A value this near to a point of the grid, in steps or as a share of itself, is that point: else rounding error moved it by a
whole step."""
_WHOLE = 2.0**52
"""From here on every 64-bit float is a whole number, and its grid is coarser than any of ours."""


def to_grid(values: ArrayLike, decimals: int) -> Array:
    """Return ``values`` rounded to ``decimals`` decimal places; never -0. Not finite values stay as they are."""
    given, scaled, scale = _scaled(values, decimals)
    return _kept_if_large(given, scaled, np.rint(scaled) / scale)


def down_to_grid(values: ArrayLike, decimals: int) -> Array:
    """Return the largest multiples of the grid not above ``values``: a lower bound stays one.

    A value within a thousandth of a step (or rounding error) below a point of the grid is taken as that point.
    """
    given, scaled, scale = _scaled(values, decimals)
    nearest = np.rint(scaled)
    with np.errstate(invalid="ignore"):
        is_on_grid = np.abs(scaled - nearest) <= np.maximum(_ON_GRID, _ON_GRID_RELATIVE * np.abs(scaled))
    return _kept_if_large(given, scaled, np.where(is_on_grid, nearest, np.floor(scaled)) / scale)


def up_to_grid(values: ArrayLike, decimals: int) -> Array:
    """Return the least multiples of the grid not below ``values``, as `down_to_grid` from the other side."""
    return 0.0 - down_to_grid(0.0 - np.asarray(values, dtype=np.float64), decimals)


def canonical(values: ArrayLike, digits: int = 12) -> Array:
    """Return ``values`` rounded to ``digits`` significant decimal digits; never -0. Not finite values stay as they are."""
    given = np.asarray(values, dtype=np.float64)
    size = np.abs(given)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        places = digits - 1 - np.floor(np.log10(np.where((size > 0) & np.isfinite(size), size, 1.0)))
        places = np.clip(places, -300, 300).astype(np.int64)
        # Powers of ten up to 22 are exact, so that for all but tiny values the result is the float nearest to the decimal number.
        up, down = _TENS[np.maximum(places, 0)], _TENS[np.maximum(-places, 0)]
        rounded = np.where(places >= 0, np.rint(given * up) / up, np.rint(given / down) * down)
    return np.where(np.isfinite(given) & np.isfinite(rounded), rounded, given) + 0.0


def _scaled(values: ArrayLike, decimals: int) -> tuple[Array, Array, float]:
    given = np.asarray(values, dtype=np.float64)
    scale = float(_TENS[decimals])
    with np.errstate(over="ignore"):
        return given, given * scale, scale


def _kept_if_large(given: Array, scaled: Array, rounded: Array) -> Array:
    return np.where(np.abs(scaled) < _WHOLE, rounded, given) + 0.0


_TENS: Array = np.array([float(f"1e{n}") for n in range(301)])
