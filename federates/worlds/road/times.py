"""How long a drive may be told to take: a partner plans over that time, and would be blamed for what it then cannot compute."""

from __future__ import annotations

import numpy as np

from federates.boundary.errors import ModelError
from federates.boundary.messages import Array

MOST_ROAD_TIME_S = 86_400.0
"""A day."""


def told_road_time(time_s: Array, teller: str, what: str) -> Array:
    """Return ``time_s`` as it is.

    Raises
    ------
    ModelError : one of them is longer than a day; the message names the ``teller``, whose settings are to blame.
    """
    longest_s = float(np.max(time_s, initial=0.0))
    if longest_s > MOST_ROAD_TIME_S:
        raise ModelError(
            f"{teller}: tells {what} of {longest_s:.4g} s; at most {MOST_ROAD_TIME_S:g} s, a day: look at its capacities, speeds "
            "and flows"
        )
    return time_s
