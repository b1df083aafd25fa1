"""What answers prove: bounds by hand, prices of either sign, plans of two rounds, whole vehicles, and claims that are refuted."""

import math

import numpy as np
import pytest
from negotiate import POWER, TRANSPORT, both

from federates.boundary.messages import Answer
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.runtime.proof import Proof, relative_gap
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

ROAD = RoadSession(
    schema_version=1, name="x", resourceful_stations=("r",), limited_stations=("q",), links=("l",), horizon_periods=2
)
RAIL = RailSession(
    schema_version=1,
    world="rail",
    name="x",
    periods=4,
    rail_stations=("a", "b"),
    trains=({"name": "k", "home": "a"},),
    trip_periods=((0, 1), (1, 0)),
)


def road(*vehicles):
    return np.array(vehicles, dtype=float).reshape(1, 1, 2)


def exchange_of(values):
    return "delivery" if values.shape[0] == values.shape[1] == 1 else "connection"


def told(asked, offered, power=(0.0, 0.0), transport=(0.0, 0.0)):
    name = exchange_of(asked)
    return RoundResult({POWER: Answer({name: asked}, *power), TRANSPORT: Answer({name: offered}, *transport)})


def solve(prices, relaxed=False):
    return Solve({exchange_of(prices): prices}, relaxed=relaxed)


def evaluate(asked, offered):
    return Evaluate(both(exchange_of(asked), asked, offered))


def cost_usd(proof, plan):
    return proof.cost_usd(both(exchange_of(plan), plan, plan))


def commit(plan, agreed=True, **claims):
    return Commit(both("delivery", plan, plan), agreed, "because", **claims)


def test_the_sum_of_both_bounds_at_one_price_is_a_lower_bound():
    proof = Proof(ROAD, 0, {})
    proof.take(solve(road(1, 1)), told(road(4, 4), road(1, 1), (10.0, 18.0), (3.0, -2.0)))
    assert proof.lower_usd == 16.0
    assert proof.upper_usd == math.inf
    assert math.isnan(proof.gap)
    proof.take(solve(road(2, 2), relaxed=True), told(road(4, 4), road(1, 1), (10.0, 9.0), (3.0, 1.0)))
    assert proof.lower_usd == 16.0, "the best stays"
    proof.take(evaluate(road(1, 1), road(1, 1)), told(road(1, 1), road(1, 1), (20.0, 20.0), (3.0, 3.0)))
    assert proof.lower_usd == 16.0, "bounds at a given connection are none of the problem"


def test_a_negative_price_proves_nothing_on_the_road():
    proof = Proof(ROAD, 0, {})
    proof.take(solve(road(-1, 1)), told(road(4, 4), road(1, 1), (10.0, 18.0), (3.0, -2.0)))
    assert proof.lower_usd == -math.inf


@pytest.mark.parametrize("ready", [(0, 0, 0), (1, 2, 0), (1, 3, 0), (1, 4, 0), (1, 4, 1), (1, 2, -1)])
def test_by_rail_a_price_may_be_negative_for_a_train_whose_end_is_announced_and_in_reach(ready):
    proves = ready not in ((1, 4, 0), (1, 2, -1))
    proof = Proof(RAIL, 1, {"train_ready": np.array([ready], dtype=float)})
    prices = np.zeros((1, 2, 3))
    prices[0, 1, 2] = -2.0
    proof.take(solve(prices), told(prices, prices, (10.0, 18.0), (3.0, -2.0)))
    assert (proof.lower_usd == 16.0) == proves


def test_by_rail_a_negotiation_is_about_the_open_periods_alone():
    """In period 2 of 4, answers of two periods; those of the whole day are refused."""
    proof = Proof(RAIL, 2, {"train_ready": np.array([[1.0, 9.0, 0.0]])})
    zero = np.zeros((1, 2, 2))
    proof.take(solve(zero), told(zero, zero, (1.0, 1.0), (1.0, 1.0)))
    assert (proof.lower_usd, proof.upper_usd) == (2.0, 2.0)
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        proof.take(solve(np.zeros((1, 2, 4))), told(zero, zero))


def test_a_plan_may_come_from_answers_of_two_rounds():
    proof = Proof(ROAD, 0, {})
    proof.take(solve(road(1, 1)), told(road(4, 4), road(3, 2), (10.0, 0.0), (5.0, 0.0)))
    assert proof.upper_usd == math.inf, "asked is not covered by what is offered"
    proof.take(evaluate(road(3, 2), road(9, 9)), told(road(2, 2), road(0, 0), (30.0, 0.0), (0.0, 0.0)))
    assert proof.upper_usd == 35.0, "30 for using (2, 2), 5 for sending (3, 2), which covers it"
    proof.take(evaluate(road(0, 0), road(5, 5)), told(road(0, 0), road(5, 5), (80.0, 0.0), (7.0, 0.0)))
    assert proof.upper_usd == 17.0, "what was asked first, at 10, is covered by (5, 5) at 7"


