"""What studies/privacy/learning.py makes of answers, against operators whose costs are known in closed form."""

import json

import numpy as np
import pandas as pd
import pytest
from load_file import load_file


@pytest.fixture
def learning(root):
    return load_file(root / "studies/privacy/learning.py")


def _told(learning, prices, slope):
    """Return answers at ``prices``: transport costs slope z^2 / 2 an entry; power needs 12 of each, worth 8 usd."""
    rows = []
    for price in prices:
        asked, offered = np.where(price < 8.0, 12.0, 0.0), np.maximum(price, 0.0) / slope
        f_p, f_t = 8.0 * (12.0 - asked).sum(), 0.5 * slope * (offered**2).sum()
        rows.append(
            {
                "phase": "negotiation",
                "question": "solve",
                "given": json.dumps(price.tolist()),
                "asked": json.dumps(asked.tolist()),
                "offered": json.dumps(offered.tolist()),
                "slope": "null",
                "asked_cost_usd": f_p,
                "asked_bound_usd": f_p + (price * asked).sum(),
                "offered_cost_usd": f_t,
                "offered_bound_usd": f_t - (price * offered).sum(),
            }
        )
    return learning.read_told(pd.DataFrame(rows), "negotiation")


def test_the_model_is_never_above_the_true_cost_and_closes_with_more_prices(learning):
    random, slope = np.random.default_rng(1), 0.5
    prices = [random.uniform(0.0, 10.0, (2, 1, 2)) for _ in range(200)]
    points = [random.uniform(0.0, 12.0, (2, 1, 2)) for _ in range(50)]
    gaps = []
    for count in (2, 20, 200):
        model = learning.LearnedCost("transport")
        for answer in _told(learning, prices[:count], slope):
            model.learn(answer)
        lacking = [0.5 * slope * (z**2).sum() - model.floor(z) for z in points]
        assert min(lacking) >= -1e-9
        gaps.append(np.mean(lacking))
    assert gaps[0] > gaps[1] > gaps[2]


def test_marginal_costs_are_those_of_the_closed_form(learning):
    slope, price = 0.5, np.full((1, 1, 1), 3.0)
    supply, demand = learning.LearnedCost("transport"), learning.LearnedCost("power")
    for answer in _told(learning, [price, 2 * price, np.full((1, 1, 1), 8.01)], slope):
        supply.learn(answer)
        demand.learn(answer)
    assert supply.marginal(np.full((1, 1, 1), 6.0)) == pytest.approx(slope * 6.0)
    assert supply.floor(np.full((1, 1, 1), 6.0)) == pytest.approx(0.5 * slope * 36.0)
    assert demand.marginal(np.full((1, 1, 1), 5.0)) == pytest.approx(-8.0, abs=0.02)


def test_variance_explained_is_one_for_a_straight_line_only(learning):
    true = np.array([1.0, 2.0, 4.0, 7.0])
    assert learning.explained(true, 3.0 + 2.0 * true) == pytest.approx(1.0)
    assert learning.explained(true, np.array([1.0, 3.0, 2.0, 0.5])) < 0.5
    assert np.isnan(learning.explained(true, np.ones(4)))


def test_a_trip_that_is_shown_once_and_never_again_is_suspect(learning):
    def plan(*stands):
        connection = np.zeros((1, 3, 8))
        for station, periods in stands:
            connection[0, station, periods] = 1.0
        return connection

    there = plan((0, [0, 1]), (1, [4, 5]), (0, [7]))  # leaves 0 in period 2, leaves 1 in period 6
    other = plan((0, [0, 1, 2]), (1, [5]), (0, [7]))
    assert learning.trips(there) == [(0, 1, 2), (1, 0, 6)]
    assert learning.suspects([there, other, other]) == {(0, 1, 2)}
    assert learning.suspects([there, there]) == set()
