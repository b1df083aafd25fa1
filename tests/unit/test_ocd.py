"""The coordinator's algorithm against two operators whose joint optimum is known in closed form."""

import numpy as np
import pytest
from negotiate import POWER, TRANSPORT, given, play
from toy_railway import Rows

from federates.boundary.messages import Answer
from federates.boundary.roles import Commit, RoundResult, Solve
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.runtime.negotiation_record import NegotiationRecord
from federates.worlds.road.session import RoadSession

NEED, WORTH = 12.0, 8.0


def session(scheme="proposed"):
    return RoadSession(
        schema_version=1,
        name="x",
        scheme=scheme,
        resourceful_stations=("r",),
        limited_stations=("q", "p"),
        links=("l",),
        horizon_periods=2,
    )


def power(prices=None, offer=None):
    """Power wants up to NEED vehicles, each worth WORTH dollars."""
    if offer is not None:
        used = np.minimum(offer, NEED)
        return Answer({"delivery": used}, float(WORTH * (NEED - used).sum()), 0.0)
    wanted = np.where(prices < WORTH, NEED, 0.0)
    cost = float(WORTH * (NEED - wanted).sum())
    return Answer({"delivery": wanted}, cost, cost + float((prices * wanted).sum()))


def transport(slope, prices=None, asked=None, capacity=1e9):
    """Transport sends z vehicles at slope z^2 / 2 dollars."""
    if asked is not None:
        sent = np.minimum(asked, capacity)
        return Answer({"delivery": sent}, float(0.5 * (slope * sent**2).sum()), 0.0)
    sent = np.minimum(prices / slope, capacity)
    cost = float(0.5 * (slope * sent**2).sum())
    return Answer({"delivery": sent}, cost, cost - float((prices * sent).sum()))


def negotiate(settings=None, slope=1.0, scheme="proposed", capacity=1e9):
    """Return what is carried out and the rounds."""
    algorithm, rows = OptimalityConditionDecomposition(settings or OcdSettings(), None), Rows()
    algorithm.begin(session(scheme), rows)

    def answers(decision):
        if isinstance(decision, Solve):
            prices = decision.prices["delivery"]
            return {POWER: power(prices), TRANSPORT: transport(slope, prices, capacity=capacity)}
        offer, asked = (decision.given[agent]["delivery"] for agent in (POWER, TRANSPORT))
        return {POWER: power(offer=offer), TRANSPORT: transport(slope, asked=asked, capacity=capacity)}

    return play(algorithm, NegotiationRecord(session(scheme), rows), answers), rows.tables.get("rounds", [])


def sent(decision):
    """Return what is carried out, (R, Q, H)."""
    return given(decision, "delivery")


def optimum(slope):
    """Return plan and cost of min WORTH (NEED - z) + slope z^2 / 2 over 0 <= z <= NEED, for the four entries together."""
    slope = np.broadcast_to(slope, (1, 2, 2))
    z = np.minimum(NEED, WORTH / slope)
    return z, float((WORTH * (NEED - z) + 0.5 * slope * z**2).sum())


