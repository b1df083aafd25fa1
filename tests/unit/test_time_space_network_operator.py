"""A day of the railway's operator: what it carries out, late trains, and what it leaves behind."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.boundary.bound_kinds import BoundKind
from federates.transport_operator.models.time_space_network.lateness import Delays
from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.transport_operator.models.time_space_network.settings import Lateness
from federates.worlds.rail.session import RailSession

STATIONS = ("a", "b", "c")


class Recorder:
    def __init__(self):
        self.tables, self.lines = {}, []

    def record(self, table, **row):
        self.tables.setdefault(table, []).append(row)

    def progress(self, **fields):
        self.lines.append(fields)

    def moves(self, phase, train="t0", planned_in=None):
        rows = [row for row in self.tables["train_moves"] if row["phase"] == phase and row["train"] == train]
        rows = [row for row in rows if planned_in in (None, row["planned_in"])]
        return " ".join(f"{row['origin']}{row['destination']}{row['delay_periods'] or ''}" for row in rows)


def start(homes="a", periods=8, trip=2, session=None, **own):
    trains = [{"name": f"t{k}", "home": home} for k, home in enumerate(homes)]
    timetable = [[trip * (s != r) for r in STATIONS] for s in STATIONS]
    values = {"periods": periods, "rail_stations": STATIONS, "trains": trains, "trip_periods": timetable} | (session or {})
    shared = RailSession(schema_version=1, world="rail", name="small", **values)
    operator = TimeSpaceNetworkOperator(TimeSpaceNetworkOperator.Settings(**{"cost_usd_per_period": 10.0} | own), Path())
    recorder = Recorder()
    operator.begin(shared, recorder)
    return operator, recorder


def ask(periods, *stands, trains=1):
    """Return a connection: (train, station, first period, last period) of every stand."""
    connection = np.zeros((trains, len(STATIONS), periods))
    for train, station, first, last in stands:
        connection[train, STATIONS.index(station), first : last + 1] = 1
    return connection


def live(operator, connection, periods, renegotiate=False):
    """Carry out the day with one connection; return the places of all openings."""
    places = []
    for period in range(periods):
        places.append(operator.open_period(period, None)[:, :2].astype(int).tolist())
        rest = {"connection": connection[:, :, period:]}
        if renegotiate or period == 0:
            operator.evaluate(rest, {})
        assert operator.commit(rest) is None
    places.append(operator.open_period(periods, None)[:, :2].astype(int).tolist())
    return places


def test_a_day_without_disturbance():
    operator, recorder = start(trains={"t0": {"cost_factor": 2.0}}, cost_usd_per_trip=3.0)
    asked = ask(8, (0, "b", 3, 4))
    operator.open_period(0, None)
    offer = operator.evaluate({"connection": asked}, {})
    # It leaves as early as it may, for it has to be at b in the periods 3 and 4 only, and is back early.
    np.testing.assert_array_equal(offer.quantities["connection"], ask(8, (0, "b", 2, 4), (0, "a", 7, 7)))
    assert offer.cost_usd == 2.0 * (4 * 10.0 + 2 * 3.0)
    places = live(operator, asked, 8)
    assert [place[0] for place in places] == [[0, 0], [1, 2], [1, 2], [1, 3], [1, 4], [1, 5], [0, 7], [0, 7], [0, 8]]
    assert recorder.moves("planned") == recorder.moves("realised") == "ab ab bb bb bb ba ba aa"


def test_least_moves_and_earliest_departure_break_ties():
    operator, _ = start()
    operator.open_period(0, None)
    offer = operator.solve({"connection": np.zeros((1, 3, 8))}, {})
    np.testing.assert_array_equal(offer.quantities["connection"], ask(8, (0, "a", 0, 7)))
    assert (offer.cost_usd, offer.bound_kind) == (0.0, BoundKind.EXACT)
    assert -1e-9 < offer.bound_usd <= 0.0  # rounded down
    prices = 50.0 * ask(8, (0, "b", 4, 4))
    offer = operator.solve({"connection": prices}, {})
    np.testing.assert_array_equal(offer.quantities["connection"], ask(8, (0, "b", 2, 4), (0, "a", 7, 7)))
    assert offer.cost_usd == 40.0
    assert -10.0 - 1e-9 < offer.bound_usd <= -10.0


def test_own_travel_times_and_closed_tracks_bind():
    closed = {"origin": "a", "destination": "b", "from_period": 1, "to_period": 2}
    operator, _ = start(trip=1, trip_periods=2, closed_tracks=[closed])
    operator.open_period(0, None)
    missed = operator.evaluate({"connection": ask(8, (0, "b", 2, 2))}, {})
    np.testing.assert_array_equal(missed.quantities["connection"], ask(8, (0, "a", 0, 7)))
    assert missed.cost_usd == 0.0, "what is asked cannot be reached by own travel times: the train stays"
    # The track is open for departures from 3 on, which arrive in 5; by c the train is there in 4, for one more trip.
    assert operator.evaluate({"connection": ask(8, (0, "b", 4, 4))}, {}).cost_usd == 60.0
    assert operator.evaluate({"connection": ask(8, (0, "b", 5, 5))}, {}).cost_usd == 40.0


def test_a_late_train_shows_when_the_next_period_opens():
    listed = [{"train": "t0", "period": 1, "by_periods": 2}, {"train": "t0", "period": 6, "by_periods": 1}]
    operator, recorder = start(periods=10, lateness={"listed": listed})
    asked = ask(10, (0, "a", 0, 0), (0, "b", 3, 6))
    places = live(operator, asked, 10)
    # Leaves a in 1, due at b from 3; the disturbance of period 1 makes that 5. In period 6 the train stands: nothing to be late.
    expected = [[0, 0], [0, 1], [1, 5], [1, 5], [1, 5], [1, 5], [1, 6], [1, 7], [0, 9], [0, 9], [0, 10]]
    assert [place[0] for place in places] == expected
    assert recorder.moves("planned", planned_in=0) == "aa ab ab bb bb bb bb ba ba aa"
    assert recorder.moves("planned", planned_in=2) == "ab2 ab2 ab2 bb bb ba ba aa", "the operator plans anew by itself"
    assert recorder.moves("realised") == "aa ab2 ab2 ab2 ab2 bb bb ba ba aa"
    assert "late_ends" not in recorder.tables
    costs = [row["cost_usd"] for row in recorder.tables["train_moves"] if row["phase"] == "realised"]
    assert sum(costs) == 60.0, "the late periods are periods in motion"


def test_renegotiation_keeps_what_was_carried_out():
    operator, _ = start(periods=10, lateness={"listed": [{"train": "t0", "period": 1, "by_periods": 2}]})
    asked = ask(10, (0, "a", 0, 0), (0, "b", 3, 6))
    for period in range(3):
        operator.open_period(period, None)
        rest = {"connection": asked[:, :, period:]}
        first = operator.evaluate(rest, {})
        if period < 2:
            operator.commit(rest)
    assert first.quantities["connection"].shape == (1, 3, 8)
    assert not first.quantities["connection"][0, :, :3].any(), "it is under way until 5"
    assert first.cost_usd == 60.0, "4 periods in motion to b (10 paid, 30 to come), 2 back"
    prices = np.full((1, 3, 8), 2.0)
    answer = operator.solve({"connection": prices}, {})
    value = answer.cost_usd - (prices * answer.quantities["connection"]).sum()
    assert answer.bound_usd == pytest.approx(value)
    assert not answer.quantities["connection"][0, :, :3].any()
    again = operator.solve({"connection": prices}, {})
    np.testing.assert_array_equal(again.quantities["connection"], answer.quantities["connection"])


def test_a_train_too_late_for_its_end_station_pays_and_the_day_goes_on():
    operator, recorder = start(lateness={"listed": [{"train": "t0", "period": 5, "by_periods": 3}]}, late_end_usd=500.0)
    asked = ask(8, (0, "b", 2, 4))
    places = live(operator, asked, 8, renegotiate=True)
    # It leaves b in 5 and would be home in 7.
    assert [place[0] for place in places][5:] == [[1, 5], [0, 8], [0, 8], [0, 8]]
    assert operator.open_period(8, None)[0, 2] == -1, "everybody is told that its end is open"
    (late, again) = recorder.tables["late_ends"]
    assert late == again
    assert late == {"train": "t0", "end_station": "a", "next_station": "a", "ready_period": 10, "price_usd": 500.0}
    assert any(line.get("late") == "cannot be at its end station in time" for line in recorder.lines)
    nothing = {"connection": np.zeros((1, 3, 0))}
    for answer in (operator.solve(nothing, {}), operator.evaluate(nothing, {})):
        assert answer.cost_usd == 5 * 10.0 + 500.0
        assert answer.quantities["connection"].shape == (1, 3, 0)
    assert sum(row["cost_usd"] for row in recorder.tables["train_moves"] if row["phase"] == "realised") == 50.0


def test_a_late_train_that_cannot_come_home_still_serves():
    operator, recorder = start(
        periods=6, lateness={"listed": [{"train": "t0", "period": 0, "by_periods": 3}]}, late_end_usd=100.0
    )
    operator.open_period(0, None)
    operator.commit({"connection": ask(6, (0, "b", 2, 3))})
    assert operator.open_period(1, None).tolist() == [[1, 5, -1]], "its end is open now"
    answer = operator.evaluate({"connection": ask(6, (0, "b", 5, 5))[:, :, 1:]}, {})
    np.testing.assert_array_equal(answer.quantities["connection"], ask(6, (0, "b", 5, 5))[:, :, 1:])
    assert answer.cost_usd == 50.0 + 100.0
    for period in range(1, 6):
        operator.commit({"connection": answer.quantities["connection"][:, :, period - 1 :]})
        operator.open_period(period + 1, None)
    assert recorder.moves("realised") == "ab3 ab3 ab3 ab3 ab3 bb"
    assert recorder.tables["late_ends"][0]["next_station"] == "b"


def test_end_is_free_only_where_it_cannot_be_reached():
    operator, _ = start(periods=6, lateness={"listed": [{"train": "t0", "period": 0, "by_periods": 1}]}, late_end_usd=100.0)
    operator.open_period(0, None)
    operator.commit({"connection": ask(6, (0, "b", 2, 3))})
    assert operator.open_period(1, None).tolist() == [[1, 3, 0]]
    answer = operator.evaluate({"connection": ask(6, (0, "b", 3, 5))[:, :, 1:]}, {})
    assert answer.quantities["connection"][0, 1].tolist() == [0, 0, 1, 0, 0], "it must leave b in 4 to end at a"
    assert answer.cost_usd == 50.0


@pytest.mark.parametrize("late", [False, True])
def test_slots_are_widened_only_where_lateness_leaves_no_other_way(late):
    # The way from a to c is by b, where t1 has the only slot; later both tracks out of b are closed, and t1 could not come back.
    shut = {"ab": (2, 7), "ba": (3, 7), "bc": (3, 7), "cb": (0, 7), "ac": (0, 7)}
    closed = [{"origin": p[0], "destination": p[1], "from_period": f, "to_period": t} for p, (f, t) in shut.items()]
    lateness = {"listed": [{"train": "t0", "period": 0, "by_periods": 2}]} if late else {}
    operator, recorder = start("ab", trip=1, slots={"b": 1}, closed_tracks=closed, lateness=lateness)
    asked = ask(8, (0, "c", 3, 3), (1, "b", 0, 7), trains=2)
    places = live(operator, asked, 8)
    assert recorder.moves("realised", "t1") == "bb bb bb bb bb bb bb bb"
    assert recorder.moves("realised", "t0") == ("ab2 ab2 ab2 bb bb bb bb bb" if late else "ab bc cc cc ca aa aa aa")
    assert places[1][0] == ([1, 3] if late else [1, 1])
    assert any("slots" in str(line.get("late")) for line in recorder.lines) == late
    assert [row["train"] for row in recorder.tables.get("late_ends", [])] == ["t0"] * late


def test_trains_stay_at_home_without_the_scheme_mobile():
    for scheme in ("fixed", "central", "no_storage"):
        operator, recorder = start("ab", session={"scheme": scheme})
        assert operator.open_period(3, None).tolist() == [[0, 3, 0], [1, 3, 1]]
        everywhere = {"connection": np.ones((2, 3, 5))}
        for answer in (operator.solve(everywhere, {}), operator.relax(everywhere, {})):
            assert answer.quantities["connection"].shape == (2, 3, 5)
            assert not answer.quantities["connection"].any()
            assert (answer.cost_usd, answer.bound_usd) == (0.0, 0.0)
        assert not operator.evaluate(everywhere, {}).quantities["connection"].any()
        assert operator.commit({"connection": np.zeros((2, 3, 5))}) is None
        assert not recorder.tables


def test_a_railway_without_trains():
    operator, _ = start("")
    assert operator.open_period(0, None).shape == (0, 3)
    assert operator.solve({"connection": np.zeros((0, 3, 8))}, {}).quantities["connection"].shape == (0, 3, 8)
    assert operator.commit({"connection": np.zeros((0, 3, 8))}) is None


def test_planned_rows_once_per_negotiation():
    operator, recorder = start()
    asked = ask(8, (0, "b", 3, 4))
    live(operator, asked, 8)
    assert {row["planned_in"] for row in recorder.tables["train_moves"]} == {0, 8}
    operator, recorder = start()
    live(operator, asked, 8, renegotiate=True)
    planned = [row for row in recorder.tables["train_moves"] if row["phase"] == "planned"]
    assert [sum(row["planned_in"] == p for row in planned) for p in range(8)] == list(range(8, 0, -1))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.1, 1.0), st.booleans())
def test_any_day_with_random_delays_is_a_consistent_walk(seed, probability, slots):
    lateness = {"probability": probability, "most_periods": 3}
    own = {"slots": {"a": 2, "b": 1, "c": 1}} if slots else {}
    operator, recorder = start("aab", periods=10, trip=1, session={"seed": seed}, lateness=lateness, **own)
    rng, stood = np.random.default_rng(seed), set()
    for period in range(10):
        places = operator.open_period(period, None)
        prices = {"connection": rng.exponential(15.0, (3, 3, 10 - period))}
        stands = operator.solve(prices, {}).quantities["connection"]
        assert stands.sum(axis=1).max() <= 1.0, "in one place at a time"
        for k, (_, ready) in enumerate(places[:, :2].astype(int)):
            assert not stands[k, :, : ready - period].any(), "a train under way stands nowhere"
        operator.commit({"connection": stands})
        stood |= {(f"t{k}", period, STATIONS[s]) for k, s in np.argwhere(stands[:, :, 0] > 0.5).tolist()}
    done = [row for row in recorder.tables["train_moves"] if row["phase"] == "realised"]
    assert stood == {(row["train"], row["period"], row["origin"]) for row in done if row["origin"] == row["destination"]}
    for k, home in enumerate("aab"):
        rows = [r for r in recorder.tables["train_moves"] if r["phase"] == "realised" and r["train"] == f"t{k}"]
        assert [row["period"] for row in rows] == list(range(10))
        assert rows[0]["origin"] == home
        for before, after in itertools.pairwise(rows):
            same_trip = (before["origin"], before["destination"]) == (after["origin"], after["destination"])
            assert same_trip or before["destination"] == after["origin"]
    operator.open_period(10, None)
    late = {row["train"] for row in recorder.tables.get("late_ends", [])}
    ends = {f"t{k}": r for k in range(3) for r in recorder.tables["train_moves"] if r["train"] == f"t{k}" and r["period"] == 9}
    for k, home in enumerate("aab"):
        assert (f"t{k}" in late) or ends[f"t{k}"]["destination"] == home


def test_random_delays_are_those_of_the_seed_and_as_frequent_as_said():
    session = RailSession(
        schema_version=1, world="rail", name="x", seed=7, periods=500, rail_stations=["a", "b"],
        trains=[{"name": "t", "home": "a"}], trip_periods=[[0, 4], [4, 0]],
    )  # fmt: skip
    delays = Delays(Lateness(probability=0.3, most_periods=3), session)
    drawn = [[delays.arising(0, departure, 4, departure + i) for i in range(4)] for departure in range(2000)]
    again = Delays(Lateness(probability=0.3, most_periods=3), session)
    assert drawn == [[again.arising(0, departure, 4, departure + i) for i in range(4)] for departure in range(2000)]
    counts = np.array(drawn)
    hit = counts.sum(axis=1) > 0
    assert (np.count_nonzero(counts, axis=1) <= 1).all(), "at most once per trip"
    assert abs(hit.mean() - 0.3) < 0.04  # 4 standard deviations
    assert np.bincount(counts[hit].max(axis=1))[1:].min() > 150
    assert np.count_nonzero(counts, axis=0).min() > 100
    more = Delays(Lateness(probability=0.6, most_periods=3), session)
    wider = np.array([[more.arising(0, departure, 4, departure + i) for i in range(4)] for departure in range(2000)])
    assert (wider[hit] == counts[hit]).all(), "a higher probability adds delays and keeps those there were"
