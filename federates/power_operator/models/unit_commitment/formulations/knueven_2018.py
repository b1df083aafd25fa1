"""Piecewise-linear production cost.

Knueven, Ostrowski and Watson 2018, "Exploiting identical generators in unit commitment", IEEE Transactions on Power
Systems 33(4), doi:10.1109/TPWRS.2017.2783850.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.formulations.unit_columns import UnitColumns, UnitPeriods, next_period
from federates.power_operator.models.unit_commitment.system import PowerSystem

Values = NDArray[np.float64]


def add_production_cost(model: LinearModel, system: PowerSystem, columns: UnitColumns, data: UnitPeriods) -> NDArray[np.int64]:
    """Add output = p_min u + sum of the segments, each at its slope, and return the segments' columns (K, T).

    A segment is at most its width times u, less what lies above the start-up capability in the period of a start
    and above the shut-down capability in the last period on (eqs. 19d to 19h), so that the relaxation is as tight as
    the generation limits are.
    """
    units, hours = system.units, system.period_h
    at_minimum = np.array([curve.usd_per_h[0] for curve in units.cost_curves])
    model.add_cost(columns.on, at_minimum[:, None] * hours)
    unit = np.concatenate([np.full(curve.widths_mw.size, g) for g, curve in enumerate(units.cost_curves)] or [np.empty(0)])
    unit = unit.astype(np.int64)
    width, slope, bottom = _joined(system)
    names = (unit.size, system.periods)
    index = model.variables("segment_mw", names, upper=width[:, None], cost=slope[:, None] * hours)
    _add_output(model, system, columns, index, unit)

    top = bottom + width
    start_loss = np.clip(top - data.start_up_mw[unit], 0.0, width)[:, None]
    stop_loss = np.clip(top - data.shut_down_mw[unit], 0.0, width)[:, None]
    longer = data.min_up[unit] >= 2
    both = ~longer & (np.minimum(start_loss, stop_loss)[:, 0] > 0)
    for name, chosen, start, stop in (
        ("segment_limit", ~both & longer, start_loss, stop_loss),
        ("segment_limit_start", ~longer, start_loss, np.maximum(stop_loss - start_loss, 0.0)),
        ("segment_limit_stop", both, np.maximum(start_loss - stop_loss, 0.0), stop_loss),
    ):
        terms: list[Term] = [(1.0, index[chosen]), (-width[chosen, None], columns.on[unit[chosen]])]
        terms.append((start[chosen], columns.start[unit[chosen]]))
        terms.append((stop[chosen], next_period(columns.stop)[unit[chosen]]))
        model.rows(name, terms, upper=0.0)
    return index


def _joined(system: PowerSystem) -> tuple[Values, Values, Values]:
    """Return width, slope and lower end of all units' segments, each (K,)."""
    curves = system.units.cost_curves
    none = [np.empty(0)]
    return (
        np.concatenate([curve.widths_mw for curve in curves] or none),
        np.concatenate([curve.slopes_usd_per_mwh for curve in curves] or none),
        np.concatenate([curve.mw[:-1] for curve in curves] or none),
    )


def _add_output(
    model: LinearModel, system: PowerSystem, columns: UnitColumns, index: NDArray[np.int64], unit: NDArray[np.int64]
) -> None:
    counts = np.bincount(unit, minlength=system.units.count)
    own = np.full((system.units.count, system.periods, int(counts.max(initial=0))), -1, dtype=np.int64)
    position = np.arange(unit.size) - np.repeat(np.cumsum(counts) - counts, counts)
    own[unit, :, position] = index
    terms: list[Term] = [(1.0, columns.output_mw), (-system.units.p_min_mw[:, None], columns.on)]
    if own.shape[2]:
        terms.append((-1.0, own))
    model.rows("output_of_segments", terms, lower=0.0, upper=0.0)
