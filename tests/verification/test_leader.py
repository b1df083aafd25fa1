"""The leader's reward against closed forms, a fine grid and other formulations; learnt curves against what made the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import lambertw

from federates.boundary.errors import ModelError
from federates.games.acceptance import (
    IsotonicAcceptance,
    LogitAcceptance,
    Observation,
    UniformAcceptance,
    fit_isotonic,
    fit_logit,
)
from federates.games.leader import Party, best_reward, logit_margin, nobody_gains, profit, reward_interval, unilateral_gains

OMEGA = 0.567143290409784  # the omega constant, W(1)


def test_logit_with_the_omega_constant():
    curve = LogitAcceptance(cost_usd=3.0, slope_per_usd=1.0)
    reward = float(best_reward(curve, 4.0))
    assert 4.0 - reward == pytest.approx(1.567143, abs=1e-6)
    assert reward - 3.0 == pytest.approx(-OMEGA, abs=1e-11)
    assert float(curve.share(reward)) == pytest.approx(0.361896, abs=1e-6)
    assert float(profit(curve, 4.0, reward)) == pytest.approx(OMEGA, abs=1e-11)


def test_logit_is_the_monopoly_price_of_logit_demand():
    # Demand exp(a - b p) / (1 + exp(a - b p)) with a = b = 1 and no cost: a seller's price is 1 + W(exp(a - 1)).
    price = 1 + float(lambertw(np.exp(1 - 1)).real)
    share = np.exp(1 - price) / (1 + np.exp(1 - price))
    curve = LogitAcceptance(cost_usd=0.0, slope_per_usd=1.0)
    reward = float(best_reward(curve, 1.0, lowest_usd=-np.inf))
    assert 1.0 - reward == pytest.approx(price, abs=1e-11)
    assert float(curve.share(reward)) == pytest.approx(share, abs=1e-11)


@pytest.mark.parametrize(("cost", "slope", "value"), [(0.3, 20.0, 0.5), (5.0, 0.4, 1.0), (0.0, 3.0, 500.0), (2.0, 1e-2, 2.0)])
def test_margin_solves_the_first_order_condition(cost, slope, value):
    curve = LogitAcceptance(cost, slope)
    margin = float(logit_margin(curve, value))
    assert margin == pytest.approx(1 / (slope * (1 - float(curve.share(value - margin)))), rel=1e-8)


def test_uniform_thresholds():
    curve = UniformAcceptance(0.0, 1.0)
    assert float(best_reward(curve, 1.0)) == 0.5
    assert float(curve.share(0.5)) == 0.5
    assert float(profit(curve, 1.0, 0.5)) == 0.25
    assert float(best_reward(curve, 5.0)) == 1.0, "all accept: no reason to pay more"
    assert float(profit(UniformAcceptance(2.0, 3.0), 1.5, best_reward(UniformAcceptance(2.0, 3.0), 1.5))) == 0.0


KNOTS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=6, unique_by=lambda pair: round(pair[0], 2))


@st.composite
def curves(draw):
    kind = draw(st.sampled_from(["logit", "uniform", "isotonic"]))
    if kind == "logit":
        return LogitAcceptance(draw(st.floats(-5, 5)), draw(st.floats(0.05, 20)))
    if kind == "uniform":
        lowest = draw(st.floats(-5, 5))
        return UniformAcceptance(lowest, lowest + draw(st.floats(0.1, 5)))
    knots = draw(KNOTS)
    rewards = np.sort([round(reward, 2) for reward, _ in knots])
    return IsotonicAcceptance(rewards, np.sort([share for _, share in knots]))


@settings(deadline=None, max_examples=150)
@given(curves(), st.floats(-2, 12), st.floats(0, 4), st.floats(0, 8))
def test_no_reward_on_a_grid_is_better(curve, value, lowest, width):
    if isinstance(curve, IsotonicAcceptance):  # nothing is known outside what was tried
        ends = curve.rewards_usd[[0, -1]]
        lowest, highest = np.clip([lowest, lowest + width], *ends)
    else:
        highest = lowest + width
    reward = float(best_reward(curve, value, lowest, highest))
    assert lowest <= reward <= highest
    grid = np.linspace(lowest, highest, 2001)
    assert profit(curve, value, grid).max() <= float(profit(curve, value, reward)) + 1e-9


def test_values_of_many_entries_at_once():
    curve, values = IsotonicAcceptance(np.array([1.0, 2.0]), np.array([0.0, 1.0])), np.array([[0.5, 2.0], [3.0, 9.0]])
    assert best_reward(curve, values).tolist() == [[0.5, 1.5], [2.0, 2.0]]


def test_isotonic_pools_what_falls():
    seen = [Observation(1, 2, 10), Observation(3, 1, 10), Observation(2, 3, 10), Observation(4, 8, 10), Observation(4, 4, 5)]
    learnt = fit_isotonic(seen)
    assert learnt.rewards_usd.tolist() == [1, 2, 3, 4]
    assert learnt.shares == pytest.approx([0.2, 0.2, 0.2, 0.8])
    assert float(learnt.share(3.5)) == pytest.approx(0.5)
    assert [float(learnt.share(r)) for r in (0, 9)] == pytest.approx([0.2, 0.8])


def _made(curve, rewards, available, seed):
    rng = np.random.default_rng(seed)
    return [Observation(r, int(rng.binomial(available, float(curve.share(r)))), available) for r in rewards]


def test_logit_fit_maximises_the_penalised_likelihood():
    seen = _made(LogitAcceptance(0.4, 12.0), [0.1, 0.3, 0.4, 0.45, 0.8], 30, 3)

    def minus_likelihood(theta):
        x = np.array([[1, o.reward_usd] for o in seen])
        p = 1 / (1 + np.exp(-x @ theta))
        y, n = np.array([[o.accepted, o.available] for o in seen]).T
        information = x.T @ (x * (n * p * (1 - p))[:, None])
        return -(y * np.log(p) + (n - y) * np.log(1 - p)).sum() - 0.5 * np.log(np.linalg.det(information))

    fit = fit_logit(seen)
    other = minimize(minus_likelihood, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
    assert [fit.intercept, fit.slope_per_usd] == pytest.approx(other.x, rel=1e-5)


def test_confidence_covers_what_made_the_data():
    made, rewards = LogitAcceptance(0.4, 12.0), [0.2, 0.35, 0.5, 0.7]
    true_reward = float(best_reward(made, 0.8))
    covered_share, covered_reward = 0, 0
    for seed in range(400):
        fit = fit_logit(_made(made, rewards, 60, seed))
        low, high = fit.share_interval(0.3)
        covered_share += low <= made.share(0.3) <= high
        _, low_usd, high_usd = reward_interval(fit, 0.8)
        covered_reward += low_usd <= true_reward <= high_usd
    # 400 draws of a 95 % interval: three standard errors of the count are 13.
    assert 367 <= covered_share <= 393
    assert 367 <= covered_reward <= 393


def test_interval_of_the_reward_by_differences():
    fit = fit_logit(_made(LogitAcceptance(0.4, 12.0), [0.2, 0.35, 0.5, 0.7], 60, 1))
    reward, low, high = reward_interval(fit, 0.8)

    def of(intercept, slope):
        return float(best_reward(LogitAcceptance(-intercept / slope, slope), 0.8))

    step = 1e-6
    a, b = fit.intercept, fit.slope_per_usd
    gradient = np.array([of(a + step, b) - of(a - step, b), of(a, b + step) - of(a, b - step)]) / (2 * step)
    assert reward == pytest.approx(of(a, b), abs=1e-11)
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(gradient @ fit.covariance @ gradient), rel=1e-5)


def test_all_or_none_has_a_finite_fit():
    # Every driver wants the same: plain maximum likelihood has no finite slope.
    fit = fit_logit([Observation(1.0, 0, 50), Observation(2.0, 50, 50)])
    assert fit.curve.cost_usd == pytest.approx(1.5, abs=1e-6)
    assert 5 < fit.slope_per_usd < 50


def test_a_learnt_curve_gives_nearly_the_best_profit():
    made, value = LogitAcceptance(0.4, 12.0), 0.8
    best = float(profit(made, value, best_reward(made, value)))
    seen = _made(made, np.linspace(0.1, 0.9, 9), 2000, 5)
    for learnt in (fit_isotonic(seen), fit_logit(seen).curve):
        assert float(profit(made, value, best_reward(learnt, value))) >= 0.98 * best


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ([], "needs an observation"),
        ([Observation(1, 3, 2)], "0 <= accepted <= available"),
        ([Observation(1, 0, 0)], "above 0"),
        ([Observation(np.nan, 0, 1)], "finite"),
    ],
)
def test_observations_that_cannot_be(seen, words):
    for fit in (fit_isotonic, fit_logit):
        with pytest.raises(ModelError, match=words):
            fit(seen)


def test_errors_name_what_is_wrong():
    with pytest.raises(ModelError, match="two rewards"):
        fit_logit([Observation(1, 1, 2), Observation(1, 2, 3)])
    with pytest.raises(ModelError, match="no acceptance curve falls"):
        _ = fit_logit([Observation(1, 9, 10), Observation(2, 1, 10)]).curve
    with pytest.raises(ModelError, match="slope above 0"):
        LogitAcceptance(1.0, 0.0)
    with pytest.raises(ModelError, match="the lowest below"):
        UniformAcceptance(1.0, 1.0)
    with pytest.raises(ModelError, match="the lowest not above"):
        best_reward(UniformAcceptance(0.0, 1.0), 1.0, 2.0, 1.0)


def _stackelberg(reward):
    """A leader (value 1) and four drivers with thresholds: their payoffs at the plan in which the leader posts ``reward``."""
    thresholds = [0.1, 0.4, 0.6, 0.9]

    def gains(threshold):
        return lambda accepts: (reward - threshold) * accepts

    drivers = {f"driver_{i}": Party(reward >= t, gains(t), (False, True)) for i, t in enumerate(thresholds)}

    def leads(other):
        return (1.0 - other) * sum(other >= t for t in thresholds)

    return {"leader": Party(reward, leads, np.linspace(0, 1, 101)), **drivers}


def test_nobody_gains_by_a_unilateral_change():
    # 1 driver at 0.1: 0.9; 2 at 0.4: 1.2; 3 at 0.6: 1.2; 4 at 0.9: 0.4.
    assert nobody_gains(_stackelberg(0.4), 1e-9)
    assert unilateral_gains(_stackelberg(0.1))["leader"] == pytest.approx(0.3)
    refuses = _stackelberg(0.4)
    refuses["driver_0"] = Party(False, refuses["driver_0"].payoff_usd, (False, True))
    assert unilateral_gains(refuses) == pytest.approx({"leader": 0, "driver_0": 0.3, "driver_1": 0, "driver_2": 0, "driver_3": 0})
    assert not nobody_gains(refuses)
