"""A solution of a commitment in plain arrays, its cost by kind, and a report of what cannot hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.commitment_columns import Commitment
from federates.power_operator.models.unit_commitment.lazy_lines import LazyLines
from federates.power_operator.models.unit_commitment.system import PowerSystem

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of a schedule in USD: (G, T) for the units, (T,) for shed, spill and missing reserve, (L, T) for lines."""

    production_usd: Values
    start_up_usd: Values
    shut_down_usd: Values
    shed_usd: Values
    spill_usd: Values
    reserve_slack_usd: Values
    line_slack_usd: Values

    @property
    def operating_usd(self) -> float:
        """Production, start-ups and shut-downs."""
        return float(self.production_usd.sum() + self.start_up_usd.sum() + self.shut_down_usd.sum())

    @property
    def slack_usd(self) -> float:
        """Price paid for load shed, energy spilled, reserve missing and lines over their limit."""
        parts = (self.shed_usd, self.spill_usd, self.reserve_slack_usd, self.line_slack_usd)
        return float(sum(part.sum() for part in parts))

    @property
    def total_usd(self) -> float:
        """Operating cost and slacks: the objective of the commitment."""
        return self.operating_usd + self.slack_usd


@dataclass(frozen=True, slots=True)
class Schedule:
    """Plan of a power system: units (G, T), renewables (W, T), system (T,), lines (L, T), buses (B, T).

    ``injected_mw`` is what anything outside the commitment (storage) injects, negative for withdrawal;
    ``line_slack_mw`` is the flow over the limit.
    """

    on: Flags
    start: Flags
    stop: Flags
    output_mw: Values
    reserve_mw: Values
    renewable_mw: Values
    injected_mw: Values
    shed_mw: Values
    spill_mw: Values
    reserve_short_mw: Values
    line_flow_mw: Values
    line_slack_mw: Values
    costs: Costs


def schedule_of(commitment: Commitment, lines: LazyLines, values: Values) -> Schedule:
    """Return the schedule in ``values``, a solution of a model with ``commitment`` whose lines ``lines`` hold."""
    system = commitment.system
    on, start, stop = (values[index] > 0.5 for index in (commitment.on, commitment.start, commitment.stop))
    output = np.where(on, values[commitment.output_mw], 0.0)
    none_unit, none_period = np.zeros(on.shape), np.zeros(system.periods)
    reserve = none_unit if commitment.reserve_mw is None else values[commitment.reserve_mw]
    short = none_period if commitment.reserve_short_mw is None else values[commitment.reserve_short_mw]
    injected = np.zeros(system.load_mw.shape)
    for injection in commitment.injections:
        index = np.asarray(injection.index)
        injected[injection.bus] += injection.sign * np.where(index >= 0, values[index], 0.0)
    overload = lines.overload_mw(values)
    shed, spill = values[commitment.shed_mw], values[commitment.spill_mw]
    costs = Costs(
        production_usd=_production_usd(system, on, output),
        start_up_usd=_start_up_usd(commitment, values),
        shut_down_usd=stop * system.units.shut_down_usd[:, None],
        shed_usd=shed * system.shed_price_usd_per_mwh * system.period_h,
        spill_usd=spill * system.spill_price_usd_per_mwh * system.period_h,
        reserve_slack_usd=short * system.reserve_slack_price_usd_per_mwh * system.period_h,
        line_slack_usd=overload * lines.price_usd_per_mwh[:, None] * system.period_h,
    )
    renewable = values[commitment.renewable_mw]
    flow = lines.flows_mw(values)
    return Schedule(on, start, stop, output, reserve, renewable, injected, shed, spill, short, flow, overload, costs)


def _production_usd(system: PowerSystem, on: Flags, output_mw: Values) -> Values:
    cost = [curve.cost_usd_per_h(output_mw[g]) for g, curve in enumerate(system.units.cost_curves)]
    return np.array(cost).reshape(on.shape) * on * system.period_h


def _start_up_usd(commitment: Commitment, values: Values) -> Values:
    units, categories = commitment.system.units, commitment.start_up
    single = np.array([start_up.cost_usd[0] if start_up.lag_h.size == 1 else 0.0 for start_up in units.start_up])
    cost = np.round(values[commitment.start]) * single[:, None] if units.count else np.zeros(commitment.start.shape)
    np.add.at(cost, categories.unit, values[categories.index] * categories.cost_usd[:, None])
    return cost


def slack_report(system: PowerSystem, schedule: Schedule, tolerance_mw: float = 1e-3) -> list[str]:
    """Return, one line each, the constraints that the plan pays for instead of holding them, by name and period."""
    report = []
    for text, slack in (
        ("balance: load of {:.3f} MW is not served", schedule.shed_mw),
        ("balance: {:.3f} MW have nowhere to go", schedule.spill_mw),
        ("reserve: {:.3f} MW are missing", schedule.reserve_short_mw),
    ):
        report += [f"period {t}: " + text.format(slack[t]) for t in np.flatnonzero(slack > tolerance_mw)]
    if system.network is not None:
        for line, t in np.argwhere(schedule.line_slack_mw > tolerance_mw):
            name, over = system.network.ids[line], schedule.line_slack_mw[line, t]
            ends = f"{system.buses[system.network.from_bus[line]]}-{system.buses[system.network.to_bus[line]]}"
            report.append(f"period {t}: line {name} ({ends}): flow is {over:.3f} MW over the limit")
    return report
