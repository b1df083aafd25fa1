"""What of a topic goes to whom, what several agents tell as one, and the keys of a federation with two power companies."""

from typing import NamedTuple

import numpy as np
import pytest

from federates.boundary.lines import lines, lines_from, lines_to, session_key
from federates.boundary.parts import cut, merged
from federates.boundary.topics import Merge, Topic
from federates.boundary.world import parse_session

AGENTS = {
    "coordinator": "coordinator",
    "edison": "power_operator",
    "dwp": "power_operator",
    "roads": "transport_operator",
    "traffic": "traffic_sumo",
}
PARTS = {"edison": {"limited_stations": ["q3", "q1"]}, "dwp": {"limited_stations": ["q2"]}}
SESSION = parse_session(
    {
        "schema_version": 1,
        "name": "x",
        "resourceful_stations": ["r1", "r2"],
        "limited_stations": ["q1", "q2", "q3"],
        "links": ["l"],
        "horizon_periods": 2,
        "agents": [{"name": name, "role": role, "part": PARTS.get(name, {})} for name, role in AGENTS.items()],
    },
    "scenario.yaml",
)
EDISON, DWP, ROADS = (SESSION.view(name) for name in ("edison", "dwp", "roads"))


def topic(*shape, addressed=True, merge=Merge.MOST):
    return Topic("coordinator", "x", "1", shape, ("power_operator",), "", addressed=addressed, merge=merge)


def test_a_receiver_gets_its_columns():
    values = np.arange(12.0).reshape(2, 3, 2)  # (R, Q, H): entry [r, q, h] is 6 r + 2 q + h
    assert cut(topic("N", "M", "H"), SESSION, EDISON, values).tolist() == [[[0, 1], [4, 5]], [[6, 7], [10, 11]]]
    assert cut(topic("N", "M", "H"), SESSION, DWP, values).tolist() == [[[2, 3]], [[8, 9]]]
    assert cut(topic("N", "M", "H"), SESSION, ROADS, values).tolist() == values.tolist()
    stations = np.arange(5.0)  # r1, r2, q1, q2, q3
    assert cut(topic("S"), SESSION, EDISON, stations).tolist() == [0, 1, 2, 4]
    assert cut(topic("S", 3), SESSION, DWP, np.arange(15.0).reshape(5, 3)).tolist() == [[0, 1, 2], [3, 4, 5], [9, 10, 11]]


def test_what_everybody_hears_is_not_cut():
    values = np.arange(5.0)
    assert cut(topic("S", addressed=False), SESSION, DWP, values) is values
    assert cut(topic("S"), SESSION, SESSION, values) is values


@pytest.mark.parametrize(("merge", "shared"), [(Merge.MOST, [7.0, 9.0]), (Merge.LEAST, [5.0, 2.0])])
def test_of_entries_that_several_tell_the_most_or_the_least_holds(merge, shared):
    told = {"edison": np.array([5.0, 9.0, 1.0, 3.0]), "dwp": np.array([7.0, 2.0, 4.0])}  # r1, r2 and the own ones
    assert merged(topic("S", merge=merge), SESSION, told, 0).tolist() == [*shared, 1.0, 4.0, 3.0]


def test_what_nobody_tells_is_0_and_what_one_tells_is_as_it_is():
    both = {"edison": np.array([[-1.0, -2.0], [-3.0, -4.0]]), "dwp": np.array([[-5.0], [-6.0]])}
    assert merged(topic("N", "M"), SESSION, both, 0).tolist() == [[-1, -5, -2], [-3, -6, -4]]
    none = {"dwp": np.array([[1.0], [2.0]]), "edison": np.zeros((2, 2))}
    without_edison = merged(topic("N", "M"), SESSION, none | {"edison": np.zeros((2, 2))}, 0)
    assert without_edison.tolist() == [[0, 1, 0], [0, 2, 0]]
    alone = np.array([1.0, 2.0, 3.0])
    assert merged(topic("S"), SESSION, {"dwp": alone}, 0) is alone


def test_rows_of_a_free_dimension_stand_one_after_another():
    told = {"edison": np.array([[1.0, 2.0]]), "dwp": np.zeros((0, 2)), "roads": np.array([[3.0, 4.0], [5.0, 6.0]])}
    assert merged(topic("E", 2), SESSION, told, 0).tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("merge", Merge)
def test_what_is_cut_and_merged_again_is_the_same(merge):
    values = np.random.default_rng(3).normal(size=(2, 3, 2))
    entry = topic("N", "M", "H", merge=merge)
    told = {name: cut(entry, SESSION, view, values) for name, view in (("edison", EDISON), ("dwp", DWP))}
    np.testing.assert_array_equal(merged(entry, SESSION, told, 0), values)


# --- lines


class Federation(NamedTuple):
    world: str
    agents: dict[str, str]


RUN = Federation("road", AGENTS)
TOLD_TO_POWER = ("session", "delivery_price_usd_per_veh", "delivery_veh", "station_travel_time_s")
TOLD_BY_POWER = ("delivery_veh", "delivery_slope_usd_per_veh", "cost_usd", "gate_time_s", "gate_spots")
SEEN_AT_STATIONS = ("station_passing_veh", "station_arrivals_veh")


def keys(found):
    return {line.key for line in found}


def test_a_company_says_its_own_and_hears_what_is_for_it():
    for name, other in (("edison", "dwp"), ("dwp", "edison")):
        assert keys(lines_from(name, RUN)) == {f"{name}/{told}" for told in TOLD_BY_POWER}
        heard = {f"coordinator/{name}/{told}" for told in TOLD_TO_POWER} | {"coordinator/command"}
        assert keys(lines_to(name, RUN)) == heard | {f"traffic/{name}/{seen}" for seen in SEEN_AT_STATIONS}
        assert not any(other in key for key in keys(lines_to(name, RUN)))


def test_the_coordinator_hears_both_companies_apart():
    heard = keys(lines_to("coordinator", RUN))
    answers = {f"{name}/{told}" for name in ("edison", "dwp") for told in TOLD_BY_POWER}
    answers |= {f"roads/{told}" for told in ("delivery_veh", "delivery_slope_usd_per_veh", "cost_usd", "station_travel_time_s")}
    assert heard == answers
    assert {line.key: line.receivers for line in lines(RUN)}["coordinator/command"] == ("edison", "dwp", "roads")


def test_every_line_has_one_key_and_one_sender_that_it_begins_with():
    found = lines(RUN)
    assert len(keys(found)) == len(found)
    for line in found:
        assert line.key.split("/")[0] == line.sender
        assert AGENTS[line.sender] == line.topic.sender
        assert {AGENTS[name] for name in line.receivers} <= set(line.topic.receivers)
        assert line.sender not in line.receivers
        assert len(line.receivers) == 1 or not line.topic.addressed


def test_an_agreement_is_announced_to_each_by_itself():
    assert {session_key(name) for name in AGENTS if name != "coordinator"} == {
        line.key for line in lines_from("coordinator", RUN) if line.topic.name == "session"
    }
    assert session_key("dwp") == "coordinator/dwp/session"
