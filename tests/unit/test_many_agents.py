"""Three and more agents who share every entry: what their answers prove, and the parts of the algorithms, against scipy."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from heat_market import SHAPE, SIZE, HeatMarket, heat_installed, heat_session
from scipy.optimize import linprog, minimize

from federates.boundary.messages import Answer
from federates.boundary.negotiation import Problem
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.boundary.world import world_of
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.splitting import Splitting
from federates.runtime.proof import Proof

THREE = (["town0", "town1"], ["plant0"])
SIGN = {"town0": 1.0, "town1": 1.0, "plant0": -1.0}


@pytest.fixture(autouse=True)
def market():
    with heat_installed():
        yield


def heat(*values):
    return {"heat": np.array(values, dtype=float).reshape(SHAPE)}


def solve(prices):
    return Solve({"heat": np.array(prices, dtype=float).reshape(SHAPE)})


# --- the lower bound, by a linear programme of all


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("towns", "plants"), [(2, 1), (1, 2), (3, 2)])
def test_the_sum_of_all_bounds_is_one_of_the_joint_programme_and_the_optimum_at_its_shadow_prices(seed, towns, plants):
    case = HeatMarket(seed, towns, plants)
    best_usd, shadow = case.joint()
    proof, rng = Proof(case.session, 0, {}), np.random.default_rng(seed)
    for _ in range(5):
        decision = solve(rng.uniform(0.0, 15.0, SIZE))
        proof.take(decision, RoundResult(case.answers(decision)))
        assert proof.lower_usd <= best_usd + 1e-7
        assert not proof.upper_usd < best_usd - 1e-7
    at_best = solve(np.maximum(shadow, 0.0))
    proof.take(at_best, RoundResult(case.answers(at_best)))
    assert proof.lower_usd == pytest.approx(best_usd, abs=1e-6)
    assert proof.prices is at_best.prices
    assert proof.lower_kinds == ("stated",) * (towns + plants)


def test_a_price_below_0_proves_nothing():
    case = HeatMarket(1)
    proof = Proof(case.session, 0, {})
    decision = solve([3.0, 3.0, -0.1, 3.0])
    proof.take(decision, RoundResult(case.answers(decision)))
    assert proof.lower_usd == -math.inf


# --- the upper bound, by all combinations of answers


def drawn(rng):
    """Return a round of answers in whole MWh with costs that fall (asks) or rise (offers)."""
    town0, town1 = rng.integers(0, 4, (2, SIZE)).astype(float)
    plant = rng.integers(0, 7, SIZE).astype(float)
    costs = {"town0": 40.0 - 2.5 * town0.sum(), "town1": 50.0 - 3.0 * town1.sum(), "plant0": 1.5 * plant.sum()}
    copies = {"town0": town0, "town1": town1, "plant0": plant}
    return {name: Answer(heat(*copies[name]), costs[name], -100.0) for name in copies}


@pytest.mark.parametrize("seed", range(20))
def test_the_upper_bound_is_the_cost_of_a_combination_of_answers_that_fits(seed):
    rng, proof = np.random.default_rng(seed), Proof(heat_session(*THREE), 0, {})
    told, found = {name: [] for name in SIGN}, math.inf
    for turn in range(8):
        answers = drawn(rng)
        for name, answer in answers.items():
            told[name].append((answer.quantities["heat"].ravel(), answer.cost_usd))
        decision = solve(np.ones(SIZE)) if turn % 2 else Evaluate({name: heat(0, 0, 0, 0) for name in SIGN})
        proof.take(decision, RoundResult(answers))
        fitting = [
            first[1] + second[1] + sent[1]
            for first, second, sent in itertools.product(*(told[name] for name in ("town0", "town1", "plant0")))
            if (first[0] + second[0] <= sent[0]).all()
        ]
        best = min(fitting, default=math.inf)
        assert proof.upper_usd >= best - 1e-9
        assert math.isinf(proof.upper_usd) or min(abs(proof.upper_usd - usd) for usd in fitting) < 1e-9
        # What is asked now is a plan with the cheapest offer so far that covers it, and so is what is offered now.
        now = [quantities for quantities, _ in (told[name][-1] for name in ("town0", "town1"))]
        covers = [usd for sent, usd in told["plant0"] if (sum(now) <= sent).all()]
        if covers:
            found = min(found, told["town0"][-1][1] + told["town1"][-1][1] + min(covers))
        assert proof.upper_usd <= found + 1e-9
    assert not math.isinf(best), "choose a seed of which something fits"
    # Given to all as a plan, the best combination is found whatever came before.
    best_usd, plan = min(
        (
            (first[1] + second[1] + sent[1], {"town0": first, "town1": second, "plant0": sent})
            for first, second, sent in itertools.product(*(told[name] for name in ("town0", "town1", "plant0")))
            if (first[0] + second[0] <= sent[0]).all()
        ),
        key=lambda entry: entry[0],
    )
    given = {name: heat(*quantities) for name, (quantities, _) in plan.items()}
    result = RoundResult({name: Answer(given[name], usd, -100.0) for name, (_, usd) in plan.items()})
    proof.take(Evaluate(given), result)
    assert proof.upper_usd == pytest.approx(best_usd)
    assert proof.cost_usd(given) == pytest.approx(best_usd)


def test_what_two_ask_together_and_one_cannot_send_is_no_plan():
    """Each of them alone would be served: 2 and 3 of 4."""
    proof = Proof(heat_session(*THREE), 0, {})
    answers = {"town0": Answer(heat(2, 0, 0, 0), 1.0, 0.0), "town1": Answer(heat(3, 0, 0, 0), 1.0, 0.0)}
    answers["plant0"] = Answer(heat(4, 0, 0, 0), 1.0, 0.0)
    proof.take(solve(np.ones(SIZE)), RoundResult(answers))
    assert proof.upper_usd == math.inf
    given = {name: answer.quantities for name, answer in answers.items()}
    verdict = proof.verdict(Commit(given, True, "because"), 0.5)
    assert (verdict.agreed, math.isnan(verdict.cost_usd)) == (False, True)
    answers["plant0"] = Answer(heat(5, 0, 0, 0), 2.0, 0.0)
    proof.take(solve(np.ones(SIZE)), RoundResult(answers))
    assert proof.upper_usd == 4.0


# --- the box step


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("floor", [0.0, -np.inf])
def test_the_next_prices_are_the_best_of_the_model_within_the_box(seed, floor):
    """Against the same programme with a variable for each agent's minimum, made by hand for scipy."""
    rng = np.random.default_rng(seed)
    problem, box = Problem.of(heat_session(*THREE), 0, {}), 3.0
    model, planes = BoxStep(problem, box, np.full(SIZE, floor)), []
    for _ in range(4):
        for number, name in enumerate(SIGN):
            copy, usd = rng.uniform(0.0, 5.0, SIZE), float(rng.uniform(-20.0, 20.0))
            model.add_plane(name, copy, usd)
            planes.append((number, SIGN[name] * copy, usd))
    centre = rng.uniform(0.0, 4.0, SIZE)
    # Columns: prices (4), least of each agent (3); least_i - price . slope <= usd.
    rows = [np.concatenate([-slope, np.eye(3)[number]]) for number, slope, _ in planes]
    bounds = [(max(floor, price - box), price + box) for price in centre] + [(None, None)] * 3
    cost = np.concatenate([np.zeros(SIZE), -np.ones(3)])
    best = linprog(cost, A_ub=np.array(rows), b_ub=[usd for *_, usd in planes], bounds=bounds)
    prices = model.next_prices(centre, -1e3)
    assert (np.abs(prices - centre) <= box + 1e-6).all()
    assert (prices >= floor).all()
    assert model.value_usd(prices) == pytest.approx(-best.fun, abs=1e-3)
    least = [min(usd + prices @ slope for number, slope, usd in planes if number == agent) for agent in range(3)]
    assert model.value_usd(prices) == pytest.approx(sum(least))


