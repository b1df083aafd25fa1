"""Coordination by rail against brute force: the joint optimum of a toy railway is found by trying all routes of all trains."""

import functools
import itertools

import numpy as np
import pytest
from negotiate import given
from rail_algorithms import ALGORITHMS
from toy_railway import Rows, ToyRailway, random_case

from federates.boundary.roles import Evaluate, Solve
from federates.runtime.negotiation_record import NegotiationRecord

NEAR = 1e-5
CASES = {
    "plain": {"seed": 1},
    "costs differ": {"seed": 4},
    "costs by time": {"seed": 5, "by_time": 0.7},
    "integer power": {"seed": 1, "fixed_usd": 1.0},
    "integer power, costs by time": {"seed": 4, "fixed_usd": 1.0, "by_time": 0.5},
    "alike trains": {"seed": 1, "homes": (0, 0), "fixed_usd": 0.5},
    "slots": {"seed": 1, "periods": 6, "slots": 1},
    "slower than the timetable": {"seed": 2, "periods": 6, "slower": 1},
    "slower, integer power": {"seed": 3, "periods": 6, "slower": 1, "fixed_usd": 1.0},
    "a long day": {"seed": 7, "periods": 10, "homes": (0,), "fixed_usd": 0.5, "by_time": 0.7},
    "trains of their own cost": {"seed": 2, "homes": (0, 0), "periods": 4, "fixed_usd": 0.5, "factors": (3.0, 1.0)},
    "trains of their own size": {"seed": 6, "homes": (0, 0), "fixed_usd": 0.5, "sizes": (2.0, 0.5)},
    "ends elsewhere": {"seed": 2, "homes": (0, 1), "ends": (2, 1), "fixed_usd": 0.5},
    "alike, but for the end": {"seed": 1, "homes": (0, 0), "ends": (0, 2)},
    "one train": {"seed": 3, "homes": (2,), "periods": 6, "fixed_usd": 0.5},
}


@functools.cache
def optimum_usd(case):
    return ToyRailway(**CASES[case]).optimum_usd()


def agreed(decision):
    """Return what is carried out, (K, S, H)."""
    return given(decision, "connection")


def negotiate(name, railway, **settings):
    kind, rows = ALGORITHMS[name], Rows()
    algorithm = kind(kind.Settings(**settings), None)
    algorithm.begin(railway.session, rows)
    railway.record = NegotiationRecord(railway.session, rows)
    return railway.play(algorithm), rows.tables, algorithm


@functools.cache
def played(name, case, **settings):
    """Return decision, tables and everything that was asked."""
    railway = ToyRailway(**CASES[case])
    decision, tables, _ = negotiate(name, railway, gap_target=0.0, **settings)
    return decision, tables, railway


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_bounds_enclose_the_optimum_in_every_round(name, case):
    best = optimum_usd(case)
    _, tables, _ = played(name, case)
    assert_rounds_enclose(tables["rounds"], best)
    (held,) = tables["negotiations"]
    assert held["claimed_lower_bound_usd"] <= best + NEAR
    lower, upper = ([row[f"{name}_bound_usd"] for row in tables["rounds"]] for name in ("lower", "upper"))
    lower, upper = ([value for value in values if not np.isnan(value)] for values in (lower, upper))
    assert lower
    assert upper
    assert lower == sorted(lower)
    assert upper == sorted(upper, reverse=True)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_committed_plan_can_be_carried_out_at_the_cost_named(name, case):
    decision, tables, railway = played(name, case)
    plan = agreed(decision)
    offered = railway.transport(asked=plan)
    assert (offered.quantities["connection"] >= plan).all()
    cost = railway.value(plan) + offered.cost_usd
    assert cost <= tables["negotiations"][0]["upper_bound_usd"] + NEAR


@pytest.mark.parametrize("case", CASES)
def test_cuts_close_the_gap(case):
    """By a bound of their own where prices leave a duality gap, which the tables keep apart from what the answers prove."""
    decision, tables, _ = played("cuts", case)
    row = tables["negotiations"][0]
    assert row["upper_bound_usd"] == pytest.approx(optimum_usd(case), abs=1e-4)
    assert row["claimed_lower_bound_usd"] == pytest.approx(optimum_usd(case), abs=1e-4)
    assert row["claimed_gap"] == pytest.approx(0.0, abs=1e-5)
    assert row["lower_bound_usd"] <= row["claimed_lower_bound_usd"] + NEAR
    assert row["agreed"], row["verdict"]
    assert decision.agreed, decision.reason


