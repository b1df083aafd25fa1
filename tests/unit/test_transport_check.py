"""What the operator says about wrong settings and data, before anything runs."""

import shutil
from pathlib import Path

import pytest

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.errors import ConfigError
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SCENARIO / "transport_operator" / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture
def raw():
    return read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"]


def problems(raw, folder, **session):
    shared = parse_config(read_yaml(SCENARIO / "scenario.yaml") | session, RoadSession, "scenario.yaml")
    settings = parse_config(raw, JointGraphOperator.Settings, "config.yaml")
    return [str(problem) for problem in JointGraphOperator.check(settings, folder, shared)]


def edit(folder, name, old, new):
    path = folder / "data" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_shipped_scenario_is_clean(raw, folder):
    assert problems(raw, folder) == []


def test_r1_may_lie_north_of_the_four_level(raw, folder):
    raw["stations"]["r1"]["junction"] = "J5_110"
    assert problems(raw, folder) == []


def test_shipped_values_are_the_documented_defaults(raw):
    only_stations = parse_config({"stations": raw["stations"]}, JointGraphOperator.Settings, "config.yaml")
    assert parse_config(raw, JointGraphOperator.Settings, "config.yaml") == only_stations


def test_unknown_names_come_with_the_nearest(raw, folder):
    raw["stations"]["q11"] = raw["stations"].pop("q1")
    raw["stations"]["r1"]["junction"] = "J110_11"
    found = "\n".join(problems(raw, folder))
    assert "settings.stations.q11 = 'q11': no station of the session; did you mean 'q1'?" in found
    assert "settings.stations.q1 = missing" in found
    assert "settings.stations.r1.junction = 'J110_11': did you mean 'J110_10" in found


def test_pair_without_a_route(raw, folder):
    raw["stations"]["r2"]["junction"], raw["stations"]["q2"]["junction"] = "J105_605", "JELA"
    found = problems(raw, folder)
    assert any("there must be a route from r2 (J105_605) to q1 (J5_605)" in p for p in found)
    raw["stations"]["q1"]["junction"] = "J105_605"
    assert any("from r2 (J105_605) to q1 (J105_605)" in p for p in problems(raw, folder))


def test_session_link_missing_from_the_data(raw, folder):
    edit(folder, "links.csv", "US101S_I110-ELA", "US101S_I110-EL")
    found = problems(raw, folder)
    assert any("the session's link 'US101S_I110-ELA' must be in this file; did you mean 'US101S_I110-EL'?" in p for p in found)


def test_link_between_unknown_junctions(raw, folder):
    edit(folder, "links.csv", "J5_110,J110_101", "J5_11O,J110_101")
    assert any("line 2, from = 'J5_11O': did you mean" in p for p in problems(raw, folder))


@pytest.mark.parametrize("value", ["nan", "0", "-3", "inf", "", "long"])
def test_length_must_be_positive(raw, folder, value):
    edit(folder, "links.csv", ",3.26,", f",{value},")
    found = problems(raw, folder)
    (problem,) = found
    allowed = "must be above 0" if value in ("0", "-3") else "must be a finite number"
    assert problem.startswith(f"data/links.csv: line 2, length_km = {value!r}: {allowed}")


def test_lanes_make_the_capacity_and_must_be_positive(raw, folder):
    edit(folder, "links.csv", ",3.73,0,", ",0,-1,")
    found = "\n".join(problems(raw, folder))
    assert "line 2, lanes = '0': must be above 0" in found
    assert "line 2, hov_lanes = '-1': must be at least 0" in found


def test_history_needs_24_hours(raw, folder):
    edit(folder, "background_hourly.csv", "I110S_I5-US101,5,", "I110S_I5-US101,4,")
    found = problems(raw, folder)
    assert len(found) == 1
    assert "line 7, link, hour = I110S_I5-US101, 4: stands twice, first in line 6" in found[0]
    edit(folder, "background_hourly.csv", "I110S_I5-US101,4,", "gone,4,")
    assert any("hour (I110S_I5-US101) = 23 rows" in p for p in problems(raw, folder))


def test_history_must_be_numbers(raw, folder):
    edit(folder, "background_hourly.csv", "I110S_I5-US101,0,1086", "I110S_I5-US101,0,-1")
    assert "line 2, flow_veh_per_h = '-1'" in problems(raw, folder)[0]


def test_missing_file_and_column(raw, folder):
    (folder / "data" / "junctions.csv").unlink()
    edit(folder, "links.csv", "length_km", "length")
    found = problems(raw, folder)
    assert "data/junctions.csv: (file) = missing: this file must exist" in found
    assert any(
        p.startswith("data/links.csv: length_km = missing: this column is needed; is it 'length'? the file has: link, from")
        for p in found
    )


def test_row_that_stands_twice(raw, folder):
    path = folder / "data" / "links.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    assert "data/links.csv: line 11, link = I110S_I5-US101: stands twice, first in line 2" in problems(raw, folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("free_speed_m_per_s", 0), ("capacity_per_lane_veh_per_h", -1), ("delay_law", "linear"), ("calibration_memory", 1.0)],
)
def test_settings_out_of_range_name_their_key(raw, key, value):
    with pytest.raises(ConfigError, match=key):
        parse_config(raw | {key: value}, JointGraphOperator.Settings, "config.yaml")


def test_begin_refuses_what_check_reports(raw, folder):
    edit(folder, "links.csv", ",3.26,", ",0,")
    shared = parse_config(read_yaml(SCENARIO / "scenario.yaml"), RoadSession, "scenario.yaml")
    settings = parse_config(raw, JointGraphOperator.Settings, "config.yaml")
    with pytest.raises(ConfigError, match="length_km"):
        JointGraphOperator(settings, folder).begin(shared, None)


@pytest.mark.parametrize("capacity", [1, 19])
def test_a_capacity_at_which_a_drive_takes_more_than_a_day_is_named(raw, folder, capacity):
    raw["capacity_per_lane_veh_per_h"] = capacity
    (problem,) = problems(raw, folder)
    assert f"settings.capacity_per_lane_veh_per_h = {capacity}" in problem
    assert "over a day" in problem


def test_capacity_without_room_is_said(raw, folder):
    raw |= {"respect_capacity": True, "capacity_use": 0.3}
    evening = {"start_hour": 17, "periods": 2}
    (problem,) = problems(raw, folder, **evening)
    assert "settings.capacity_use = 0.3" in problem
    assert "leaves no room" in problem
    assert problems(raw | {"respect_capacity": False}, folder, **evening) == []
    assert problems(raw, folder) == []  # there is room at night