# --- Frank-Wolfe splitting


def augmented_usd(weights, told, start, rho, signed):
    """Return the augmented Lagrangian of averages with these weights, one answer after the other of each agent."""
    count = len(told["town0"])
    residual, own_usd = np.zeros(SIZE), 0.0
    for part, name in zip(np.split(weights, len(SIGN)), SIGN, strict=True):
        residual = residual + SIGN[name] * (part @ np.array([copy for copy, _ in told[name]]))
        own_usd += float(part @ np.array([usd for _, usd in told[name]]))
    assert count == len(weights) / len(SIGN)
    price = start + rho * residual
    price = price if signed else np.maximum(0.0, price)
    return own_usd + float((price**2).sum() - (start**2).sum()) / (2.0 * rho), residual


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("signed", [True, False])
def test_the_averages_of_three_minimise_the_augmented_lagrangian(seed, signed):
    """Over one simplex of weights per agent, by SLSQP; the difference of the averages is unique, for it enters squared."""
    rng, rho = np.random.default_rng(seed), 0.8
    problem = Problem.of(heat_session(*THREE), 0, {})
    split = Splitting(problem, np.full(SIZE, 1.0), rho, np.full(SIZE, -np.inf if signed else 0.0))
    told = {name: [] for name in SIGN}
    for turn in range(4):
        start = split.multipliers
        answers = {name: (rng.uniform(0.0, 5.0, SIZE), float(rng.uniform(0.0, 12.0))) for name in SIGN}
        for name, answer in answers.items():
            told[name].append(answer)
        split.add(
            {name: copy for name, (copy, _) in answers.items()},
            {name: Answer(heat(*copy), usd, 0.0) for name, (copy, usd) in answers.items()},
        )
        count = turn + 1
        sums = [{"type": "eq", "fun": lambda w, i=i, n=count: w[i * n : (i + 1) * n].sum() - 1.0} for i in range(len(SIGN))]
        found = minimize(
            lambda w, start=start: augmented_usd(w, told, start, rho, signed)[0], np.full(3 * count, 1.0 / count),
            bounds=[(0.0, 1.0)] * (3 * count), constraints=sums, method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
        )  # fmt: skip
        assert found.success, found.message
        _, residual = augmented_usd(found.x, told, start, rho, signed)
        ours = sum(SIGN[name] * average for name, average in split.averages.items())
        raw = start + rho * ours
        expected = start + rho * residual
        if not signed:  # below 0 the multiplier is 0 whatever the difference
            raw, expected = np.maximum(raw, 0.0), np.maximum(expected, 0.0)
        np.testing.assert_allclose(raw, expected, atol=0.02)
        np.testing.assert_allclose(split.multipliers, raw)


def test_a_world_in_which_an_operator_would_hear_two_observations_is_refused():
    road = world_of("road")
    stations = next(message for message in road.messages if message.name == "stations")
    with pytest.raises(ValueError, match="a power_operator is given one observation, and is told stations and counts"):
        replace(road, messages=(*road.messages, replace(stations, name="counts")))
