"""Everything wrong with settings and data is said at once, with file, field, value and what is allowed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from federates.boundary.config import load_config, parse_config, read_yaml
from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.traffic_sumo import checks, programs
from federates.traffic_sumo.settings import Settings
from federates.traffic_sumo.sumo import SumoTraffic
from federates.traffic_sumo.trips import check_routes
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
SESSION = load_config(SCENARIO / "scenario.yaml", RoadSession)
HOURLY = "data/la_links_hourly.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCENARIO / "traffic_sumo", tmp_path / "traffic_sumo"))


def settings(**changes: Any) -> Settings:
    raw = read_yaml(SCENARIO / "traffic_sumo" / "config.yaml")["settings"]
    return parse_config({**raw, **changes}, Settings, "config.yaml")


def sites(**changes: dict[str, str]) -> dict[str, Any]:
    given = read_yaml(SCENARIO / "traffic_sumo" / "config.yaml")["settings"]["stations"]
    return {name: {**site, **changes.get(name, {})} for name, site in given.items()}


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def one(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_the_scenario_is_sound(folder: Path) -> None:
    assert SumoTraffic.check(settings(), folder, SESSION) == []


def test_r1_may_lie_north_of_downtown(folder: Path) -> None:
    moved = sites(r1={"junction": "J5_110", "passing_link": "I110S_I5-US101"})
    assert SumoTraffic.check(settings(stations=moved), folder, SESSION) == []


def test_missing_station_is_named(folder: Path) -> None:
    stations = sites()
    del stations["q2"]
    problem = one(SumoTraffic.check(settings(stations=stations), folder, SESSION))
    assert problem.field == "settings.stations.q2"


def test_every_wrong_site_is_named(folder: Path) -> None:
    wrong = sites(r1={"junction": "J9"}, r2={"junction": "J105_605"}, q1={"junction": "J5_110"}, q2={"passing_link": "I9"})
    problems = SumoTraffic.check(settings(stations=wrong), folder, SESSION)
    assert [p.field for p in problems] == [
        "settings.stations.r1.junction",
        "settings.stations.r2.junction",
        "settings.stations.q1.junction",
        "settings.stations.q2.passing_link",
    ]
    assert "J5_110" in problems[0].allowed


def test_link_without_data_is_named(folder: Path) -> None:
    session = SESSION.model_copy(update={"links": (*SESSION.links, "I405S")})
    problem = one(SumoTraffic.check(settings(), folder, session))
    assert (problem.file, problem.value) == ("data/la_links.csv", "I405S")


@pytest.mark.parametrize("value", ["-5", "nan", "inf", "many", ""])
def test_bad_flow_is_named(folder: Path, value: str) -> None:
    edit(folder, HOURLY, "I110S_I5-US101,0,1086,", f"I110S_I5-US101,0,{value},")
    problems = SumoTraffic.check(settings(), folder, SESSION)
    assert problems[0].file == HOURLY
    assert "flow_vph" in problems[0].field


def test_missing_and_repeated_hours_are_named(folder: Path) -> None:
    edit(folder, HOURLY, "I110S_I5-US101,0,", "I110S_I5-US101,1,")
    text = " ".join(map(str, SumoTraffic.check(settings(), folder, SESSION)))
    assert "I110S_I5-US101, 1: stands twice, first in line 2" in text


def test_missing_file_and_missing_column_are_named_together(folder: Path) -> None:
    (folder / "data" / "la_junctions.csv").unlink()
    edit(folder, HOURLY, "flow_vph", "flow")
    text = " ".join(map(str, SumoTraffic.check(settings(), folder, SESSION)))
    assert "data/la_junctions.csv: (file) = missing" in text
    assert "flow_vph = missing: this column is needed; is it 'flow'?" in text


def test_binary_file_is_an_error_not_a_crash(folder: Path) -> None:
    (folder / HOURLY).write_bytes(bytes(range(256)))
    assert SumoTraffic.check(settings(), folder, SESSION)[0].file == HOURLY


def test_slow_poll_would_miss_vehicles(folder: Path) -> None:
    edit(folder, "data/la_links.csv", "9.612,7.653,11.664,9.705,3.15", "9.612,7.653,11.664,9.705,2.0")
    problem = one(SumoTraffic.check(settings(), folder, SESSION))
    assert problem.field == "settings.poll_s"
    assert "I605S_I5-I105" in problem.allowed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("demand_scale", 0),
        ("demand_scale", float("nan")),
        ("truck_share", 1.5),
        ("engine", "matsim"),
        ("poll_s", 120),
        ("pol_s", 30),
    ],
)
def test_settings_out_of_range_are_named(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field):
        settings(**{field: value})


def test_microscopic_needs_a_short_step() -> None:
    with pytest.raises(ConfigError, match="at most 1 s"):
        settings(resolution="microscopic", step_s=2)


def test_missing_programs_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "sumo_home", lambda: None)
    monkeypatch.setenv("PATH", "")
    problems = checks.find_problems(settings(), folder, SESSION)
    assert [p.field for p in problems] == ["sumo", "netconvert"]
    assert "pip install eclipse-sumo" in problems[0].allowed


@pytest.mark.parametrize("links", [("I5S_ELA-I710", "I605S_I5-I105"), ("I10E_I110-ELA",), ("no_link",), ()])
def test_a_broken_route_is_refused(links: tuple[str, ...]) -> None:
    ends = {"I5S_ELA-I710": ("JELA", "J5_710"), "I605S_I5-I105": ("J5_605", "J105_605"), "I10E_I110-ELA": ("J110_10", "JELA")}
    with pytest.raises(ModelError, match="r2 -> q2"):
        check_routes([Departure("r2", "q2", 1, links)], ends, {"r2": "JELA", "q2": "J105_605"})
