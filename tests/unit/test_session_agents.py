"""Who takes part in a run and with which part of it: what each agent sees of the public agreement, and what is refused."""

import json

import pytest

from federates.boundary.errors import ConfigError
from federates.boundary.world import parse_session

ROAD = {
    "schema_version": 1,
    "name": "x",
    "resourceful_stations": ["r1", "r2"],
    "limited_stations": ["q1", "q2", "q3"],
    "links": ["l"],
}
RAIL = {
    "schema_version": 1,
    "world": "rail",
    "name": "x",
    "periods": 4,
    "rail_stations": ["a", "b"],
    "trains": [{"name": name, "home": "a"} for name in ("k1", "k2", "k3")],
    "trip_periods": [[0, 1], [1, 0]],
}
COORDINATOR = {"name": "coordinator", "role": "coordinator"}
TRAFFIC = {"name": "traffic", "role": "traffic_sumo"}
ROADS = {"name": "roads", "role": "transport_operator"}
POWER = {"name": "grid", "role": "power_operator"}


def company(name, *stations):
    return {"name": name, "role": "power_operator", "part": {"limited_stations": list(stations)}}


def railway(name, *trains):
    return {"name": name, "role": "transport_operator", "part": {"trains": list(trains)}}


def road(*agents):
    return parse_session(ROAD | {"agents": list(agents)}, "scenario.yaml")


def rail(*agents):
    return parse_session(RAIL | {"agents": list(agents)}, "scenario.yaml")


TWO_COMPANIES = (COORDINATOR, company("edison", "q3", "q1"), company("dwp", "q2"), ROADS, TRAFFIC)
TWO_RAILWAYS = (COORDINATOR, POWER, railway("north", "k2"), railway("south", "k1", "k3"))


@pytest.mark.parametrize(
    ("data", "roles"),
    [(ROAD, ("coordinator", "power_operator", "transport_operator", "traffic_sumo")),
     (RAIL, ("coordinator", "power_operator", "transport_operator"))],
)  # fmt: skip
def test_without_a_list_there_is_one_agent_of_each_role_named_after_it_that_sees_all(data, roles):
    session = parse_session(data, "scenario.yaml")
    assert {agent.name: agent.role for agent in session.agents} == {role: role for role in roles}
    for role in roles:
        seen = session.view(role)
        assert seen.viewer == role
        assert seen.model_dump(exclude={"viewer"}) == session.model_dump(exclude={"viewer"})


def test_an_agent_sees_its_part_in_the_order_of_the_session_and_all_that_is_not_shared_out():
    session = road(*TWO_COMPANIES)
    edison, dwp, roads = (session.view(name) for name in ("edison", "dwp", "roads"))
    assert edison.limited_stations == ("q1", "q3")
    assert edison.stations == ("r1", "r2", "q1", "q3")
    assert dwp.limited_stations == ("q2",)
    assert dwp.connection_shape == (2, 1, 4)
    assert roads.limited_stations == session.view("traffic").limited_stations == ("q1", "q2", "q3")
    assert {view.resourceful_stations for view in (edison, dwp, roads)} == {("r1", "r2")}


def test_by_rail_a_railway_sees_its_own_trains():
    session = rail(*TWO_RAILWAYS)
    assert [train.name for train in session.view("north").trains] == ["k2"]
    assert [train.name for train in session.view("south").trains] == ["k1", "k3"]
    assert session.view("south").sizes(1) == {"N": 2, "M": 2, "S": 2, "H": 3}
    assert [train.name for train in session.view("grid").trains] == ["k1", "k2", "k3"]


@pytest.mark.parametrize("agent", ["edison", "dwp", "roads"])
def test_what_an_agent_is_announced_can_be_read_by_it(agent):
    """Others' parts are not in it, so that it could not be checked as a whole; it is one all the same."""
    seen = road(*TWO_COMPANIES).view(agent)
    assert parse_session(json.loads(seen.model_dump_json()), "coordinator/x/session") == seen


def test_agents_are_found_by_role_and_name():
    session = road(*TWO_COMPANIES)
    assert [agent.name for agent in session.of_role("power_operator")] == ["edison", "dwp"]
    assert [agent.name for agent in session.of_role("traffic_sumo", "coordinator")] == ["coordinator", "traffic"]
    assert session.role_of("dwp") == "power_operator"
    with pytest.raises(KeyError):
        session.role_of("nobody")


