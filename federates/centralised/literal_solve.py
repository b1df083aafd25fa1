"""Solve the literal formulation with HiGHS through Pyomo."""

from __future__ import annotations

import time

import pyomo.environ as pyo
from pyomo.contrib.appsi.base import TerminationCondition
from pyomo.contrib.appsi.solvers import Highs

from federates.boundary.errors import ModelError
from federates.centralised.joint_data import JointData
from federates.centralised.literal import build_literal_model
from federates.centralised.solve import CentralisedResult
from federates.lp.highs import use_threads

__all__ = ["solve_literal"]


def solve_literal(data: JointData, gap: float, time_limit_s: float, threads: int = 1) -> CentralisedResult:
    """Build and solve; the wall time contains both.

    Raises
    ------
    ModelError : infeasible, or no plan within the time limit.
    """
    began = time.perf_counter()
    model = build_literal_model(data)
    solver = Highs()
    solver.config.load_solution = False
    solver.config.mip_gap = gap
    solver.config.time_limit = max(time_limit_s - (time.perf_counter() - began), 1.0)
    solver.highs_options = {"threads": threads}
    use_threads(threads)
    results = solver.solve(model)
    condition = results.termination_condition
    if condition in (TerminationCondition.infeasible, TerminationCondition.infeasibleOrUnbounded):
        raise ModelError("the literal formulation has no feasible plan (it has no priced slacks that would say why)")
    if results.best_feasible_objective is None:
        raise ModelError(f"the literal formulation found no plan within {time_limit_s:g} s")
    results.solution_loader.load_vars()
    return _result(data, model, results, time.perf_counter() - began)


def _result(data: JointData, model: pyo.ConcreteModel, results: object, wall_s: float) -> CentralisedResult:
    total_usd = float(results.best_feasible_objective)  # type: ignore[attr-defined]
    bound_usd = float(results.best_objective_bound)  # type: ignore[attr-defined]
    transport_usd = float(pyo.value(model.transport_usd))
    moves = [int(a) for a in data.rail.tsn.transport_arcs if data.rail.open_arcs[a]] if data.rail is not None else []
    trips = {a: sum(pyo.value(model.x[k, a]) for k in model.K) for a in moves}
    used_mw = sum(pyo.value(variable) for variable in model.p_w.values())
    available_mw = float(data.system.renewables.available_mw.sum())
    cycled_mw = sum(pyo.value(v) for part in (model.p_ch, model.p_dis) for v in part.values())
    batteries_mw = data.fleet.total_capacity_mw * data.system.periods
    return CentralisedResult(
        scheme=str(data.session.scheme),
        formulation="literal",
        operating_cost_usd=total_usd - transport_usd,
        transport_cost_usd=transport_usd,
        total_cost_usd=total_usd,
        bound_usd=bound_usd,
        gap=max(0.0, total_usd - bound_usd) / max(abs(total_usd), 1e-9),
        wind_used_share=used_mw / available_mw if available_mw > 0 else 0.0,
        storage_utilisation=cycled_mw / batteries_mw if batteries_mw > 0 else 0.0,
        trips=float(sum(trips.values())),
        moving_periods=float(sum(n * data.rail.tsn.duration[a] for a, n in trips.items())) if data.rail is not None else 0.0,
        wall_s=wall_s,
        status=str(results.termination_condition).rsplit(".", 1)[-1],  # type: ignore[attr-defined]
        progress=(),
    )
