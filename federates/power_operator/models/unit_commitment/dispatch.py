"""The day as it is carried out: in every period the committed units are dispatched against what really comes.

A linear programme over the rest of the day with the commitment and the connection fixed: the opened period with actual load and
wind, later ones with their forecast. Only the opened period of it is carried out; the next period begins from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.boundary.canonical import canonical
from federates.lp.arithmetic import product
from federates.lp.linear_model import Solution
from federates.power_operator.models.unit_commitment.day_state import DayState, rest_of_day, rest_of_fleet
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.plan_model import EXCLUSIVE_MW, PlanModel, PlanOptions
from federates.power_operator.models.unit_commitment.schedule import Schedule, schedule_of
from federates.power_operator.models.unit_commitment.settings import DeviationSettings
from federates.power_operator.models.unit_commitment.system import PowerSystem
from federates.power_operator.models.unit_commitment.train_groups import group_trains
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import time_space_network

__all__ = ["PeriodResult", "StoragePlan", "actual_profile", "dispatch_period", "storage_plan"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """Batteries over T periods: stations (S, T), trains (K, T); MW and MWh at the end of a period, power during it."""

    capacity_mw: Array
    energy_mwh: Array
    charge_mw: Array
    discharge_mw: Array
    train_capacity_mw: Array
    train_energy_mwh: Array


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """What was carried out: schedule and storage from the period on (entry 0 is it), price per bus (B,), cost, state after it."""

    schedule: Schedule
    storage: StoragePlan
    bus_price_usd_per_mwh: Array
    cost_usd: float
    state: DayState


def storage_plan(model: PlanModel, values: Array) -> StoragePlan:
    """Return batteries over time in a solution of ``model``."""
    stations, trains, fleet = model.stations, model.trains, model.fleet
    carried = np.zeros((2, len(fleet.trains), model.system.periods))
    carried[0], carried[1] = fleet.train_start_capacity_mw[:, None], fleet.train_start_energy_mwh[:, None]
    if trains is not None:
        under_way = trains.network.arcs_in_period()
        if trains.idle.size:
            under_way = np.concatenate([under_way, under_way[trains.network.station_arcs.ravel()]])
        for j, group in enumerate(trains.groups):
            share = 1.0 / len(group.members)
            for kind, columns in enumerate((trains.load_mw, trains.load_mwh)):
                total = product(values[columns[j]], under_way)
                total[: group.ready] = carried[kind, list(group.members)].sum(axis=0)[: group.ready]
                carried[kind, list(group.members)] = total * share
    return StoragePlan(
        values[stations.capacity],
        values[stations.energy],
        values[stations.charge],
        values[stations.discharge],
        carried[0],
        carried[1],
    )


def dispatch_period(
    session: RailSession,
    system: PowerSystem,
    fleet: StorageFleet,
    state: DayState,
    actual: tuple[Array, Array],
    on: NDArray[np.bool_],
    connection: Array,
    train_ready: Array,
    *,
    threads: int = 1,
) -> PeriodResult:
    """Carry out the state's period.

    Parameters
    ----------
    system : the forecast day.
    actual : load (B, T) and available renewable power (W, T), MW, as they turn out.
    on : planned commitment from the period on, (G, T - p).
    connection : agreed connection of the open periods, (K, S, H).
    train_ready : where the trains are and end, (K, 3).
    threads : of the solver.
    """
    p = state.period
    load_mw, renewable_mw = system.load_mw.copy(), system.renewables.available_mw.copy()
    load_mw[:, p], renewable_mw[:, p] = actual[0][:, p], actual[1][:, p]
    rest, rest_fleet = rest_of_day(system, state, load_mw, renewable_mw), rest_of_fleet(fleet, state)
    groups = group_trains(session, rest_fleet, train_ready, p, alike=False) if len(fleet.trains) else ()
    network = time_space_network(session.trip_periods, session.periods - p) if groups else None
    model = PlanModel(rest, rest_fleet, groups, network, PlanOptions(threads=threads))
    if model.trains is not None:
        model.offer(np.round(model.group_sum(connection), 9))
    model.solver.set_bounds(model.commitment.on, on.astype(float), on.astype(float))
    solution = _never_both(model)
    schedule = schedule_of(model.commitment, model.lines, solution.values)
    storage = storage_plan(model, solution.values)
    after = tuple(
        part[:, 0] for part in (storage.capacity_mw, storage.energy_mwh, storage.train_capacity_mw, storage.train_energy_mwh)
    )
    assert solution.row_dual is not None  # a linear programme
    return PeriodResult(
        schedule,
        storage,
        model.lines.bus_price_usd_per_mwh(solution.row_dual)[:, 0],
        _first_cost_usd(schedule),
        state.after(on[:, 0], schedule.output_mw[:, 0], (after[0], after[1], after[2], after[3]), system.period_h),
    )


def _never_both(model: PlanModel) -> Solution:
    """Solve until no station charges while it discharges, (15); the smaller of both powers is taken out.

    Burning energy that way only pays where units that must run give more than anybody takes. A round or two, and prices stay.
    """
    charge, discharge = model.stations.charge, model.stations.discharge
    while True:
        solution = model.solve(relaxed=True)
        into, out = solution.values[charge], solution.values[discharge]
        both = np.minimum(into, out) > EXCLUSIVE_MW
        if not both.any():
            return solution
        model.solver.set_bounds(np.where(into >= out, discharge, charge)[both], 0.0, 0.0)


def _first_cost_usd(schedule: Schedule) -> float:
    """Return what the first period costs: production, starts, stops and slacks."""
    costs = schedule.costs
    per_period = (costs.production_usd, costs.start_up_usd, costs.shut_down_usd, costs.line_slack_usd)
    system_wide = (costs.shed_usd, costs.spill_usd, costs.reserve_slack_usd)
    return float(sum(part[:, 0].sum() for part in per_period) + sum(part[0] for part in system_wide))


def actual_profile(
    forecast_mw: Array, error_share: float, settings: DeviationSettings, seed: int, stream: int, most_mw: Array | float = np.inf
) -> Array:
    """Return what really comes, shape (..., T): each row has its own relative error of first-order autoregression.

    The error has the standard deviation ``error_share`` in every period and the correlation ``persistence`` between two in a row.
    ``stream`` keeps load and renewables apart; the same seed gives the same day. Values stay between 0 and ``most_mw``.
    """
    rows = forecast_mw.reshape(-1, forecast_mw.shape[-1])
    # Drawn by logarithms now and then, whose last bits differ from processor to processor.
    shocks = canonical(np.random.default_rng((seed, stream)).standard_normal(rows.shape))
    error = np.empty_like(rows)
    fresh = np.sqrt(1.0 - settings.persistence**2)
    for t in range(rows.shape[1]):
        error[:, t] = shocks[:, t] if t == 0 else settings.persistence * error[:, t - 1] + fresh * shocks[:, t]
    actual = rows * (1.0 + error_share * error)
    return np.asarray(np.clip(actual.reshape(forecast_mw.shape), 0.0, most_mw))