@pytest.mark.parametrize("slope", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("update", ["shortfall", "residual"])
def test_bounds_enclose_the_optimum_in_every_round(slope, update):
    _, rows = negotiate(OcdSettings(update=update, gap_target=0.0), slope)
    _, best = optimum(slope)
    for row in rows:
        assert not row["lower_bound_usd"] > best + 1e-6
        assert not row["upper_bound_usd"] < best - 1e-6


def test_bounds_enclose_the_optimum_with_uneven_costs():
    slope = np.array([[[0.2, 1.0], [2.0, 0.7]]])
    for update in ("shortfall", "residual"):
        _, rows = negotiate(OcdSettings(update=update, gap_target=0.0), slope)
        assert max(row["lower_bound_usd"] for row in rows) <= optimum(slope)[1] + 1e-6
        assert rows[-1]["upper_bound_usd"] >= optimum(slope)[1] - 1e-6


@pytest.mark.parametrize("slope", [0.1, 0.5])
def test_agreement_is_the_optimum(slope):
    decision, rows = negotiate(OcdSettings(gap_target=0.005), slope)
    plan, best = optimum(slope)
    assert decision.agreed
    assert rows[-1]["upper_bound_usd"] <= best * 1.0051
    np.testing.assert_allclose(sent(decision)[:, :, 0], np.round(plan[:, :, 0]), atol=1)


def test_bounds_never_get_worse():
    _, rows = negotiate(OcdSettings(gap_target=0.0, update="residual"), 0.7)
    lower = [row["lower_bound_usd"] for row in rows]
    upper = [row["upper_bound_usd"] for row in rows if not np.isnan(row["upper_bound_usd"])]
    assert lower == sorted(lower)
    assert upper == sorted(upper, reverse=True)


def test_step_is_equation_45():
    """Second prices = rho (UB - LB) / |d|^2 d, by hand: LB = 0, UB = 4 x 0.5 x 12^2 = 288, d = 12 in four places."""
    algorithm = OptimalityConditionDecomposition(OcdSettings(step_factor=0.5, gap_target=0.0), None)
    algorithm.begin(session(), Rows())
    first = algorithm.start(0, {})
    assert not first.prices["delivery"].any()
    zero = np.zeros((1, 2, 2))
    evaluate = algorithm.next(RoundResult({POWER: power(zero), TRANSPORT: transport(1.0, zero)}))
    offer, asked = (evaluate.given[agent]["delivery"] for agent in (POWER, TRANSPORT))
    second = algorithm.next(RoundResult({POWER: power(offer=offer), TRANSPORT: transport(1.0, asked=asked)}))
    alpha = 0.5 * (288.0 - 0.0) / (4 * 12.0**2)
    np.testing.assert_allclose(second.prices["delivery"], alpha * 12.0)


def test_no_agreement_is_said_and_the_best_plan_is_feasible():
    uneven = np.array([[[0.2, 1.0], [2.0, 0.7]]])
    decision, rows = negotiate(OcdSettings(gap_target=0.0, max_iterations=1), uneven)
    assert not decision.agreed
    assert "no agreement" in decision.reason
    assert (sent(decision) <= NEED + 1e-9).all()
    assert rows[-1]["upper_bound_usd"] >= 0


def test_a_plan_that_both_want_is_never_lost():
    """Between two evaluations both ask for and offer the optimum: it must be committed, whatever is evaluated when."""
    for every in (1, 2, 5, 50):
        settings = OcdSettings(update="box_step", evaluate_every=every, max_iterations=40, gap_target=0.005)
        decision, rows = negotiate(settings, 1.0)
        assert decision.agreed, every
        assert rows[-1]["upper_bound_usd"] <= optimum(1.0)[1] * 1.006


def test_the_last_offer_is_costed_before_giving_up():
    settings = OcdSettings(update="box_step", evaluate_every=50, max_iterations=7, gap_target=0.0)
    decision, rows = negotiate(settings, np.array([[[0.2, 1.0], [2.0, 0.7]]]))
    assert not decision.agreed
    assert rows[-1]["command"] == "evaluate"
    assert rows[-1]["round"] > 7


def test_a_bound_above_a_plan_is_no_agreement():
    algorithm = OptimalityConditionDecomposition(OcdSettings(), None)
    algorithm.begin(session(), Rows())
    zero = np.zeros((1, 2, 2))
    algorithm.start(0, {})
    wrong = Answer({"delivery": np.full((1, 2, 2), NEED)}, 0.0, 1e6)
    evaluate = algorithm.next(RoundResult({POWER: wrong, TRANSPORT: transport(1.0, zero)}))
    offer, asked = (evaluate.given[agent]["delivery"] for agent in (POWER, TRANSPORT))
    decision = algorithm.next(RoundResult({POWER: power(offer=offer), TRANSPORT: transport(1.0, asked=asked)}))
    assert isinstance(decision, Commit)
    assert not decision.agreed
    assert "bound is wrong" in decision.reason


def test_schemes_without_negotiation():
    nothing, rows = negotiate(scheme="no_mves")
    assert not sent(nothing).any()
    assert rows == []
    asked, _ = negotiate(scheme="fastest_route", capacity=5.0)
    np.testing.assert_array_equal(sent(asked)[:, :, 0], 5.0)


def test_first_period_is_whole_vehicles():
    decision, _ = negotiate(OcdSettings(), 1.7)
    first = sent(decision)[:, :, 0]
    np.testing.assert_array_equal(first, np.round(first))
