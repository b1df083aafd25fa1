"""Station agents through a whole day: energy to the last kWh, by fleet; the same day as the road's power operator has."""

import numpy as np
import pytest
from power_days import FOLDER, Memory, Road, day_session, day_settings, run_day
from station_days import STATIONS, crossed, fleet_session, run_station_day, station_settings

from federates.charging_station.models.queueing.queueing_station import QueueingStation
from federates.station.queues import erlang_b
from federates.worlds.road.messages import StationObservation


@pytest.fixture(scope="module")
def typical():
    return run_station_day(fleet_session(periods=14))


@pytest.fixture(scope="module")
def rough():
    """A morning with noise, in which half of the vehicles that should arrive never do."""
    session, changes = fleet_session(periods=11), {"mves": {"lost_after_s": 60.0}}
    return run_station_day(session, changes, noise=0.2, level=1.15, lose=0.5, shares=[0.8, 0.2])


@pytest.mark.parametrize("station", ["q1", "q2"])
def test_typical_day_is_relieved(typical, station):
    assert typical.remaining(station) <= 0.01  # half of the energy comes in vans, which give longer than the gate tells
    assert typical.rows("station_energy", station)[0]["given_kwh"] > 3000.0


@pytest.mark.parametrize("day", ["typical", "rough"])
def test_energy_closes_at_every_station_and_for_every_fleet(day, request):
    day = request.getfixturevalue(day)
    session = day.session
    allotted = np.sum(day.allotted, axis=0)  # (S, F, 2)
    for i, name in enumerate(STATIONS):
        account, receipts = day.rows("station_energy", name)[0], day.rows("station_receipts", name)
        assert account["closure_kwh"] <= 1e-6
        assert account["announced_kwh"] == pytest.approx(allotted[i, :, 1].sum(), abs=1e-6)
        feeder = sum(row["mves_kw"] * row["duration_s"] / 3600 for row in day.rows("feeder_load", name))
        by_fleet = {fleet: [row for row in receipts if row["fleet"] == fleet] for fleet in session.fleets}
        told = sum(row["feeder_kwh"] for rows in by_fleet.values() for row in rows)
        if name.startswith("q"):
            assert told == pytest.approx(feeder, abs=1e-6)
            assert account["given_kwh"] == pytest.approx(feeder, abs=1e-6)
        else:
            # What is drawn ahead is told when it leaves.
            assert told + account["stock_kwh"] / 0.95 == pytest.approx(-feeder, abs=1e-6)
        for number, rows in enumerate(by_fleet.values()):
            came = sum(row["battery_kwh"] for row in rows) / (0.99 if name.startswith("q") else 1.0)
            assert came <= allotted[i, number, 1] + 1e-6
        stock = day.rows("mves_stock", name)[-1]["stock_kwh"]
        assert account["stock_kwh"] == pytest.approx(stock, abs=1e-6)


def test_what_leaves_arrives_or_is_lost(typical, rough):
    assert sum(row["lost_kwh"] for row in typical.rows("station_energy")) == 0.0
    q = [row for row in rough.rows("station_energy") if row["kind"] == "lcs"]
    assert sum(row["lost_kwh"] for row in q) > 50.0
    left = sum(row["battery_kwh"] for row in rough.rows("station_receipts") if row["kind"] == "rcs")
    came = sum(row["counted_kwh"] + row["under_way_kwh"] for row in q)
    late = sum(row["under_way_kwh"] for row in rough.rows("station_energy") if row["kind"] == "rcs")
    assert left + late == pytest.approx(came, abs=1e-6)


def test_messages_fit_the_session_and_say_what_a_station_is(typical):
    for told in typical.told:
        balance = told["balance"]
        assert balance.need_kwh.shape == (4, 4, 4)
        assert not balance.need_kwh[:2].any()
        assert not balance.surplus_kwh[2:].any()
        assert not balance.due_kwh[:2].any()
        assert min(part.min() for part in (balance.need_kwh, balance.surplus_kwh, balance.due_kwh)) >= 0.0
        assert (told["gate"].time_s > 0).all()
    assert max(told["balance"].due_kwh.max() for told in typical.told) > 50.0


