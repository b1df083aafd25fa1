"""The routes of a pair of stations are the fastest there are, against trying every path; long ones are left out before a run."""

from pathlib import Path

import numpy as np
import pytest
from every_path import simple_paths
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_tables import Tables

from federates.boundary.config import load_config
from federates.transport_operator.models.fastest_route.operator import FastestRouteOperator, FastestRouteSettings
from federates.transport_operator.models.joint_graph.data import read_road_data
from federates.transport_operator.models.joint_graph.graph import DirectedGraph
from federates.transport_operator.models.joint_graph.joint_graph import MOST_ROUTES, RoadNetwork, road_routes
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.transport_operator.models.joint_graph.routes import fastest_paths
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Gate, LinkObservation, departures_to_rows
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"


def network(ends, time_s):
    tail, head = np.array(ends, dtype=np.intp).T
    junctions = tuple(str(node) for node in range(int(max(tail.max(), head.max())) + 1))
    links = tuple(f"{a}-{b}" for a, b in ends)
    return RoadNetwork(junctions, links, tail, head, np.array(time_s, dtype=float), np.full(len(ends), 1000.0))


def grid(side):
    """Return ``side`` x ``side`` junctions, 300 s between neighbours, but 100 s on the left side and the bottom."""
    places = [(row, column) for row in range(side) for column in range(side)]
    number = {place: n for n, place in enumerate(places)}
    steps = [((y, x), (y + down, x + right)) for y, x in places for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    steps = [(a, b) for a, b in steps if b in number]
    freeway = [a[1] == b[1] == 0 or a[0] == b[0] == side - 1 for a, b in steps]
    return network([(number[a], number[b]) for a, b in steps], np.where(freeway, 100.0, 300.0))


def time_s(road, route):
    return float(road.free_time_s[list(route)].sum())


def graph_of(road):
    return DirectedGraph(len(road.junctions), road.tail, road.head)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 30))
def test_the_fastest_paths_are_those_of_trying_every_path(seed, most_edges, most_paths):
    """Random graphs, with parallel edges, edges to the same node, dead ends and many equal times (some zero)."""
    rng = np.random.default_rng(seed)
    graph = DirectedGraph(7, *rng.integers(0, 7, (2, 18)))
    times = rng.integers(0, 4, 18).astype(float)
    every = [path for path in simple_paths(graph, 0, 6, 10_000) if len(path) <= most_edges]
    found = fastest_paths(graph, times, (0, 6), most_edges=most_edges, most_paths=most_paths)
    assert len(set(found)) == len(found)
    assert set(found) <= set(every)
    assert [times[list(path)].sum() for path in found] == sorted(times[list(path)].sum() for path in every)[:most_paths]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(1.0, 4.0))
def test_routes_within_the_detour_come_in_the_order_of_time_and_links(seed, most_detour):
    rng = np.random.default_rng(seed)
    road = network([*rng.integers(0, 7, (16, 2)).tolist(), (0, 6)], [*rng.choice([0.1, 0.2, 0.3, 0.7], 16), 2.5])
    every = sorted((time_s(road, path), path) for path in simple_paths(graph_of(road), 0, 6, 10_000))
    assert road_routes(road, "0", "6", most_detour) == [path for time, path in every if time <= most_detour * every[0][0]]


def test_the_freeway_along_two_sides_of_a_grid_is_found():
    road = grid(5)
    (least,), _ = graph_of(road).shortest_paths(road.free_time_s, np.array([0]), np.array([24]))
    routes = road_routes(road, "0", "24", 3.0)
    assert time_s(road, routes[0]) == least == 800.0
    paths = [path for path in simple_paths(graph_of(road), 0, 24, 100_000) if len(path) <= MAX_ROUTE_LINKS]
    assert len(paths) > MOST_ROUTES  # so that it is a choice
    within = sorted((time, path) for path in paths if (time := time_s(road, path)) <= 2400.0)
    assert routes == [path for _, path in within]


@pytest.mark.parametrize(("side", "end", "least"), [(8, 63, 1400.0), (20, 5, 1500.0)])
def test_a_large_grid_gives_the_fastest_routes_and_no_more(side, end, least):
    road = grid(side)
    routes = road_routes(road, "0", str(end), 3.0)
    assert len(set(routes)) == MOST_ROUTES
    assert time_s(road, routes[0]) == least
    assert max(map(len, routes)) <= MAX_ROUTE_LINKS


