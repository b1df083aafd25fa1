"""Rows of the operator's result tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.boundary.roles import Recorder
from federates.power_operator.models.unit_commitment.dispatch import PeriodResult, StoragePlan
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.schedule import Schedule
from federates.power_operator.models.unit_commitment.system import PowerSystem

Array = NDArray[np.float64]


def period_cost_usd(schedule: Schedule) -> Array:
    """Return the cost of each period, (T,): production, starts, stops and slacks."""
    costs = schedule.costs
    per_unit = (costs.production_usd, costs.start_up_usd, costs.shut_down_usd, costs.line_slack_usd)
    return np.asarray(
        sum((part.sum(axis=0) for part in per_unit), np.zeros(schedule.on.shape[1]))
        + costs.shed_usd
        + costs.spill_usd
        + costs.reserve_slack_usd
    )


def end_state_usd(fleet: StorageFleet, storage: StoragePlan) -> float:
    """Return what is paid for capacity (MW) and energy (MWh) that are not where they must be after the last period."""
    return sum(amount for _, amount in _ends_missed(fleet, storage)) * fleet.end_slack_usd_per_mwh


def end_state_report(fleet: StorageFleet, storage: StoragePlan, tolerance: float = 1e-3) -> list[str]:
    """Return, one line each, the end states that the plan pays for instead of meeting them."""
    return [f"end state: {what}: {amount:.3f} off" for what, amount in _ends_missed(fleet, storage) if amount > tolerance]


def _ends_missed(fleet: StorageFleet, storage: StoragePlan) -> list[tuple[str, float]]:
    parts = (
        ("capacity (MW) of station", fleet.stations, storage.capacity_mw, fleet.end_capacity_mw),
        ("energy (MWh) of station", fleet.stations, storage.energy_mwh, fleet.end_energy_mwh),
        ("capacity (MW) of train", fleet.trains, storage.train_capacity_mw, fleet.train_end_capacity_mw),
        ("energy (MWh) of train", fleet.trains, storage.train_energy_mwh, fleet.train_end_energy_mwh),
    )
    return [
        (f"{what} {name}", abs(float(held[i, -1] - wanted[i])))
        for what, names, held, wanted in parts
        for i, name in enumerate(names)
    ]


def record_costs(
    recorder: Recorder,
    phase: str,
    period: int,
    schedules: list[Schedule],
    throughput_usd: float,
    end_slack_usd: float,
    first: int,
) -> None:
    """Write one row of `plan_costs`; of the schedules, only period ``first`` counts (-1: all periods)."""

    def total(part: Array) -> float:
        return float(part[..., first].sum() if first >= 0 else part.sum())

    costs = [schedule.costs for schedule in schedules]
    parts = {
        "production_usd": sum(total(c.production_usd) for c in costs),
        "start_up_usd": sum(total(c.start_up_usd) for c in costs),
        "shut_down_usd": sum(total(c.shut_down_usd) for c in costs),
        "throughput_usd": throughput_usd,
        "slack_usd": end_slack_usd
        + sum(total(c.shed_usd) + total(c.spill_usd) + total(c.reserve_slack_usd) + total(c.line_slack_usd) for c in costs),
    }
    recorder.record("plan_costs", phase=phase, period=period, **parts, total_usd=float(sum(parts.values())))


def record_period(
    recorder: Recorder,
    period: int,
    forecast: PowerSystem,
    actual: tuple[Array, Array],
    fleet: StorageFleet,
    planned: tuple[Schedule, StoragePlan, int],
    result: PeriodResult,
) -> None:
    """Write what was planned and what was carried out in ``period``; ``planned`` has the plan and the period it begins with."""
    plan, plan_storage, plan_start = planned
    t = period - plan_start
    _record_balance(recorder, period, forecast, actual, (plan, plan_storage, t), result)
    units = forecast.units
    for g, name in enumerate(units.names):
        recorder.record(
            "unit_dispatch",
            period=period,
            unit=name,
            bus=forecast.buses[units.bus[g]],
            on=bool(result.schedule.on[g, 0]),
            planned_mw=float(plan.output_mw[g, t]),
            output_mw=float(result.schedule.output_mw[g, 0]),
        )
    _record_storage(recorder, period, fleet, plan_storage, t, result.storage)
    _record_lines(recorder, period, forecast, result.schedule)
    for bus, load_mw, price in zip(forecast.buses, actual[0][:, period], result.bus_price_usd_per_mwh, strict=True):
        recorder.record("bus_prices", period=period, bus=bus, load_mw=float(load_mw), price_usd_per_mwh=float(price))


def record_grid(recorder: Recorder, system: PowerSystem, fleet: StorageFleet) -> None:
    """Write what stands where: lines, thermal units, renewables and storage stations."""

    def add(kind: str, name: str, bus: int, to_bus: str = "", limit_mw: float = np.inf) -> None:
        limit = float(limit_mw) if np.isfinite(limit_mw) else -1.0
        recorder.record("grid", kind=kind, name=name, bus=system.buses[bus], to_bus=to_bus, limit_mw=limit)

    if system.network is not None:
        for line, (name, start, end) in enumerate(
            zip(system.network.ids, system.network.from_bus, system.network.to_bus, strict=True)
        ):
            add("line", name, start, system.buses[end], system.network.limits_mw[line])
    for g, name in enumerate(system.units.names):
        add("unit", name, system.units.bus[g], limit_mw=system.units.p_max_mw[g])
    for w, name in enumerate(system.renewables.names):
        add("renewable", name, system.renewables.bus[w], limit_mw=system.renewables.available_mw[w].max(initial=0.0))
    for s, name in enumerate(fleet.stations):
        add("station", name, fleet.bus[s], limit_mw=fleet.capacity_mw[s])


def _record_balance(
    recorder: Recorder,
    period: int,
    forecast: PowerSystem,
    actual: tuple[Array, Array],
    planned: tuple[Schedule, StoragePlan, int],
    result: PeriodResult,
) -> None:
    plan, plan_storage, t = planned
    storage = result.storage
    recorder.record(
        "power_balance",
        period=period,
        forecast_load_mw=float(forecast.load_mw[:, period].sum()),
        load_mw=float(actual[0][:, period].sum()),
        forecast_renewable_mw=float(forecast.renewables.available_mw[:, period].sum()),
        available_renewable_mw=float(actual[1][:, period].sum()),
        planned_renewable_mw=float(plan.renewable_mw[:, t].sum()),
        renewable_mw=float(result.schedule.renewable_mw[:, 0].sum()),
        planned_storage_mw=float((plan_storage.discharge_mw - plan_storage.charge_mw)[:, t].sum()),
        storage_mw=float((storage.discharge_mw - storage.charge_mw)[:, 0].sum()),
        shed_mw=float(result.schedule.shed_mw[0]),
        spill_mw=float(result.schedule.spill_mw[0]),
        price_usd_per_mwh=float((forecast.load_share[:, period] * result.bus_price_usd_per_mwh).sum()),
        planned_cost_usd=float(period_cost_usd(plan)[t]),
        cost_usd=result.cost_usd,
    )


def _record_storage(
    recorder: Recorder, period: int, fleet: StorageFleet, plan: StoragePlan, t: int, realised: StoragePlan
) -> None:
    for s, name in enumerate(fleet.stations):
        recorder.record(
            "storage_state",
            period=period,
            planned_in=period - t,
            station=name,
            planned_capacity_mw=float(plan.capacity_mw[s, t]),
            capacity_mw=float(realised.capacity_mw[s, 0]),
            planned_energy_mwh=float(plan.energy_mwh[s, t]),
            energy_mwh=float(realised.energy_mwh[s, 0]),
            planned_charge_mw=float(plan.charge_mw[s, t]),
            charge_mw=float(realised.charge_mw[s, 0]),
            planned_discharge_mw=float(plan.discharge_mw[s, t]),
            discharge_mw=float(realised.discharge_mw[s, 0]),
        )
    for k, name in enumerate(fleet.trains):
        recorder.record(
            "train_storage",
            period=period,
            planned_in=period - t,
            train=name,
            planned_capacity_mw=float(plan.train_capacity_mw[k, t]),
            capacity_mw=float(realised.train_capacity_mw[k, 0]),
            planned_energy_mwh=float(plan.train_energy_mwh[k, t]),
            energy_mwh=float(realised.train_energy_mwh[k, 0]),
        )


def _record_lines(recorder: Recorder, period: int, forecast: PowerSystem, schedule: Schedule) -> None:
    if forecast.network is None:
        return
    for line, name in enumerate(forecast.network.ids):
        limit_mw = float(forecast.network.limits_mw[line])
        if np.isfinite(limit_mw):
            flow_mw = float(schedule.line_flow_mw[line, 0])
            recorder.record("line_flow", period=period, line=name, flow_mw=flow_mw, limit_mw=limit_mw)
