"""The operator through its role alone: shapes, whole vehicles, tables, determinism, and that each setting matters."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.errors import ModelError
from federates.boundary.tables import table
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.messages import Gate, LinkObservation
from federates.worlds.road.session import RoadSession, Scheme

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
GATE = Gate(np.array([460.0, 470.0, 700.0, 690.0]), np.array([26.0, 20.0, 17.0, 17.0]))
REWARD = np.full((2, 2, 4), 18.0)


class Notes:
    def __init__(self):
        self.rows = []

    def record(self, table, **row):
        self.rows.append((table, row))

    def progress(self, **fields):
        self.rows.append(("progress", fields))

    def of(self, name):
        return [row for key, row in self.rows if key == name]


def operator(changes=None, **session):
    shared = parse_config(read_yaml(SCENARIO / "scenario.yaml") | session, RoadSession, "scenario.yaml")
    raw = read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"] | (changes or {})
    parsed = parse_config(raw, JointGraphOperator.Settings, "config.yaml")
    made = JointGraphOperator(parsed, SCENARIO / "transport_operator")
    made.begin(shared, Notes())
    return made


def seen(op, period, slower=1.3):
    flow = op._background.history(period)
    time = op._road.free_time_s * slower
    return LinkObservation(flow, flow / 80.0, 30.0 / slower * np.ones_like(flow), time)


def connection(*first):
    z = np.zeros((2, 2, 4))
    z[:, :, 0] = np.array(first).reshape(2, 2)
    return z


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 99), min_size=4, max_size=4), st.sampled_from(["system_optimum", "user_equilibrium", "fastest_route"])
)
def test_commit_conserves_whole_vehicles_on_connected_routes(first, routing):
    op = operator({"routing": routing})
    op.open_period(15, None)
    z = connection(*first)
    op.evaluate({"delivery": z}, {"gate": GATE})
    sent = op.commit({"delivery": z})
    assert sum(d.vehicles for d in sent) == sum(first)
    for r, origin in enumerate(("r1", "r2")):
        for q, destination in enumerate(("q1", "q2")):
            of_pair = [d for d in sent if (d.origin, d.destination) == (origin, destination)]
            assert sum(d.vehicles for d in of_pair) == z[r, q, 0]
            assert all(d.vehicles > 0 and set(d.links) <= set(op._session.links) for d in of_pair)


def test_tables_have_exactly_the_columns_of_the_boundary():
    op = operator()
    op.open_period(15, None)
    op.evaluate({"delivery": connection(3, 0, 5, 7)}, {"gate": GATE})
    op.commit({"delivery": connection(3, 0, 5, 7)})
    tables = {"route_flow": 3, "delivery_forecast": 3, "link_plan": 9, "transport_costs": 1, "routing_alternatives": 4}
    for name, rows in tables.items():
        found = op._recorder.of(name)
        assert len(found) == rows
        assert all(set(row) == set(table(name).columns) for row in found)
        assert all(type(v) in (int, float, str) for row in found for v in row.values())
    for row in op._recorder.of("delivery_forecast"):
        parts = row["charging_s"] + row["road_time_s"] + row["discharging_s"]
        assert row["delivery_time_s"] == pytest.approx(parts)
        assert row["discharging_s"] >= 690


def test_nothing_is_sent_for_nothing_even_without_a_gate():
    op = operator(scheme="no_mves")
    op.open_period(0, None)
    assert op.commit({"delivery": np.zeros((2, 2, 4))}) == []
    assert len(op._recorder.of("link_plan")) == 9
    with pytest.raises(ModelError, match="gate"):
        op.commit({"delivery": connection(1, 0, 0, 0)})


def test_a_whole_day_runs_and_ends_with_one_more_opening():
    op = operator()
    observation = None
    for period in range(25):
        times = op.open_period(period, observation)
        assert times.shape == (2, 2)
        assert (times > 250).all()
        if period < 24:
            answer = op.solve({"delivery": REWARD}, {"gate": GATE})
            op.commit({"delivery": np.floor(answer.quantities["delivery"])})
            observation = seen(op, period, 1.0 + period % 5 / 10)
    assert len(op._recorder.of("link_plan")) == 24 * 9


def test_same_calls_same_answers():
    answers = []
    for _ in range(2):
        op = operator()
        op.open_period(3, seen(op, 2))
        for reward in (REWARD, REWARD + 1, REWARD):
            answer = op.solve({"delivery": reward}, {"gate": GATE})
        answers.append(answer)
    assert (answers[0].quantities["delivery"] == answers[1].quantities["delivery"]).all()
    assert answers[0].bound_usd == answers[1].bound_usd


def test_inputs_are_not_changed():
    op, reward, z = operator(), REWARD.copy(), connection(1, 2, 3, 4)
    op.open_period(8, None)
    op.solve({"delivery": reward}, {"gate": GATE})
    op.evaluate({"delivery": z}, {"gate": GATE})
    op.commit({"delivery": z})
    assert (reward == REWARD).all()
    assert (z == connection(1, 2, 3, 4)).all()


def test_own_vehicles_are_not_taken_for_background():
    op = operator()
    op.open_period(8, None)
    op.evaluate({"delivery": connection(0, 0, 200, 0)}, {"gate": GATE})
    op.commit({"delivery": connection(0, 0, 200, 0)})
    history = op._background.history(8)
    flow = history.copy()
    flow[[4, 5]] += 200
    op.open_period(9, LinkObservation(flow, flow / 80, np.full(9, 25.0), op._road.free_time_s * 1.2))
    np.testing.assert_allclose(op._forecast[0], op._background.history(9), rtol=1e-9)


def test_fleet_binds_offers_and_evaluations():
    raw = read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"]["stations"]
    op = operator({"stations": raw | {"r1": {"junction": "J110_101", "fleet_veh_per_h": 10}}})
    op.open_period(0, None)
    assert op.solve({"delivery": REWARD * 3}, {"gate": GATE}).quantities["delivery"].sum(axis=1)[0] == pytest.approx([10] * 4)
    kept = op.evaluate({"delivery": np.full((2, 2, 4), 40.0)}, {"gate": GATE}).quantities["delivery"]
    assert kept[0, :, 0] == pytest.approx([5, 5])
    assert kept[1, :, 0] == pytest.approx([40, 40])


def test_quarter_hour_periods_offer_a_quarter():
    hour, quarter = operator(), operator(period_s=900.0)
    hour.open_period(8, None)
    quarter.open_period(32, None)
    whole, part = (op.solve({"delivery": REWARD}, {"gate": GATE}).quantities["delivery"][:, :, 0] for op in (hour, quarter))
    np.testing.assert_allclose(part, whole / 4, atol=0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"driver_value_of_time_usd_per_h": 25.0},
        {"public_value_of_time_usd_per_h": 60.0},
        {"trip_cost_usd": 2.0},
        {"trip_cost_spread_usd": 8.0},
        {"station_wait_factor": 0.2},
        {"free_speed_m_per_s": 25.0},
        {"capacity_per_lane_veh_per_h": 1500.0},
        {"delay_law": "bpr"},
        {"calibration_memory": 0.0},
        {"background": "persistence"},
        {"respect_capacity": True, "capacity_use": 0.75},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_offer(change):
    offers = []
    for settings_ in ({}, change):
        op = operator(settings_)
        op.open_period(6, None)
        op.commit({"delivery": np.zeros((2, 2, 4))})
        op.open_period(7, seen(op, 6, 1.15))
        op.commit({"delivery": np.zeros((2, 2, 4))})
        op.open_period(8, seen(op, 7, 1.4))
        offers.append(op.solve({"delivery": REWARD}, {"gate": GATE}))
    assert np.abs(offers[0].quantities["delivery"] - offers[1].quantities["delivery"]).max() > 1e-3


def test_detour_limit_drops_routes():
    assert len(operator({"most_detour": 1.1})._graph.trips) < len(operator()._graph.trips)


def test_scheme_decides_the_routing_unless_the_setting_does():
    def routes(changes, scheme):
        op = operator(changes, scheme=scheme)
        flow, time = op._background.history(7), op._road.free_time_s * 1.05
        time[5] *= 1.35  # I-5 beyond I-710 is slow, so the two ways to q2 are near each other
        op.open_period(7, None)
        op.commit({"delivery": np.zeros((2, 2, 4))})
        op.open_period(8, LinkObservation(flow, flow / 80, np.full(9, 25.0), time))
        op.evaluate({"delivery": connection(0, 0, 0, 300)}, {"gate": GATE})
        return {d.links: d.vehicles for d in op.commit({"delivery": connection(0, 0, 0, 300)})}

    fastest = routes({}, Scheme.FASTEST_ROUTE)
    assert len(fastest) == 1
    assert routes({"routing": "fastest_route"}, Scheme.PROPOSED) == fastest
    assert routes({"routing": "system_optimum"}, Scheme.FASTEST_ROUTE) == routes({}, Scheme.PROPOSED) != fastest
