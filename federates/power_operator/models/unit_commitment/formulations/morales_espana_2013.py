"""Generation limits with start-up and shut-down capabilities, and start-up categories.

Morales-España, Latorre and Ramos 2013, "Tight and compact MILP formulation for the thermal unit commitment problem",
IEEE Transactions on Power Systems 28(4), doi:10.1109/TPWRS.2013.2251373.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.formulations.unit_columns import UnitColumns, UnitPeriods, next_period
from federates.power_operator.models.unit_commitment.system import PowerSystem

Values = NDArray[np.float64]
Indices = NDArray[np.int64]


def _output(columns: UnitColumns) -> list[Indices]:
    return [columns.output_mw] if columns.reserve_mw is None else [columns.output_mw, columns.reserve_mw]


def add_generation_limits(model: LinearModel, system: PowerSystem, columns: UnitColumns, data: UnitPeriods) -> None:
    """Add the largest output with reserve (eqs. 9 to 11) and the smallest, in terms of the total output.

    With a minimum up time of two periods or more a unit cannot start in t and stop in t + 1, so that both
    capabilities fit in one row (eq. 11). Otherwise there is a row for each (eqs. 9 and 10); the capability of the
    other event is in it with what it is lower, as tightened by Gentile, Morales-España and Ramos 2017
    (doi:10.1007/s13675-016-0066-y).
    """
    units = system.units
    start_loss = (units.p_max_mw - data.start_up_mw)[:, None]
    stop_loss = (units.p_max_mw - data.shut_down_mw)[:, None]
    longer = data.min_up >= 2
    for name, chosen, start, stop in (
        ("generation_limit", longer, start_loss, stop_loss),
        ("generation_limit_start", ~longer, start_loss, np.maximum(stop_loss - start_loss, 0.0)),
        ("generation_limit_stop", ~longer, np.maximum(start_loss - stop_loss, 0.0), stop_loss),
    ):
        terms: list[Term] = [(1.0, index[chosen]) for index in _output(columns)]
        terms.append((-units.p_max_mw[chosen, None], columns.on[chosen]))
        terms.append((start[chosen], columns.start[chosen]))
        terms.append((stop[chosen], next_period(columns.stop)[chosen]))
        model.rows(name, terms, upper=0.0)
    lowest: list[Term] = [(1.0, columns.output_mw), (-units.p_min_mw[:, None], columns.on)]
    model.rows("generation_minimum", lowest, lower=0.0)


def may_stop_first(system: PowerSystem, data: UnitPeriods) -> NDArray[np.bool_]:
    """Return whether each unit may stop in the first period: its initial output is within the capability, (G,)."""
    return ~system.units.initially_on | (system.units.initial_output_mw <= data.shut_down_mw + 1e-6)


class StartUpColumns:
    """Columns (K, T) of the start-up categories; ``unit`` (K,) and ``cost_usd`` (K,) say whose and at what cost."""

    def __init__(self, index: Indices, unit: Indices, cost_usd: Values) -> None:
        self.index = index
        self.unit = unit
        self.cost_usd = cost_usd


def add_start_up_categories(model: LinearModel, system: PowerSystem, columns: UnitColumns, data: UnitPeriods) -> StartUpColumns:
    """Add the choice of the start-up category by the time off (eqs. 2 and 3) at its cost, for units with several.

    A start can be of a category but the last only if the unit stopped within its range of hours; the last costs
    most, so that a start falls in it only where no other fits. Stops before the first period count through the
    initial state.
    """
    several = [g for g in range(system.units.count) if system.units.start_up[g].lag_h.size > 1]
    periods = system.periods
    unit = np.array([g for g in several for _ in system.units.start_up[g].lag_h], dtype=np.int64)
    cost = np.array([c for g in several for c in system.units.start_up[g].cost_usd])
    index = model.variables("start_up_category", (unit.size, periods), upper=1.0, cost=cost[:, None])
    for g in range(system.units.count):
        if g not in several:
            model.add_cost(columns.start[g], system.units.start_up[g].cost_usd[0])
    for g in several:
        own = index[unit == g]
        model.rows(f"start_up_choice {system.units.names[g]}", [(1.0, own.T), (-1.0, columns.start[g])], 0.0, 0.0)
        lag = np.maximum(system.whole_periods(system.units.start_up[g].lag_h), 1)
        name = f"start_up_window {system.units.names[g]}"
        for c in range(lag.size - 1):
            stops, before = _stops_within(columns.stop[g], int(lag[c]), int(lag[c + 1]), int(data.initial_on[g]))
            model.rows(name, [(1.0, own[c]), (-1.0, stops)], upper=before)
    return StartUpColumns(index, unit, cost)


def _stops_within(stop: Indices, first: int, end: int, initial_on: int) -> tuple[Indices, Values]:
    """Return the stops (T, end - first) that make a start ``first`` to ``end - 1`` periods later, and the initial one."""
    time = np.arange(stop.size)
    source = time[:, None] - np.arange(first, max(end, first + 1))
    columns = np.where(source >= 0, stop[np.maximum(source, 0)], -1)
    off = time - initial_on  # periods off at a start in t, for a unit that was off from the beginning
    before = (initial_on < 0) & (off >= first) & (off < end)
    return columns, before.astype(np.float64)
