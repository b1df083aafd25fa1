"""Answers of a negotiation against trying every route: bounds bound, planes lie below the cost, more is never dearer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rail_brute_force import RailBruteForce
from small_rail_days import rail_day
from storage_checker import check_storage

from federates.centralised.joint_data import JointData
from federates.lp.bound_misses import take_misses
from federates.lp.linear_model import NoSolutionInTimeError
from federates.power_operator.models.unit_commitment.day_state import first_state, rest_of_day
from federates.power_operator.models.unit_commitment.dispatch import storage_plan
from federates.power_operator.models.unit_commitment.plan_model import PlanModel
from federates.power_operator.models.unit_commitment.planner import Planner
from federates.power_operator.models.unit_commitment.settings import SolverSettings
from federates.worlds.rail.trains import at_home

EXACT = SolverSettings(solve_gap_usd=0.0, evaluate_gap_usd=0.0)
SMALL = {
    "one": {"homes": "a"},
    "alike": {"homes": "aa", "periods": 4},
    "two homes": {"homes": "ab", "trip": 2},
    "three stations": {"homes": "b", "stations": 3, "periods": 4},
}
NO_DEADLINE = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _planner(data: JointData, solver: SolverSettings = EXACT) -> Planner:
    return Planner(data.session, data.system, data.fleet, 0, at_home(data.session), solver)


@lru_cache
def _tried(name: str) -> tuple[JointData, Planner, np.ndarray, np.ndarray]:
    """Return a day, its planner, every connection (N, K, S, T) that routes allow, and f_P of each by brute force, (N,)."""
    data = rail_day(2, **SMALL[name])
    brute = RailBruteForce(data)
    routes = np.array([connection for connection, _ in brute.plans()])
    return data, _planner(data), routes, np.array([brute.cost_usd(connection) for connection in routes])


@pytest.mark.parametrize("name", SMALL)
def test_evaluated_costs_are_those_of_trying(name):
    _, planner, routes, costs_usd = _tried(name)
    for connection, cost_usd in list(zip(routes, costs_usd, strict=True))[::9]:
        answer = planner.evaluate(connection)
        assert answer.cost_usd == pytest.approx(cost_usd, rel=1e-6)
        assert answer.bound_usd <= cost_usd + 1e-6
        assert (answer.quantities["connection"] <= connection + 1e-9).all()


@pytest.mark.parametrize("name", SMALL)
@NO_DEADLINE
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.0, 3.0, 40.0, 500.0]), same=st.booleans())
def test_bounds_of_any_multipliers_hold(name, seed, scale, same):
    """relax <= solve <= the least over all routes of f_P + lambda J; multipliers have any sign, and trains may differ."""
    _, planner, routes, costs_usd = _tried(name)
    multipliers = np.random.default_rng(seed).normal(0.0, scale, routes.shape[1:])
    if same:
        multipliers[:] = multipliers[0]
    relaxed, solved = (planner.solve(multipliers, relaxed=how) for how in (True, False))
    least = float((costs_usd + (routes * multipliers).sum(axis=(1, 2, 3))).min())
    assert relaxed.bound_usd <= solved.bound_usd + 1e-6
    assert solved.bound_usd <= least + 1e-6 * abs(least)
    lagrangian = solved.cost_usd + float((solved.quantities["connection"] * multipliers).sum())
    assert solved.bound_usd == pytest.approx(lagrangian, rel=1e-6)


def test_alike_trains_whose_flow_is_too_cheap_are_solved_one_by_one():
    """At small stations a flow hands over more than two trains can; its bound lay 0.6 % too low, and no price could mend that."""
    data = rail_day(2, homes="aa", periods=4, station_mw=3.0, line_mw=5.0)
    brute, planner = RailBruteForce(data), _planner(data)
    multipliers = np.zeros(data.session.connection_shape)
    multipliers[:] = np.random.default_rng(3).normal(0.0, 30.0, multipliers.shape[1:])
    least = min(brute.cost_usd(route) + float((route * multipliers).sum()) for route, _ in brute.plans())
    assert planner._answer(planner._model("prices", alike=True), multipliers, relaxed=False)[0].bound_usd < least - 20.0
    answer = planner.solve(multipliers, relaxed=False)
    assert answer.bound_usd == pytest.approx(least, rel=1e-6)
    assert answer.cost_usd + float((answer.quantities["connection"] * multipliers).sum()) == pytest.approx(least, rel=1e-6)


def test_a_cost_that_no_limit_lets_be_found_has_a_plan_that_stands_in(monkeypatch):
    """The search ends before it has a plan: any plan is taken instead, and what is proven of its cost stays proven."""
    data = rail_day(2, homes="a")
    exact, planner = _planner(data), _planner(data)
    asked = np.ones(data.session.connection_shape)
    found = PlanModel.solve

    def hurried(model: PlanModel, **how: Any) -> Any:
        if how.get("time_limit_s") is not None:
            raise NoSolutionInTimeError("no plan yet", -np.inf)
        return found(model, **how)

    monkeypatch.setattr(PlanModel, "solve", hurried)
    answer = planner.evaluate(asked)
    monkeypatch.undo()
    best_usd = exact.evaluate(asked).cost_usd
    assert answer.bound_usd <= best_usd <= answer.cost_usd + 1e-6
    assert planner.stopped_by_time


@pytest.mark.long
def test_bounds_are_exact_for_trains_on_their_own():
    """One train: the bound is the least over all routes and every part of their stands that is worth its price."""
    data, planner, routes, _ = _tried("three stations")
    brute = RailBruteForce(data)
    multipliers = np.abs(np.random.default_rng(0).normal(0.0, 60.0, routes.shape[1:]))
    parts = {}
    for route in routes:
        stands = np.argwhere(route)
        for size in range(len(stands) + 1):
            for chosen in itertools.combinations(stands, size):
                part = np.zeros_like(route)
                for place in chosen:
                    part[tuple(place)] = 1.0
                parts[part.tobytes()] = part
    least = min(brute.cost_usd(part) + float((part * multipliers).sum()) for part in parts.values())
    assert planner.solve(multipliers, relaxed=False).bound_usd == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("name", ["one", "alike", "two homes"])
def test_planes_lie_below_the_cost(name):
    """Below f_P at every route, and below the relaxation's own value at any part of any route, which is much tighter."""
    data, _, routes, costs_usd = _tried(name)
    rng = np.random.default_rng(1)
    quick = _planner(data, SolverSettings(evaluate_gap_usd=1e6))
    chosen = routes[rng.choice(len(routes), 8, replace=False)]
    chosen = np.concatenate([chosen, chosen * (rng.random(chosen.shape) < 0.6), chosen[:1] * 0.0, chosen[:1] * 0.0 + 1.0])
    answers = [quick.evaluate(connection) for connection in chosen]
    bounds = np.array([answer.bound_usd for answer in answers])
    steepest = 0.0
    for connection, answer in zip(chosen, answers, strict=True):
        assert answer.slopes is not None
        slope = answer.slopes["connection"]
        steepest = min(steepest, float(slope.min()))
        for others, values in ((chosen, bounds), (routes, costs_usd)):
            plane = answer.bound_usd + ((others - connection) * slope).sum(axis=(1, 2, 3))
            assert (plane <= values + 1e-6).all()
    assert steepest < -1.0  # a plane that is flat everywhere would pass, and be worth nothing


