"""Two stands that cannot both be had: what makes a connection impossible, in the smallest words the boundary has.

A connection that the transport operator cannot carry out says little; that a train cannot stand here now and there then, or two
trains not here at once, says why, and rules out many connections. What to ask about is found where stands are missing from what
it sends instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from federates.boundary.messages import Array

_MOST_PAIRS = 8
"""Pairs that are asked about for one connection at most."""


def conflicts(wanted: Array, sent: Array) -> list[Array]:
    """Return pairs of stands of ``wanted``, each a connection (K, S, H), one of them missing from ``sent``."""
    pairs: dict[bytes, Array] = {}
    for k, s, t in np.argwhere((wanted > 0.5) & (sent < 0.5)).tolist():
        for other in _partners(wanted, k, s, t):
            pair = np.zeros_like(wanted)
            pair[k, s, t] = pair[other] = 1.0
            pairs.setdefault(pair.tobytes(), pair)
    return list(pairs.values())[:_MOST_PAIRS]


def _partners(wanted: Array, k: int, s: int, t: int) -> Iterator[tuple[int, int, int]]:
    """Yield the stands before and after the train's trips from or to (s, t), and other trains' stands there."""
    stations, periods = np.nonzero(wanted[k] > 0.5)
    elsewhere = stations != s
    before, after = periods[elsewhere & (periods < t)], periods[elsewhere & (periods > t)]
    for found in ([before.max()] if before.size else []) + ([after.min()] if after.size else []):
        yield k, int(stations[(periods == found) & elsewhere][0]), int(found)
    for other in np.flatnonzero(wanted[:, s, t] > 0.5).tolist():
        if other != k:
            yield other, s, t
