"""Small power systems for the checks of the unit commitment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from federates.lp.linear_model import LinearModel, Solution
from federates.power_operator.models.unit_commitment.commitment import Commitment, LazyLines, add_commitment
from federates.power_operator.models.unit_commitment.matpower import MatpowerCase
from federates.power_operator.models.unit_commitment.schedule import Schedule, schedule_of
from federates.power_operator.models.unit_commitment.system import (
    CostCurve,
    Network,
    PowerSystem,
    Renewables,
    StartUp,
    ThermalUnits,
)

DATA = Path(__file__).parent.parent / "data" / "unit_commitment"
SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = {"case118": "ieee118", "pglib_opf_case30_as": "ieee30"}  # cases that a scenario has


def case_file(name: str) -> Path:
    """Return the MATPOWER file of a case: the scenario's own, or one of the tests'."""
    return (SCENARIOS / SHIPPED[name] / "power_operator/data" if name in SHIPPED else DATA) / f"{name}.m"


def solved(system: PowerSystem, relaxed: bool = False, gap_rel: float = 1e-7, **options) -> tuple[Solution, LazyLines]:
    """Return the solution of ``system`` alone and its lines; ``options`` go to HiGHS."""
    system.validate()
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system))
    return lines.solve(model.solver(**options), relaxed=relaxed, gap_rel=gap_rel), lines


def planned(system: PowerSystem, gap_rel: float = 1e-7, **options) -> tuple[Solution, Schedule, Commitment]:
    """Return solution, schedule and columns of ``system`` alone."""
    solution, lines = solved(system, gap_rel=gap_rel, **options)
    return solution, schedule_of(lines.commitment, lines, solution.values), lines.commitment


def dispatch_of(case: MatpowerCase, segments: int) -> tuple[PowerSystem, float]:
    """Return one period with all units of a case on, and the largest error of the piecewise costs in USD/h."""
    count = len(case.row)
    zero, one = np.zeros(count), np.ones(count)
    curves = [case.cost_curve(g, case.p_min_mw[g], case.p_max_mw[g], segments) for g in range(count)]
    units = ThermalUnits(
        names=tuple(f"unit {row + 1}" for row in case.row), bus=case.unit_bus, p_min_mw=case.p_min_mw, p_max_mw=case.p_max_mw,
        ramp_up_mw_per_h=case.p_max_mw, ramp_down_mw_per_h=case.p_max_mw, start_up_ramp_mw=case.p_max_mw,
        shut_down_ramp_mw=case.p_max_mw, min_up_h=zero, min_down_h=zero, initial_on_h=one, initial_output_mw=case.p_max_mw,
        must_run=one > 0, cost_curves=tuple(curve for curve, _ in curves),
        start_up=tuple(StartUp(np.zeros(1), np.zeros(1)) for _ in range(count)), shut_down_usd=zero,
    )  # fmt: skip
    system = PowerSystem(1.0, case.buses, case.load_mw[:, None], units, Renewables.none(1), case.network)
    return system, sum(error for _, error in curves)


def random_system(seed: int, units: int = 3, periods: int = 4, reserve: bool = False) -> PowerSystem:
    """Return a copperplate system whose every rule can bind; the initial state is feasible."""
    rng = np.random.default_rng(seed)
    p_min, p_max = rng.integers(10, 40, units).astype(float), rng.integers(50, 120, units).astype(float)
    ramp = rng.integers(15, 60, units).astype(float)
    on = rng.random(units) < 0.5
    start_ramp, stop_ramp = p_min + rng.integers(0, 30, units), p_min + rng.integers(0, 30, units)
    curves, starts = [], []
    for g in range(units):
        middle = (p_min[g] + p_max[g]) / 2
        slope = np.sort(rng.integers(10, 60, 2)).astype(float)
        points = np.array([p_min[g], middle, p_max[g]])
        base = rng.integers(100, 600)
        curves.append(CostCurve(points, base + np.concatenate([[0.0], np.cumsum(slope * np.diff(points))])))
        cost = np.sort(rng.integers(50, 900, 2)).astype(float)
        starts.append(StartUp(np.array([1.0, float(rng.integers(2, 4))]), cost))
    load = rng.uniform(0.3, 0.8, periods) * p_max.sum()
    thermal = ThermalUnits(
        names=tuple(f"unit {g}" for g in range(units)), bus=np.zeros(units, dtype=np.int64), p_min_mw=p_min, p_max_mw=p_max,
        ramp_up_mw_per_h=ramp, ramp_down_mw_per_h=ramp, start_up_ramp_mw=start_ramp, shut_down_ramp_mw=stop_ramp,
        min_up_h=rng.integers(1, 4, units).astype(float), min_down_h=rng.integers(1, 3, units).astype(float),
        initial_on_h=np.where(on, 1.0, -1.0) * rng.integers(1, 3, units),
        initial_output_mw=np.where(on, rng.uniform(p_min, p_max), 0.0), must_run=np.zeros(units, dtype=bool),
        cost_curves=tuple(curves), start_up=tuple(starts), shut_down_usd=rng.integers(0, 100, units).astype(float),
    )  # fmt: skip
    wind = Renewables(("wind",), np.zeros(1, dtype=np.int64), rng.uniform(0, 30, (1, periods)), np.zeros((1, periods)))
    needed = 0.1 * load if reserve else None
    return PowerSystem(
        1.0, ("a",), load[None, :], thermal, wind, None, needed, shed_price_usd_per_mwh=500.0, spill_price_usd_per_mwh=200.0,
        reserve_slack_price_usd_per_mwh=100.0,
    )  # fmt: skip


def triangle_system(seed: int = 0, periods: int = 6) -> PowerSystem:
    """Return three buses in a ring with units at two, most load at the third and a line that binds."""
    system = random_system(seed, periods=periods, reserve=True)
    share = np.array([[0.1], [0.2], [0.7]])
    network = Network(
        ids=("ab", "bc", "ac"), from_bus=np.array([0, 1, 0]), to_bus=np.array([1, 2, 2]),
        susceptance_mw_per_rad=np.array([1000.0, 800.0, 500.0]),
        limits_mw=np.array([np.inf, 60.0, 0.25 * system.total_load_mw.max()]), shift_rad=np.array([0.0, 0.0, 0.01]),
    )  # fmt: skip
    bus = np.arange(system.units.count) % 2
    return replace(
        system, buses=("a", "b", "c"), load_mw=share * system.load_mw, network=network, units=replace(system.units, bus=bus)
    )