def test_same_day_as_the_road_s_power_operator():
    """The same counts, vehicles of 10 kWh: load, storages' power and need are those of the road's operator, to rounding.

    The operator keeps its own account of what is on the road, by road times; the station only has counts and what was allotted.
    """
    road_memory, sent = run_day(day_session(periods=8))
    session = fleet_session(periods=8, vehicle_kwh={"cars": 10.0})
    world, heard = Road(session, day_settings({})), {}
    agents = {name: QueueingStation(station_settings(name), FOLDER) for name in STATIONS}
    memory = {name: Memory() for name in STATIONS}
    needs = {name: [] for name in STATIONS}
    for name, agent in agents.items():
        agent.begin(session.view(name), memory[name])
        heard[name] = None
    for period in range(9):
        for name in STATIONS:
            said = agents[name].open_period(period, heard[name])
            needs[name].append(float(said["balance"].need_kwh[0, 0].sum()))
        if period == 8:
            break
        vehicles = np.array(sent[period])
        seen = world.run(period, vehicles)
        told = np.concatenate([vehicles.sum(axis=1), vehicles.sum(axis=0)])
        for i, name in enumerate(STATIONS):
            own = StationObservation(seen.passing_veh[i : i + 1], seen.arrivals_veh[i : i + 1])
            heard[name] = {"stations": own, "allotments": np.array([[[told[i], 10.0 * told[i]]]])}
    for column in ("load_without_kw", "mves_kw", "overload_probability_with", "blocking_probability"):
        for name in STATIONS:
            expected = [row[column] for row in road_memory.tables["feeder_load"] if row["station"] == name]
            got = [row[column] for row in memory[name].tables["feeder_load"]]
            np.testing.assert_allclose(got, expected, atol=1e-6)
    for name in ("q1", "q2"):
        planned = [row["need_kwh"] for row in road_memory.tables["energy_plan"] if row["station"] == name]
        np.testing.assert_allclose(needs[name][:8], planned, atol=1e-6)


def test_storages_give_inside_the_hour_when_the_feeder_needs_it():
    """They come in the first quarter; the load is above the limit only in the last: they give there and nowhere else."""
    session = fleet_session(periods=2, vehicle_kwh={"cars": 10.0})
    settings = station_settings("q1", {"chargers": 9, "queue": "stationary"})
    agent, memory = QueueingStation(settings, FOLDER), Memory()
    agent.begin(session.view("q1"), memory)
    agent.open_period(0, None)
    quiet, busy = 200.0, 1400.0
    seen = StationObservation(np.array([[quiet, quiet, quiet, busy]]), np.array([[6.0, 0.0, 0.0, 0.0]]))
    agent.open_period(1, {"stations": seen, "allotments": np.array([[[6.0, 60.0]]])})
    rows = memory.tables["feeder_load"]
    assert [row["mves_kw"] for row in rows[:3]] == [0.0, 0.0, 0.0]
    # Stationary M/M/9/9 by Erlang B: the load that is carried, by hand.
    offered = 0.009 * busy * 4 / 3.0
    carried_kw = 60.0 * offered * (1.0 - erlang_b(offered, 9))
    assert rows[3]["load_without_kw"] == pytest.approx(carried_kw)
    assert rows[3]["mves_kw"] == pytest.approx(carried_kw - 420.0)
    assert 0.0 < carried_kw - 420.0 < 6 * 9.9 * 0.95 * 4


