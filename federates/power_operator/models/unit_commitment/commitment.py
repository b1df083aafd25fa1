"""Unit commitment as rows and columns of a `LinearModel`; line limits come lazily (`LazyLines`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.commitment_columns import Commitment, Indices, Injection
from federates.power_operator.models.unit_commitment.formulations.damci_kurt_2016 import add_ramp_limits
from federates.power_operator.models.unit_commitment.formulations.knueven_2018 import add_production_cost
from federates.power_operator.models.unit_commitment.formulations.morales_espana_2013 import (
    add_generation_limits,
    add_start_up_categories,
    may_stop_first,
)
from federates.power_operator.models.unit_commitment.formulations.rajan_takriti_2005 import add_commitment_logic, on_bounds
from federates.power_operator.models.unit_commitment.formulations.unit_columns import UnitColumns, UnitPeriods, unit_periods
from federates.power_operator.models.unit_commitment.lazy_lines import LazyLines, LazyLinesOptions
from federates.power_operator.models.unit_commitment.system import PowerSystem

__all__ = ["Commitment", "Injection", "LazyLines", "LazyLinesOptions", "add_commitment"]


def add_commitment(
    model: LinearModel, system: PowerSystem, injections: Sequence[Injection] = (), integer_events: bool = False
) -> Commitment:
    """Add the commitment of ``system`` with its costs to ``model``; line limits are left to `LazyLines`.

    Start and stop variables are continuous unless ``integer_events``: with the on variables integer they take
    integer values by themselves, because each costs at least nothing and their difference is integer.
    """
    data = unit_periods(system)
    columns = _add_unit_columns(model, system, data, integer_events)
    add_commitment_logic(model, columns, data)
    add_generation_limits(model, system, columns, data)
    add_ramp_limits(model, system, columns, data)
    segments = add_production_cost(model, system, columns, data)
    start_up = add_start_up_categories(model, system, columns, data)
    model.add_cost(columns.stop, system.units.shut_down_usd[:, None])
    renewable = model.variables(
        "renewable_mw", system.renewables.available_mw.shape, system.renewables.lower_mw, system.renewables.available_mw
    )
    shed, spill, balance = _add_balance(model, system, columns, renewable, injections)
    short, reserve = _add_reserve(model, system, columns)
    return Commitment(
        system, tuple(injections), columns.on, columns.start, columns.stop, columns.output_mw, segments, start_up,
        renewable, shed, spill, balance, columns.reserve_mw, short, reserve,
    )  # fmt: skip


def _add_unit_columns(model: LinearModel, system: PowerSystem, data: UnitPeriods, integer_events: bool) -> UnitColumns:
    units, shape = system.units, (system.units.count, system.periods)
    lower, upper = on_bounds(data, units.must_run, system.periods)
    stop_upper = np.ones(shape)
    stop_upper[:, 0] = may_stop_first(system, data)
    on = model.variables("on", shape, lower, upper, integer=True)
    start = model.variables("start", shape, upper=1.0, integer=integer_events)
    stop = model.variables("stop", shape, upper=stop_upper, integer=integer_events)
    output = model.variables("output_mw", shape, upper=units.p_max_mw[:, None])
    reserve = None
    if _has_reserve(system):
        reserve = model.variables("reserve_mw", shape, upper=(units.p_max_mw - units.p_min_mw)[:, None])
    return UnitColumns(on, start, stop, output, reserve)


def _has_reserve(system: PowerSystem) -> bool:
    return system.reserve_mw is not None and bool((system.reserve_mw > 0).any())


def _add_balance(
    model: LinearModel, system: PowerSystem, columns: UnitColumns, renewable: Indices, injections: Sequence[Injection]
) -> tuple[Indices, Indices, Indices]:
    """Add supply = load with load shed and energy spilled at their prices; return their columns and the rows."""
    load, hours, units_mw = system.total_load_mw, system.period_h, float(system.units.p_max_mw.sum())
    shed = model.variables("shed_mw", system.periods, upper=np.maximum(load, 0.0), cost=system.shed_price_usd_per_mwh * hours)
    greatest = np.maximum(load, 0.0) - load + units_mw + system.renewables.available_mw.sum(axis=0)
    for injection in injections:
        low, high = model.bounds(injection.index)
        greatest = greatest + np.maximum(injection.sign * low, injection.sign * high)
    spill_usd = system.spill_price_usd_per_mwh * hours
    spill = model.variables("spill_mw", system.periods, upper=np.maximum(greatest, 0.0), cost=spill_usd)
    terms: list[Term] = [(1.0, shed), (-1.0, spill), (1.0, columns.output_mw.T), (1.0, renewable.T)]
    terms += [(injection.sign, injection.index) for injection in injections]
    return shed, spill, model.rows("balance", terms, lower=load, upper=load)


def _add_reserve(model: LinearModel, system: PowerSystem, columns: UnitColumns) -> tuple[Indices | None, Indices | None]:
    """Add the spinning reserve requirement with a priced shortfall."""
    if columns.reserve_mw is None or system.reserve_mw is None:
        return None, None
    price = system.reserve_slack_price_usd_per_mwh * system.period_h
    short = model.variables("reserve_short_mw", system.periods, upper=system.reserve_mw, cost=price)
    return short, model.rows("reserve", [(1.0, short), (1.0, columns.reserve_mw.T)], lower=system.reserve_mw)
