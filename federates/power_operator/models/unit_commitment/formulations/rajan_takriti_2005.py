"""Three-binary logic and minimum up and down times.

Rajan and Takriti 2005, "Minimum up/down polytopes of the unit commitment problem with start-up costs", IBM Research
Report RC23628: the convex hull of the on, start and stop variables of one unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.formulations.unit_columns import (
    UnitColumns,
    UnitPeriods,
    previous_period,
    window,
)

Values = NDArray[np.float64]


def on_bounds(data: UnitPeriods, must_run: NDArray[np.bool_], periods: int) -> tuple[Values, Values]:
    """Return bounds (G, T) of the on variables from must-run and the time left in the initial state."""
    time = np.arange(periods)
    on = data.initial_on[:, None] > 0
    held_on = on & (time < (data.min_up - data.initial_on)[:, None])
    held_off = ~on & (time < (data.min_down + data.initial_on)[:, None])
    lower = np.maximum(held_on, must_run[:, None]).astype(np.float64)
    return lower, np.where(held_off, 0.0, 1.0)


def add_commitment_logic(model: LinearModel, columns: UnitColumns, data: UnitPeriods) -> None:
    """Add u_t - u_{t-1} = y_t - z_t and the turn on/off inequalities (eqs. 3 and 4).

    The windows of the inequalities end at the first period; what came before it is in the bounds of the on
    variables (`on_bounds`).
    """
    on, start, stop = columns.on, columns.start, columns.stop
    initial = np.zeros(on.shape)
    initial[:, 0] = data.initial_on > 0
    terms = [(1.0, on), (-1.0, previous_period(on)), (-1.0, start), (1.0, stop)]
    model.rows("commitment_logic", terms, lower=initial, upper=initial)
    model.rows("min_up_time", [(1.0, window(start, data.min_up)), (-1.0, on)], upper=0.0)
    model.rows("min_down_time", [(1.0, window(stop, data.min_down)), (1.0, on)], upper=1.0)
