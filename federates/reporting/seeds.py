"""Runs that differ by their seed alone: means with intervals, and what schemes differ by, seed by seed.

An interval of 95 % is mean ± t(0.975, n - 1) s / sqrt(n) over n seeds, with the standard deviation s of the seeds. It is about
chance in the runs, and takes their values as normal; with few seeds it is wide, as it should be. Schemes that share their seeds
are compared by the differences of each seed: what both have in common by chance then cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from federates.reporting.formatting import name_of, value_of
from federates.reporting.world import Grid, Numbers

Array = NDArray[np.float64]
LEVEL = 0.95
_NO_RESULT = {"seed", "periods"}
_AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class Mean:
    """Means of values that are known for at least one seed, half the width of their interval (NaN: fewer than two), and seeds."""

    value: Array
    half: Array
    seeds: NDArray[np.int64]


def mean_of(values: ArrayLike) -> Mean:
    """Return mean and interval over the seeds; ``values`` has a row for each, NaN where a seed has none."""
    table = np.atleast_2d(np.asarray(values, float).T).T
    known = np.isfinite(table)
    count = known.sum(axis=0)
    total = np.where(known, table, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(len(total), math.nan), where=count > 0)
    squares = np.where(known, (table - mean) ** 2, 0.0).sum(axis=0)
    free = np.maximum(count - 1, 1)
    half = stdtrit(free, 0.5 + LEVEL / 2.0) * np.sqrt(squares / free / np.maximum(count, 1))
    return Mean(mean, np.where(count > 1, half, math.nan), count)


def interval_words(mean: Mean, at: int = 0, digits: int = 1, factor: float = 1.0, unit: str = "") -> str:
    """Write a mean with its interval, such as ``4.1 ± 0.3 %``."""
    value, half = factor * mean.value[at], factor * mean.half[at]
    text = f"{value:.{digits}f}" if math.isfinite(value) else "–"
    text += f" ± {half:.{digits}f}" if math.isfinite(half) else ""
    return f"{text}{unit and ' ' + unit}"


def seeds_grid(heads: Mapping[str, Sequence[Numbers]], labels: Mapping[str, str], known: Callable[[str], str]) -> Grid:
    """Return the summaries of all runs, by scheme, as means with intervals; numbers that some run lacks are left out."""
    every = [head for runs in heads.values() for head in runs]
    keys = [key for key in every[0] if key not in _NO_RESULT and all(_is_number(head.get(key)) for head in every)]
    rows = []
    for key in keys:
        cells = []
        for runs in heads.values():
            if key == _AGREED:
                cells.append(f"in {sum(bool(head[key]) for head in runs)} of {len(runs)}")
                continue
            mean = mean_of([[float(head[key])] for head in runs])
            half = float(mean.half[0])
            cells.append(value_of(key, float(mean.value[0])) + (f" ± {value_of(key, half)}" if math.isfinite(half) else ""))
        rows.append([name_of(key, known), *cells])
    seeds = len(next(iter(heads.values())))
    caption = f"Means over {seeds} seeds, with intervals of {100 * LEVEL:.0f} % (t distribution)."
    return Grid(caption, ["Quantity", *(labels[scheme] for scheme in heads)], rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