def test_the_linear_relaxation_is_no_plan():
    proof = Proof(ROAD, 0, {})
    proof.take(solve(road(1, 1), relaxed=True), told(road(1, 1), road(2, 2), (10.0, 0.0), (5.0, 0.0)))
    assert proof.upper_usd == math.inf


def test_the_cost_of_a_plan_is_the_least_that_both_named_for_it():
    proof = Proof(ROAD, 0, {})
    proof.take(evaluate(road(3, 2), road(3, 2)), told(road(2.6, 2), road(3, 2), (30.0, 0.0), (5.0, 0.0)))
    assert cost_usd(proof, road(3, 2)) == 35.0
    assert cost_usd(proof, road(3, 2.3)) != cost_usd(proof, road(3, 2)), "only the opened period is rounded"
    assert math.isnan(cost_usd(proof, road(3, 1))), "less than is used"
    assert math.isnan(cost_usd(proof, road(5, 2))), "more than was sent"
    assert cost_usd(proof, road(2.5, 2)) == 35.0, "half a vehicle less than is used, by rounding"


def proven(lower=90.0, cost=100.0):
    """Return a proof with these bounds for the plan (3, 2)."""
    proof = Proof(ROAD, 0, {})
    proof.take(solve(road(0, 0)), told(road(9, 9), road(0, 0), (0.0, lower), (0.0, 0.0)))
    proof.take(evaluate(road(3, 2), road(3, 2)), told(road(3, 2), road(3, 2), (cost, 0.0), (0.0, 0.0)))
    return proof


PLAN = road(3, 2)


def test_agreed_needs_claim_cost_bound_and_gap():
    assert proven(99.5).verdict(commit(PLAN), 0.01).agreed
    verdict = proven(99.5).verdict(commit(PLAN, agreed=False), 0.01)
    assert (verdict.agreed, verdict.words) == (False, "the algorithm does not say so")
    verdict = proven().verdict(commit(PLAN), 0.01)
    assert not verdict.agreed
    assert verdict.gap == pytest.approx(0.1)
    assert proven().verdict(commit(PLAN), 0.1).agreed
    unknown = proven().verdict(commit(road(7, 7)), 0.5)
    assert (unknown.agreed, unknown.words) == (False, "the answers do not tell what the committed plan costs")
    assert math.isnan(unknown.cost_usd)
    unbounded = Proof(ROAD, 0, {})
    unbounded.take(evaluate(PLAN, PLAN), told(PLAN, PLAN, (1.0, 0.0), (1.0, 0.0)))
    assert unbounded.verdict(commit(PLAN), 0.5).words == "the answers do not tell a lower bound"


def test_an_own_bound_may_close_the_gap_and_is_kept_apart():
    verdict = proven().verdict(commit(PLAN, lower_bound_usd=99.9), 0.01)
    assert verdict.agreed
    assert verdict.gap == pytest.approx(0.1)
    assert verdict.claimed_gap == pytest.approx(0.001)
    assert verdict.words == "0.10% by the algorithm's own bound, 10.00% by the answers alone"


@pytest.mark.parametrize(("lower", "claimed", "whose"), [(90.0, 101.0, "the algorithm's"), (101.0, -math.inf, "an operator's")])
def test_crossed_bounds_claim_nothing(lower, claimed, whose):
    verdict = proven(lower).verdict(commit(PLAN, lower_bound_usd=claimed), 0.5)
    assert not verdict.agreed
    assert f"{whose} bound is wrong" in verdict.words


def test_a_scheme_without_trains_has_one_connection_whose_bounds_are_the_problems():
    fixed = RAIL.model_copy(update={"scheme": "fixed"})
    zero = np.zeros((1, 2, 4))
    home = {"train_ready": np.array([[0.0, 0.0, 0.0]])}
    for session, lower in ((fixed, 7.0), (RAIL, -math.inf)):
        proof = Proof(session, 0, home)
        proof.take(evaluate(zero, zero), told(zero, zero, (8.0, 7.0), (0.0, 0.0)))
        assert (proof.lower_usd, proof.upper_usd) == (lower, 8.0)


def test_gap():
    assert relative_gap(90.0, 100.0) == pytest.approx(0.1)
    assert relative_gap(-110.0, -100.0) == pytest.approx(0.1)
    assert relative_gap(100.0, 100.0 - 1e-7) == 0.0, "rounding"
    assert math.isnan(relative_gap(100.0, 90.0)), "crossed bounds claim nothing"
    assert math.isnan(relative_gap(-math.inf, 1.0))
