"""Tables with named rows and columns, of every world."""

import numpy as np
import pytest

from federates.boundary.world import parse_session, world_of
from federates.play.forms import clock, exchange_form, hear_form, of_agent

ROAD = {
    "schema_version": 1,
    "world": "road",
    "name": "line",
    "periods": 6,
    "start_hour": 22,
    "horizon_periods": 3,
    "resourceful_stations": ["r1", "r2"],
    "limited_stations": ["q1", "q2"],
    "links": ["a", "b"],
    "agents": [
        {"name": "coordinator", "role": "coordinator"},
        {"name": "north", "role": "power_operator", "part": {"limited_stations": ["q1"]}},
        {"name": "south", "role": "power_operator", "part": {"limited_stations": ["q2"]}},
        {"name": "transport_operator", "role": "transport_operator"},
        {"name": "traffic_sumo", "role": "traffic_sumo"},
    ],
}


@pytest.fixture
def road():
    return world_of("road"), parse_session(ROAD, "road")


def test_the_axes_of_an_exchange_have_the_names_of_the_agents_own_part(road):
    world, session = road
    form = exchange_form(world, session.view("north"), world.exchanges[0], 1)
    assert [axis["names"] for axis in form["axes"]] == [["r1", "r2"], ["q1"], ["23:00", "00:00", "01:00"]]
    assert (form["unit"], form["price_unit"], form["whole"]) == ("veh", "usd/veh", False)


def test_trains_have_the_hours_that_are_left(road):
    rail = parse_session(
        {
            "schema_version": 1,
            "world": "rail",
            "name": "line",
            "periods": 4,
            "rail_stations": ["port", "mine"],
            "trains": [{"name": "k1", "home": "port"}],
            "trip_periods": [[0, 1], [1, 0]],
        },
        "rail",
    )
    form = exchange_form(world_of("rail"), rail, world_of("rail").exchanges[0], 1)
    assert [axis["names"] for axis in form["axes"]] == [["k1"], ["port", "mine"], ["01:00", "02:00", "03:00"]]
    assert form["whole"]


def test_what_an_agent_hears_is_shown_with_its_sender_and_what_it_may_not_hear_is_not(road):
    world, session = road
    north = session.view("north")
    times = hear_form(world, north, "north", "coordinator/north/station_travel_time_s", 0, [[300.0], [420.0]])
    assert times is not None
    assert (times["from"], times["unit"], times["values"]) == ("coordinator", "s", [[300.0], [420.0]])
    assert [axis["names"] for axis in times["axes"]] == [["r1", "r2"], ["q1"]]
    assert hear_form(world, north, "north", "south/cost_usd", 0, [1.0, 2.0, 0.0]) is None
    assert hear_form(world, north, "north", "coordinator/south/delivery_price_usd_per_veh", 0, np.zeros((2, 1, 3))) is None
    assert hear_form(world, north, "north", "coordinator/command", 0, [1.0]) is None


def test_a_role_has_its_own_exchanges_and_the_coordinator_all():
    fleets = world_of("fleets")
    names = {
        role: [exchange.name for exchange in of_agent(fleets, role)] for role in ("power_operator", "mves_fleet", "coordinator")
    }
    assert names == {
        "power_operator": ["delivery"],
        "mves_fleet": ["delivery", "passage"],
        "coordinator": ["delivery", "passage"],
    }


def test_a_clock_goes_round(road):
    assert [clock(road[1], period) for period in (0, 2)] == ["22:00", "00:00"]
