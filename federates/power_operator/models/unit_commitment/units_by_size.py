"""Commitment data of units by their size, for a case that has no file of units.

A MATPOWER or PGLib case says what a unit costs and gives, not how long it stays on or what a start costs. Its minimum output and,
where it has them, its start-up costs are taken; the rest follows from the class of its maximum output. A class has the medians of
the 118-bus table of IIT (`scenarios/ieee118/calibration/public/iit_units.csv`); start-up costs go with the size inside a class.

What is no thermal unit is made to fit: a minimum below 0 (a unit that may also take power) becomes 0, and a unit that never gives
power (maximum of 0 or less: a synchronous condenser, a dispatchable load) is left out, for the balance is in active power.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.matpower import MatpowerCase

__all__ = ["columns_by_size", "giving_units"]

Array = NDArray[np.float64]

_UP_TO_MW = np.array([50.0, 100.0, 400.0])  # larger units are the fourth class
_TIME_H = np.array([1.0, 5.0, 8.0, 10.0])  # least time on and off; in IIT's table they are equal
_START_UP_USD_PER_MW = np.array([4 / 3, 0.5, 0.4, 250 / 420])
_RAMP_SHARE_PER_H = 0.5


def giving_units(case: MatpowerCase) -> MatpowerCase:
    """Return the case with the units that can give power, from 0 MW or more."""
    kept = np.flatnonzero(case.p_max_mw > 0)
    return replace(
        case,
        row=case.row[kept],
        unit_bus=case.unit_bus[kept],
        p_min_mw=np.maximum(case.p_min_mw[kept], 0.0),
        p_max_mw=case.p_max_mw[kept],
        start_up_usd=case.start_up_usd[kept],
        shut_down_usd=case.shut_down_usd[kept],
        gencost=tuple(case.gencost[g] for g in kept),
    )


def columns_by_size(case: MatpowerCase) -> dict[str, Array]:
    """Return the columns of a file of units, each (G,). All units have been on just long enough to stop."""
    size = np.searchsorted(_UP_TO_MW, case.p_max_mw)
    by_rule_usd = _START_UP_USD_PER_MW[size] * case.p_max_mw
    return {
        "p_min_mw": case.p_min_mw,
        "ramp_share_per_h": np.full(case.p_max_mw.shape, _RAMP_SHARE_PER_H),
        "min_up_h": _TIME_H[size],
        "min_down_h": _TIME_H[size],
        "start_up_usd": np.where(case.start_up_usd > 0, case.start_up_usd, by_rule_usd),
        "initial_on_h": _TIME_H[size],
    }
