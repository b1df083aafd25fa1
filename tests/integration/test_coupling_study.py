"""The coupling study: its sweeps can be read, and a point of them is a day whose vehicles are counted pair by pair."""

import shutil
from pathlib import Path

import pytest
import yaml

from federates.sweep.methods import find_method, method_problem
from federates.sweep.spec import load_sweep

ROOT = Path(__file__).parents[2]
SWEEPS = ROOT / "scenarios/la_gcs/sweeps"


@pytest.mark.parametrize(("name", "points"), [("coupling", 32), ("coupling_sumo", 16)])
def test_the_sweeps_are_what_the_page_says(name, points):
    sweep = load_sweep(SWEEPS / f"{name}.yaml")
    assert len(sweep.points) == points
    assert method_problem(sweep.spec.method, sweep.scenario.folder, sweep.spec.options) is None


def test_a_point_counts_vehicles_pair_by_pair(tmp_path):
    shutil.copy(ROOT / "broker.yaml", tmp_path / "broker.yaml")
    scenario = tmp_path / "scenarios/la_gcs"
    shutil.copytree(ROOT / "scenarios/la_gcs", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    session = yaml.safe_load((scenario / "scenario.yaml").read_text()) | {"periods": 1, "start_hour": 7}
    (scenario / "scenario.yaml").write_text(yaml.safe_dump(session))
    traffic = yaml.safe_load((scenario / "traffic_sumo/config.yaml").read_text())
    traffic = traffic | {"model": "bpr", "settings": {"stations": traffic["settings"]["stations"], "delay_law": "calibrated"}}
    (scenario / "traffic_sumo/config.yaml").write_text(yaml.safe_dump(traffic))
    found = find_method("coupling:day", scenario)(scenario)
    arrived = sum(sum(pair["vehicles"]) for pair in found["pairs"].values())
    assert 0 < arrived <= found["mves_sent_veh"]
    driven = [row for pair in found["pairs"].values() for row in zip(pair["vehicles"], pair["road_time_s"], strict=True)]
    weighted = sum(n * time for n, time in driven if n)
    assert found["road_time_s"] == pytest.approx(weighted / arrived, rel=1e-5)
