"""Bounds in a run's tables that contradict each other: no gap is shown for them, and here are the words that say why."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from federates.boundary.bounds import CROSSED, bounds_cross

__all__ = ["CROSSED_WORDS", "crossed"]

CROSSED_WORDS = f"the bounds contradict each other: {CROSSED}"


def crossed(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row of ``rounds`` or ``negotiations`` whether its bounds cross."""
    pairs = zip(table["lower_bound_usd"].astype(float), table["upper_bound_usd"].astype(float), strict=True)
    return np.array([bounds_cross(lower, upper) for lower, upper in pairs], dtype=bool)
