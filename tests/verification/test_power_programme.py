"""The power operator's linear programme against a second formulation, and laws that its answers obey."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from federates.boundary.errors import ModelError
from federates.power_operator.delivery_programme import PlanData, Programme, given_kwh
from federates.station.delivery import arrival_shares

R, Q, H = 2, 2, 4


def _data(seed, period_s=3600.0, bins=4, **changes):
    rng = np.random.default_rng(seed)
    share = arrival_shares(rng.uniform(600, 1500, (R, Q)), period_s, bins)
    arrivals = (H - 1) * bins + share.shape[2]
    stock = rng.uniform(0, 60, Q)
    values = {
        "period": 7,
        "cost_usd": rng.uniform(2, 9, (R, Q, H)),
        "kwh_per_vehicle": rng.uniform(5, 9.5, (R, Q)),
        "share": share,
        "need_kwh": rng.uniform(0, 900 / bins, (Q, arrivals)),
        "due_kwh": rng.uniform(0, 100 / bins, (Q, arrivals)),
        "stock_kwh": stock,
        "holdable_kwh": stock[:, None] * (np.arange(arrivals) < 3),
        "surplus_veh": rng.uniform(20, 150, (R, H)),
        "charging_veh": rng.uniform(40, 150, (R, H)),
        "discharging_kwh": rng.uniform(300 / bins, 1000 / bins, Q),
        "waiting_usd_per_kwh": rng.uniform(0.1, 0.5, Q),
        "wait_bins": 3,
        "bins": bins,
        "unmet_usd_per_kwh": 5.0,
    }
    return PlanData(**(values | changes))


def _second_formulation(d, multipliers, cap=None):
    """Return the optimal value with other variables: what is given in bin j of what arrived in bin i <= j, by dense matrices.

    No stock is written down: it is what has arrived and was not given yet; what is never given is thrown away.
    """
    z, arrivals = R * Q * H, d.need_kwh.shape[1]
    pairs = [(q, i, j) for q in range(Q) for j in range(arrivals) for i in range(-1, j + 1) if _may_wait(d, i, j)]
    place = np.arange(z).reshape(R, Q, H)
    order = np.transpose(np.arange(z).reshape(H, R, Q), (1, 2, 0))
    # Energy given in j waited j - i bins; energy that is thrown away not at all. Unmet need is a constant minus what is given.
    waited = np.array([d.waiting_usd_per_kwh[q] * (j - max(i, 0)) for q, i, j in pairs])
    cost = np.concatenate([(d.cost_usd + multipliers + 1e-6 * order).ravel(), waited - d.unmet_usd_per_kwh])
    rows, right = [], []
    for q in range(Q):
        for i in range(-1, arrivals):
            row = np.zeros(cost.size)
            row[z:] = [p[0] == q and p[1] == i for p in pairs]
            rows.append(row)
            right.append(d.stock_kwh[q] if i < 0 else d.due_kwh[q, i])
            for r in range(R):
                for t in range(H):
                    if i >= 0 and 0 <= i - t * d.bins < d.share.shape[2]:
                        row[place[r, q, t]] = -d.share[r, q, i - t * d.bins] * d.kwh_per_vehicle[r, q]
        for j in range(arrivals):
            row = np.zeros(cost.size)
            row[z:] = [p[0] == q and p[2] == j for p in pairs]
            rows.append(row)
            right.append(min(d.need_kwh[q, j], d.discharging_kwh[q]))
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
    return solved.fun + d.unmet_usd_per_kwh * d.need_kwh.sum()


def _may_wait(d, i, j):
    """Return whether energy that arrived in bin i (-1: was there) may be given in bin j."""
    if i < 0:
        return j == 0 or d.holdable_kwh[0, j - 1] > 0
    return j - i <= d.wait_bins


@pytest.mark.parametrize(("period_s", "bins"), [(3600.0, 4), (3600.0, 1), (900.0, 1), (1800.0, 2)])
@pytest.mark.parametrize("seed", range(6))
def test_value_equals_second_formulation(seed, period_s, bins):
    data = _data(seed, period_s, bins)
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
    data = _data(1, surplus_veh=np.zeros((R, H)), discharging_kwh=np.zeros(Q))
    data = replace(data, need_kwh=np.full_like(data.need_kwh, 1e6))
    plan = Programme(data).solve(np.full((R, Q, H), -1e6))
    assert plan.connection_veh.max() == 0.0
    assert plan.unmet_kwh == pytest.approx(np.full_like(data.need_kwh, 1e6))


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
    """Two bins on the road, four bins a period: only vehicles of the first period are in time for bin 4."""
    share = arrival_shares(np.full((R, Q), 2 * 900.0), 3600.0, 4)
    need = np.zeros((Q, 3 * 4 + share.shape[2]))
    need[:, 4] = 47.0
    none = np.zeros_like(need)
    data = _data(
        4,
        share=share,
        need_kwh=need,
        due_kwh=none,
        stock_kwh=np.zeros(Q),
        holdable_kwh=none,
        discharging_kwh=np.full(Q, 100.0),
        kwh_per_vehicle=np.full((R, Q), 9.4),
        waiting_usd_per_kwh=np.zeros(Q),
    )
    plan = Programme(data).solve(np.zeros((R, Q, H)))
    # Bins 2 to 5 get a quarter each; what arrives in 2 and 3 waits for 4. 47 kWh are 5 vehicles of which 3 of 4 are in time.
    assert plan.connection_veh[:, :, 0].sum(axis=0) == pytest.approx([5 / 0.75, 5 / 0.75])
    assert plan.connection_veh[:, :, 1:].sum() == pytest.approx(0.0, abs=1e-9)
    assert plan.stock_kwh[:, 3] == pytest.approx(47.0 * 2 / 3)
    impatient = Programme(replace(data, wait_bins=1)).solve(np.zeros((R, Q, H)))
    assert impatient.stock_kwh[:, 3] == pytest.approx(47.0 / 2)  # what came in bin 2 may not wait for bin 4


@pytest.mark.parametrize("seed", range(5))
def test_saving_nothing_up_meets_as_much_as_the_programme(seed):
    """With one price of unmet need and no limit to waiting, whoever gives as soon as it is needed leaves the least unmet."""
    data = _data(seed, wait_bins=100)
    data = replace(data, holdable_kwh=np.broadcast_to(data.stock_kwh[:, None], data.need_kwh.shape))
    sent = np.random.default_rng(seed).uniform(0, 15, (R, Q, H))
    sent = np.minimum(sent, Programme(data).solve(np.full((R, Q, H), -1e4)).connection_veh)
    free = Programme(replace(data, cost_usd=np.full((R, Q, H), -1e3), waiting_usd_per_kwh=np.zeros(Q)))
    plan = free.solve(np.zeros((R, Q, H)), sent)
    assert plan.connection_veh == pytest.approx(sent)
    given = given_kwh(data, data.arriving_kwh(sent))
    assert (data.need_kwh - given).sum() == pytest.approx(plan.unmet_kwh.sum())


def test_least_unmet_is_the_least_over_all_plans():
    data = _data(5)
    built = Programme(data)
    weight = 1.05 ** -np.arange(data.need_kwh.shape[1] // data.bins)
    least = (weight * data.by_period(built.least_unmet())).sum()
    for seed in range(10):
        multipliers = np.random.default_rng(seed).normal(-5, 20, (R, Q, H))
        assert least <= (weight * data.by_period(built.solve(multipliers).unmet_kwh)).sum() + 1e-6


def test_failure_names_operator_period_and_status():
    # Forced arrivals beyond the spots cannot happen in the operator; here they make the programme infeasible.
    data = _data(6, surplus_veh=np.full((R, H), -1.0))
    with pytest.raises(ModelError, match=r"power operator, period 7: .*infeasible.*feeder_surplus"):
        Programme(data).solve(np.zeros((R, Q, H)))