@pytest.mark.parametrize("name", SMALL)
def test_every_column_of_the_relaxations_has_bounds_and_the_safe_bound_is_sharp(name):
    """So that any dual vector proves something; prices above all cost and below, and lines that bind."""
    _, planner, routes, _ = _tried(name)
    rng = np.random.default_rng(4)
    planner.evaluate(routes[0])
    for scale in (0.0, 40.0, 5_000.0):
        planner.solve(np.broadcast_to(rng.normal(0.0, scale, routes.shape[2:]), routes.shape[1:]), relaxed=True)
    for model in planner._models.values():
        assert model.lines.active[0].size
        solution = model.solve(relaxed=True)
        assert np.isfinite(model.solver.bounds(np.arange(model.solver.size[1]))).all()
        assert 0.0 <= solution.objective - solution.bound <= 1e-9 * max(1.0, abs(solution.objective))
    assert take_misses() == []


@pytest.mark.parametrize("name", ["alike", "two homes"])
def test_more_connection_never_costs_more(name):
    _, planner, routes, _ = _tried(name)
    rng = np.random.default_rng(3)
    for route in routes[rng.choice(len(routes), 4, replace=False)]:
        costs = [planner.evaluate(np.zeros_like(route)).cost_usd]
        part = route * (rng.random(route.shape) < 0.5)
        costs += [planner.evaluate(z).cost_usd for z in (part, route, np.ones_like(route))]
        assert all(more <= less + 1e-6 for less, more in itertools.pairwise(costs))


