"""Cycles in a state of charge, counted by the rainflow method of ASTM E1049-85, section 5.4.4 (library `rainflow`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import rainflow
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycles of a state of charge, one entry each, arrays (C,)."""

    depth: Array
    """Largest less least state of charge of the cycle, share of the energy of the battery, above 0 and at most 1."""
    mean_soc: Array
    """Mean of both, share."""
    count: Array
    """1 for a whole cycle, 0.5 for a half one: a charge or a discharge that is not undone."""

    @property
    def equivalent_full(self) -> float:
        """Number of whole cycles of depth 1 that put as much energy through the battery: the sum of count times depth."""
        return float((self.count * self.depth).sum())


def checked_soc(soc: ArrayLike) -> Array:
    """Return a state of charge as an array (P,) of shares.

    Raises
    ------
    ValueError : not one series of finite numbers from 0 to 1.
    """
    series = np.asarray(soc, dtype=float)
    if series.ndim != 1:
        raise ValueError(f"a state of charge is one series; this one has the shape {series.shape}")
    if not np.isfinite(series).all() or (series < 0.0).any() or (series > 1.0).any():
        raise ValueError("a state of charge must be a share from 0 to 1")
    return series


def cycles_of(soc: ArrayLike) -> Cycles:
    """Return the cycles of a state of charge (P,), in shares of the energy of the battery; fewer than two points have none.

    Both ends of the series count as turning points, so that what is charged and never discharged is a half cycle.

    Raises
    ------
    ValueError : not one series of shares from 0 to 1.
    """
    series = checked_soc(soc)
    # The library leaves out the last point of a series of two; a last point that is repeated changes nothing else.
    found = [cycle[:3] for cycle in rainflow.extract_cycles([*series.tolist(), *series[-1:].tolist()]) if cycle[0] > 0.0]
    depth, mean, count = np.array(found, dtype=float).reshape(-1, 3).T
    return Cycles(depth, mean, count)
