"""docs/network.md: its numbers are those of the study, some of which are made again."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from code_blocks import blocks

from federates.boundary.world import parse_session

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/network.md"
sys.path.insert(0, str(ROOT / "studies"))

import make_network  # noqa: E402

KEPT = json.loads(make_network.KEPT.read_text(encoding="utf-8"))


def test_the_page_is_made_of_the_kept_numbers():
    assert make_network.main(["--check"]) == 0


def test_the_study_is_whole_and_its_bounds_hold():
    found = [(row["algorithm"], row["loss"], row["latency_s"], row["missing"]) for row in KEPT]
    assert found == list(make_network.points())
    assert all(row["holds"] for row in KEPT)


@pytest.mark.parametrize(
    ("name", "loss"), [("ocd, shortfall", 0.2), ("ocd, box_step", 0.2), ("posted_price", 0.3), ("bundle (trains)", 0.3)]
)
def test_numbers_of_the_page_come_out_again(name, loss):
    point = name, loss, make_network.LATENCIES_S[0], "go_on"
    (kept,) = (row for row in KEPT if (row["algorithm"], row["loss"], row["latency_s"], row["missing"]) == point)
    numbers = ("rounds", "network_s", "gap", "excess", "given_up")
    again = make_network.mean(*point)
    assert [again[n] for n in numbers] == pytest.approx([kept[n] for n in numbers], rel=1e-6, abs=1e-6)


def test_what_the_page_puts_into_scenarios_is_allowed():
    shown = [yaml.safe_load(block.body) for block in blocks(PAGE) if block.language == "yaml"]
    for text, scenario in zip(shown, ("la_gcs", "la_fleets"), strict=True):
        agreed = yaml.safe_load((ROOT / f"scenarios/{scenario}/scenario.yaml").read_text(encoding="utf-8"))
        assert parse_session(agreed | text, scenario).network is not None


def test_the_scenario_of_the_lecture_loses_20_per_cent():
    sweep = yaml.safe_load((ROOT / "scenarios/la_gcs/sweeps/network.yaml").read_text(encoding="utf-8"))
    assert sweep["vary"]["coordinator.settings.update"] == ["shortfall", "residual", "box_step"]
    assert [n["classes"]["lossy"]["loss"] for n in sweep["vary"]["scenario.network"]] == [0.0, 0.2]
    assert "loss: 0.2" in next(block.body for block in blocks(PAGE) if block.language == "bash")
