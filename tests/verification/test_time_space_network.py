"""Routes of trains against an enumeration of all routes, and the slots' relaxation against a programme over routes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.worlds.rail.session import RailSession

QUIET = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
NAMES = ("a", "b", "c")


class Recorder:
    def __init__(self):
        self.rows, self.lines = [], []

    def record(self, table, **row):
        self.rows.append((table, row))

    def progress(self, **fields):
        self.lines.append(fields)


class Case:
    """A small world as plain numbers; the enumeration below knows nothing of the operator's code."""

    def __init__(self, draw, with_slots):
        number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
        self.T, self.S, self.K = number(2, 4 if with_slots else 6), number(2, 3), number(1, 2)
        pairs = list(itertools.permutations(range(self.S), 2))
        matrix = lambda low, high: [[number(low, high) if s != r else 0 for r in range(self.S)] for s in range(self.S)]  # noqa: E731
        self.trip, self.per_period, self.per_trip = matrix(1, 2), matrix(0, 9), matrix(0, 5)
        self.factor = [number(1, 3) for _ in range(self.K)]
        self.start = [number(0, self.S - 1) for _ in range(self.K)]
        self.end = [number(0, self.S - 1) for _ in range(self.K)]
        first = number(0, self.T - 1)
        self.closed = [(*draw(st.sampled_from(pairs)), first, number(first, self.T - 1)) for _ in range(number(0, 2))]
        most = st.lists(st.integers(0, self.K), min_size=self.T, max_size=self.T)
        self.slots = [draw(most) if with_slots else [self.K] * self.T for _ in range(self.S)]
        self.rng = np.random.default_rng(number(0, 10_000))

    def operator(self, **more):
        names = NAMES[: self.S]
        trains = [{"name": f"t{k}", "home": names[s]} for k, s in enumerate(self.start)]
        least = [[min(1, trip) for trip in row] for row in self.trip]
        session = RailSession(
            schema_version=1, world="rail", name="case", periods=self.T, rail_stations=names, trains=trains, trip_periods=least
        )
        own = {
            "trip_periods": self.trip,
            "cost_usd_per_period": self.per_period,
            "cost_usd_per_trip": self.per_trip,
            "trains": {f"t{k}": {"end": names[s], "cost_factor": self.factor[k]} for k, s in enumerate(self.end)},
            "closed_tracks": [
                {"origin": names[s], "destination": names[r], "from_period": f, "to_period": t} for s, r, f, t in self.closed
            ],
            "slots": {name: most for name, most in zip(names, self.slots, strict=True) if min(most) < self.K},
        }
        chosen = TimeSpaceNetworkOperator.Settings(**own, **more)
        assume(not TimeSpaceNetworkOperator.check(chosen, Path(), session))
        operator = TimeSpaceNetworkOperator(chosen, Path())
        operator.begin(session, Recorder())
        operator.open_period(0, None)
        return operator

    def routes(self, k, station=None, period=0):
        """Return standing (n, S, T) and cost (n,) of all routes of train k from a node to its end station."""
        found = []

        def extend(s, t, stood, cost):
            if t == self.T:
                if s == self.end[k]:
                    found.append((stood, cost))
                return
            extend(s, t + 1, [*stood, (s, t)], cost)
            for r in range(self.S):
                arrival = t + self.trip[s][r]
                shut = any((s, r) == (o, d) and any(f <= p <= e for p in range(t, arrival)) for o, d, f, e in self.closed)
                if r != s and arrival <= self.T and not shut:
                    price = self.factor[k] * (self.trip[s][r] * self.per_period[s][r] + self.per_trip[s][r])
                    extend(r, arrival, stood, cost + price)

        extend(self.start[k] if station is None else station, period, [], 0.0)
        standing = np.zeros((len(found), self.S, self.T))
        for row, (stood, _) in zip(standing, found, strict=True):
            for s, t in stood:
                row[s, t] = 1
        return standing, np.array([cost for _, cost in found])

    def plans(self, places=None):
        """Return standing (n, K, S, T) and cost (n,) of all plans that fit into the slots."""
        every = [self.routes(k, *(places[k] if places else ())) for k in range(self.K)]
        if self.K == 1:
            standing, costs = every[0][0][:, None], every[0][1]
        else:
            (one, cost), (two, cost_two) = every
            i, j = (grid.ravel() for grid in np.meshgrid(np.arange(len(one)), np.arange(len(two)), indexing="ij"))
            standing, costs = np.stack([one[i], two[j]], axis=1), cost[i] + cost_two[j]
        fit = (standing.sum(axis=1) <= np.array(self.slots)).all(axis=(1, 2))
        return standing[fit], costs[fit]

    def multipliers(self):
        return np.round(
            self.rng.exponential(6.0, (self.K, self.S, self.T)) * (self.rng.random((self.K, self.S, self.T)) < 0.6), 2
        )


cases = st.composite(lambda draw: Case(draw, with_slots=draw(st.booleans())))()
slot_cases = st.composite(lambda draw: Case(draw, with_slots=True))()


@QUIET
@given(cases)
def test_solve_is_the_best_of_all_routes(case):
    operator = case.operator()
    standing, costs = case.plans()
    for multipliers in (np.zeros((case.K, case.S, case.T)), case.multipliers(), case.multipliers() - 2.0):
        best = (costs - (standing * multipliers).sum(axis=(1, 2, 3))).min()
        answer = operator.solve({"connection": multipliers}, {})
        assert answer.cost_usd - (multipliers * answer.quantities["connection"]).sum() == pytest.approx(best, abs=1e-6)
        assert best - 1e-5 <= answer.bound_usd <= best + 1e-9
        same = (standing == answer.quantities["connection"]).all(axis=(1, 2, 3))
        assert np.isclose(costs[same], answer.cost_usd).any(), "the answer must be one of the plans, at its cost"