def test_one_agent_of_a_role_may_be_given_all_of_it_by_name():
    session = road(COORDINATOR, company("edison", "q1", "q2", "q3"), ROADS, TRAFFIC)
    assert session.view("edison").limited_stations == ("q1", "q2", "q3")


REFUSED = {
    "a role that the world does not have": (
        road, (*TWO_COMPANIES, {"name": "ships", "role": "shipping_line"}), "role", "coordinator, power_operator"
    ),
    "a role of the other world": (rail, (*TWO_RAILWAYS, TRAFFIC), "role", "coordinator, power_operator"),
    "a station that there is not": (
        road, (COORDINATOR, company("edison", "q1", "q2", "q9"), company("dwp", "q3"), ROADS, TRAFFIC),
        "agents.edison.part.limited_stations", "must be some of q1, q2, q3",
    ),
    "no station": (
        road, (COORDINATOR, company("edison", "q1", "q2", "q3"), company("dwp"), ROADS, TRAFFIC),
        "agents.dwp.part.limited_stations", "must be some of q1, q2, q3",
    ),
    "a part of what is not shared out": (
        road, (COORDINATOR, POWER | {"part": {"resourceful_stations": ["r1"]}}, ROADS, TRAFFIC),
        "agents.grid.part.resourceful_stations", "must be limited_stations",
    ),
    "a part of a role that shares nothing out": (
        road, (COORDINATOR, POWER, ROADS | {"part": {"links": ["l"]}}, TRAFFIC),
        "agents.roads.part.links", "a transport_operator has no part",
    ),
    "a station twice": (
        road, (COORDINATOR, company("edison", "q1", "q1", "q2"), company("dwp", "q3"), ROADS, TRAFFIC),
        "agents.edison.part.limited_stations", "every name may stand once",
    ),
    "a station of two companies": (
        road, (COORDINATOR, company("edison", "q1", "q2"), company("dwp", "q2", "q3"), ROADS, TRAFFIC),
        "limited_stations q2 is the part of edison, dwp", "must be one agent's",
    ),
    "a station of nobody": (
        road, (COORDINATOR, company("edison", "q1"), company("dwp", "q3"), ROADS, TRAFFIC),
        "limited_stations q2 is the part of nobody", "must be one agent's",
    ),
    "one company with less than all": (
        road, (COORDINATOR, company("edison", "q1", "q2"), ROADS, TRAFFIC),
        "limited_stations q3 is the part of nobody", "must be one agent's",
    ),
    "two companies, one without a part": (
        road, (COORDINATOR, company("edison", "q1", "q2", "q3"), POWER, ROADS, TRAFFIC),
        "agents.grid.part", "must name the agent's limited_stations: there are 2 of this role",
    ),
    "a train of two railways": (
        rail, (COORDINATOR, POWER, railway("north", "k1", "k2"), railway("south", "k2", "k3")),
        "trains k2 is the part of north, south", "must be one agent's",
    ),
    "two transport operators on the road": (
        road, (COORDINATOR, POWER, ROADS, ROADS | {"name": "streets"}, TRAFFIC),
        "2 of the role transport_operator", "there must be one",
    ),
    "two power operators by rail": (
        rail, (COORDINATOR, POWER, POWER | {"name": "other"}, railway("all", "k1", "k2", "k3")),
        "2 of the role power_operator", "there must be one",
    ),
    "no coordinator": (road, (POWER, ROADS, TRAFFIC), "0 of the role coordinator", "there must be one"),
    "no power company": (road, (COORDINATOR, ROADS, TRAFFIC), "0 of the role power_operator", "there must be at least one"),
    "no traffic model": (road, (COORDINATOR, POWER, ROADS), "0 of the role traffic_sumo", "there must be one"),
    "a coordinator under another name": (
        road, (COORDINATOR | {"name": "chair"}, POWER, ROADS, TRAFFIC), "chair", "coordinator"
    ),
    "a name twice": (
        road, (COORDINATOR, company("grid", "q1", "q2"), company("grid", "q3"), ROADS, TRAFFIC),
        "grid", "every name may stand once",
    ),
    "a name with a slash": (road, (COORDINATOR, POWER | {"name": "a/b"}, ROADS, TRAFFIC), "a/b", "pattern"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_together_is_one_problem_in_words(case):
    read, agents, place, allowed = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        read(*agents)
    (problem,) = caught.value.problems
    assert problem.file == "scenario.yaml"
    assert place in f"{problem.field} {problem.value}"
    assert allowed in problem.allowed
