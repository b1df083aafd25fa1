"""Every algorithm for quantities that can be divided, with two to five agents in every entry, against their joint optimum."""

import numpy as np
import pytest
from heat_market import SHAPE, HeatMarket, heat_installed
from toy_railway import Rows

from federates.coordinator.algorithms.admm import Admm, AdmmSettings
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice, PostedPriceSettings

ALGORITHMS = {
    "shortfall": lambda: OptimalityConditionDecomposition(OcdSettings(update="shortfall", gap_target=0.0), None),
    "residual": lambda: OptimalityConditionDecomposition(OcdSettings(update="residual", gap_target=0.0), None),
    "box_step": lambda: OptimalityConditionDecomposition(OcdSettings(update="box_step", gap_target=0.0), None),
    "admm": lambda: Admm(AdmmSettings(gap_target=0.0), None),
    "posted_price": lambda: PostedPrice(PostedPriceSettings(price_usd_per_veh=6.0), None),
}
SIZES = [(1, 1), (2, 1), (1, 2), (3, 2)]


@pytest.fixture(autouse=True)
def market():
    with heat_installed():
        yield


def played(name, seed, towns, plants):
    case, rows = HeatMarket(seed, towns, plants), Rows()
    return case, case.play(ALGORITHMS[name](), rows), rows.tables


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("towns", "plants"), SIZES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_bounds_enclose_the_optimum_and_the_plan_is_in_balance_at_the_cost_named(name, towns, plants, seed):
    case, decision, tables = played(name, seed, towns, plants)
    best_usd, _ = case.joint()
    near = 1e-6 * max(1.0, abs(best_usd))
    for row in tables["rounds"]:
        assert not row["lower_bound_usd"] > best_usd + near, row
        assert not row["upper_bound_usd"] < best_usd - near, row
    (held,) = tables["negotiations"]
    assert not held["claimed_lower_bound_usd"] > best_usd + near
    given = {agent: quantities["heat"] for agent, quantities in decision.given.items()}
    assert set(given) == set(case.agents)
    assert {values.shape for values in given.values()} == {SHAPE}
    asked, made = (sum(given[agent] for agent in group) for group in (case.towns, case.plants))
    assert (asked <= made + 1e-6).all()
    answers = {agent: case.agents[agent].evaluate(values.ravel()) for agent, values in given.items()}
    for agent in case.plants:
        np.testing.assert_allclose(answers[agent].quantities["heat"], given[agent], atol=1e-6)
    assert sum(answer.cost_usd for answer in answers.values()) <= held["upper_bound_usd"] + 1e-5


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("towns", "plants"), SIZES)
def test_splitting_comes_within_a_twentieth_of_the_optimum(towns, plants, seed):
    """A bound that encloses the optimum may be far from it; this one is not."""
    _, _, tables = played("admm", seed, towns, plants)
    assert tables["rounds"][-1]["gap"] <= 0.05
