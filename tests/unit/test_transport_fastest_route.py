"""The fastest-route operator against numbers worked out by hand, and its answers against a linear programme."""

from pathlib import Path

import numpy as np
import pytest
from recorded_tables import Tables
from scipy.optimize import linprog

from federates.boundary.config import load_config
from federates.boundary.errors import ConfigError, ModelError
from federates.boundary.tables import table
from federates.transport_operator.models.fastest_route.operator import FastestRouteOperator, FastestRouteSettings
from federates.worlds.road.messages import Gate, LinkObservation
from federates.worlds.road.session import RoadSession

# r1 and r2 reach q1 and q2 over the junction m; from m to q2 there are two ways.
LINKS = {"r1m": ("R1", "m"), "r2m": ("R2", "m"), "mq1": ("m", "Q1"), "fast": ("m", "Q2"), "slow": ("m", "Q2")}
LENGTH_KM = {"r1m": 3.0, "r2m": 6.0, "mq1": 9.0, "fast": 9.0, "slow": 12.0}
GATE = Gate(np.array([600.0, 300.0, 900.0, 1200.0]), np.ones(4))


def session(**changes):
    base = {
        "schema_version": 1,
        "name": "x",
        "period_s": 1800.0,
        "horizon_periods": 2,
        "resourceful_stations": ("r1", "r2"),
        "limited_stations": ("q1", "q2"),
        "links": tuple(LINKS),
    }
    return RoadSession.model_validate(base | changes)


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "junctions.csv").write_text("id,lat,lon\n" + "\n".join(f"{name},34,-118" for name in ("R1", "R2", "m", "Q1", "Q2")))
    rows = [f"{name},{a},{b},{LENGTH_KM[name]},3,0" for name, (a, b) in LINKS.items()]
    (data / "links.csv").write_text("link,from,to,length_km,lanes,hov_lanes\n" + "\n".join(rows))
    hourly = [f"{name},{hour},{5700 if name == 'fast' else 0}" for name in LINKS for hour in range(24)]
    (data / "background_hourly.csv").write_text("link,hour,flow_veh_per_h\n" + "\n".join(hourly))
    return tmp_path


def settings(**changes):
    places = {"r1": ("R1", 100.0), "r2": ("R2", 40.0), "q1": ("Q1", 0.0), "q2": ("Q2", 0.0)}
    stations = {name: {"junction": junction, "fleet_veh_per_h": fleet} for name, (junction, fleet) in places.items()}
    return FastestRouteSettings.model_validate({"stations": stations, **changes})


def begun(folder, **changes):
    operator, tables = FastestRouteOperator(settings(**changes), folder), Tables()
    operator.begin(session(), tables)
    return operator, tables


def observed(**times_s):
    free = {name: 1000 * km / 30 for name, km in LENGTH_KM.items()} | times_s
    ones = np.ones(len(LINKS))
    return LinkObservation(ones * 500, ones * 10, ones * 20, np.array([free[name] for name in LINKS]))


def test_the_first_period_takes_bpr_of_the_history_and_later_ones_what_is_seen(folder):
    operator, _ = begun(folder)
    # 9 km at 30 m/s is 300 s; at capacity (3 x 1900) BPR adds 15 %.
    np.testing.assert_allclose(operator.open_period(0, None), [[400, 100 + 345], [500, 200 + 345]])
    np.testing.assert_allclose(operator.open_period(1, observed(fast=500.0)), [[400, 500], [500, 600]])
    np.testing.assert_allclose(operator.open_period(2, observed(fast=350.0)), [[400, 450], [500, 550]])


def test_cost_is_value_of_time_at_gates_and_on_the_road_and_the_trip(folder):
    operator, _ = begun(folder, value_of_time_usd_per_h=36.0, trip_cost_usd=2.0)
    operator.open_period(0, None)
    asked = np.zeros((2, 2, 2))
    asked[0, 1, 0], asked[1, 0, 1] = 3.0, 1.0
    answer = operator.evaluate({"delivery": asked}, {"gate": GATE})
    by_hand = 3 * (0.01 * (600 + 445 + 1200) + 2) + (0.01 * (300 + 500 + 900) + 2)
    assert answer.cost_usd == pytest.approx(by_hand)
    assert answer.bound_usd == answer.cost_usd
    np.testing.assert_array_equal(answer.quantities["delivery"], asked)


