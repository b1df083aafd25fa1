"""What one delivery wears off a battery: the only place where fleets ask for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.canonical import canonical
from federates.mves_fleet.models.trips import Array

_LOSS, _EXPONENT = 5.24e-4, 2.03


def delivery_wear_usd(kwh: float, battery_kwh: ArrayLike, price_usd_per_kwh: float) -> Array:
    """Return the wear of a cycle that takes ``kwh`` out of batteries of ``battery_kwh``, usd.

    Loss of life of a cycle of depth d: 5.24e-4 d^2.03 (Xu, Zhao, Zheng, Litvinov and Kirschen, IEEE TPWRS 33(2), 2018), convex in
    d, at the price of a new battery.
    """
    size = np.asarray(battery_kwh, dtype=np.float64)
    depth = np.minimum(kwh / size, 1.0)
    return canonical(price_usd_per_kwh * size * _LOSS * depth**_EXPONENT)
