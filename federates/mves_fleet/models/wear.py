"""What one delivery wears off a battery."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from federates.battery.depth_cost import cycle_life_share
from federates.mves_fleet.models.trips import Array


def delivery_wear_usd(kwh: float, battery_kwh: ArrayLike, replacement_usd_per_kwh: float) -> Array:
    """Return the wear of a whole cycle that takes ``kwh`` out of full batteries of ``battery_kwh``, usd.

    Convex in the depth kwh / battery_kwh (Xu et al., TPWRS 33(2), 2018, see `federates.battery.depth_cost`); a battery that is
    smaller than ``kwh`` counts as emptied.
    """
    size = np.asarray(battery_kwh, dtype=np.float64)
    return np.asarray(replacement_usd_per_kwh * size * cycle_life_share(np.minimum(kwh / size, 1.0)))