@QUIET
@given(cases)
def test_evaluate_agrees_as_often_as_any_route_can_and_then_costs_least(case):
    operator = case.operator()
    standing, costs = case.plans()
    for density in (0.1, 0.3, 0.8):
        asked = (case.rng.random((case.K, case.S, case.T)) < density).astype(float)
        met = (standing * asked).sum(axis=(1, 2, 3))
        answer = operator.evaluate({"connection": asked}, {})
        assert (answer.quantities["connection"] * asked).sum() == met.max()
        assert answer.cost_usd == pytest.approx(costs[met == met.max()].min(), abs=1e-6)
        assert answer.bound_usd == pytest.approx(answer.cost_usd, abs=1e-4)
        assert answer.bound_usd <= answer.cost_usd
        assert (standing == answer.quantities["connection"]).all(axis=(1, 2, 3)).any()


@QUIET
@given(cases)
def test_evaluate_returns_what_solve_offered(case):
    operator = case.operator()
    offer = operator.solve({"connection": case.multipliers()}, {})
    answer = operator.evaluate({"connection": offer.quantities["connection"]}, {})
    assert (answer.quantities["connection"] >= offer.quantities["connection"]).all()
    assert answer.cost_usd == pytest.approx(offer.cost_usd, abs=1e-6)
    if all(min(most) >= case.K for most in case.slots):
        np.testing.assert_array_equal(answer.quantities["connection"], offer.quantities["connection"])


@QUIET
@given(slot_cases)
def test_relaxation_is_that_over_all_mixtures_of_routes(case):
    """The linear relaxation over arcs is the one over routes (flow decomposition): weights of routes, one in all per train."""
    operator, multipliers = case.operator(), case.multipliers()
    every = [case.routes(k) for k in range(case.K)]
    standing, costs = np.concatenate([s for s, _ in every]), np.concatenate([c for _, c in every])
    train = np.repeat(np.arange(case.K), [len(c) for _, c in every])
    price = costs - (standing * multipliers[train]).sum(axis=(1, 2))
    slots, total = standing.reshape(len(price), -1).T, (train == np.arange(case.K)[:, None]).astype(float)
    found = linprog(price, A_ub=slots, b_ub=np.ravel(case.slots), A_eq=total, b_eq=np.ones(case.K), method="highs")
    answer = operator.relax({"connection": multipliers}, {})
    assert answer.bound_usd == pytest.approx(found.fun, abs=1e-6)
    assert answer.cost_usd - (multipliers * answer.quantities["connection"]).sum() == pytest.approx(found.fun, abs=1e-6)
    assert (answer.quantities["connection"].sum(axis=0) <= np.array(case.slots) + 1e-9).all()
    assert answer.bound_usd <= operator.solve({"connection": multipliers}, {}).bound_usd + 1e-6


@QUIET
@given(cases)
def test_a_day_is_carried_out_as_agreed_and_can_be_planned_anew_at_any_time(case):
    operator = case.operator()
    agreed = operator.solve({"connection": case.multipliers()}, {}).quantities["connection"]
    planned = operator.evaluate({"connection": agreed}, {})
    for period in range(case.T):
        places = operator.open_period(period, None)
        multipliers = case.multipliers()
        answer = operator.solve({"connection": multipliers[:, :, period:]}, {})
        assert answer.quantities["connection"].shape == (case.K, case.S, case.T - period)
        standing, costs = case.plans([(int(s), int(t)) for s, t in places[:, :2]])
        spent = operator._planner.situation.spent_usd
        best = (costs - (standing * multipliers)[..., period:].sum(axis=(1, 2, 3))).min()
        assert answer.bound_usd == pytest.approx(spent + best, abs=1e-5)
        rest = {"connection": agreed[:, :, period:]}
        assert operator.evaluate(rest, {}).cost_usd == pytest.approx(planned.cost_usd, abs=1e-6)
        assert operator.commit(rest) is None
    last = operator.open_period(case.T, None)
    assert last.tolist() == [[s, case.T, s] for s in case.end]
    moves = [row for table, row in operator._journal._recorder.rows if table == "train_moves" and row["phase"] == "realised"]
    assert len(moves) == case.K * case.T
    assert sum(row["cost_usd"] for row in moves) == pytest.approx(planned.cost_usd)


@QUIET
@given(cases)
def test_routes_keep_equations_1_to_4(case):
    operator = case.operator()
    operator.solve({"connection": case.multipliers()}, {})
    arcs = operator._planner._best(case.multipliers()).arc
    tsn = operator._network.tsn
    for k in range(case.K):
        used = np.unique(arcs[k])
        assert sum(tsn.duration[used]) == case.T, "(1): on exactly one arc in every period"
        through = np.bincount(tsn.head[used], minlength=tsn.nodes) - np.bincount(tsn.tail[used], minlength=tsn.nodes)
        through[tsn.node(case.start[k], 0)] += 1
        through[tsn.node(case.end[k], case.T)] -= 1
        assert not through.any(), "(2)-(4): arcs in = arcs out, from the start to the end"