def test_who_was_not_announced_has_no_spot():
    session = fleet_session(periods=1)
    agent, memory = QueueingStation(station_settings("q1"), FOLDER), Memory()
    agent.begin(session.view("q1"), memory)
    agent.open_period(0, None)
    seen = StationObservation(np.full((1, 4), 1500.0), np.array([[0.0, 5.0, 0.0, 0.0]]))
    said = agent.open_period(1, {"stations": seen, "allotments": np.array([[[2.0, 20.0], [0.0, 0.0]]])})
    row = memory.tables["station_waiting"][0]
    assert (row["vehicles"], row["unknown_veh"]) == (2.0, 3.0)
    assert crossed("receipts", session.view("q1"), 1, said["receipts"])[0, :, 0].tolist() == [2.0, 0.0]


def test_what_the_feeder_lacks_comes_from_the_vehicle_s_own_charge():
    """At r1 no energy is to spare: the vehicles leave with what was agreed, and the account says whose energy it is."""
    session = fleet_session(periods=1)
    settings = station_settings("r1", {"feeder_limit_kw": 100.0, "chargers": 60, "queue": "stationary"})
    agent, memory = QueueingStation(settings, FOLDER), Memory()
    agent.begin(session.view("r1"), memory)
    opened = agent.open_period(0, None)
    assert opened["balance"].surplus_kwh.sum() == pytest.approx(0.0, abs=1e-9)
    seen = StationObservation(np.full((1, 4), 1500.0), np.array([[1.0, 1.0, 1.0, 1.0]]))
    said = agent.open_period(1, {"stations": seen, "allotments": np.array([[[3.0, 30.0], [1.0, 40.0]]])})
    np.testing.assert_allclose(said["receipts"][0], [[3.0, 30.0, 0.0], [1.0, 40.0, 0.0]])
    account = memory.tables["station_energy"][0]
    assert account["own_charge_kwh"] == pytest.approx(70.0)
    assert account["closure_kwh"] <= 1e-9


def test_a_late_departure_is_charged_when_it_leaves():
    """Two of four are counted in their hour; the others leave in the next, and the surplus told keeps their energy back."""
    session = fleet_session(periods=3)
    agent, memory = QueueingStation(station_settings("r1"), FOLDER), Memory()
    agent.begin(session.view("r1"), memory)
    agent.open_period(0, None)
    passing, none = np.full((1, 4), 300.0), np.zeros((1, 2, 2))
    told = np.array([[[4.0, 40.0], [0.0, 0.0]]])
    late = {"stations": StationObservation(passing, np.array([[1.0, 1.0, 0.0, 0.0]])), "allotments": told}
    first = agent.open_period(1, late)
    after = {"stations": StationObservation(passing, np.array([[2.0, 0.0, 0.0, 0.0]])), "allotments": none}
    second = agent.open_period(2, after)
    assert first["receipts"][0, 0, 1] == pytest.approx(20.0)
    assert second["receipts"][0, 0, 1] == pytest.approx(20.0)
    agent.open_period(3, {"stations": StationObservation(passing, np.zeros((1, 4))), "allotments": none})
    account = memory.tables["station_energy"][0]
    assert account["drawn_kwh"] == pytest.approx(40.0 / 0.95)
    assert account["closure_kwh"] <= 1e-9


def test_a_gate_tells_the_usual_vehicle_s_time_and_the_wait_of_all():
    """A truck of 400 kWh among 40 cars of 10 kWh: the service of a car; the wait of a queue in which the truck stands too."""
    session = fleet_session(periods=2, vehicle_kwh={"cars": 10.0, "trucks": 400.0})
    gates = []
    for trucks in (0.0, 1.0):
        agent = QueueingStation(station_settings("q1"), FOLDER)
        memory = Memory()
        agent.begin(session.view("q1"), memory)
        agent.open_period(0, None)
        told = np.array([[[40.0, 400.0], [trucks, 400.0 * trucks]]])
        seen = StationObservation(np.full((1, 4), 1500.0), np.zeros((1, 4)))
        gates.append(float(agent.open_period(1, {"stations": seen, "allotments": told})["gate"].time_s[0]))
    service_s = 3600.0 * 0.99 * 10.0 / 60.0
    assert service_s <= gates[0] < gates[1] < service_s + 900.0
