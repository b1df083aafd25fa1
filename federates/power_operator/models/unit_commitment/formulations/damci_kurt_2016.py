"""Ramp limits.

Damcı-Kurt, Küçükyavuz, Rajan and Atamtürk 2016, "A polyhedral study of production ramping", Mathematical Programming
158, doi:10.1007/s10107-015-0919-9.
"""

from __future__ import annotations

import numpy as np

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.formulations.unit_columns import UnitColumns, UnitPeriods, previous_period
from federates.power_operator.models.unit_commitment.system import PowerSystem


def add_ramp_limits(model: LinearModel, system: PowerSystem, columns: UnitColumns, data: UnitPeriods) -> None:
    """Add the ramp-up and ramp-down inequalities (eqs. 3 and 18) for units that they can bind.

    p_t + r_t - p_{t-1} <= (SU - R - p_min) y_t + (R + p_min) u_t - p_min u_{t-1}, and the same in reverse; reserve
    is held within the ramp. The ramp counts from output above the minimum, as in Morales-España et al. 2013, eqs.
    12 and 13. Where the ramp reaches from minimum to maximum output, the generation limits already say all of it.
    """
    units = system.units
    range_mw = units.p_max_mw - units.p_min_mw
    on_before = units.initially_on.astype(np.float64)
    above_before = np.where(units.initially_on, units.initial_output_mw - units.p_min_mw, 0.0)
    previous_on, previous_output = previous_period(columns.on), previous_period(columns.output_mw)

    up = data.ramp_up_mw < range_mw - 1e-9
    rise, p_min = data.ramp_up_mw[up, None], units.p_min_mw[up, None]
    terms: list[Term] = [(1.0, columns.output_mw[up]), (-1.0, previous_output[up])]
    if columns.reserve_mw is not None:
        terms.append((1.0, columns.reserve_mw[up]))
    terms += [(-p_min - rise, columns.on[up]), (p_min, previous_on[up])]
    terms.append((p_min + rise - data.start_up_mw[up, None], columns.start[up]))
    bound = np.zeros((int(up.sum()), system.periods))
    bound[:, 0] = above_before[up]
    model.rows("ramp_up", terms, upper=bound)

    down = data.ramp_down_mw < range_mw - 1e-9
    fall, p_min = data.ramp_down_mw[down, None], units.p_min_mw[down, None]
    terms = [(1.0, previous_output[down]), (-1.0, columns.output_mw[down]), (p_min, columns.on[down])]
    terms.append((-p_min - fall, previous_on[down]))
    terms.append((p_min + fall - data.shut_down_mw[down, None], columns.stop[down]))
    bound = np.zeros((int(down.sum()), system.periods))
    bound[:, 0] = (on_before * data.ramp_down_mw - above_before)[down]
    model.rows("ramp_down", terms, upper=bound)
