"""Route choice r2 -> q2 on a measured congested morning: both freeways used near Wardrop equilibrium.

Flows and speeds 07:11-08:41, Tuesday 2008-10-07 (Caltrans PeMS, means per link). Real drivers then needed 16.7 min by I-605
and 16.8 min by I-710/I-105. Delay curves of power 4 put through these points give the expected table.
"""

from pathlib import Path

import numpy as np
import pytest

from federates.boundary.config import parse_config, read_yaml
from federates.transport_operator.models.joint_graph.assignment import PathSet, assign
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, SocialCost, TimeCurve, UserCost
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.messages import Gate, LinkObservation
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
LENGTH_KM = np.array([4.33, 11.16, 3.15, 12.16, 7.00])  # I-5 to I-710, I-5 to I-605, I-605, I-710, I-105
FLOW = np.array([6440.0, 5340.0, 6050.0, 4770.0, 4540.0])
SPEED_MPH = np.array([58.0, 36.0, 53.0, 49.0, 56.0])
FREE_S = LENGTH_KM * 1000 / 30
SEEN_S = LENGTH_KM * 1000 / (SPEED_MPH * 0.44704)
ROUTES = [(0, 1, 2), (0, 3, 4)]


class Notes:
    def __init__(self):
        self.rows = []

    def record(self, table, **row):
        self.rows.append((table, row))

    def progress(self, **fields):
        self.rows.append(("progress", fields))


@pytest.fixture
def make_operator():
    def make(changes):
        session = parse_config(read_yaml(SCENARIO / "scenario.yaml"), RoadSession, "scenario.yaml")
        raw = read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"] | changes
        settings = parse_config(raw, JointGraphOperator.Settings, "config.yaml")
        made = JointGraphOperator(settings, SCENARIO / "transport_operator")
        made.begin(session, Notes())
        return made

    return make


def morning(sent):
    curve = TimeCurve(FREE_S, SEEN_S - FREE_S, FLOW)
    costs = EdgeCosts(curve, FLOW, np.zeros(5), np.zeros(5), 20.0, 20.0)

    def split(law):
        return assign(law, PathSet([ROUTES], 5), np.array([[float(sent)]]), tolerance=1e-12).edge_flow

    return costs, split


def route_minutes(costs, flow):
    time = costs.time_s(flow).reshape(-1)
    return [time[list(route)].sum() / 60 for route in ROUTES]


def test_measured_times_are_near_equilibrium():
    costs, _ = morning(0)
    direct, other = route_minutes(costs, np.zeros(5))
    assert direct == pytest.approx(16.7, abs=0.2)
    assert other == pytest.approx(16.8, abs=0.2)


@pytest.mark.parametrize(("sent", "fastest", "equilibrium"), [(50, 16.93, 16.80), (100, 17.18, 16.90), (400, 18.77, 17.52)])
def test_equilibrium_splits_the_stream_and_beats_the_fastest_route(sent, fastest, equilibrium):
    costs, split = morning(sent)
    flow = split(UserCost(costs))
    times = route_minutes(costs, flow)
    assert flow[0, 1] > 1
    assert flow[0, 3] > 1
    assert times[0] == pytest.approx(times[1], abs=1e-6)
    assert times[0] == pytest.approx(equilibrium, abs=0.25)
    together = route_minutes(costs, np.array([1, 1, 1, 0, 0]) * float(sent))[0]
    assert together == pytest.approx(fastest, abs=0.25)
    best = split(SocialCost(costs))
    assert SocialCost(costs).value(best).sum() < SocialCost(costs).value(flow).sum()


def test_marginal_tolls_make_the_optimum_an_equilibrium():
    costs, split = morning(300)
    best = split(SocialCost(costs))
    tolled = split(UserCost(costs, costs.marginal_toll_usd(best)))
    np.testing.assert_allclose(tolled, best, atol=1e-4)


@pytest.fixture
def commit_400(make_operator):
    def commit(routing):
        op = make_operator({"routing": routing})
        place = [4, 5, 6, 7, 8]
        flow, time = op._background.history(7), op._road.free_time_s * 1.05
        flow[place], time[place] = FLOW, SEEN_S
        speed = op._road.free_time_s / time * 30.0
        op.open_period(7, None)
        op.commit({"delivery": np.zeros((2, 2, 4))})
        op.open_period(8, LinkObservation(flow, flow / (3.6 * speed), speed, time))
        z = np.zeros((2, 2, 4))
        z[1, 1, 0] = 400
        cost = op.evaluate({"delivery": z}, {"gate": Gate(np.full(4, 500.0), np.full(4, 40.0))}).cost_usd
        by_route = {"I-605" if "I605S_I5-I105" in d.links else "I-710": d.vehicles for d in op.commit({"delivery": z})}
        assert sum(by_route.values()) == 400
        times = [row["road_time_s"] for table, row in op._recorder.rows if table == "route_flow"]
        means = [row["road_time_s"] for table, row in op._recorder.rows if table == "delivery_forecast"]
        return by_route, times, means[0], cost

    return commit


def test_equilibrium_uses_both_freeways_in_equal_time(commit_400):
    by_route, times, _, _ = commit_400("user_equilibrium")
    assert set(by_route) == {"I-605", "I-710"}
    assert max(times) / min(times) < 1.002


def test_fastest_route_sends_all_one_way_and_takes_longer(commit_400):
    by_route, _, mean, _ = commit_400("fastest_route")
    assert by_route == {"I-605": 400}
    assert mean > 1.01 * commit_400("user_equilibrium")[2]


def test_system_optimum_spares_the_steep_link_and_costs_society_least(commit_400):
    """I-5 beyond I-710 is at 36 mph; each vehicle more delays 5,000 others, so fewer take it than at equilibrium."""
    optimum, equilibrium, fastest = (commit_400(r) for r in ("system_optimum", "user_equilibrium", "fastest_route"))
    assert optimum[0].get("I-710", 0) > equilibrium[0]["I-710"]
    assert optimum[3] < equilibrium[3] < fastest[3]