@pytest.mark.parametrize("case", CASES)
def test_the_bundles_bound_is_at_least_that_of_the_paper(case):
    """Its multipliers may have either sign, so its dual problem is at least as strong, given rounds enough to solve it."""
    _, tables, _ = played("bundle", case, bound_solves=80, least_gain=1e-4)
    _, paper, _ = played("ocd", case)
    assert tables["negotiations"][0]["lower_bound_usd"] >= paper["negotiations"][0]["lower_bound_usd"] - 1e-4


# The first has a duality gap; in the others 100 prices find the bound without the plan, or the plan without the bound.
NOT_CLOSED_BY_ADMM = ("a long day", "trains of their own cost", "alike, but for the end")


@pytest.mark.parametrize("case", [case for case in CASES if case not in NOT_CLOSED_BY_ADMM])
def test_admm_with_whole_trains_closes_the_gap(case):
    decision, tables, _ = played("admm", case, relaxed=False)
    row = tables["negotiations"][0]
    assert row["upper_bound_usd"] == pytest.approx(optimum_usd(case), abs=1e-4)
    assert row["lower_bound_usd"] == pytest.approx(optimum_usd(case), abs=1e-4)
    assert decision.agreed, decision.reason


def test_admm_asks_for_whole_trains_once_at_most_unless_told_otherwise():
    for case in CASES:
        _, _, railway = played("admm", case)
        assert sum(isinstance(call, Solve) and not call.relaxed for call in railway.calls) <= 1


@pytest.mark.parametrize("case", CASES)
def test_a_posted_price_runs_the_trains_as_the_transport_operator_chooses(case):
    decision, tables, railway = played("posted_price", case, price_usd_per_veh=3.0)
    posted = np.full(railway.session.connection_shape, 3.0)
    asked = railway.power(posted).quantities["connection"]
    # Where nothing is wanted at that price, what it is worth is asked at no price.
    assert [row["command"] for row in tables["rounds"]] == ["solve"] * (1 if asked.any() else 2) + ["evaluate"]
    np.testing.assert_array_equal(agreed(decision), railway.transport(posted).quantities["connection"])
    row = tables["negotiations"][0]
    assert decision.agreed == (row["gap"] == pytest.approx(0.0, abs=1e-6))


def test_costs_by_time_are_priced_exactly():
    """Paid for every period that it stands, a train is indifferent between all routes: the power operator's answer is optimal."""
    for case in ("costs by time", "integer power, costs by time"):
        _, tables, railway = played("bundle", case)
        assert tables["negotiations"][0]["gap"] == pytest.approx(0.0, abs=1e-6)
        whole = [call for call in railway.calls if isinstance(call, Solve) and not call.relaxed]
        assert len(whole) <= 1


def test_without_a_sign_the_bound_is_weaker():
    exact = {"bound_solves": 60, "least_gain": 1e-4}
    _, free, _ = played("bundle", "a long day", **exact)
    _, unsigned, railway = played("bundle", "a long day", signed=False, **exact)
    assert unsigned["negotiations"][0]["lower_bound_usd"] < free["negotiations"][0]["lower_bound_usd"] - 0.01
    assert all((call.prices["connection"] >= 0).all() for call in railway.calls if isinstance(call, Solve))


@pytest.mark.parametrize("name", ["bundle", "cuts"])
def test_alike_trains_have_the_same_prices(name):
    _, _, railway = played(name, "alike trains")
    prices = [call.prices["connection"] for call in railway.calls if isinstance(call, Solve)]
    assert len(prices) > 2
    assert any(price.any() for price in prices)
    for price in prices:
        np.testing.assert_array_equal(price[0], price[1])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_lying_operator_is_found_out(name):
    railway = ToyRailway(**CASES["integer power"])
    railway.lie_usd = 50.0
    # The bound at a posted price is that of the price: only at a good one does a lie lift it above the plan.
    settings = {"price_usd_per_veh": 4.0} if name == "posted_price" else {}
    decision, tables, _ = negotiate(name, railway, **settings)
    assert not decision.agreed
    assert "bound is wrong" in decision.reason
    assert tables["negotiations"][0]["lower_bound_usd"] > tables["negotiations"][0]["upper_bound_usd"]


