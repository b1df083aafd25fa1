"""Private drivers against closed forms, brute force, and the assignment solver of scipy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from federates.battery.depth_cost import cycle_life_share
from federates.mves_fleet.models.private.assignment import assign, choose_whole
from federates.mves_fleet.models.private.choice import STAY, Costs, acceptance, decide
from federates.mves_fleet.models.private.drivers import draw_drivers
from federates.mves_fleet.models.private.settings import Diary, PrivateSettings
from federates.mves_fleet.models.wear import delivery_wear_usd


def market(seed, drivers, options, able=0.7):
    """Return costs (n, K), infinite where a driver cannot."""
    draw = np.random.default_rng(seed)
    cost = draw.uniform(1.0, 20.0, (drivers, options))
    return np.where(draw.random((drivers, options)) < able, cost, np.inf)


def test_one_driver_goes_where_the_reward_exceeds_the_cost():
    cost = np.array([[5.0, 4.0]])
    assert decide(cost, np.array([4.9, 3.9])).option.tolist() == [STAY]
    assert decide(cost, np.array([5.0, 4.0])).option.tolist() == [STAY]  # indifferent: stays
    taken = decide(cost, np.array([6.0, 5.5]))
    assert taken.option.tolist() == [1]  # 1.5 is more than 1
    assert (taken.accepted.tolist(), taken.cost_usd) == ([0.0, 1.0], 4.0)
    assert taken.bound_usd == pytest.approx(4.0 - 5.5, abs=1e-12)


def test_equal_drivers_all_go_or_none():
    cost = np.full((50, 1), 3.0)
    assert decide(cost, np.array([2.9])).accepted.sum() == 0
    assert decide(cost, np.array([3.1])).accepted.sum() == 50


def test_uniform_thresholds_make_supply_linear_in_the_reward():
    # Thresholds at the middles of n equal parts of [0, 1]: at reward w exactly the part w of the drivers accepts, and their cost
    # is the area below the supply curve, n w^2 / 2.
    n = 1000
    cost = ((np.arange(n) + 0.5) / n)[:, None]
    for reward in (0.1, 0.25, 0.5, 0.9):
        found = decide(cost, np.array([reward]))
        assert found.accepted[0] == pytest.approx(n * reward)
        assert found.cost_usd == pytest.approx(n * reward**2 / 2)
        assert found.bound_usd == pytest.approx(-n * reward**2 / 2)


@pytest.mark.parametrize("pay", [0.0, -3.0])
def test_nobody_accepts_for_nothing_or_less(pay):
    assert decide(market(1, 30, 4), np.full(4, pay)).accepted.sum() == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_decisions_are_those_of_a_loop_over_drivers(seed):
    cost, pay = market(seed, 12, 3), np.random.default_rng(seed + 1).uniform(0, 20, 3)
    value = 0.0
    for row, option in zip(cost, decide(cost, pay).option, strict=True):
        best = min([(0.0, STAY)] + [(row[o] - pay[o], o) for o in range(3)])
        value += best[0]
        assert option == best[1]
    found = decide(cost, pay)
    assert found.bound_usd == pytest.approx(value, abs=1e-9)
    assert found.bound_usd <= found.cost_usd - (pay * found.accepted).sum() + 1e-9


def columns_of(wanted):
    return np.repeat(np.arange(len(wanted)), wanted)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_given_trips_cost_what_the_assignment_solver_of_scipy_finds(seed, wanted):
    cost = market(seed, 15, 3, able=0.8)
    dear = np.where(np.isfinite(cost), cost, 1e6)[:, columns_of(wanted)]
    rows, columns = linear_sum_assignment(dear)
    chosen = dear[rows, columns]
    found = assign(cost, np.array(wanted, dtype=float))
    assert found.served.sum() == pytest.approx((chosen < 1e6).sum())
    assert found.cost_usd == pytest.approx(chosen[chosen < 1e6].sum(), abs=1e-7)
    assert found.bound_usd == pytest.approx(found.cost_usd, abs=1e-6)
    assert found.bound_usd <= found.cost_usd


def test_a_small_case_by_brute_force():
    cost = market(7, 5, 2)
    wanted = (2, 2)
    best = min(
        sum(cost[i, o] for i, o in enumerate(plan) if o >= 0)
        for plan in product((-1, 0, 1), repeat=5)
        if tuple(plan.count(o) for o in (0, 1)) == wanted
    )
    assert assign(cost, np.array(wanted, dtype=float)).cost_usd == pytest.approx(best, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_parts_of_trips_are_a_convex_cost_with_a_proven_bound(seed):
    draw = np.random.default_rng(seed)
    cost, first, second = market(seed, 20, 4), draw.uniform(0, 3, 4), draw.uniform(0, 3, 4)
    at, middle, other = (assign(cost, x) for x in (first, (first + second) / 2, second))
    assert middle.cost_usd <= (at.cost_usd + other.cost_usd) / 2 + 1e-6
    more = assign(cost, first + 0.5 * second)
    assert more.cost_usd >= at.cost_usd - 1e-6
    for found in (at, middle, other, more):
        assert found.cost_usd - 1e-6 <= found.bound_usd <= found.cost_usd
    # The prices are slopes: a plane below the cost everywhere.
    plane = at.bound_usd + (at.price_usd * (second - first)).sum()
    assert plane <= other.cost_usd + 1e-6 or (other.served < second - 1e-9).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_decisions_at_prices_are_optimal_against_given_trips(seed):
    draw = np.random.default_rng(seed)
    cost, pay = market(seed, 25, 3), draw.uniform(0, 15, 3)
    own = decide(cost, pay)
    value = own.cost_usd - (pay * own.accepted).sum()
    assert assign(cost, own.accepted).cost_usd == pytest.approx(own.cost_usd, abs=1e-6)
    for _ in range(4):
        other = assign(cost, draw.uniform(0, 8, 3))
        assert own.bound_usd <= value + 1e-9 <= other.cost_usd - (pay * other.served).sum() + 1e-6


def test_whole_drivers_go_now_and_those_who_are_worth_more_later_are_spared():
    # Driver 0 is the cheapest now, and the only one later: so driver 1 goes now.
    cost = np.array([[1.0, 1.0], [2.0, np.inf]])
    who, option = choose_whole(cost, np.array([1.0, 1.0]), np.array([True, False]))
    assert (who.tolist(), option.tolist()) == ([1], [0])
    who, _ = choose_whole(cost, np.array([1.0, 0.0]), np.array([True, False]))
    assert who.tolist() == [0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_no_driver_makes_two_of_the_trips_that_are_chosen(seed):
    draw = np.random.default_rng(seed)
    cost, wanted = market(seed, 30, 6), draw.uniform(0, 3, 6)
    now = np.array([True, False] * 3)
    wanted[now] = np.rint(wanted[now])
    who, option = choose_whole(cost, wanted, now)
    assert len(set(who.tolist())) == who.size
    assert np.isfinite(cost[who, option]).all()
    assert now[option].all()
    if (np.isfinite(cost[:, now]).any(axis=1).sum() >= wanted[now].sum()) and (np.isfinite(cost).sum(axis=0) > 12).all():
        assert np.bincount(option, minlength=6)[now].tolist() == wanted[now].tolist()


def test_every_driver_near_a_station_is_counted_once():
    draw = np.random.default_rng(3)
    n, shape = 200, (2, 2)
    costs = Costs(draw.uniform(0, 9, (n, *shape)), np.full((*shape, 2), 1.0), draw.uniform(0, 3, n), draw.uniform(0, 9, (n, 2)))
    near = np.eye(3, 2, dtype=bool)[draw.integers(0, 3, n)]
    back, able = draw.random(n) < 0.8, draw.random((n, *shape)) < 0.9
    can = (near & back[:, None])[:, :, None, None] & able[..., None] & np.ones(2, dtype=bool)
    usd = np.where(can, costs.total(), np.inf).reshape(n, -1)
    option = decide(usd, draw.uniform(4, 9, 8)).option
    found = acceptance(near, back, able, costs, option, 2)
    parts = [getattr(found, name) for name in found.__slots__ if name != "near"]
    assert np.array_equal(sum(parts), found.near)
    assert all((part >= 0).all() for part in parts)
    assert found.accepted.sum() == (option % 2 == 0)[option >= 0].sum()
    assert (found.near == near.sum(axis=0)[:, None]).all()


def test_drivers_follow_from_seed_and_name_and_have_the_distributions_that_are_set():
    s = PrivateSettings(drivers=20_000)
    first, again, other = (draw_drivers(s, *key, 2, 2) for key in ((1, "a"), (1, "a"), (1, "b")))
    assert np.array_equal(first.value_of_time_usd_per_h, again.value_of_time_usd_per_h)
    assert np.array_equal(first.place, again.place)
    assert not np.array_equal(first.value_of_time_usd_per_h, other.value_of_time_usd_per_h)
    logs = np.log(first.value_of_time_usd_per_h)
    assert (logs.mean(), logs.std()) == (pytest.approx(np.log(15.0), abs=0.02), pytest.approx(0.6, abs=0.02))
    share = first.own_kwh / first.battery_kwh
    assert share.min() >= 0.3
    assert share.max() <= 0.95
    assert first.threshold_usd.mean() == pytest.approx(2.0, abs=0.05)
    near = first.near(list(range(24)), 2)
    assert near.sum(axis=1).max() == 1  # at one place at a time
    assert near[:, :, [0, 3, 23]].sum() == 0  # asleep
    assert near[:, :, 20].mean() == pytest.approx(0.15 / 2, abs=0.01)
    # Who waits for a spread of nothing is where the diary says, hour by hour.
    still = PrivateSettings(drivers=500, diary=Diary(home_share=1.0, work_share=0.0, spread_h=0.0))
    here = draw_drivers(still, 1, "a", 1, 1).near(list(range(24)), 1).mean(axis=(0, 1))
    assert here.tolist() == [0.0] * 6 + [1.0] + [0.0] * 10 + [1.0] * 6 + [0.0]


def test_wear_is_that_of_the_battery_library():
    sizes = np.array([8.0, 10.0, 40.0, 63.7, 90.0])
    exact = 150.0 * sizes * cycle_life_share(np.minimum(10.0 / sizes, 1.0))
    assert delivery_wear_usd(10.0, sizes, 150.0) == pytest.approx(exact, rel=1e-11)
