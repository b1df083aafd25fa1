"""What one delivery wears off a battery."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from federates.battery.depth_cost import PHI_EXPONENT, PHI_FACTOR
from federates.boundary.canonical import canonical
from federates.mves_fleet.models.trips import Array


def delivery_wear_usd(kwh: float, battery_kwh: ArrayLike, replacement_usd_per_kwh: float) -> Array:
    """Return the wear of a whole cycle that takes ``kwh`` out of full batteries of ``battery_kwh``, usd.

    Convex in the depth kwh / battery_kwh (Xu et al., TPWRS 33(2), 2018); a smaller battery counts as emptied. The
    same as `federates.battery.depth_cost.cycle_life_share` to twelve digits, but quick for ten thousand batteries.
    """
    size = np.asarray(battery_kwh, dtype=np.float64)
    share = canonical(PHI_FACTOR * np.minimum(kwh / size, 1.0) ** PHI_EXPONENT)
    return np.asarray(replacement_usd_per_kwh * size * share)
