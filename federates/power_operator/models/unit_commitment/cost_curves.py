"""Production costs as convex piecewise-linear curves, and the error made where a quadratic curve is meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Cost of running at an output, linear between the points.

    ``mw`` (S+1,) rises from the minimum to the maximum output; ``usd_per_h`` (S+1,) is convex over it. The first
    value is the cost at minimum output, the no-load cost included.
    """

    mw: Values
    usd_per_h: Values

    @property
    def widths_mw(self) -> Values:
        """Width of each segment, (S,)."""
        return np.diff(self.mw)

    @property
    def slopes_usd_per_mwh(self) -> Values:
        """Slope of each segment, (S,)."""
        return np.diff(self.usd_per_h) / np.diff(self.mw)

    def cost_usd_per_h(self, output_mw: Values) -> Values:
        """Return the cost of running at ``output_mw``, which must lie on the curve."""
        return np.interp(output_mw, self.mw, self.usd_per_h)


def with_piecewise(
    coefficients: tuple[float, float, float], p_min_mw: float, p_max_mw: float, segments: int = 10
) -> tuple[CostCurve, float]:
    """Return a piecewise curve for ``c0 + c1 p + c2 p^2`` and its largest error in USD/h.

    ``coefficients`` is (c0 USD/h, c1 USD/MWh, c2 USD/MW^2h). The segments have equal width w, and the curve lies
    on the quadratic at their ends, so that it overstates the cost by at most c2 w^2 / 4, in the middle of each.

    Raises
    ------
    ValueError : c2 is negative, or there is no segment.
    """
    constant, linear, quadratic = coefficients
    if quadratic < 0 or segments < 1:
        raise ValueError(f"a convex cost and at least one segment are needed, not c2 = {quadratic} and {segments} segments")
    if p_max_mw <= p_min_mw:
        mw = np.array([p_min_mw])
    else:
        mw = np.linspace(p_min_mw, p_max_mw, (1 if quadratic == 0 else segments) + 1)
    width_mw = float(mw[1] - mw[0]) if mw.size > 1 else 0.0
    return CostCurve(mw, constant + linear * mw + quadratic * mw**2), quadratic * width_mw**2 / 4
