"""The drawn vehicles meet the given flows exactly; checked by counting, with no code shared."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from federates.traffic_sumo.control import DelayController, law_time_s
from federates.traffic_sumo.data import Junction, Link, Road, load_road
from federates.traffic_sumo.demand import count_paths, draw_vehicles, enumerate_paths, leads_s, movement_peaks
from federates.traffic_sumo.network import link_edges, plan_network
from federates.traffic_sumo.settings import Settings

FOLDER = Path(__file__).parents[2] / "scenarios" / "la_gcs" / "traffic_sumo"
SITES = {
    "r1": {"junction": "J110_101", "passing_link": "US101S_I110-ELA"},
    "q1": {"junction": "J5_605", "passing_link": "I5S_I710-I605"},
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.model_validate({"stations": SITES})


@pytest.fixture(scope="module")
def road(settings: Settings) -> Road:
    return load_road(settings, FOLDER, with_times=False)


@pytest.mark.parametrize("scale", [1.0, 0.37, 1.3])
def test_path_counts_meet_every_flow_of_the_file(road: Road, scale: float) -> None:
    paths = enumerate_paths(road)
    counts = count_paths(road, paths, scale)
    assert (counts >= 0).all()
    with (FOLDER / "data" / "la_links_hourly.csv").open() as stream:
        for row in csv.DictReader(stream):
            total = sum(int(counts[int(row["hour"]), i]) for i, path in enumerate(paths) if row["link"] in path)
            assert total == round(float(row["flow_vph"]) * scale), row


def test_contradictory_flows_are_still_met() -> None:
    """Neighbouring links with wild jumps: on- and off-ramps make up for them."""
    junctions = {name: Junction(name, 34.0, -118.0) for name in "abcd"}
    links = {n: Link(n, n[0], n[1], 3.0, 3) for n in ("ab", "bc", "cd")}
    flows = {"ab": np.full(24, 5000.0), "bc": np.full(24, 3.0), "cd": np.linspace(0, 4000, 24)}
    road = Road(junctions, links, flows)
    paths = enumerate_paths(road)
    counts = count_paths(road, paths, 1.0)
    for name, flow in flows.items():
        assert np.array_equal(counts[:, [name in p for p in paths]].sum(axis=1), np.round(flow))


def test_paths_are_drivable_and_distinct(road: Road) -> None:
    paths = enumerate_paths(road)
    assert len(set(paths)) == len(paths)
    for path in paths:
        for a, b in itertools.pairwise(path):
            assert road.links[a].end == road.links[b].start


def test_vehicles_of_an_hour_are_those_counted(road: Road) -> None:
    paths = enumerate_paths(road)
    counts = count_paths(road, paths, 1.0)
    none = np.zeros(len(paths))
    drawn = draw_vehicles(counts, none, 3, (0.0, 7200.0), 7, 0.1)
    for hour in (0, 1):
        inside = (drawn.depart_s >= 3600 * hour) & (drawn.depart_s < 3600 * (hour + 1))
        seen = Counter(drawn.path[inside].tolist())
        assert all(abs(seen[i] - int(counts[7 + hour, i])) <= 1 for i in range(len(paths)))  # 0.01 s rounding at the border
    assert (np.diff(drawn.depart_s) >= 0).all()
    assert len(set(drawn.name)) == len(drawn.name)
    assert abs(drawn.truck.mean() - 0.1) < 0.01


def test_a_short_run_is_a_piece_of_the_long_one(road: Road, settings: Settings) -> None:
    paths = enumerate_paths(road)
    counts = count_paths(road, paths, 1.0)
    lead = leads_s(road, paths, settings.free_speed_m_per_s)
    long = draw_vehicles(counts, lead, 1, (-900.0, 10_800.0), 22, 0.07)
    short = draw_vehicles(counts, lead, 1, (3600.0, 4500.0), 22, 0.07)
    inside = (long.depart_s >= 3600) & (long.depart_s < 4500)
    assert [n for n, ok in zip(long.name, inside, strict=True) if ok] == short.name
    other = draw_vehicles(counts, lead, 2, (3600.0, 4500.0), 22, 0.07)
    assert other.depart_s.tolist() != short.depart_s.tolist()


def test_links_keep_their_length_and_every_lane_has_one_target(road: Road, settings: Settings) -> None:
    paths = enumerate_paths(road)
    peaks = movement_peaks(paths, count_paths(road, paths, 1.0))
    network = plan_network(road, settings, peaks, ["r1"], ["q1"])
    for link in road.links.values():
        assert sum(network.edges[e].length_m for e in link_edges(link.name)) == pytest.approx(1000 * link.length_km)
    for a, b, i, j in network.connections:
        assert i < network.edges[a].lanes, (a, b)
        assert j < network.edges[b].lanes, (a, b)
    for name in road.links:
        lanes = Counter(i for a, _, i, _ in network.connections if a == f"{name}.gore")
        assert set(lanes.values()) == {1}
        assert set(lanes) == set(range(network.edges[f"{name}.gore"].lanes))


def test_delay_law_goes_through_its_two_points() -> None:
    assert law_time_s(100.0, 180.0, 1.0, 4.0) == pytest.approx(180.0)
    assert law_time_s(100.0, 180.0, 0.0, 4.0) == pytest.approx(100.0)
    assert law_time_s(100.0, 180.0, 1.1, 4.0) == pytest.approx(100 + 80 * 1.4641)
    assert law_time_s(100.0, 90.0, 1.0, 4.0) == 100.0  # faster than free flow is no delay


def test_more_vehicles_than_given_lower_the_speed(road: Road) -> None:
    full = load_road(Settings.model_validate({"stations": SITES}), FOLDER)
    given, link = float(full.flow_veh_per_h["I5S_I710-I605"][8]), "I5S_I710-I605"
    speeds = []
    for factor in (1.0, 1.1):
        control = DelayController(full, Settings.model_validate({"stations": SITES}), 8)
        for poll in range(40):
            control.count(link, round(given * factor / 60), 60.0 * poll, 60.0 * (poll + 1))
        speeds.append(control.speed_m_per_s(link, 2400.0))
    assert speeds[1] < 0.9 * speeds[0]