@pytest.mark.parametrize("name", ["bundle", "cuts"])
def test_rounds_have_a_limit(name):
    for most in (1, 2, 3, 5, 9):
        railway = ToyRailway(**CASES["slower, integer power"])
        decision, tables, _ = negotiate(name, railway, gap_target=0.0, max_rounds=most)
        assert len(tables["rounds"]) <= max(most, 2)
        assert agreed(decision).any()


def test_results_are_the_same_twice():
    first, second = (negotiate("cuts", ToyRailway(**CASES["slots"]), gap_target=0.0)[1] for _ in range(2))
    assert first == second


# --- a day, and a late train ------------------------------------------------------------------------------------------------


def begun_day(name, **case):
    railway = ToyRailway(**case)
    decision, tables, algorithm = negotiate(name, railway, gap_target=0.0)
    return railway, decision, tables, algorithm


def first_trip(connection):
    """Return train, period of departure, next station and period of arrival of some trip."""
    for k, stands in enumerate(connection):
        times = np.argwhere(stands.T > 0.5)
        for (t, s), (next_t, next_s) in itertools.pairwise(times):
            if s != next_s:
                return k, int(t) + 1, int(next_s), int(next_t)
    return None


def places(railway, connection, period):
    """Return where trains are by plan: each one's next stand, or its end at the end of the day."""
    ready = np.array([[end, railway.session.periods] for end in railway.ends], dtype=float)
    for k, stands in enumerate(connection):
        due = np.argwhere(stands[:, period:].T > 0.5)
        if len(due):
            ready[k] = due[0, 1], period + due[0, 0]
    return ready


DAYS = [
    {"seed": 8, "periods": 6, "homes": (0, 1), "by_time": 0.1},
    {"seed": 8, "periods": 6, "homes": (1, 1), "by_time": 0.1},
    {"seed": 18, "periods": 8, "homes": (0,), "by_time": 0.1, "fixed_usd": 0.2},
]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_while_the_plan_holds_nobody_is_asked(name, day):
    railway, decision, tables, algorithm = begun_day(name, **day)
    asked = len(railway.calls)
    for period in range(1, railway.session.periods):
        again = railway.play(algorithm, period, places(railway, agreed(decision), period))
        np.testing.assert_array_equal(agreed(again), agreed(decision)[:, :, period:])
        assert again.agreed == decision.agreed
    assert len(railway.calls) == asked
    assert len(tables["negotiations"]) == 1
    assert len(tables["connections"]) == agreed(decision).sum()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "posted_price"])  # one price moves no train
def test_a_late_train_renegotiates_the_rest_of_the_day(name, day):
    railway, decision, tables, algorithm = begun_day(name, **day)
    trip = first_trip(agreed(decision))
    assert trip is not None, "choose a seed whose plan has a trip"
    train, departure, station, arrival = trip
    period = departure + 1
    ready = places(railway, agreed(decision), period)
    ready[train] = station, min(arrival + 1, railway.session.periods)
    past = agreed(decision) * (np.arange(railway.session.periods) < period)
    railway.at(period, ready, past)
    asked = len(railway.calls)
    again = railway.play(algorithm, period, ready)
    assert agreed(again).shape == agreed(decision)[:, :, period:].shape
    assert not agreed(again)[train, :, : int(ready[train, 1]) - period].any()
    assert len(railway.calls) > asked
    for call in railway.calls[asked:]:
        told = [call.prices] if isinstance(call, Solve) else call.given.values()
        assert {entry["connection"].shape for entry in told} == {agreed(again).shape}, "the past is in no message"
    row, best = tables["negotiations"][1], railway.optimum_usd()
    assert row["lower_bound_usd"] <= best + NEAR
    assert row["upper_bound_usd"] >= best - NEAR
    assert f"k{train} stands at s{station} " in row["cause"]
    if name == "cuts":
        assert row["upper_bound_usd"] == pytest.approx(best, abs=1e-4)
        assert again.agreed


