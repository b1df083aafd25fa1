"""The timetable operator: its one connection by rail, its fixed vehicles on the road, and what is wrong with a timetable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from small_power_folder import Recorder

from federates.boundary.errors import ConfigError, ModelError
from federates.boundary.tables import table
from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.transport_operator.models.time_space_network.settings import TimeSpaceNetworkSettings
from federates.transport_operator.models.timetable.operator import TimetableOperator
from federates.transport_operator.models.timetable.settings import TimetableSettings
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import broken_plan
from federates.worlds.road.messages import Departure, Gate, LinkObservation
from federates.worlds.road.session import RoadSession

TRIPS = (
    {"train": "k2", "origin": "b", "destination": "c", "period": 0},
    {"train": "k1", "origin": "a", "destination": "b", "period": 1},
    {"train": "k1", "origin": "b", "destination": "a", "period": 3},
    {"train": "k2", "origin": "c", "destination": "b", "period": 4},
)

COURSES = ((1, "a", "b", 1), (1, "b", "a", 4), (3, "a", "c", 0), (3, "c", "a", 5))


def rail(**changes):
    base = {"schema_version": 1, "world": "rail", "name": "rail", "periods": 8, "rail_stations": ("a", "b", "c")}
    trains = ({"name": "k1", "home": "a"}, {"name": "k2", "home": "b"})
    return RailSession(**base | {"trains": trains, "trip_periods": ((0, 2, 3), (2, 0, 1), (3, 1, 0))} | changes)


def road(**changes):
    base = {"schema_version": 1, "name": "road", "periods": 3, "horizon_periods": 2, "links": ("x", "y", "z")}
    return RoadSession(**base | {"resourceful_stations": ("r1", "r2"), "limited_stations": ("q1", "q2")} | changes)


def begun(session, **given):
    operator, recorder = TimetableOperator(TimetableSettings(**given), None), Recorder()
    operator.begin(session, recorder)
    return operator, recorder


# --- by rail


def test_trains_stand_where_the_timetable_has_them_stand():
    operator, _ = begun(rail(), departures=TRIPS, cost_usd_per_trip=7.0)
    operator.open_period(0, None)
    answer = operator.evaluate({"connection": np.zeros((2, 3, 8))}, {})
    connection = answer.quantities["connection"]
    stands = [[(s, t) for s, t in np.argwhere(train.T > 0.5)[:, ::-1].tolist()] for train in connection]
    # k1 is under way in 1-2 and 3-4, k2 in 0 and 4.
    assert stands[0] == [(0, 0), (0, 5), (0, 6), (0, 7)]
    assert stands[1] == [(2, 1), (2, 2), (2, 3), (1, 5), (1, 6), (1, 7)]
    assert (answer.cost_usd, answer.bound_usd) == (28.0, 28.0)


def test_whatever_the_prices_it_offers_the_timetable_and_its_bound_is_what_that_comes_to():
    operator, _ = begun(rail(), departures=TRIPS)
    operator.open_period(0, None)
    fixed = operator.evaluate({"connection": np.ones((2, 3, 8))}, {}).quantities["connection"]
    prices = np.random.default_rng(3).uniform(-50, 50, fixed.shape)
    answer = operator.solve({"connection": prices}, {})
    assert np.array_equal(answer.quantities["connection"], fixed)
    assert answer.bound_usd == pytest.approx(80.0 - (prices * fixed).sum())


def test_another_operator_can_run_the_same_timetable_at_the_same_cost():
    operator, _ = begun(rail(), departures=TRIPS, cost_usd_per_trip=7.0)
    operator.open_period(0, None)
    fixed = operator.evaluate({"connection": np.zeros((2, 3, 8))}, {})
    free = TimeSpaceNetworkOperator(TimeSpaceNetworkSettings(cost_usd_per_period=0.0, cost_usd_per_trip=7.0), None)
    free.begin(rail(), Recorder())
    free.open_period(0, None)
    answer = free.evaluate({"connection": fixed.quantities["connection"]}, {})
    # k1 visits b without a stop, which nobody can ask for by a connection: the other operator leaves it at a.
    assert (answer.quantities["connection"] >= fixed.quantities["connection"]).all()
    assert answer.cost_usd == pytest.approx(fixed.cost_usd - 2 * 7.0)
    stopping = tuple(trip | {"period": 4} if trip["period"] == 3 else trip for trip in TRIPS)
    operator, _ = begun(rail(), departures=stopping, cost_usd_per_trip=7.0)
    operator.open_period(0, None)
    fixed = operator.evaluate({"connection": np.zeros((2, 3, 8))}, {})
    answer = free.evaluate({"connection": fixed.quantities["connection"]}, {})
    assert np.array_equal(answer.quantities["connection"], fixed.quantities["connection"])
    assert answer.cost_usd == pytest.approx(fixed.cost_usd)


def test_a_day_is_carried_out_and_the_plan_never_breaks():
    session = rail()
    operator, recorder = begun(session, departures=TRIPS)
    places = []
    for period in range(9):
        ready = operator.open_period(period, None)
        assert ready[:, 2].tolist() == [0.0, 1.0], "every train ends at its home"
        places.append(ready[:, :2].astype(int).tolist())
        agreed = operator.evaluate({"connection": np.zeros((2, 3, 8 - period))}, {}).quantities["connection"]
        if period < 8:
            assert broken_plan(session, period, ready, agreed) is None
            assert operator.commit({"connection": agreed}) is None
    assert places[:5] == [[[0, 0], [1, 0]], [[0, 1], [2, 1]], [[1, 3], [2, 2]], [[1, 3], [2, 3]], [[0, 5], [2, 4]]]
    assert places[8] == [[0, 8], [1, 8]]
    moves = recorder.tables["train_moves"]
    assert set(moves[0]) == set(table("train_moves").columns)
    planned, realised = ([row for row in moves if row["phase"] == phase] for phase in ("planned", "realised"))
    key = ("train", "period", "origin", "destination", "cost_usd")
    assert sorted(tuple(row[k] for k in key) for row in planned) == sorted(tuple(row[k] for k in key) for row in realised)
    assert sum(row["cost_usd"] for row in realised) == 80.0
    assert [(r["period"], r["origin"], r["destination"]) for r in realised if r["train"] == "k1"][1:5] == [
        (1, "a", "b"), (2, "a", "b"), (3, "b", "a"), (4, "b", "a"),
    ]  # fmt: skip


def test_without_departures_trains_stay_at_home_and_without_mobile_storage_nobody_stands():
    at_home, _ = begun(rail())
    at_home.open_period(0, None)
    answer = at_home.evaluate({"connection": np.zeros((2, 3, 8))}, {})
    assert answer.quantities["connection"].sum(axis=2).tolist() == [[8, 0, 0], [0, 8, 0]]
    assert answer.cost_usd == 0.0
    fixed, recorder = begun(rail(scheme="fixed"), departures=TRIPS)
    assert fixed.open_period(0, None).tolist() == [[0, 0, 0], [1, 0, 1]]
    answer = fixed.evaluate({"connection": np.zeros((2, 3, 8))}, {})
    assert not answer.quantities["connection"].any()
    assert answer.cost_usd == 0.0
    fixed.commit({"connection": answer.quantities["connection"]})
    assert recorder.tables == {}


def test_interchangeable_trains_run_each_others_courses_before_the_day_begins():
    """The bound is the least over all exchanges of trains of one kind and home; a train of another kind keeps its own course."""
    trains = tuple({"name": f"k{k}", "home": "a", "kind": kind} for k, kind in enumerate(("x", "x", "y"), start=1))
    trips = [{"train": f"k{k}", "origin": o, "destination": d, "period": p} for k, o, d, p in COURSES]
    operator, recorder = begun(rail(trains=trains), departures=trips)
    operator.open_period(0, None)
    zero = np.zeros((3, 3, 8))
    own = operator.evaluate({"connection": zero}, {}).quantities["connection"]
    rng = np.random.default_rng(4)
    for _ in range(20):
        prices = rng.uniform(-50, 50, zero.shape)
        answer = operator.solve({"connection": prices}, {})
        best = max(float((prices * own[list(order)]).sum()) for order in ((0, 1, 2), (1, 0, 2)))
        assert answer.bound_usd == pytest.approx(80.0 - best)
        assert answer.cost_usd - (prices * answer.quantities["connection"]).sum() == pytest.approx(answer.bound_usd)
    twin = own[[1, 0, 2]]
    assert np.array_equal(operator.evaluate({"connection": twin}, {}).quantities["connection"], twin)
    assert np.array_equal(operator.evaluate({"connection": own[[0, 2, 1]]}, {}).quantities["connection"], own)
    operator.commit({"connection": twin})
    operator.open_period(1, None)
    for asked in (own, zero, twin):
        sent = operator.evaluate({"connection": asked[:, :, 1:]}, {}).quantities["connection"]
        assert np.array_equal(sent, twin[:, :, 1:]), "who runs what is settled"
    left = {row["train"] for row in recorder.tables["train_moves"] if row["phase"] == "planned" and row["destination"] == "b"}
    assert left == {"k2"}


# --- on the road


VEHICLES = (
    {"origin": "r1", "destination": "q1", "hour": 8, "vehicles": 10, "links": ("x", "y")},
    {"origin": "r1", "destination": "q1", "hour": 9, "vehicles": 4, "links": ("z",)},
    {"origin": "r2", "destination": "q2", "hour": 9, "vehicles": 6, "links": ("z", "y")},
)
GATE = Gate(np.array([400.0, 401.0, 600.0, 601.0]), np.full(4, 9.0))


def seen(*times_s):
    nothing = np.zeros(3)
    return LinkObservation(nothing, nothing, nothing, np.array(times_s))


def test_on_the_road_the_answer_is_the_optimum_of_the_programme():
    operator, _ = begun(road(start_hour=8), vehicles=VEHICLES, cost_usd_per_vehicle=5.0)
    operator.open_period(0, None)
    most = np.array([[[10.0, 4.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 6.0]]])
    rng = np.random.default_rng(2)
    for _ in range(10):
        prices = rng.uniform(0, 10, most.shape)
        answer = operator.solve({"delivery": prices}, {"gate": GATE})
        found = linprog((5.0 - prices).ravel(), bounds=np.column_stack([np.zeros(8), most.ravel()]))
        assert answer.bound_usd == pytest.approx(found.fun)
        assert answer.cost_usd - (prices * answer.quantities["delivery"]).sum() == pytest.approx(found.fun)
        asked = rng.uniform(-1, 12, most.shape)
        sent = operator.evaluate({"delivery": asked}, {"gate": GATE})
        assert np.array_equal(sent.quantities["delivery"], np.clip(asked, 0.0, most))
        assert sent.cost_usd == pytest.approx(5.0 * sent.quantities["delivery"].sum())


def test_vehicles_leave_by_the_route_of_their_hour_and_times_are_those_seen_last():
    operator, recorder = begun(road(start_hour=8, period_s=1800), vehicles=VEHICLES, road_time_s=700.0)
    assert operator.open_period(0, None).tolist() == [[700.0, 700.0], [700.0, 700.0]]
    sent = operator.evaluate({"delivery": np.full((2, 2, 2), 9.0)}, {"gate": GATE}).quantities["delivery"]
    assert sent[0, 0].tolist() == [5.0, 5.0]
    wanted = np.zeros((2, 2, 2))
    wanted[0, 0, 0] = 3.0
    assert operator.commit({"delivery": wanted}) == [Departure("r1", "q1", 3, ("x", "y"))]
    assert operator.open_period(1, seen(100.0, 50.0, 0.0))[0, 0] == 150.0
    assert operator.open_period(2, seen(100.0, 60.0, 300.0)).tolist() == [[300.0, 700.0], [700.0, 360.0]]
    operator.solve({"delivery": np.zeros((2, 2, 2))}, {"gate": GATE})
    assert operator.commit({"delivery": wanted}) == [Departure("r1", "q1", 3, ("z",))]
    for name in ("route_flow", "delivery_forecast"):
        assert set(recorder.tables[name][0]) == set(table(name).columns)
    assert recorder.tables["delivery_forecast"][1]["delivery_time_s"] == 400.0 + 300.0 + 600.0
    assert recorder.tables["route_flow"][0]["route"] == "x|y"
    wanted[0, 1, 0] = 1.0
    with pytest.raises(ModelError, match="r1 to q2"):
        operator.commit({"delivery": wanted})


HOURLY = tuple(
    {"origin": "r1", "destination": "q1", "hour": h, "vehicles": n, "links": (link,)}
    for h, n, link in ((7, 30, "x"), (8, 40, "y"))
)
OFFERED = {
    3600.0: [0, 30, 40, 0],
    7200.0: [30, 40, 0, 0],
    5400.0: [15, 15 + 40, 0, 0],
    900.0: [0, 0, 0, 0, 7, 7, 7, 7, 10, 10, 10, 10, 0],
    2700.0: [0, 15, 15 + 10, 30, 0],
    86_400.0: [70, 70],
    3600.0 / 7: [0] * 7 + [4] * 7 + [5] * 7 + [0],
}


@pytest.mark.parametrize("period_s", OFFERED)
def test_a_period_offers_its_share_of_every_hour_that_it_meets_in_whole_vehicles(period_s):
    """Of 30 in hour 7 and 40 in hour 8, from 6 h on; worked out by hand."""
    wanted = OFFERED[period_s]
    operator, _ = begun(road(start_hour=6, period_s=period_s, periods=len(wanted), horizon_periods=len(wanted)), vehicles=HOURLY)
    operator.open_period(0, None)
    sent = operator.evaluate({"delivery": np.full((2, 2, len(wanted)), 1e3)}, {"gate": GATE}).quantities["delivery"]
    assert sent[0, 0].tolist() == wanted
    assert sent.sum() == sum(wanted)


@pytest.mark.parametrize("period_s", [60.0, 700.0, 900.0, 1234.5, 2000.0, 3600.0, 5000.0])
def test_no_more_leave_than_the_hours_allow(period_s):
    count = int(5 * 3600 // period_s)
    operator, _ = begun(
        road(start_hour=6, period_s=period_s, periods=count, horizon_periods=1), vehicles=[HOURLY[0] | {"vehicles": 61.9}]
    )
    left = 0
    for period in range(count):
        operator.open_period(period, None)
        agreed = operator.evaluate({"delivery": np.full((2, 2, 1), 1e3)}, {"gate": GATE}).quantities
        left += sum(departure.vehicles for departure in operator.commit(agreed))
    assert 0 < left <= 61.9


def test_a_period_of_several_hours_goes_by_the_route_of_the_one_that_it_has_most_of():
    routes = {}
    for period_s, count in ((5400.0, 3), (7200.0, 2), (86_400.0, 1)):
        operator, _ = begun(road(start_hour=6, period_s=period_s, periods=count, horizon_periods=1), vehicles=HOURLY)
        for period in range(count):
            operator.open_period(period, None)
            agreed = operator.evaluate({"delivery": np.full((2, 2, 1), 1e3)}, {"gate": GATE}).quantities
            routes[period_s, period] = [(departure.vehicles, *departure.links) for departure in operator.commit(agreed)]
    assert routes == {
        (5400.0, 0): [(15, "x")],
        (5400.0, 1): [(55, "y")],
        (5400.0, 2): [],
        (7200.0, 0): [(30, "x")],
        (7200.0, 1): [(40, "y")],
        (86_400.0, 0): [(70, "x")],
    }


# --- check


def _trip(**changes):
    return {"train": "k1", "origin": "a", "destination": "b", "period": 1} | changes


BACK = {"origin": "b", "destination": "a", "period": 5}
RAIL_PROBLEMS = {
    "train": ([_trip(train="k9")], "departures.0.train", "k9", "k1, k2"),
    "origin": ([_trip(origin="x"), _trip(**BACK)], "departures.0.origin", "x", "a, b, c"),
    "destination": ([_trip(destination="x")], "departures.0.destination", "x", "a, b, c"),
    "nowhere": ([_trip(destination="a")], "departures.0.destination", "a", "another station"),
    "elsewhere": ([_trip(), _trip(**BACK | {"origin": "c"})], "departures.1.origin", "c", "must be b"),
    "from home": ([_trip(origin="c", destination="a")], "departures.0.origin", "c", "must be a"),
    "under way": ([_trip(**BACK | {"period": 2}), _trip()], "departures.0.period", "2", "at least 3"),
    "twice": ([_trip(), _trip(), _trip(**BACK)], "departures.1.period", "1", "at least 3"),
    "too late": ([_trip(), _trip(**BACK | {"period": 7})], "departures.1.period", "7", "at most 6"),
    "not home": ([_trip()], "departures.0.destination", "b", "home, a"),
    "road": ([], "vehicles", "3 entries", "must be empty"),
}


@pytest.mark.parametrize("name", RAIL_PROBLEMS)
def test_one_mistake_by_rail_is_one_problem(name):
    departures, field, value, allowed = RAIL_PROBLEMS[name]
    given = TimetableSettings(departures=departures, vehicles=VEHICLES if name == "road" else ())
    (problem,) = TimetableOperator.check(given, None, rail())
    assert (problem.file, problem.field, problem.value) == ("config.yaml", f"settings.{field}", value)
    assert allowed in problem.allowed
    with pytest.raises(ConfigError, match=allowed):
        TimetableOperator(given, None).begin(rail(), Recorder())


ROAD_PROBLEMS = {
    "origin": ({"origin": "q1"}, "vehicles.3.origin", "r1, r2"),
    "destination": ({"destination": "r1"}, "vehicles.3.destination", "q1, q2"),
    "link": ({"links": ("x", "w")}, "vehicles.3.links", "x, y, z"),
    "twice": ({"hour": 9}, "vehicles.3.hour", "already"),
    "too long a route": ({"links": ("x",) * 17}, "vehicles.3.links", "at most 16 links"),
    "half a vehicle": ({"hour": 1, "vehicles": 0.5}, "vehicles.3.vehicles", "at least 1"),
}


@pytest.mark.parametrize("name", ROAD_PROBLEMS)
def test_one_mistake_on_the_road_is_one_problem(name):
    changes, field, allowed = ROAD_PROBLEMS[name]
    extra = {"origin": "r1", "destination": "q1", "hour": 3, "vehicles": 1, "links": ("x",)} | changes
    (problem,) = TimetableOperator.check(TimetableSettings(vehicles=(*VEHICLES, extra)), None, road())
    assert problem.field == f"settings.{field}"
    assert allowed in problem.allowed


@pytest.mark.parametrize(("period_s", "too_few", "enough"), [(900.0, 3, 4), (2400.0, 1, 2), (3600.0 / 7, 6, 7), (5400.0, 1, 2)])
def test_vehicles_of_which_no_period_has_a_whole_one_are_refused_with_how_many_it_takes(period_s, too_few, enough):
    day = road(start_hour=6, period_s=period_s, periods=24)
    (problem,) = TimetableOperator.check(TimetableSettings(vehicles=[HOURLY[0] | {"vehicles": too_few}]), None, day)
    assert (problem.field, problem.value) == ("settings.vehicles.0.vehicles", f"{too_few:g}")
    assert f"at least {enough}:" in problem.allowed
    assert TimetableOperator.check(TimetableSettings(vehicles=[HOURLY[0] | {"vehicles": enough}]), None, day) == []
    elsewhen = HOURLY[0] | {"hour": 5, "vehicles": too_few}
    short = day.model_copy(update={"periods": 2})
    assert TimetableOperator.check(TimetableSettings(vehicles=[elsewhen]), None, short) == [], "the run does not meet this hour"


def test_a_route_of_16_links_is_sound():
    given = TimetableSettings(vehicles=[HOURLY[0] | {"links": ("x",) * 16}])
    assert TimetableOperator.check(given, None, road()) == []


def test_a_sound_timetable_has_no_problem_and_is_of_one_world():
    assert TimetableOperator.check(TimetableSettings(departures=TRIPS), None, rail()) == []
    assert TimetableOperator.check(TimetableSettings(vehicles=VEHICLES), None, road()) == []
    (problem,) = TimetableOperator.check(TimetableSettings(departures=TRIPS), None, road())
    assert problem.field == "settings.departures"
