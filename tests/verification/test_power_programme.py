"""The power operator's linear programme against a second formulation, and laws that its answers obey."""

import numpy as np
import pytest
from scipy.optimize import linprog

from federates.boundary.errors import ModelError
from federates.power_operator.models.charging_station import programme
from federates.power_operator.models.charging_station.delivery import lag_shares
from federates.power_operator.models.charging_station.programme import PlanData, Programme
from federates.runtime.safe_bound import take_misses

R, Q, H = 2, 2, 4


def _data(seed, period_s=3600.0, **changes):
    rng = np.random.default_rng(seed)
    share = lag_shares(rng.uniform(600, 1500, (R, Q)), period_s)
    arrivals = H + share.shape[2] - 1
    values = {
        "period": 7,
        "cost_usd": rng.uniform(2, 9, (R, Q, H)),
        "kwh_per_vehicle": rng.uniform(5, 9.5, (R, Q)),
        "share": share,
        "need_kwh": rng.uniform(0, 900, (Q, arrivals)),
        "due_kwh": rng.uniform(0, 100, (Q, arrivals)),
        "surplus_veh": rng.uniform(20, 150, (R, H)),
        "charging_veh": rng.uniform(40, 150, (R, H)),
        "discharging_veh": rng.uniform(30, 110, (Q, arrivals)),
        "unmet_usd_per_kwh": 5.0,
    }
    return PlanData(**(values | changes))


def _second_formulation(d, multipliers, cap=None):
    """Return the optimal value by dense matrices, vehicles indexed (r, q, t) and then unmet (q, a)."""
    z = R * Q * H
    arrivals = d.need_kwh.shape[1]
    place = np.arange(z).reshape(R, Q, H)
    order = np.transpose(np.arange(z).reshape(H, R, Q), (1, 2, 0))
    cost = np.concatenate([(d.cost_usd + multipliers + 1e-6 * order).ravel(), np.full(Q * arrivals, d.unmet_usd_per_kwh)])
    rows, right = [], []
    for q in range(Q):
        for a in range(arrivals):
            energy, vehicles = np.zeros(cost.size), np.zeros(cost.size)
            for r in range(R):
                for t in range(H):
                    if 0 <= a - t < d.share.shape[2]:
                        vehicles[place[r, q, t]] = d.share[r, q, a - t]
                        energy[place[r, q, t]] = d.share[r, q, a - t] * d.kwh_per_vehicle[r, q]
            energy[z + q * arrivals + a] = 1.0
            rows += [-energy, vehicles]
            right += [d.due_kwh[q, a] - d.need_kwh[q, a], d.discharging_veh[q, a]]
    for r in range(R):
        for t in range(H):
            row = np.zeros(cost.size)
            row[place[r, :, t]] = 1.0
            rows.append(row)
            right.append(min(d.surplus_veh[r, t], d.charging_veh[r, t]))
    upper = np.full(cost.size, np.inf)
    if cap is not None:
        upper[:z] = cap.ravel()
    solved = linprog(cost, A_ub=np.array(rows), b_ub=right, bounds=np.column_stack([np.zeros(cost.size), upper]))
    assert solved.status == 0
    return solved.fun


@pytest.mark.parametrize("period_s", [3600.0, 900.0])
@pytest.mark.parametrize("seed", range(6))
def test_value_equals_second_formulation(seed, period_s):
    data = _data(seed, period_s)
    built = Programme(data)
    rng = np.random.default_rng(100 + seed)
    for _ in range(5):
        multipliers = rng.normal(0, 20, (R, Q, H))
        plan = built.solve(multipliers)
        value = plan.cost_usd + (multipliers * plan.connection_veh).sum()
        expected = _second_formulation(data, multipliers)
        assert value == pytest.approx(expected, rel=1e-7, abs=1e-5)
        assert -1e-12 * abs(value) <= value - plan.bound_usd <= 1e-8 * max(1.0, abs(value))
        assert plan.bound_usd <= expected + 1e-9 * abs(expected)
        cap = rng.uniform(0, 40, (R, Q, H))
        offered = built.solve(np.zeros((R, Q, H)), cap)
        assert offered.cost_usd == pytest.approx(_second_formulation(data, np.zeros((R, Q, H)), cap), rel=1e-7, abs=1e-5)
        assert (offered.connection_veh <= cap + 1e-7).all()


class _Corrupted:
    """A solver of Pyomo whose results have another objective, or half the duals."""

    def __init__(self, solver, what):
        self._solver, self._what = solver, what

    def solve(self, model):
        result = self._solver.solve(model)
        if self._what == "objective":
            result.incumbent_objective += 7.0
        else:
            loader = result.solution_loader
            right = loader.get_duals
            loader.get_duals = lambda *given: {row: 0.5 * dual for row, dual in right(*given).items()}
        return result