def test_a_train_that_cannot_come_home_is_never_paid_for_standing():
    railway, decision, _, algorithm = begun_day("cuts", **DAYS[0])
    train, departure, _station, _ = first_trip(agreed(decision))
    period = departure + 1
    ready = places(railway, agreed(decision), period)
    ready[train] = (1 - railway.homes[train]) % 2, railway.session.periods - 1
    past = agreed(decision) * (np.arange(railway.session.periods) < period)
    railway.at(period, ready, past)
    asked = len(railway.calls)
    railway.play(algorithm, period, ready)
    prices = [call.prices["connection"] for call in railway.calls[asked:] if isinstance(call, Solve)]
    assert prices
    assert all((price[train] >= 0).all() for price in prices)


@pytest.mark.parametrize("scheme", ["fixed", "central", "no_storage"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_schemes_without_trains_are_costed_once(name, scheme):
    railway = ToyRailway(1, scheme=scheme)
    decision, tables, algorithm = negotiate(name, railway)
    assert decision.agreed
    assert not agreed(decision).any()
    assert len(railway.calls) == 1
    assert isinstance(railway.calls[0], Evaluate)
    row = tables["negotiations"][0]
    assert row["upper_bound_usd"] == pytest.approx(railway.value(np.zeros(railway.session.connection_shape)))
    assert "connections" not in tables
    assert not agreed(railway.play(algorithm, 1, None)).any()
    assert len(railway.calls) == 1


# --- random cases with everything private that the two operators may keep from each other -------------------------------------

QUICK, ALL = range(3), range(200)
SEEDS = [*QUICK, *(pytest.param(seed, marks=pytest.mark.long) for seed in ALL if seed not in QUICK)]


@functools.cache
def random_optimum_usd(seed):
    return ToyRailway(**random_case(seed)).optimum_usd()


@functools.cache
def optimum_of_rest_usd(seed, period, ready, past):
    railway = ToyRailway(**random_case(seed))
    railway.at(period, ready, np.frombuffer(past).reshape(railway.session.connection_shape))
    return railway.optimum_usd()


def assert_rounds_enclose(rows, best):
    for row in rows:
        assert not row["lower_bound_usd"] > best + NEAR, row
        assert not row["upper_bound_usd"] < best - NEAR, row


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_bounds_enclose_the_optimum_whatever_is_private(name, seed):
    """LB <= optimum by brute force <= UB in every round: of the day, and of what is left of it after a train has come late."""
    railway = ToyRailway(**random_case(seed))
    decision, tables, algorithm = negotiate(name, railway, gap_target=0.0)
    assert_rounds_enclose(tables["rounds"], random_optimum_usd(seed))
    assert not tables["negotiations"][0]["claimed_lower_bound_usd"] > random_optimum_usd(seed) + NEAR
    first = len(tables["rounds"])
    trip = first_trip(agreed(decision))
    if trip is None:
        return
    train, departure, station, arrival = trip
    period = departure + 1
    ready = places(railway, agreed(decision), period)
    ready[train] = station, min(arrival + 1 + seed % 3, railway.session.periods)
    past = agreed(decision) * (np.arange(railway.session.periods) < period)
    railway.at(period, ready, past)
    if railway.routes_or_none() is None:
        return  # It came too late for the slots, which a real operator would widen.
    railway.play(algorithm, period, ready)
    key = tuple(tuple(row) for row in ready.tolist()), past.tobytes()
    best = optimum_of_rest_usd(seed, period, *key)
    assert_rounds_enclose(tables["rounds"][first:], best)
    assert not tables["negotiations"][-1]["claimed_lower_bound_usd"] > best + NEAR


def test_a_cost_of_its_own_needs_a_kind_of_its_own():
    """What `check` refuses would give a wrong bound: dearer trains of one public kind."""
    case = "trains of their own cost"
    told = ToyRailway(**CASES[case])
    assert len({train.kind for train in told.session.trains}) == 2
    wrong = ToyRailway(**CASES[case] | {"kinds": ("train", "train")})
    _, tables, _ = negotiate("cuts", wrong, gap_target=0.0)
    row = tables["negotiations"][0]
    assert row["claimed_lower_bound_usd"] > optimum_usd(case) + 0.01
