"""A power system seen as a copperplate: no lines, and units that give any output from nothing to their maximum at once.

Every change gives something away that holds the real system back, so the least cost of the copperplate is never above that of
the system it is made from: it is a relaxation, and a lower bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.power_operator.models.unit_commitment.cost_curves import CostCurve
from federates.power_operator.models.unit_commitment.system import PowerSystem, StartUp, ThermalUnits


def copperplate(system: PowerSystem) -> PowerSystem:
    """Return ``system`` without lines and reserve, and with units that are free to give anything up to their maximum."""
    return replace(system, units=free_units(system.units, system.period_h), network=None, reserve_mw=None)


def free_units(units: ThermalUnits, period_h: float) -> ThermalUnits:
    """Return the units without minimum output, minimum times, ramps, starts and stops.

    A free unit "runs" all day: at 0 MW that costs nothing (`from_zero`), so that nothing is left to decide but its output, and
    the programme over the units is linear.
    """
    nothing, whole_range = np.zeros(units.count), units.p_max_mw / period_h  # MW per h that reach the maximum in one period
    no_start = StartUp(lag_h=np.array([1.0]), cost_usd=np.array([0.0]))
    return replace(
        units,
        p_min_mw=nothing,
        ramp_up_mw_per_h=whole_range,
        ramp_down_mw_per_h=whole_range,
        start_up_ramp_mw=units.p_max_mw,
        shut_down_ramp_mw=units.p_max_mw,
        min_up_h=nothing,
        min_down_h=nothing,
        initial_on_h=np.full(units.count, period_h),
        initial_output_mw=nothing,
        must_run=np.ones(units.count, dtype=bool),
        cost_curves=tuple(from_zero(curve) for curve in units.cost_curves),
        start_up=(no_start,) * units.count,
        shut_down_usd=nothing,
    )


def from_zero(curve: CostCurve) -> CostCurve:
    """Return the convex envelope of being off at no cost and of ``curve``: the greatest convex cost below both.

    From 0 MW a straight line reaches the point of the curve with the least mean cost per MWh; from there it is the curve itself.
    So the cost of running at the minimum, the no-load cost in it, is spread over the energy. A curve of negative cost keeps it:
    off costs nothing, and 0 MW is never dearer than that.
    """
    points = [(0.0, 0.0)]
    for mw, usd in zip(curve.mw.tolist(), curve.usd_per_h.tolist(), strict=True):
        if mw <= 0.0:
            points = [(0.0, min(0.0, usd))]
            continue
        # Andrew's monotone chain: a point is dropped as soon as it lies on or above the line between its neighbours.
        while len(points) > 1 and _slope(points[-2], points[-1]) >= _slope(points[-2], (mw, usd)):
            points.pop()
        points.append((mw, usd))
    mw_, usd_ = np.array(points).T
    return CostCurve(mw_, usd_)


def _slope(start: tuple[float, float], end: tuple[float, float]) -> float:
    return (end[1] - start[1]) / (end[0] - start[0])
