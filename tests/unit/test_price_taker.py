"""The price taker against programmes and trying everything: what it takes, what that costs, and what it proves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from small_power_folder import Recorder

from federates.boundary.tables import table
from federates.power_operator.models.price_taker.demand import missed_usd, stands_of_trains, vehicles_from_origins
from federates.power_operator.models.price_taker.operator import PriceTakerOperator
from federates.power_operator.models.price_taker.settings import PriceTakerSettings
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

SEEDS = {"seed": st.integers(0, 100_000)}
QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def road(**changes):
    base = {"schema_version": 1, "name": "road", "periods": 3, "horizon_periods": 2, "links": ("a",)}
    return RoadSession(**base | {"resourceful_stations": ("r1", "r2"), "limited_stations": ("q1", "q2")} | changes)


def rail(**changes):
    base = {"schema_version": 1, "world": "rail", "name": "rail", "periods": 3, "rail_stations": ("a", "b")}
    trains = ({"name": "k1", "home": "a"}, {"name": "k2", "home": "a"})
    return RailSession(**base | {"trains": trains, "trip_periods": ((0, 1), (1, 0))} | changes)


def begun(session, folder=None, **given_settings):
    operator, recorder = PriceTakerOperator(PriceTakerSettings(**given_settings), folder), Recorder()
    operator.begin(session, recorder)
    return operator, recorder, operator.open_period(0, None)


# --- closed forms


def test_on_the_road_it_takes_the_cheaper_origin_up_to_the_need_where_the_price_is_below_the_worth():
    operator, _, gate = begun(road(), worth_usd=8.0, need_by_station={"q2": 5.0})
    assert gate.time_s.tolist() == [600.0] * 4
    assert gate.spots.tolist() == [20.0] * 4
    prices = np.array([[[3.0, 9.0], [7.0, 8.0]], [[2.0, 9.5], [7.5, 9.0]]])  # (R, Q, H)
    answer = operator.solve({"delivery": prices}, {"road_time_s": np.full((2, 2), 900.0)})
    assert answer.quantities["delivery"].tolist() == [[[0.0, 0.0], [5.0, 0.0]], [[20.0, 0.0], [0.0, 0.0]]]
    assert answer.cost_usd == pytest.approx(8.0 * (20 + 5))
    assert answer.bound_usd == pytest.approx(answer.cost_usd + 2.0 * 20 + 7.0 * 5)


def test_by_rail_a_second_train_is_wanted_where_the_first_is_not():
    operator, *_ = begun(rail(), worth_usd=10.0)
    home = np.zeros((2, 3))
    answer = operator.solve({"connection": np.zeros((2, 2, 3))}, {"train_ready": home})
    # One is wanted at a all day; the other goes to b, where it can stand in period 1 only to be home at the end.
    assert answer.quantities["connection"].sum(axis=0).clip(max=1.0).tolist() == [[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
    assert answer.cost_usd == pytest.approx(20.0)
    assert answer.bound_usd == pytest.approx(20.0)
    dear = operator.solve({"connection": np.full((2, 2, 3), 10.5)}, {"train_ready": home})
    assert not dear.quantities["connection"].any()
    assert dear.bound_usd == pytest.approx(60.0)


# --- against programmes and trying everything


@QUICK
@given(**SEEDS)
def test_on_the_road_the_answer_is_the_optimum_of_the_programme(seed):
    rng = np.random.default_rng(seed)
    origins, destinations, periods = rng.integers(1, 4, 3)
    prices = rng.uniform(0, 12, (origins, destinations, periods))
    worth, need = rng.uniform(0, 12, (destinations, periods)), rng.uniform(0, 9, (destinations, periods))
    taken = vehicles_from_origins(prices, worth, need)
    # Columns: z (R Q H), missed (Q H); rows: missed + sum_r z >= need.
    places = destinations * periods
    rows = -np.hstack([np.tile(np.eye(places), origins), np.eye(places)])
    found = linprog(np.concatenate([prices.ravel(), worth.ravel()]), A_ub=rows, b_ub=-need.ravel())
    assert missed_usd(taken.sum(axis=0), worth, need) + (prices * taken).sum() == pytest.approx(found.fun)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(**SEEDS, relaxed=st.booleans())
def test_by_rail_the_answer_is_the_best_of_all_routes(seed, relaxed):
    """Trying every route of two trains, standing taken or not: 3 stations, 4 periods, trips of one or two."""
    rng = np.random.default_rng(seed)
    trip = rng.integers(1, 3, (3, 3)) * (1 - np.eye(3, dtype=int))
    prices = rng.uniform(-6, 12, (2, 3, 4))
    worth, need = rng.uniform(0, 12, (3, 4)), rng.choice([0.0, 1.0, 1.4, 2.0], (3, 4))
    most = (rng.random(prices.shape) < 0.8).astype(float)
    ready, end = np.column_stack([rng.integers(0, 3, 2), rng.integers(0, 4, 2)]).astype(float), rng.integers(-1, 3, 2).tolist()
    taken, bound_usd = stands_of_trains(prices, worth, need, most, trip.tolist(), ready, end, relaxed=relaxed)
    routes = [_every_stand(trip, most[k], int(ready[k, 0]), int(ready[k, 1]), end[k]) for k in range(2)]
    tried = [np.array(pair) for pair in itertools.product(*routes)]
    values = [missed_usd(stands.sum(axis=0), worth, need) + (prices * stands).sum() for stands in tried]
    own = missed_usd(taken.sum(axis=0), worth, need) + (prices * taken).sum()
    assert bound_usd == pytest.approx(own, abs=1e-5)
    assert bound_usd <= min(values) + 1e-5
    if not relaxed:
        assert own == pytest.approx(min(values), abs=1e-5)
        assert any(np.array_equal(taken, stands) for stands in tried)


def _every_stand(trip, most, station, period, end):
    """Return every set of taken stands (S, T) of a train that is where it ends if that is certain (not -1) and possible."""
    stations, periods = most.shape
    must = end >= 0 and period + trip[station, end] <= periods
    found = {}

    def go(at, now, taken):
        if now >= periods:
            if at == end or not must:
                found[taken.tobytes()] = taken
            return
        go(at, now + 1, taken)
        if most[at, now]:
            more = taken.copy()
            more[at, now] = 1.0
            go(at, now + 1, more)
        for other in range(stations):
            if other != at and now + trip[at, other] <= periods:
                go(other, now + trip[at, other], taken)

    go(station, period, np.zeros(most.shape))
    return list(found.values())


@QUICK
@given(**SEEDS, on_road=st.booleans())
def test_bounds_bound_planes_lie_below_the_cost_and_dearer_is_never_taken_more(seed, on_road):
    rng = np.random.default_rng(seed)
    session = road() if on_road else rail()
    operator, *_ = begun(session, worth_usd=float(rng.uniform(0, 20)), need=float(rng.choice([0.0, 1.0, 2.0, 7.0])))
    opening, shape = np.zeros((2, 2)) if on_road else np.zeros((2, 3)), session.connection_shape
    prices = rng.uniform(0, 20, shape) if on_road else rng.uniform(-5, 20, shape)
    name, openings = ("delivery", {"road_time_s": opening}) if on_road else ("connection", {"train_ready": opening})
    answer = operator.solve({name: prices}, openings)
    drawn = [rng.uniform(0, 12, shape) if on_road else _routes(rng, shape) for _ in range(6)]
    costs = [operator.evaluate({name: z}, openings) for z in drawn]
    for z, known in zip(drawn, costs, strict=True):
        assert (known.quantities[name] <= z + 1e-9).all()
        used = known.cost_usd + (prices * known.quantities[name]).sum()
        assert answer.bound_usd <= used + 1e-7
        for other, there in zip(drawn, costs, strict=True):
            plane = known.bound_usd + (known.slopes[name] * (other - z)).sum()
            assert plane <= there.cost_usd + 1e-7
        assert known.bound_usd == pytest.approx(known.cost_usd)
    entry = tuple(rng.integers(0, size) for size in shape)
    dearer = prices.copy()
    dearer[entry] += rng.uniform(0, 10)
    assert operator.solve({name: dearer}, openings).quantities[name][entry] <= answer.quantities[name][entry] + 1e-9


def _routes(rng, shape):
    """Every train stays at home a, or visits b in period 1 and is home at the end."""
    connection = np.zeros(shape)
    for k in range(shape[0]):
        if rng.random() < 0.5:
            connection[k, 0] = 1.0
        else:
            connection[k, 1, 1] = 1.0
    return connection


# --- the day


def test_worth_is_that_of_the_hour_and_needs_are_per_hour(tmp_path):
    (tmp_path / "worth.csv").write_text("hour,q2\n" + "\n".join(f"{h},{100 + h}" for h in reversed(range(24))) + "\n")
    given_settings = {"worth_file": "worth.csv", "worth_usd_by_hour": {"q1": list(range(24))}, "need": 8.0}
    session = road(start_hour=22, period_s=1800, periods=6)
    operator, recorder, _ = begun(session, tmp_path, **given_settings)
    for period in range(6):
        operator.open_period(period, None)
        operator.commit({"delivery": np.full((2, 2, 2), 1.0)})
    rows = recorder.tables["wants"]
    assert [row["worth_usd"] for row in rows if row["station"] == "q1"] == [22, 22, 23, 23, 0, 0]
    assert [row["worth_usd"] for row in rows if row["station"] == "q2"] == [122, 122, 123, 123, 100, 100]
    assert {(row["need"], row["had"]) for row in rows} == {(4.0, 2.0)}
    half_hours, *_ = begun(rail(period_s=1800), worth_usd=10.0)
    nothing = half_hours.evaluate({"connection": np.zeros((2, 2, 3))}, {"train_ready": np.zeros((2, 3))})
    assert nothing.cost_usd == pytest.approx(6 * 5.0)


def test_a_day_by_rail_is_costed_as_planned_and_as_carried_out_with_the_past_kept():
    operator, recorder, _ = begun(rail(), worth_usd=10.0)
    stays = np.zeros((2, 2, 3))
    stays[:, 0] = 1.0
    operator.commit({"connection": stays})
    operator.open_period(1, None)
    late = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, 0.0]])  # train 2 is on its way to b until period 2, when it must go home
    answer = operator.solve({"connection": np.zeros((2, 2, 2))}, {"train_ready": late})
    assert answer.quantities["connection"].shape == (2, 2, 2)
    assert not answer.quantities["connection"][1].any()
    assert answer.cost_usd == pytest.approx(20.0)  # b in periods 1 and 2; period 0 is past
    operator.commit(answer.quantities)
    operator.open_period(2, None)
    operator.commit({"connection": answer.quantities["connection"][:, :, 1:]})
    costs = recorder.tables["plan_costs"]
    assert [(row["phase"], row["period"], row["total_usd"]) for row in costs] == [
        ("planned", 0, 30.0),
        ("planned", 1, 20.0),
        ("realised", 3, 30.0),
    ]
    assert set(costs[0]) == set(table("plan_costs").columns)


def test_without_mobile_storage_nothing_is_to_be_had():
    operator, *_ = begun(rail(scheme="fixed"), worth_usd=10.0)
    answer = operator.solve({"connection": np.full((2, 2, 3), -1.0)}, {"train_ready": np.zeros((2, 3))})
    assert not answer.quantities["connection"].any()


# --- check


FILE = "hour,q1\n" + "\n".join(f"{h},1" for h in range(24)) + "\n"
DAY = [1.0] * 24
PROBLEMS = {
    "station of the hours": ({"worth_usd_by_hour": {"r1": DAY}}, "", "settings.worth_usd_by_hour.r1", "q1, q2"),
    "station of the need": ({"need_by_station": {"x": 1}}, "", "settings.need_by_station.x", "q1, q2"),
    "no file": ({"worth_file": "w.csv"}, "", "(file)", "must exist"),
    "column": ({"worth_file": "w.csv"}, FILE.replace("q1", "q9"), "q9", "q1, q2"),
    "hours": ({"worth_file": "w.csv"}, FILE.replace("\n7,", "\n8,"), "line 10, hour", "twice, first in line 9"),
    "no hours": ({"worth_file": "w.csv"}, FILE.replace("hour", "time"), "hour", "needed"),
    "negative": ({"worth_file": "w.csv"}, FILE.replace("\n3,1", "\n3,-1"), "line 5, q1", "at least 0"),
    "twice": ({"worth_file": "w.csv", "worth_usd_by_hour": {"q1": DAY}}, FILE, "q1", "worth_usd_by_hour"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_one_mistake_is_one_problem(name, tmp_path):
    given_settings, text, field, allowed = PROBLEMS[name]
    if text:
        (tmp_path / "w.csv").write_text(text)
    (problem,) = PriceTakerOperator.check(PriceTakerSettings(**given_settings), tmp_path, road())
    assert problem.field == field
    assert allowed in problem.allowed
    assert problem.file == ("w.csv" if "worth_file" in given_settings else "config.yaml")


def test_a_sound_table_has_no_problem(tmp_path):
    (tmp_path / "w.csv").write_text(FILE)
    assert PriceTakerOperator.check(PriceTakerSettings(worth_file="w.csv", need=3), tmp_path, road()) == []
    with pytest.raises(ValueError, match="24 items"):
        PriceTakerSettings(worth_usd_by_hour={"q1": [1.0] * 23})
