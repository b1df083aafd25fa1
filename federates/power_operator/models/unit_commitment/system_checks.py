"""Checks of a `PowerSystem`: every problem is found, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import Problem
from federates.power_operator.models.unit_commitment.network import islands
from federates.power_operator.models.unit_commitment.system import PowerSystem, ThermalUnits

_TOLERANCE = 1e-6
_Found = tuple[str, Any, str]  # field, value, what is allowed


def find_problems(system: PowerSystem, file: str) -> list[Problem]:
    """Return everything that is wrong with ``system``, each as field, value and what is allowed."""
    shapes = list(_shapes(system))
    found = shapes or [
        *_finite(system),
        *_unit_values(system.units),
        *_initial_state(system.units),
        *_curves(system.units),
        *_start_ups(system.units),
        *_profiles(system),
        *_grid(system),
    ]
    return [Problem(file, field, str(value), allowed) for field, value, allowed in found]


def _shapes(system: PowerSystem) -> Iterator[_Found]:
    if np.ndim(system.load_mw) != 2 or not np.size(system.load_mw):
        yield "load_mw", f"shape {np.shape(system.load_mw)}", "must have the shape (buses, periods)"
        return
    units, periods, sources = system.units.count, system.periods, len(system.renewables.names)
    expected: list[tuple[str, Any, tuple[int, ...]]] = [("load_mw", system.load_mw, (len(system.buses), periods))]
    for item in fields(system.units):
        expected.append((f"units.{item.name}", getattr(system.units, item.name), (units,)))
    expected.append(("renewables.bus", system.renewables.bus, (sources,)))
    expected.append(("renewables.available_mw", system.renewables.available_mw, (sources, periods)))
    expected.append(("renewables.lower_mw", system.renewables.lower_mw, (sources, periods)))
    if system.reserve_mw is not None:
        expected.append(("reserve_mw", system.reserve_mw, (periods,)))
    if system.network is not None:
        for item in fields(system.network):
            value = getattr(system.network, item.name)
            if value is not None:
                expected.append((f"network.{item.name}", value, (len(system.network.ids),)))
    for field, value, shape in expected:
        actual = np.shape(value) if isinstance(value, np.ndarray) else (len(value),)
        if actual != shape:
            yield field, f"shape {actual}", f"must have the shape {shape}"


def _finite(system: PowerSystem) -> Iterator[_Found]:
    unit_fields = [item.name for item in fields(system.units)]
    arrays = [(f"units.{name}", getattr(system.units, name)) for name in unit_fields]
    arrays += [("load_mw", system.load_mw), ("renewables.available_mw", system.renewables.available_mw)]
    arrays += [("renewables.lower_mw", system.renewables.lower_mw)]
    if system.reserve_mw is not None:
        arrays.append(("reserve_mw", system.reserve_mw))
    for field, value in arrays:
        if isinstance(value, np.ndarray) and not np.isfinite(value.astype(np.float64)).all():
            yield field, "NaN or infinite", "must be finite numbers"
    prices = ("shed_price", "spill_price", "line_slack_price", "reserve_slack_price")
    for name in (f"{price}_usd_per_mwh" for price in prices):
        value = getattr(system, name)
        if not (np.isfinite(value) and value >= 0):
            yield name, value, "must be a finite number >= 0"
    if not (np.isfinite(system.period_h) and system.period_h > 0):
        yield "period_h", system.period_h, "must be a finite number > 0"


def _where(units: ThermalUnits, wrong: NDArray[np.bool_], field: str, allowed: str) -> Iterator[_Found]:
    for g in np.flatnonzero(wrong):
        yield f"units.{units.names[g]}.{field}", getattr(units, field)[g], allowed


def _unit_values(units: ThermalUnits) -> Iterator[_Found]:
    positive = ("p_min_mw", "min_up_h", "min_down_h", "shut_down_usd", "ramp_up_mw_per_h", "ramp_down_mw_per_h")
    for field in positive:
        yield from _where(units, getattr(units, field) < 0, field, "must be >= 0")
    yield from _where(units, units.p_min_mw > units.p_max_mw, "p_min_mw", "must not exceed p_max_mw")
    for field in ("start_up_ramp_mw", "shut_down_ramp_mw"):
        below = getattr(units, field) < units.p_min_mw - _TOLERANCE
        yield from _where(units, below, field, "must be at least p_min_mw: the unit could never start or stop")


def _initial_state(units: ThermalUnits) -> Iterator[_Found]:
    on, output = units.initially_on, units.initial_output_mw
    yield from _where(units, units.initial_on_h == 0, "initial_on_h", "must be hours on (> 0) or off (< 0)")
    yield from _where(units, ~on & (np.abs(output) > _TOLERANCE), "initial_output_mw", "must be 0 for a unit that is off")
    outside = on & ((output < units.p_min_mw - _TOLERANCE) | (output > units.p_max_mw + _TOLERANCE))
    yield from _where(units, outside, "initial_output_mw", "must lie between p_min_mw and p_max_mw")
    held_off = units.must_run & ~on & (-units.initial_on_h < units.min_down_h)
    yield from _where(units, held_off, "must_run", "the unit is still held off by min_down_h")


def _curves(units: ThermalUnits) -> Iterator[_Found]:
    for g, curve in enumerate(units.cost_curves):
        field = f"units.{units.names[g]}.cost_curve"
        if curve.mw.size != curve.usd_per_h.size or curve.mw.size == 0:
            yield field, f"{curve.mw.size} and {curve.usd_per_h.size} points", "must have one cost per output"
        elif not (np.isfinite(curve.mw).all() and np.isfinite(curve.usd_per_h).all()):
            yield field, "NaN or infinite", "must be finite numbers"
        elif (np.diff(curve.mw) <= 0).any():
            yield field, curve.mw.tolist(), "outputs must increase"
        elif (np.diff(curve.slopes_usd_per_mwh) < -1e-6 * (1 + np.abs(curve.slopes_usd_per_mwh[:-1]))).any():
            yield field, curve.slopes_usd_per_mwh.tolist(), "slopes must not fall (convex cost)"
        elif not np.allclose([curve.mw[0], curve.mw[-1]], [units.p_min_mw[g], units.p_max_mw[g]], atol=1e-4):
            yield field, [curve.mw[0], curve.mw[-1]], "must reach from p_min_mw to p_max_mw"


def _start_ups(units: ThermalUnits) -> Iterator[_Found]:
    for g, start_up in enumerate(units.start_up):
        field, lag, cost = f"units.{units.names[g]}.start_up", start_up.lag_h, start_up.cost_usd
        if lag.size != cost.size or lag.size == 0:
            yield field, f"{lag.size} lags and {cost.size} costs", "must have at least one lag, and one cost per lag"
        elif not (np.isfinite(lag).all() and np.isfinite(cost).all()) or cost[0] < 0:
            yield field, cost.tolist(), "must be finite costs >= 0"
        elif (np.diff(lag) <= 0).any() or (np.diff(cost) < 0).any():
            yield field, f"{lag.tolist()} h, {cost.tolist()} USD", "lags must increase, and costs must not fall"


def _profiles(system: PowerSystem) -> Iterator[_Found]:
    renewables = system.renewables
    for w in np.flatnonzero((renewables.lower_mw > renewables.available_mw + _TOLERANCE).any(axis=1)):
        yield f"renewables.{renewables.names[w]}.lower_mw", "above available_mw", "must not exceed available_mw"
    for w in np.flatnonzero((renewables.lower_mw < 0).any(axis=1)):
        yield f"renewables.{renewables.names[w]}.lower_mw", renewables.lower_mw[w].min(), "must be >= 0"
    for field, bus in (("units.bus", system.units.bus), ("renewables.bus", renewables.bus)):
        if bus.size and (bus.min() < 0 or bus.max() >= len(system.buses)):
            yield field, f"{bus.min()}..{bus.max()}", f"must be indices of buses, 0..{len(system.buses) - 1}"
    if system.reserve_mw is not None and (system.reserve_mw < 0).any():
        yield "reserve_mw", system.reserve_mw.min(), "must be >= 0"
    if (system.total_load_mw < 0).any():
        yield "load_mw", system.total_load_mw.min(), "the load of the system must be >= 0"


def _grid(system: PowerSystem) -> Iterator[_Found]:
    network = system.network
    if network is None:
        return
    ends = np.concatenate([network.from_bus, network.to_bus])
    if ends.size and (ends.min() < 0 or ends.max() >= len(system.buses)):
        yield "network.from_bus, to_bus", f"{ends.min()}..{ends.max()}", f"must be 0..{len(system.buses) - 1}"
        return
    for line in np.flatnonzero(~np.isfinite(network.susceptance_mw_per_rad) | (network.susceptance_mw_per_rad == 0)):
        yield f"network.{network.ids[line]}.susceptance", network.susceptance_mw_per_rad[line], "must be finite and not 0"
    for line in np.flatnonzero(~(network.limits_mw >= 0)):
        yield f"network.{network.ids[line]}.limits_mw", network.limits_mw[line], "must be >= 0 (inf: no limit)"
    apart = np.flatnonzero(islands(network, len(system.buses)) != 0)
    if apart.size:
        names = ", ".join(system.buses[b] for b in apart[:5])
        yield "network", f"{apart.size} buses apart: {names}", f"the grid must be connected to bus {system.buses[0]}"