def test_answers_to_prices_are_the_optimum_of_the_linear_programme(folder):
    operator, _ = begun(folder)
    operator.open_period(0, None)
    rng = np.random.default_rng(7)
    each = [operator.evaluate({"delivery": one}, {"gate": GATE}).cost_usd for one in np.eye(8).reshape(8, 2, 2, 2)]
    unit = np.array(each).reshape(2, 2, 2)
    fleet = np.array([50.0, 20.0])  # in half an hour
    for _ in range(20):
        prices = unit + rng.normal(0.0, 4.0, unit.shape)
        rows = np.array([[float((r, h) == (i, k)) for r, q, h in np.ndindex(2, 2, 2)] for i in range(2) for k in range(2)])
        best = linprog((unit - prices).ravel(), A_ub=rows, b_ub=np.repeat(fleet, 2), bounds=(0, None))
        answer = operator.solve({"delivery": prices}, {"gate": GATE})
        assert answer.bound_usd == pytest.approx(best.fun)
        assert answer.cost_usd - float((prices * answer.quantities["delivery"]).sum()) == pytest.approx(best.fun)
        assert operator.evaluate(answer.quantities, {"gate": GATE}).cost_usd == pytest.approx(answer.cost_usd)


def test_nobody_goes_below_cost_and_a_fleet_is_never_exceeded(folder):
    operator, _ = begun(folder)
    operator.open_period(0, None)
    assert not operator.solve({"delivery": np.zeros((2, 2, 2))}, {"gate": GATE}).quantities["delivery"].any()
    sent = operator.evaluate({"delivery": np.full((2, 2, 2), 40.0)}, {"gate": GATE}).quantities["delivery"]
    np.testing.assert_allclose(sent.sum(axis=1), [[50, 50], [20, 20]])
    np.testing.assert_allclose(sent[:, 0], sent[:, 1])


def test_vehicles_take_the_route_that_is_fastest_now_and_are_recorded(folder):
    operator, tables = begun(folder)
    for period, (fast_s, way) in enumerate([(350.0, "fast"), (450.0, "slow")]):
        operator.open_period(period, observed(fast=fast_s))
        operator.evaluate({"delivery": np.ones((2, 2, 2))}, {"gate": GATE})
        connection = np.zeros((2, 2, 2))
        connection[1, 1, 0], connection[0, 0, 0], connection[0, 1, 1] = 6.0, 2.0, 9.0
        sent = {(d.origin, d.destination): (d.vehicles, d.links) for d in operator.commit({"delivery": connection})}
        assert sent == {("r1", "q1"): (2, ("r1m", "mq1")), ("r2", "q2"): (6, ("r2m", way))}
    for name in ("route_flow", "delivery_forecast", "link_plan"):
        assert set(tables.rows[name][0]) == set(table(name).columns)
    last = tables.rows["delivery_forecast"][-1]
    assert (last["charging_s"], last["road_time_s"], last["discharging_s"]) == (300, 600, 1200)
    assert last["delivery_time_s"] == 2100
    flow = {row["link"]: row["mves_veh_per_h"] for row in tables.rows["link_plan"] if row["period"] == 1}
    assert flow == {"r1m": 4, "r2m": 12, "mq1": 4, "fast": 0, "slow": 12}
    # Of the 500 veh/h that were seen next, the own vehicles of the period before are not other traffic.
    operator.open_period(2, observed())
    operator.commit({"delivery": np.zeros((2, 2, 2))})
    others = {row["link"]: row["background_veh_per_h"] for row in tables.rows["link_plan"] if row["period"] == 2}
    assert (others["slow"], others["fast"]) == (488, 500)


def test_vehicles_are_not_sent_without_a_word_of_the_gates(folder):
    operator, _ = begun(folder)
    operator.open_period(0, None)
    assert operator.commit({"delivery": np.zeros((2, 2, 2))}) == []
    with pytest.raises(ModelError, match="gate"):
        operator.commit({"delivery": np.ones((2, 2, 2))})


def test_check_names_what_is_wrong(folder):
    assert FastestRouteOperator.check(settings(), folder, session()) == []
    unknown = FastestRouteOperator.check(settings(), folder, session(links=(*LINKS, "none")))
    assert {problem.file for problem in unknown} == {"data/links.csv", "data/background_hourly.csv"}
    places = {"r1": "RR", "r2": "R2", "q1": "Q1", "q2": "Q2"}
    wrong = settings(stations={name: {"junction": place} for name, place in places.items()})
    assert [p.field for p in FastestRouteOperator.check(wrong, folder, session())] == ["settings.stations.r1.junction"]
    (folder / "data/links.csv").unlink()
    with pytest.raises(ConfigError, match=r"links\.csv"):
        begun(folder)


def test_the_los_angeles_data_of_the_joint_graph_serves_as_it_is():
    scenario = Path(__file__).parents[2] / "scenarios/la_gcs"
    places = {"r1": "J110_101", "r2": "JELA", "q1": "J5_605", "q2": "J105_605"}
    own = FastestRouteSettings.model_validate({"stations": {name: {"junction": place} for name, place in places.items()}})
    day = load_config(scenario / "scenario.yaml", RoadSession)
    operator = FastestRouteOperator(own, scenario / "transport_operator")
    assert FastestRouteOperator.check(own, scenario / "transport_operator", day) == []
    operator.begin(day, Tables())
    assert ((operator.open_period(0, None) > 300) & (operator.open_period(0, None) < 3600)).all()