def test_an_evaluated_plan_creates_no_energy():
    data, planner, routes, _ = _tried("two homes")
    for connection in routes[::4]:
        plan = planner.plan(connection)
        storage = storage_plan(plan.model, plan.values)
        assert check_storage(data.fleet, storage, connection, data.system.period_h) == []


def test_two_planners_answer_alike():
    data, _, routes, _ = _tried("alike")
    other = _planner(data)
    multipliers = np.random.default_rng(5).normal(0.0, 20.0, routes.shape[1:])
    for ask in (lambda p: p.solve(multipliers, relaxed=True), lambda p: p.evaluate(routes[3])):
        first, second = ask(_planner(data)), ask(other)
        assert (first.cost_usd, first.bound_usd) == (second.cost_usd, second.bound_usd)
        assert np.array_equal(first.quantities["connection"], second.quantities["connection"])


PLACES = [[(1, 4), (1, 4)], [(1, 5), (1, 5)], [(1, 6), (1, 6)], [(1, 2), (1, 2)], [(1, 9), (0, 3)], [(1, 3), (0, 0)]]


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_late_trains_have_a_plan(places, share):
    """From period 3 of 6 on, trains are late, in the wrong place, empty or full: end states are paid for, bounds still hold."""
    data = rail_day(0, homes="aa", trip=2, periods=6)
    fleet = data.fleet
    load = {"train_start_capacity_mw": share * fleet.train_capacity_mw, "train_start_energy_mwh": share * fleet.train_capacity_mw}
    state = replace(first_state(data.system, fleet), period=3)
    rest = rest_of_day(data.system, state, data.system.load_mw, data.system.renewables.available_mw)
    trains, stations, _ = data.session.connection_shape
    shape = trains, stations, 3
    planner = Planner(data.session, rest, replace(fleet, **load), 3, np.array([(*place, 0.0) for place in places]), EXACT)
    cost_usd = planner.evaluate(np.ones(shape)).cost_usd
    answer = planner.solve(np.zeros(shape), relaxed=False)
    assert planner.solve(np.zeros(shape), relaxed=True).bound_usd <= answer.bound_usd + 1e-6
    assert answer.bound_usd <= cost_usd * (1 + 1e-6)
    unlike = np.random.default_rng(0).normal(0.0, 5.0, shape)
    evaluated = planner.evaluate(planner.solve(unlike, relaxed=False).quantities["connection"])
    assert (
        planner.solve(unlike, relaxed=False).bound_usd
        <= evaluated.cost_usd + float((evaluated.quantities["connection"] * unlike).sum()) + 1e-3
    )
    if all(ready >= 6 for _, ready in places) and share == 0.5:
        storage = storage_plan(planner.plan(np.ones(shape)).model, planner.plan(np.ones(shape)).values)
        assert np.ptp(storage.train_capacity_mw) == 0.0  # they never stand again, and keep what they have


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_copy_without_routes_is_the_best_of_all_patterns(seed):
    """(39) to the letter: the least of f_P + lambda J over all 2^6 patterns of one train, two stations and three periods."""
    data = rail_day(seed, homes="a", periods=3)
    brute = RailBruteForce(data)
    shape = data.session.connection_shape
    patterns = [np.array(bits, dtype=float).reshape(shape) for bits in itertools.product((0.0, 1.0), repeat=6)]
    costs = [brute.cost_usd(pattern) for pattern in patterns]
    rng = np.random.default_rng(seed)
    free = Planner(data.session, data.system, data.fleet, 0, at_home(data.session), EXACT, routes=False)
    by_route = _planner(data)
    for multipliers in (np.zeros(shape), rng.uniform(0.0, 40.0, shape), rng.normal(0.0, 20.0, shape)):
        least = min(cost + float((multipliers * pattern).sum()) for cost, pattern in zip(costs, patterns, strict=True))
        answer = free.solve(multipliers, relaxed=False)
        own = answer.cost_usd + float((multipliers * answer.quantities["connection"]).sum())
        assert own == pytest.approx(least, rel=1e-6)
        assert answer.bound_usd == pytest.approx(least, rel=1e-6)
        assert free.solve(multipliers, relaxed=True).bound_usd <= least + 1e-4
        assert answer.bound_usd <= by_route.solve(multipliers, relaxed=False).bound_usd + 1e-4, "a relaxation of routes"