@pytest.mark.parametrize("what", ["objective", "dual"])
@pytest.mark.parametrize("cold_too", [False, True])
def test_a_wrong_answer_is_solved_again_and_never_passed_on_as_a_bound(monkeypatch, what, cold_too):
    data, multipliers = _data(3), np.random.default_rng(3).normal(0, 15, (R, Q, H))
    right = Programme(data).solve(multipliers)
    assert take_misses() == []
    wrong = Programme(data)
    wrong._solver = _Corrupted(wrong._solver, what)
    if cold_too:
        make = programme._solver
        monkeypatch.setattr(programme, "_solver", lambda: _Corrupted(make(), what))
    plan = wrong.solve(multipliers)
    (miss,) = take_misses()
    assert miss.cold_agrees is not cold_too
    assert plan.bound_usd <= right.bound_usd + 1e-9
    if what == "objective" or not cold_too:
        assert plan.bound_usd == pytest.approx(right.bound_usd, rel=1e-9)
        assert plan.cost_usd == pytest.approx(right.cost_usd, rel=1e-9)
    else:
        assert plan.bound_usd < right.bound_usd - 1.0


@pytest.mark.parametrize("seed", range(4))
def test_bound_is_below_every_feasible_point(seed):
    data = _data(seed)
    built = Programme(data)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        multipliers = rng.normal(0, 15, (R, Q, H))
        bound = built.solve(multipliers).bound_usd
        feasible = built.solve(rng.normal(0, 15, (R, Q, H))).connection_veh * rng.uniform(0, 1, (R, Q, H))
        evaluated = built.solve(np.zeros((R, Q, H)), feasible)
        used = evaluated.connection_veh
        assert bound <= evaluated.cost_usd + (multipliers * used).sum() + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_vehicles_do_not_grow_with_their_own_price(seed):
    built = Programme(_data(seed))
    for r in range(R):
        for q in range(Q):
            wanted = []
            for price in np.linspace(-30, 60, 31):
                multipliers = np.zeros((R, Q, H))
                multipliers[r, q, 0] = price
                wanted.append(built.solve(multipliers).connection_veh[r, q, 0])
            assert (np.diff(wanted) <= 1e-6).all()
            assert wanted[-1] < wanted[0]


def test_always_has_an_answer():
    data = _data(1, need_kwh=np.full((Q, H + 1), 1e6), surplus_veh=np.zeros((R, H)), discharging_veh=np.zeros((Q, H + 1)))
    plan = Programme(data).solve(np.full((R, Q, H), -1e6))
    assert plan.connection_veh.max() == 0.0
    assert plan.unmet_kwh == pytest.approx(1e6 - data.due_kwh)


def test_offer_beyond_what_fits_is_cut_and_negative_offer_is_none():
    built = Programme(_data(2))
    plan = built.solve(np.zeros((R, Q, H)), np.full((R, Q, H), 1e9))
    assert plan.cost_usd == pytest.approx(built.solve(np.zeros((R, Q, H))).cost_usd)
    assert built.solve(np.zeros((R, Q, H)), np.full((R, Q, H), -1.0)).connection_veh.max() == 0.0


def test_same_question_same_answer_whatever_was_asked_before():
    data = _data(3, cost_usd=np.full((R, Q, H), 4.0), kwh_per_vehicle=np.full((R, Q), 9.4))
    asked, fresh = Programme(data), Programme(data)
    for seed in range(20):
        asked.solve(np.random.default_rng(seed).normal(0, 10, (R, Q, H)))
    zero = np.zeros((R, Q, H))
    np.testing.assert_allclose(asked.solve(zero).connection_veh, fresh.solve(zero).connection_veh, atol=1e-6)


def test_vehicles_leave_ahead_of_a_jump_in_need():
    """Two periods on the road: only vehicles that leave in the first can cover the third's need."""
    share = lag_shares(np.full((R, Q), 2 * 900.0), 900.0)
    need = np.zeros((Q, H + share.shape[2] - 1))
    need[:, 2] = 94.0
    data = _data(
        4,
        900.0,
        share=share,
        need_kwh=need,
        due_kwh=np.zeros_like(need),
        discharging_veh=np.full_like(need, 100.0),
        kwh_per_vehicle=np.full((R, Q), 9.4),
    )
    plan = Programme(data).solve(np.zeros((R, Q, H)))
    assert plan.connection_veh[:, :, 0].sum() == pytest.approx(20.0)
    assert plan.connection_veh[:, :, 1:].sum() == pytest.approx(0.0, abs=1e-9)


def test_least_unmet_is_the_least_over_all_plans():
    built = Programme(_data(5))
    least = built.least_unmet()[:, 0].sum()
    for seed in range(10):
        multipliers = np.random.default_rng(seed).normal(-5, 20, (R, Q, H))
        assert least <= built.solve(multipliers).unmet_kwh[:, 0].sum() + 1e-6


def test_failure_names_operator_period_and_status():
    # Forced arrivals beyond the spots cannot happen in the operator; here they make the programme infeasible.
    data = _data(6, surplus_veh=np.full((R, H), -1.0))
    with pytest.raises(ModelError, match=r"power operator, period 7: HiGHS ended with"):
        Programme(data).solve(np.zeros((R, Q, H)))