def test_a_longer_route_of_fewer_links_is_taken_where_the_fastest_has_too_many():
    chain = [(n, n + 1) for n in range(MAX_ROUTE_LINKS + 1)]
    last = MAX_ROUTE_LINKS + 1
    road = network([*chain, (0, last), (0, 1)], [10.0] * len(chain) + [400.0, 5.0])
    assert road_routes(road, "0", str(last), 3.0) == [(len(chain),)]
    assert road_routes(road, "0", str(last - 1), 3.0) == [(len(chain) + 1, *range(1, last - 1)), tuple(range(last - 1))]


# The stations lie at both ends of a chain; where it is too long, only a link past all of it helps.
def chain_scenario(folder, links, bypass_km=None):
    """Write the operator's data of a chain of 1 km links, and a bypass of all of it; return stations and session."""
    rows = [(f"c{n}", f"J{n}", f"J{n + 1}", 1.0) for n in range(links)]
    rows += [("bypass", "J0", f"J{links}", bypass_km)] if bypass_km else []
    tables = {
        "junctions": ["id,lat,lon"] + [f"J{n},34,-118" for n in range(links + 1)],
        "links": ["link,from,to,length_km,lanes,hov_lanes"] + [f"{name},{a},{b},{km},3,0" for name, a, b, km in rows],
        "background_hourly": ["link,hour,flow_veh_per_h"] + [f"{name},{hour},0" for name, *_ in rows for hour in range(24)],
    }
    (folder / "data").mkdir()
    for name, lines in tables.items():
        (folder / "data" / f"{name}.csv").write_text("\n".join(lines))
    stations = {"r1": {"junction": "J0"}, "q1": {"junction": f"J{links}"}}
    day = load_config(SCENARIO / "scenario.yaml", RoadSession).model_dump()
    names = {"resourceful_stations": ("r1",), "limited_stations": ("q1",), "links": tuple(name for name, *_ in rows)}
    return stations, RoadSession.model_validate({**day, **names})


def test_a_pair_joined_only_by_too_many_links_is_a_problem_of_check(tmp_path):
    stations, session = chain_scenario(tmp_path, MAX_ROUTE_LINKS + 1)
    said = [
        JointGraphOperator.check(JointGraphSettings(stations=stations), tmp_path, session),
        FastestRouteOperator.check(FastestRouteSettings.model_validate({"stations": stations}), tmp_path, session),
    ]
    for (problem,) in said:
        assert problem.field == "settings.stations.r1.junction"
        assert "a route from r1 (J0) to q1 (J17) over at least one link of the session, and at most 16" in problem.allowed


def test_a_route_of_the_most_links_is_none(tmp_path):
    stations, session = chain_scenario(tmp_path, MAX_ROUTE_LINKS)
    data, problems = read_road_data(JointGraphSettings(stations=stations), tmp_path, session)
    assert problems == []
    assert [len(route) for route in road_routes(data.road, "J0", "J16", 3.0)] == [16]


def test_a_navigator_leads_by_no_more_links_than_can_be_told(tmp_path):
    """The chain of 17 km is faster than the bypass of 30, but has a link too many."""
    stations, session = chain_scenario(tmp_path, MAX_ROUTE_LINKS + 1, bypass_km=30.0)
    operator = FastestRouteOperator(FastestRouteSettings.model_validate({"stations": stations}), tmp_path)
    operator.begin(session, Tables())
    gate = Gate(np.zeros(2), np.ones(2))
    asked = np.zeros(session.connection_shape)
    asked[0, 0, 0] = 3.0
    ones = np.ones(len(session.links))
    for observation in (None, LinkObservation(ones, ones, ones, 1000 * np.array([1.0] * 17 + [30.0]) / 30)):
        np.testing.assert_allclose(operator.open_period(0, observation), [[1000.0]])
        operator.evaluate({"delivery": asked}, {"gate": gate})
        (departure,) = operator.commit({"delivery": asked})
        assert departure.links == ("bypass",)
        assert departures_to_rows(session, [departure]).shape == (1, 3 + MAX_ROUTE_LINKS)
