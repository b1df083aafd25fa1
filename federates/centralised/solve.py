"""Solve the whole problem in one process, in either formulation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from federates.boundary.errors import ModelError
from federates.centralised.flow import build_flow_model, transport_cost_usd
from federates.centralised.joint_data import JointData, read_joint_data
from federates.lp.highs import use_threads
from federates.lp.linear_model import Improvement, NoSolutionInTimeError, Solution
from federates.power_operator.models.unit_commitment.plan_model import PlanModel
from federates.power_operator.models.unit_commitment.plan_ranges import Range, least_and_most, limit_cost

__all__ = ["FORMULATIONS", "CentralisedResult", "solve_centralised", "solve_flow", "solve_literal"]

FORMULATIONS = ("flow", "literal")
_RANGE_GAP = 0.002
"""Gap at which the search for the end of an indicator's range stops, as a share of all wind or power."""
_ONE_FLOW = 0.8  # share of the gap and of the time for alike trains as one flow; the rest is for costing its plan
_SAME = 1e-6  # relative


@dataclass(frozen=True, slots=True)
class CentralisedResult:
    """What came out. ``total_cost_usd`` is the objective (26) with the tie-break cost of cycling; the others are parts of it."""

    scheme: str
    formulation: str
    operating_cost_usd: float
    transport_cost_usd: float
    total_cost_usd: float
    bound_usd: float
    gap: float
    wind_used_share: float
    storage_utilisation: float
    trips: float
    moving_periods: float
    wall_s: float
    status: str
    progress: tuple[tuple[float, float, float], ...]
    """Wall time, cost and bound of every better plan found; while alike trains are one flow, that flow's cost may be too low."""
    ranges: dict[str, Range] = field(default_factory=dict)
    """Indicators of all plans that cost no more than this one, if asked for: see `indicator_ranges`."""


def solve_centralised(
    scenario: Path,
    *,
    overrides: dict[str, str] | None = None,
    formulation: str = "flow",
    gap: float = 1e-3,
    time_limit_s: float = 600.0,
    threads: int = 1,
    indicators: bool = False,
) -> CentralisedResult:
    """Solve a rail scenario with both operators' data in one process.

    Parameters
    ----------
    formulation : ``flow``, the tight one, or ``literal``, equation by equation as published.
    gap : relative gap at which to stop.
    indicators : look for the least and the most of indicators (46) and (48) too, in ``flow`` only: four more solves, each within
        ``time_limit_s``.

    Raises
    ------
    ConfigError : anything in the scenario is wrong.
    ModelError : no plan was found within the time limit, or the formulation is unknown or has no ``indicators``.
    """
    data = read_joint_data(scenario, overrides)
    if formulation == "literal" and indicators:
        raise ModelError("indicators: only the formulation flow has them")
    if formulation == "literal":
        return solve_literal(data, gap, time_limit_s, threads)
    if formulation != "flow":
        raise ModelError(f"formulation {formulation!r}: must be one of {', '.join(FORMULATIONS)}")
    try:
        return solve_flow(data, gap, time_limit_s, threads, indicators=indicators)
    except NoSolutionInTimeError as error:
        raise ModelError(f"no plan was found within the time limit of {time_limit_s:g} s ({error})") from error


def solve_flow(
    data: JointData,
    gap: float,
    time_limit_s: float,
    threads: int,
    watch: Callable[[Improvement], None] = lambda found: None,
    indicators: bool = False,
) -> CentralisedResult:
    """Solve the tight form: first its relaxation, which finds the lines that matter, then the plan.

    Where alike trains are one flow, its plan is costed train by train, which is exact. If that is dearer than the gap allows, the
    trains are solved as flows of their own, from there on; the bound of the one flow holds for them.
    """
    began = time.perf_counter()
    progress: list[tuple[float, float, float]] = []
    plan = build_flow_model(data, threads=threads)

    def improved(found: Improvement) -> bool:
        progress.append((time.perf_counter() - began, found.objective, found.bound))
        watch(found)
        return False

    def solve(model: PlanModel, part: float = 1.0, of_time: float = 1.0) -> Solution:
        left_s = of_time * max(time_limit_s - (time.perf_counter() - began), 1.0)
        return model.solve(gap_usd=None, gap_rel=part * gap, time_limit_s=left_s, on_improvement=improved)

    relaxation = plan.solve(relaxed=True, time_limit_s=max(time_limit_s - (time.perf_counter() - began), 1.0))
    solution = solve(plan, _ONE_FLOW, _ONE_FLOW) if plan.pools else solve(plan)
    bound = max(solution.bound, relaxation.bound)
    if plan.pools:
        stands, plan = plan.connection(solution.values), build_flow_model(data, threads=threads, alike=False)
        plan.offer(plan.group_sum(stands))
        solution = solve(plan, 1.0 - _ONE_FLOW)
        if solution.objective - bound > max(gap, _SAME) * abs(solution.objective):
            plan.offer_all()
            solution = solve(plan)
            bound = max(bound, solution.bound)
    values, stations = solution.values, plan.stations
    transport_usd, trips, moving = transport_cost_usd(data, plan, values)
    used_mw = float(values[plan.commitment.renewable_mw].sum())
    cycled_mw = float(np.sum(values[stations.charge]) + np.sum(values[stations.discharge]))
    usd, ended = (solution.objective, bound, transport_usd), (time.perf_counter() - began, solution.status, tuple(progress))
    result = _result(data, "flow", usd, (used_mw, cycled_mw), (trips, moving), ended)
    return replace(result, ranges=indicator_ranges(data, solution, time_limit_s, threads)) if indicators else result


