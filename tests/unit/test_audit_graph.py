"""The data-flow graph against the topic table, on graphs that HELICS 3.6.1 gave (tests/data/audit)."""

import copy
import json
from typing import NamedTuple

import pytest

from federates.audit.graph import Edge, federate_id, read_wiring, wiring_breaches
from federates.boundary.names import RAIL, ROAD

AGENTS = ("coordinator", "power_operator", "transport_operator", "traffic_sumo")
ADDRESSED = ("session", "delivery_price_usd_per_veh", "delivery_veh")
OPERATORS = AGENTS[1:3]


class Run(NamedTuple):
    """World and agents of a run, as the identity of one has them."""

    world: str
    agents: dict[str, str]


@pytest.fixture(scope="module")
def recorded(request):
    folder = request.config.rootpath / "tests/data/audit"
    return {name: json.loads((folder / f"{name}_graph.json").read_text()) for name in ("road", "foreign")}


@pytest.fixture
def road(recorded):
    return copy.deepcopy(recorded["road"])


def federate(graph, name):
    return next(f for core in graph["cores"] for f in core["federates"] if "attributes" in f and f["attributes"]["name"] == name)


def publication(graph, key):
    return next(p for core in graph["cores"] for f in core["federates"] for p in f.get("publications", []) if p["key"] == key)


def breaches(graph, world=ROAD, joined=()):
    run = Run(world, {name: name for name in AGENTS})
    return wiring_breaches(read_wiring(graph, ignore=federate_id(graph, "broker")), run, joined)


def listen(graph, name, key):
    """Wire one more input of ``name`` to ``key``, as HELICS shows it: at both ends."""
    source, ear = publication(graph, key), {"federate": federate(graph, name)["attributes"]["id"], "handle": 99}
    source.setdefault("targets", []).append(dict(ear))
    end = {"federate": source["federate"], "handle": source["handle"]}
    federate(graph, name).setdefault("inputs", []).append(ear | {"key": f"{name}/ear", "sources": [end]})


def test_the_recorded_run_is_wired_as_the_table_says(road):
    wiring = read_wiring(road, ignore=federate_id(road, "broker"))
    links = ("link_flow_veh_per_h", "link_density_veh_per_km", "link_speed_m_per_s", "link_travel_time_s")
    to = {f"coordinator/{name}/session": {name} for name in AGENTS[1:]}
    to |= {f"coordinator/{name}/{topic}": {name} for name in OPERATORS for topic in ADDRESSED[1:]}
    to |= {"coordinator/power_operator/station_travel_time_s": {"power_operator"}, "coordinator/command": set(OPERATORS)}
    to |= {f"coordinator/transport_operator/{name}": {"transport_operator"} for name in ("gate_time_s", "gate_spots")}
    answers = ("delivery_veh", "delivery_slope_usd_per_veh", "cost_usd")
    to |= {f"{name}/{topic}": {"coordinator"} for name in OPERATORS for topic in answers}
    to |= {f"power_operator/{name}": {"coordinator"} for name in ("gate_time_s", "gate_spots")}
    to |= {"transport_operator/station_travel_time_s": {"coordinator"}, "transport_operator/departures": {"traffic_sumo"}}
    to |= {f"traffic_sumo/{name}": {"transport_operator"} for name in links}
    to |= {f"traffic_sumo/power_operator/{name}": {"power_operator"} for name in ("station_passing_veh", "station_arrivals_veh")}
    assert set(wiring.edges) == {Edge(key, reader) for key, readers in to.items() for reader in readers}
    assert set(wiring.publications) == {(key, key.split("/")[0]) for key in to}
    assert wiring.federates == tuple(sorted(AGENTS))
    assert breaches(road) == []


def test_the_brokers_own_federate_is_left_out_only_where_asked(road):
    assert wiring_breaches(read_wiring(road), Run(ROAD, {name: name for name in AGENTS})) == [
        "broker has joined, but is no agent of this run"
    ]


def test_a_stranger_is_found_and_what_it_hears(road):
    road["cores"].append({"attributes": {"id": 9, "name": "x"}, "federates": [{"attributes": {"id": 77, "name": "spy"}}]})
    listen(road, "spy", "power_operator/cost_usd")
    assert breaches(road) == [
        "spy has joined, but is no agent of this run",
        "spy listens to power_operator/cost_usd; only coordinator may",
    ]


def test_a_stranger_that_has_left_again_is_found(road):
    assert breaches(road, joined=[*AGENTS, "spy"]) == ["spy has joined, but is no agent of this run"]


def test_an_agent_may_hear_only_what_is_meant_for_it(road):
    listen(road, "transport_operator", "power_operator/cost_usd")
    assert breaches(road) == ["transport_operator listens to power_operator/cost_usd; only coordinator may"]


@pytest.mark.parametrize("end", ["targets", "sources"])
def test_one_end_of_a_line_is_enough(road, end):
    listen(road, "transport_operator", "power_operator/cost_usd")
    for core in road["cores"]:
        for entry in core["federates"]:
            for interface in (*entry.get("publications", []), *entry.get("inputs", [])):
                interface.pop(end, None)
    assert breaches(road) == ["transport_operator listens to power_operator/cost_usd; only coordinator may"]


def test_a_topic_outside_the_table_is_found(road):
    extra = {"federate": federate(road, "power_operator")["attributes"]["id"], "handle": 50, "key": "power_operator/margin_usd"}
    federate(road, "power_operator")["publications"].append(extra)
    listen(road, "traffic_sumo", "power_operator/margin_usd")
    assert breaches(road) == [
        "power_operator publishes power_operator/margin_usd, which is not in the topic table",
        "traffic_sumo listens to power_operator/margin_usd, which is not in the topic table",
    ]


def test_what_is_addressed_to_one_agent_is_heard_by_no_other(road):
    listen(road, "transport_operator", "coordinator/power_operator/delivery_veh")
    said = "transport_operator listens to coordinator/power_operator/delivery_veh; only power_operator may"
    assert breaches(road) == [said]


def test_a_topic_of_the_other_world_is_outside_the_table(road):
    assert "transport_operator publishes transport_operator/departures, which is not in the topic table" in breaches(road, RAIL)


def test_endpoints_filters_translators_and_borrowed_names_are_found(recorded):
    found = breaches(recorded["foreign"])
    assert "spy publishes transport_operator/cost_usd; only transport_operator may" in found
    assert "power_operator has endpoint power_operator/hatch; only publications and inputs are allowed" in found
    assert "spy has endpoint spy/door; only publications and inputs are allowed" in found
    assert "HELICS core coreS has filter spy/delay; only publications and inputs are allowed" in found
    assert "HELICS core coreS has translator spy/tr; only publications and inputs are allowed" in found


def test_what_is_drawn_twice_counts_once(road):
    doubled = road | {"cores": [*road["cores"], *copy.deepcopy(road["cores"])]}
    assert read_wiring(doubled) == read_wiring(road)


def test_who_is_just_leaving_is_no_stranger(road):
    federate(road, "traffic_sumo").clear()
    road["cores"].append({"error": {"code": 503, "message": "federate is disconnected"}})
    assert breaches(road) == []


def test_cores_behind_another_broker_are_seen(road):
    nested = {"attributes": {"id": 1, "name": "root"}, "cores": [], "brokers": [road]}
    listen(road, "transport_operator", "power_operator/cost_usd")
    assert breaches(nested) == ["transport_operator listens to power_operator/cost_usd; only coordinator may"]
