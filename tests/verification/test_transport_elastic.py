"""Elastic supply on the Los Angeles joint graph against a second formulation solved by scipy, and its bound and ordering."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from federates.boundary.config import parse_config, read_yaml
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.messages import Gate
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
FOLDER = SCENARIO / "transport_operator"
GATE = Gate(np.array([460.0, 470.0, 700.0, 690.0]), np.array([26.0, 20.0, 17.0, 17.0]))


class Silent:
    def record(self, table, **row):
        pass

    def progress(self, **fields):
        pass


def operator(changes=None, **session):
    shared = parse_config(read_yaml(SCENARIO / "scenario.yaml") | session, RoadSession, "scenario.yaml")
    # With the wait that rises with use: the harder of the two problems, and the one the second formulation states.
    raw = read_yaml(FOLDER / "config.yaml")["settings"] | {"station_wait_factor": 1.0} | (changes or {})
    made = JointGraphOperator(parse_config(raw, JointGraphOperator.Settings, "config.yaml"), FOLDER)
    made.begin(shared, Silent())
    return made


def multipliers(seed, shape=(2, 2, 4), low=8.0, high=30.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


# Independent statement of one period, written edge by edge for the shipped network.
ROUTES = {  # (r, q): links of each route
    (0, 0): [(2, 4, 5), (1, 3, 4, 5)],
    (0, 1): [(2, 4, 5, 6), (1, 3, 4, 5, 6), (2, 4, 7, 8), (1, 3, 4, 7, 8)],
    (1, 0): [(4, 5)],
    (1, 1): [(4, 5, 6), (4, 7, 8)],
}
LENGTH_KM = np.array([3.26, 3.67, 4.66, 5.73, 4.33, 11.16, 3.15, 12.16, 7.0])
LANES = np.array([3.73, 3.96, 4, 4.51, 4.15, 3.93, 5, 4.05, 4.46])


def social_cost(x, background, hour_usd=20.0):
    """Return f_T in usd/h of route flows ``x`` in the order of ROUTES, by the formulas of docs/transport_operator.md."""
    free, capacity = LENGTH_KM * 1000 / 30, LANES * 1900
    on_link, at_r, at_q, pair = np.zeros(9), np.zeros(2), np.zeros(2), {}
    position = 0
    for (r, q), routes in ROUTES.items():
        for route in routes:
            on_link[list(route)] += x[position]
            at_r[r] += x[position]
            at_q[q] += x[position]
            pair[r, q] = pair.get((r, q), 0.0) + x[position]
            position += 1
    before = free * (1 + 0.15 * (background / capacity) ** 4)
    after = free * (1 + 0.15 * ((background + on_link) / capacity) ** 4)
    road_s = (background * (after - before)).sum() + (on_link * after).sum()
    at_station_s = 0.0
    for s, (flow, service) in enumerate([(at_r[0], 400), (at_r[1], 400), (at_q[0], 600), (at_q[1], 600)]):
        at_station_s += flow * (GATE.time_s[s] + service * (flow * service / 3600 / GATE.spots[s]) ** 4)
    money = sum(z * 1.0 + 0.5 * 4.0 * z * z / 400 for z in pair.values())
    return hour_usd * (road_s + at_station_s) / 3600 + money, np.array([pair[p] for p in ROUTES]).reshape(2, 2)


@pytest.mark.parametrize(("period", "seed"), [(3, 0), (8, 1), (15, 2), (15, 3)])
def test_offer_is_the_optimum_of_a_second_formulation(period, seed):
    op, reward = operator(), multipliers(seed)
    op.open_period(period, None)
    answer = op.solve({"delivery": reward}, {"gate": GATE})
    background = op._forecast[0]
    ways = sum(map(len, ROUTES.values()))
    of_r1 = np.array([float(r == 0) for (r, _), routes in ROUTES.items() for _ in routes])
    fleet = LinearConstraint(np.array([of_r1, 1 - of_r1]), -np.inf, 400.0)

    def objective(x):
        cost, z = social_cost(x, background)
        return cost - (reward[:, :, 0] * z).sum()

    start = np.full(ways, 5.0)
    found = minimize(objective, start, method="SLSQP", bounds=[(0, 400)] * ways, constraints=fleet, options={"ftol": 1e-13})
    _, z = social_cost(found.x, background)
    np.testing.assert_allclose(answer.quantities["delivery"][:, :, 0], z, atol=0.3)
    alone = operator(horizon_periods=1)
    alone.open_period(period, None)
    first = alone.solve({"delivery": reward[:, :, :1]}, {"gate": GATE})
    ours = first.cost_usd - (reward[:, :, :1] * first.quantities["delivery"]).sum()
    assert ours <= found.fun + 1e-7 * abs(found.fun)
    assert ours == pytest.approx(found.fun, rel=1e-5)
    assert first.bound_usd <= ours <= first.bound_usd + 1e-6 * abs(ours)


def test_cost_of_a_given_connection_is_the_formula():
    op = operator(horizon_periods=1)
    op.open_period(15, None)
    z = np.array([[12.0, 30.0], [45.0, 20.0]])[:, :, None]
    answer = op.evaluate({"delivery": z}, {"gate": GATE})
    np.testing.assert_allclose(answer.quantities["delivery"], z, atol=1e-9)
    fastest = np.array([12.0, 0, 30, 0, 0, 0, 45, 20, 0])  # the direct routes are best for all four pairs here
    assert answer.cost_usd == pytest.approx(social_cost(fastest, op._forecast[0])[0], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bound_is_below_every_feasible_point(seed):
    op, reward = operator(), multipliers(seed)
    op.open_period(15, None)
    bound = op.solve({"delivery": reward}, {"gate": GATE}).bound_usd
    rng = np.random.default_rng(100 + seed)
    for _ in range(20):
        point = op.evaluate({"delivery": rng.uniform(0, 100, (2, 2, 4)) * (rng.random((2, 2, 4)) < 0.7)}, {"gate": GATE})
        assert bound <= point.cost_usd - (reward * point.quantities["delivery"]).sum() + 1e-9


def test_offer_does_not_fall_with_its_multiplier():
    op = operator()
    op.open_period(8, None)
    base, last = multipliers(7), -1.0
    for extra in np.linspace(0, 40, 15):
        reward = base.copy()
        reward[0, 1, 2] += extra
        offered = op.solve({"delivery": reward}, {"gate": GATE}).quantities["delivery"][0, 1, 2]
        assert offered >= last - 1e-3
        last = offered
    assert last > 20


def test_offers_are_monotone_in_all_multipliers_together():
    """Gradients of a concave function: (l1 - l2).(z1 - z2) >= 0."""
    op = operator()
    op.open_period(15, None)
    for seed in range(8):
        one, two = multipliers(seed), multipliers(seed + 50)
        first, second = (op.solve({"delivery": prices}, {"gate": GATE}).quantities["delivery"] for prices in (one, two))
        gain = (one - two) * (first - second)
        assert gain.sum() >= -1e-3


def test_periods_are_independent():
    op, reward = operator(), multipliers(3)
    op.open_period(8, None)
    together = op.solve({"delivery": reward}, {"gate": GATE}).quantities["delivery"]
    changed = reward.copy()
    changed[:, :, 1] = 0.0
    op.open_period(8, None)
    again = op.solve({"delivery": changed}, {"gate": GATE}).quantities["delivery"]
    np.testing.assert_allclose(again[:, :, [0, 2, 3]], together[:, :, [0, 2, 3]], atol=0.05)
    assert again[:, :, 1].max() < 1e-6


def test_capacities_keep_vehicles_off_a_full_link_and_price_it():
    op = operator({"respect_capacity": True, "capacity_use": 0.9})
    op.open_period(15, None)
    room = 0.9 * 7885 - op._forecast[:, 4]  # I-5 S from East LA, on every route
    answer = op.solve({"delivery": np.full((2, 2, 4), 40.0)}, {"gate": GATE})
    sent = answer.quantities["delivery"].sum(axis=(0, 1))
    assert (sent <= np.maximum(room, 0.0) + 1e-3).all()
    assert answer.bound_usd <= answer.cost_usd - 40.0 * sent.sum() + 1e-2
    whole = op.evaluate({"delivery": np.full((2, 2, 4), 50.0)}, {"gate": GATE}).quantities["delivery"]
    assert (whole.sum(axis=(0, 1)) <= np.maximum(room, 0.0) + 1e-3).all()
    loose = operator()
    loose.open_period(15, None)
    sent = loose.evaluate({"delivery": np.full((2, 2, 4), 50.0)}, {"gate": GATE}).quantities["delivery"]
    assert sent.sum() == pytest.approx(800)
