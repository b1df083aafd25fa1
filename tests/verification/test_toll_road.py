"""The operator that offers passages: its price is the marginal external cost, by formula, by difference and counted by hand."""

from pathlib import Path

import numpy as np
import pytest
from recorded_tables import Tables

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.tables import tables_of
from federates.boundary.world import parse_session
from federates.transport_operator.models.joint_graph import planner
from federates.transport_operator.models.joint_graph.assignment import assign
from federates.transport_operator.models.toll_road.operator import TollRoadOperator
from federates.worlds.road.messages import Gate

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
GATE = Gate(np.array([460.0, 470.0, 700.0, 690.0]), np.array([26.0, 20.0, 17.0, 17.0]))
HEARD = {"gate": GATE}
PUBLIC, DRIVER, SERVICE_S = 14.0, 25.0, (400.0, 400.0, 600.0, 600.0)
SHAPE = (2, 2, 4)


def operator(**changes):
    names = {n: n for n in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")}
    names |= {"fleet": "mves_fleet"} | dict.fromkeys(("r1", "r2", "q1", "q2"), "charging_station")
    agents = [{"name": name, "role": role} for name, role in names.items()]
    world = {"world": "fleets", "vehicle_kwh": {"fleet": 2.5}, "agents": agents}
    session = parse_session(read_yaml(SCENARIO / "scenario.yaml") | world, "scenario.yaml").view("transport_operator")
    raw = read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"]
    for name in ("trip_cost_usd", "trip_cost_spread_usd"):
        del raw[name]
    for station in raw["stations"].values():
        station.pop("fleet_veh_per_h", None)
    raw |= {"public_value_of_time_usd_per_h": PUBLIC, "driver_value_of_time_usd_per_h": DRIVER, "station_wait_factor": 1.0}
    made = TollRoadOperator(parse_config(raw | changes, TollRoadOperator.Settings, "c"), SCENARIO / "transport_operator")
    made.begin(session, Tables())
    made.told_s = made.open_period(8, None)
    return made


@pytest.fixture(scope="module")
def road():
    return operator()


def cost(op, z):
    return op.evaluate({"passage": z}, HEARD).cost_usd


def tolls_of(op, z):
    """Return the table `tolls` of the first period of ``z`` as an array (2, 2) per column; whole vehicles."""
    op._recorder.rows.clear()
    op.evaluate({"passage": z}, HEARD)
    op.commit({"passage": z})
    rows = op._recorder.rows["tolls"]
    assert [(row["origin"], row["destination"]) for row in rows] == [("r1", "q1"), ("r1", "q2"), ("r2", "q1"), ("r2", "q2")]
    return {name: np.array([row[name] for row in rows]).reshape(2, 2) for name in rows[0] if name.endswith(("_usd", "_s"))}


@pytest.mark.parametrize("vehicles", [[[0, 0], [0, 0]], [[30, 0], [0, 300]], [[100, 150], [80, 400]]])
def test_toll_by_formula_is_the_difference_that_one_vehicle_makes(road, vehicles):
    z = np.zeros(SHAPE)
    z[:, :, 0] = vehicles
    found, step = tolls_of(road, z), 1e-3
    for pair in np.ndindex(2, 2):
        more = z.copy()
        more[(*pair, 0)] += step
        # Routes are rounded to whole vehicles in the table, so a fifth of a cent may be between.
        assert found["toll_usd"][pair] == pytest.approx((cost(road, more) - cost(road, z)) / step, rel=2e-4, abs=2e-3)
    parts = found["others_usd"] + found["storages_usd"] + found["gates_usd"] + found["beyond_told_usd"]
    np.testing.assert_allclose(parts, found["toll_usd"], rtol=1e-12)
    assert all((found[name] >= -1e-9).all() for name in ("others_usd", "storages_usd", "gates_usd", "beyond_told_usd"))
    assert (found["road_time_s"] >= road.told_s - 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_price_of_what_is_offered_is_the_toll(road, seed):
    """Where an offer lies between nothing and the ramp's limit, price = marginal external cost; where it is 0, price <= it."""
    price = np.random.default_rng(seed).uniform(0.0, 25.0, SHAPE)
    offered = road.solve({"passage": price}, HEARD).quantities["passage"]
    for pair in np.ndindex(2, 2):
        step = 1e-3
        more = offered.copy()
        more[(*pair, 0)] += step
        marginal = (cost(road, more) - cost(road, offered)) / step
        if offered[(*pair, 0)] > 1e-6:
            assert marginal == pytest.approx(price[(*pair, 0)], abs=2e-3)
        else:
            assert marginal >= price[(*pair, 0)] - 2e-3


@pytest.mark.parametrize("seed", range(12))
def test_cost_is_convex_grows_with_use_and_lies_above_the_bound(road, seed):
    draw = np.random.default_rng(seed)
    z, other = (draw.uniform(0, 400, SHAPE) * (draw.random(SHAPE) < 0.7) for _ in range(2))
    price = draw.uniform(0, 60, SHAPE) * (draw.random(SHAPE) < 0.8)
    here, there, between = cost(road, z), cost(road, other), cost(road, 0.5 * (z + other))
    scale = 1e-7 * (1.0 + here + there)
    assert between <= 0.5 * (here + there) + scale
    assert cost(road, np.minimum(z, other)) <= min(here, there) + scale
    answer = road.solve({"passage": price}, HEARD)
    assert answer.bound_usd <= here - (price * z).sum() + scale
    value = answer.cost_usd - (price * answer.quantities["passage"]).sum()
    assert answer.bound_usd == pytest.approx(value, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_equal_prices_are_answered_as_quickly_as_others(factor, monkeypatch):
    """Then r1-q1 with r2-q2 costs what r1-q2 with r2-q1 does, to a part in a million: docs/decisions/0442."""
    op, rounds = operator(station_wait_factor=factor), []

    def counted(*arguments, **options):
        rounds.append(assign(*arguments, **options | {"iterations": 400}))
        return rounds[-1]

    monkeypatch.setattr(planner, "assign", counted)
    draw = np.random.default_rng(1)
    for _ in range(8):
        mixed = draw.uniform(0, 16, SHAPE) * (draw.random(SHAPE) < 0.7)
        for price in (mixed, np.full(SHAPE, draw.uniform(0, 16)), np.round(mixed)):
            op.solve({"passage": price}, HEARD)
    assert max(found.iterations for found in rounds) <= 50


def test_nothing_costs_nothing_and_what_the_ramp_cannot_take_is_left(road):
    assert cost(road, np.zeros(SHAPE)) == 0.0
    answer = road.evaluate({"passage": np.full(SHAPE, 1500.0)}, HEARD)
    np.testing.assert_allclose(answer.quantities["passage"], 1000.0)  # 2 000 veh/h from each r
    np.testing.assert_array_equal(road.solve({"passage": np.zeros(SHAPE)}, HEARD).quantities["passage"], 0.0)


def test_with_what_fleets_count_themselves_it_is_the_cost_to_everybody(road):
    """Own times of the links from the table of links, public delay from the law's fourth power, gates in closed form."""
    vehicles = np.array([[40.0, 60.0], [50.0, 350.0]])
    z = np.zeros(SHAPE)
    z[:, :, 0] = vehicles
    tolls_of(road, z)
    links = {row["link"]: row for row in road._recorder.rows["link_plan"]}
    own_s = sum(
        row["vehicles"] * sum(links[a]["travel_time_s"] for a in row["route"].split("|"))
        for row in road._recorder.rows["route_flow"]
    )
    at = (*vehicles.sum(axis=1), *vehicles.sum(axis=0))
    for flow, told, service, spots in zip(at, GATE.time_s, SERVICE_S, GATE.spots, strict=True):
        own_s += flow * (told + service * (flow * service / 3600 / spots) ** 4)
    curve, background = road._curve, road._forecast[0]
    after = np.array([links[a]["travel_time_s"] for a in road._session.links])
    lost_s = (background * (after - curve.time_s(background))).sum()
    everybody_usd = (PUBLIC * lost_s + DRIVER * own_s) / 3600
    told_s = road.told_s + GATE.time_s[:2, None] + GATE.time_s[None, 2:]
    fleets_usd = DRIVER / 3600 * (vehicles * told_s).sum()
    (account,) = road._recorder.rows["transport_costs"]
    assert account["total_usd"] == pytest.approx(everybody_usd - fleets_usd, rel=1e-9)
    assert account["public_delay_usd"] == pytest.approx(PUBLIC * lost_s / 3600, rel=1e-9)
    assert account["total_usd"] == pytest.approx(cost(road, z), rel=1e-4)


def test_tables_have_exactly_the_columns_of_the_world(road):
    known = {table.name: set(table.columns) for table in tables_of("fleets")}
    z = np.zeros(SHAPE)
    z[:, :, 0] = 20
    tolls_of(road, z)
    rows = road._recorder.rows
    assert {"tolls", "transport_costs", "route_flow", "delivery_forecast", "link_plan", "routing_alternatives"} == set(rows)
    for name, found in rows.items():
        assert all(set(row) == known[name] for row in found)
        assert all(type(value) in (int, float, str) for row in found for value in row.values())


def test_gates_by_hand():
    """One service time at full use, to the fourth: t - told = W u^4 and x t' = 4 W u^4 at both ends of a trip."""
    z = np.zeros(SHAPE)
    z[1, 1, 0] = 90
    found = tolls_of(operator(), z)["gates_usd"][1, 1]
    use = np.array([90 * 400 / 3600 / 20.0, 90 * 600 / 3600 / 17.0])
    assert found == pytest.approx(DRIVER / 3600 * (5 * np.array([400.0, 600.0]) * use**4).sum(), rel=1e-9)
    none = tolls_of(operator(station_wait_factor=0.0), z)["gates_usd"]
    np.testing.assert_allclose(none, 0.0, atol=1e-12)


def test_a_road_that_takes_up_less_than_a_vehicle_a_period_is_refused():
    raw = {"stations": {n: {"junction": "JELA"} for n in ("r1", "r2", "q1", "q2")}}
    raw["stations"]["r2"]["most_departures_veh_per_h"] = 0.5
    made = operator()
    found = TollRoadOperator.check(parse_config(raw, TollRoadOperator.Settings, "c"), made.folder, made._session)
    assert "settings.stations.r2.most_departures_veh_per_h" in [problem.field for problem in found]


def test_told_times_are_those_of_a_road_without_storages_and_never_above_them(road):
    empty = np.array([road._fastest(time_s) for time_s in road._curve.time_s(road._forecast)])
    assert (road._told_s <= empty + 1e-6).all()
    np.testing.assert_allclose(road._told_s, empty, atol=1e-3)
    np.testing.assert_array_equal(road.told_s, road._told_s[0])
