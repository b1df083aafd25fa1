"""The flow programme of vehicles with one owner against enumeration of every vehicle's ways, and closed forms."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.mves_fleet.models.flow.programme import FlowData, FlowProgramme
from federates.mves_fleet.models.flow.vehicles import Approach, Charge, Vehicles, whole_parts

ORDER_USD = 1e-4  # more than the small cost by which the earliest of equal plans is taken


def data(supply, **more):
    """Return one place, one limited station, trips of a period that take one class and cost 5 usd; ``more`` differs."""
    horizon = supply.shape[2]
    numbers = {
        "kwh": 10.0,
        "supply": supply,
        "away": np.ones((1, 1, 1), dtype=np.int64),
        "steps": np.ones((1, 1, 1), dtype=np.int64),
        "trip_usd": np.full((1, 1, 1, horizon), 5.0),
        "load_usd_per_kwh": 0.1,
        "approach_usd": np.zeros(1),
        "step_veh": 0.0,
        "charge_steps": 1,
        "business_steps": 0,
        "wanted_veh": np.zeros(horizon),
        "missed_usd": np.zeros(horizon),
    }
    return FlowData(**(numbers | more))


def at_start(counts, horizon):
    """Return vehicles (R, K) that are free from the first period on."""
    supply = np.zeros((*np.shape(counts), horizon))
    supply[..., 0] = counts
    return supply


def test_a_trip_is_made_where_the_reward_covers_trip_wear_and_toll():
    programme = FlowProgramme(data(at_start([[0, 3]], 1)))
    toll = np.full((1, 1, 1), 2.0)
    for reward, vehicles in ((0.79, 0.0), (0.81, 3.0)):  # (5 + 2) / 10 + 0.1 = 0.8 usd/kWh
        plan = programme.best(np.full((1, 1, 1), reward), toll)
        assert plan.passage_veh.sum() == pytest.approx(vehicles)
        assert plan.load_kwh.sum() == pytest.approx(10 * vehicles)
        assert plan.cost_usd == pytest.approx(6 * vehicles, abs=ORDER_USD)
        assert plan.bound_usd == pytest.approx((8 - 10 * reward) * vehicles, abs=ORDER_USD)


def test_a_vehicle_that_is_away_is_not_there_and_an_empty_one_charges_first():
    # Two periods away, four periods: at 0 and 2. One class a trip, from an empty battery: at 1 and 3.
    high, free = np.full((1, 1, 4), 100.0), np.zeros((1, 1, 4))
    two = np.full((1, 1, 1), 2, dtype=np.int64)
    plan = FlowProgramme(data(at_start([[0, 0, 1]], 4), away=two)).best(high, free)
    assert plan.passage_veh.ravel() == pytest.approx([1, 0, 1, 0])
    plan = FlowProgramme(data(at_start([[1, 0]], 4))).best(high, free)
    assert plan.passage_veh.ravel() == pytest.approx([0, 1, 0, 1])


def test_own_business_goes_on_until_a_delivery_earns_more():
    # Three vehicles, two wanted for 20 usd each: the third delivers for 6 usd, the others for 26 usd.
    busy = data(at_start([[0, 3]], 1), wanted_veh=np.array([2.0]), missed_usd=np.array([20.0]))
    for reward_usd, vehicles in ((5.9, 0), (6.1, 1), (25.9, 1), (26.1, 3)):
        plan = FlowProgramme(busy).best(np.full((1, 1, 1), reward_usd / 10), np.zeros((1, 1, 1)))
        assert plan.passage_veh.sum() == pytest.approx(vehicles)
        assert plan.cost_usd == pytest.approx(6 * vehicles + 20 * max(0, vehicles - 1), abs=ORDER_USD)


def test_a_spread_around_the_station_makes_supply_linear_in_the_reward():
    # 16 vehicles up to 8 usd away: the n-th costs about n / 2 usd. Own cost 6 usd beside that, so 6 + 8 x share usd a vehicle.
    approach = Approach(most_h=8.0, vehicles=16.0)
    numbers = data(at_start([[0, 16]], 1), approach_usd=approach.step_h, step_veh=approach.step_veh)
    for share in (0.25, 0.5, 0.75, 1.0):
        plan = FlowProgramme(numbers).best(np.full((1, 1, 1), (6 + 8 * share) / 10), np.zeros((1, 1, 1)))
        assert plan.passage_veh.sum() == pytest.approx(16 * share)
        assert plan.cost_usd == pytest.approx(16 * (6 * share + 8 * share**2 / 2), abs=16 * ORDER_USD)
        assert approach.total_h(round(16 * share)) == pytest.approx(16 * 8 * share**2 / 2)
    assert approach.total_h(17) > approach.total_h(16)


def random_data(seed, vehicles=2, horizon=3):
    draw = np.random.default_rng(seed)
    places, limited, classes = 2, 1, 2
    supply = np.zeros((places, classes, horizon))
    for _ in range(vehicles):
        supply[draw.integers(places), draw.integers(classes), draw.choice([0, 0, 1])] += 1
    shape = (places, limited, places)
    numbers = data(
        supply,
        away=draw.integers(1, 3, shape),
        steps=draw.integers(0, 2, shape),
        trip_usd=draw.uniform(2, 8, (*shape, horizon)),
        business_steps=int(draw.integers(0, 2)),
        wanted_veh=draw.integers(0, vehicles + 1, horizon).astype(float),
        missed_usd=draw.uniform(1, 12, horizon),
    )
    return numbers, draw


def ways(d, place, k, h):
    """Yield every way of a vehicle from a node to the end: (trips, business periods)."""
    places, limited, _ = d.away.shape
    classes, horizon = d.supply.shape[1:]
    if h >= horizon:
        yield (), ()
        return
    for trips, works in ways(d, place, min(k + d.charge_steps, classes - 1), h + 1):  # charging is never worse than standing
        yield trips, works
    if k >= d.business_steps:
        for trips, works in ways(d, place, k - d.business_steps, h + 1):
            yield trips, (h, *works)
    for q in range(limited):
        for back in range(places):
            if k >= d.steps[place, q, back]:
                rest = ways(d, back, k - d.steps[place, q, back], h + d.away[place, q, back])
                for trips, works in rest:
                    yield ((place, q, back, h), *trips), works


def enumerated_usd(d, reward, toll):
    """Return the least of cost less reward plus toll over all ways of all vehicles, each fully loaded or empty."""
    starts = [node for node, count in np.ndenumerate(d.supply) for _ in range(int(count))]
    choices = []
    for place, k, h in starts:
        found = set()
        for trips, works in ways(d, place, k, h):
            usd = sum(
                d.trip_usd[r, q, b, t] + toll[r, q, t] + min(0.0, d.kwh * (d.load_usd_per_kwh - reward[r, q, t]))
                for r, q, b, t in trips
            )
            busy = np.bincount(works, minlength=d.wanted_veh.size) if works else np.zeros(d.wanted_veh.size, dtype=int)
            found.add((round(usd, 9), tuple(busy.tolist())))
        choices.append(sorted(found))
    best = np.inf
    same = choices[0] == choices[1]
    pairs = combinations_with_replacement(choices[0], 2) if same else ((a, b) for a in choices[0] for b in choices[1])
    for (usd_a, busy_a), (usd_b, busy_b) in pairs:
        missed = np.maximum(d.wanted_veh - np.array(busy_a) - np.array(busy_b), 0.0)
        best = min(best, usd_a + usd_b + float((d.missed_usd * missed).sum()))
    return best


def test_the_best_plan_is_the_best_of_all_ways_of_all_vehicles():
    # The own business binds all vehicles together, so a plan may have parts of vehicles (4426 does): then it is no worse.
    whole = 0
    for seed in (4426, *range(40)):
        d, draw = random_data(seed)
        reward, toll = draw.uniform(0, 3, (2, 1, 3)), draw.uniform(0, 3, (2, 1, 3))
        plan = FlowProgramme(d).best(reward, toll)
        value = plan.cost_usd - (reward * plan.load_kwh).sum() + (toll * plan.passage_veh).sum()
        assert value == pytest.approx(plan.bound_usd, abs=1e-6)
        best = enumerated_usd(d, reward, toll)
        if all(np.allclose(x, np.rint(x), atol=1e-6) for x in (plan.trips, plan.business)):
            whole += 1
            assert plan.bound_usd == pytest.approx(best, abs=ORDER_USD)
        else:
            assert plan.bound_usd <= best + ORDER_USD
    assert whole == 40


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_given_deliveries_have_a_monotone_convex_cost_that_answers_to_prices_minimise(seed):
    d, draw = random_data(seed, vehicles=4)
    programme, shape = FlowProgramme(d), (2, 1, 3)
    reward, toll = draw.uniform(0, 3, shape), draw.uniform(0, 3, shape)
    own = programme.best(reward, toll)
    asked = draw.uniform(0, 8, shape)
    less, more = (programme.serve(z, np.full(shape, 9.0)) for z in (asked, asked + draw.uniform(0, 4, shape)))
    tight = programme.serve(asked, asked / d.kwh + 1e-9)
    for plan, given_kwh in ((less, asked), (tight, asked)):
        assert (plan.load_kwh <= given_kwh + 1e-9).all()
        assert plan.cost_usd - 1e-4 <= plan.bound_usd <= plan.cost_usd + 1e-9
        assert own.bound_usd <= plan.cost_usd - (reward * plan.load_kwh).sum() + (toll * plan.passage_veh).sum() + 1e-6
    assert (tight.passage_veh <= asked / d.kwh + 1e-6).all()
    if np.allclose(less.load_kwh, asked):  # all of it can be delivered
        assert tight.cost_usd >= less.cost_usd - 1e-6 or tight.load_kwh.sum() < asked.sum() - 1e-6
        assert less.cost_usd <= more.cost_usd + 1e-6 or more.load_kwh.sum() < (asked.sum() - 1e-6)
    again = programme.serve(own.load_kwh, own.passage_veh)
    assert again.load_kwh == pytest.approx(own.load_kwh, abs=1e-6)
    assert again.cost_usd == pytest.approx(own.cost_usd, abs=1e-5)


def test_what_cannot_be_delivered_is_left_and_the_same_question_has_the_same_answer():
    d, draw = random_data(5, vehicles=3)
    programme, shape = FlowProgramme(d), (2, 1, 3)
    huge = programme.serve(np.full(shape, 1e9), np.full(shape, 1e6))
    assert huge.load_kwh.sum() <= 3 * 3 * d.kwh
    assert huge.bound_usd <= huge.cost_usd + 1e-9
    programme.best(draw.uniform(0, 3, shape), np.zeros(shape))
    again = programme.serve(np.full(shape, 1e9), np.full(shape, 1e6))
    assert np.array_equal(huge.trips, again.trips)
    assert (huge.cost_usd, huge.bound_usd) == (again.cost_usd, again.bound_usd)


def test_classes_hold_at_least_their_charge_and_uses_are_rounded_up():
    charge = Charge(40.0, 5)
    assert charge.class_of(np.array([0.0, 9.9, 10.0, 40.0, 45.0])).tolist() == [0, 0, 1, 4, 4]
    assert charge.steps(np.array([0.0, 0.1, 10.0, 10.1])).tolist() == [0, 1, 1, 2]
    assert Charge(0.0).steps(np.array([7.0])).tolist() == [0]


@given(st.integers(0, 50), st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_whole_parts_sum_up_and_are_within_one_of_their_share(total, wanted):
    parts = whole_parts(total, np.array(wanted))
    assert parts.sum() == total
    if sum(wanted) > 1e-3:
        assert np.abs(parts - total * np.array(wanted) / sum(wanted)).max() < 1 + 1e-6


def test_vehicles_are_supplied_where_and_when_they_come_back():
    vehicles = Vehicles(np.array([0, 1, 1]), np.array([0, 4, 9]), np.array([40.0, 5.0, 10.0]))
    supply = vehicles.supply(3, 4, 2, Charge(40.0, 5))
    assert supply.sum() == 2  # the third is back beyond the horizon
    assert supply[0, 4, 0] == 1
    assert supply[1, 0, 1] == 1