def solve_literal(data: JointData, gap: float, time_limit_s: float, threads: int = 1) -> CentralisedResult:
    """Solve the published form with HiGHS through Pyomo; the wall time contains building it.

    Raises
    ------
    ModelError : infeasible, or no plan within the time limit.
    """
    # Pyomo loads slowly, and the other formulation does without.
    from pyomo.contrib.appsi.base import TerminationCondition
    from pyomo.contrib.appsi.solvers import Highs
    from pyomo.environ import value

    from federates.centralised.literal import build_literal_model

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
    usd = (float(results.best_feasible_objective), float(results.best_objective_bound), float(value(model.transport_usd)))
    rail = data.rail
    moves = [int(a) for a in rail.tsn.transport_arcs if rail.open_arcs[a]] if rail is not None else []
    trips = {a: sum(value(model.x[k, a]) for k in model.K) for a in moves}
    moving = float(sum(n * rail.tsn.duration[a] for a, n in trips.items())) if rail is not None else 0.0
    used_mw = sum(value(variable) for variable in model.p_w.values())
    cycled_mw = sum(value(v) for part in (model.p_ch, model.p_dis) for v in part.values())
    ended = (time.perf_counter() - began, str(condition).rsplit(".", 1)[-1], ())
    return _result(data, "literal", usd, (used_mw, cycled_mw), (float(sum(trips.values())), moving), ended)


def indicator_ranges(data: JointData, best: Solution, time_limit_s: float, threads: int) -> dict[str, Range]:
    """Return the least and the most of (46) and (48), as shares, over all plans that cost no more than the ``best`` one found.

    Trains and units are free: a plan may differ in everything. Each end is one more solve; where time ends it, the end is what
    was found, and the proven end lies further out.
    """
    plan = build_flow_model(data, threads=threads, alike=False)
    limit_cost(plan, best.objective)
    wholes = {
        "wind_used_share": (plan.commitment.renewable_mw, float(data.system.renewables.available_mw.sum())),
        "storage_utilisation": (
            np.concatenate([plan.stations.charge.ravel(), plan.stations.discharge.ravel()]),
            data.fleet.total_capacity_mw * data.system.periods,
        ),
    }
    found = {}
    for name, (columns, whole) in wholes.items():
        if whole > 0:
            span = least_and_most(plan, columns, best.values, _RANGE_GAP * whole, time_limit_s)
            ends = (span.least, span.most, max(span.proven_least, 0.0), min(span.proven_most, whole))
            found[name] = Range(*(end / whole for end in ends))
    return found


def _result(
    data: JointData,
    formulation: str,
    usd: tuple[float, float, float],
    mw: tuple[float, float],
    trains: tuple[float, float],
    ended: tuple[float, str, tuple[tuple[float, float, float], ...]],
) -> CentralisedResult:
    """Return the result of a plan.

    ``usd``: in all, proven bound, transport's part. ``mw``: sums over the periods of wind used and of what batteries charge and
    discharge; indicator (48) is the mean power of all batteries over their total power. ``trains``: trips, periods in motion.
    ``ended``: wall time, status, progress.
    """
    total_usd, bound_usd, transport_usd = usd
    used_mw, cycled_mw = mw
    return CentralisedResult(
        scheme=str(data.session.scheme),
        formulation=formulation,
        operating_cost_usd=total_usd - transport_usd,
        transport_cost_usd=transport_usd,
        total_cost_usd=total_usd,
        bound_usd=bound_usd,
        gap=max(0.0, total_usd - bound_usd) / max(abs(total_usd), 1e-9),
        wind_used_share=_share(used_mw, data.system.renewables.available_mw.sum()),
        storage_utilisation=_share(cycled_mw, data.fleet.total_capacity_mw * data.system.periods),
        trips=trains[0],
        moving_periods=trains[1],
        wall_s=ended[0],
        status=ended[1],
        progress=ended[2],
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0
