"""Configuration errors: all at once, with file, field, value and what is allowed."""

import os
from pathlib import Path
from typing import Annotated, Literal

import pytest
from broken_files import HAZARDS
from pydantic import Field, ValidationError, model_validator

from federates.boundary.config import Config, load_config, parse_config, read_yaml
from federates.boundary.errors import ConfigError
from federates.runtime.broker_config import BrokerConfig
from federates.worlds.road.session import RoadSession


class Inner(Config):
    power_kw: Annotated[float, Field(gt=0)]


class Outer(Config):
    name: str
    stations: dict[str, Inner]
    share: Annotated[float, Field(ge=0, le=1)] = 0.5


def problems(tmp_path, text, model=Outer):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, model, "c.yaml")
    return caught.value.problems


def test_all_errors_come_at_once(tmp_path):
    found = problems(tmp_path, "nam: x\nshare: 2\nstations: {q1: {power_kw: -1}, q2: {powr_kw: 3}}\n")
    by_field = {p.field: p for p in found}
    assert set(by_field) == {"nam", "name", "share", "stations.q1.power_kw", "stations.q2.power_kw", "stations.q2.powr_kw"}
    assert "did you mean 'name'" in by_field["nam"].allowed
    assert "did you mean 'power_kw'" in by_field["stations.q2.powr_kw"].allowed
    assert by_field["share"].value == "2"
    assert all(p.file == "c.yaml" for p in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "valid YAML"),
        ("- 1", "must be a mapping"),
        ("name: x\nname: y", "given twice"),
        ("", "must be a mapping"),
        ("name: x\nstations: {}\nshare: .nan", "finite"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, text, said):
    assert said in str(problems(tmp_path, text)[0])


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="must exist"):
        read_yaml(tmp_path / "none.yaml")


def test_a_configuration_cannot_be_changed():
    config = Inner(power_kw=3)
    with pytest.raises(ValidationError):
        config.power_kw = 4


def test_the_rounds_must_fit_before_dispatch(tmp_path):
    found = problems(tmp_path, "schema_version: 1\nround_step_s: 0.01\nmax_rounds: 200\n", BrokerConfig)
    assert "must be below dispatch_offset_s" in found[0].allowed


def test_a_station_may_have_one_role_only(tmp_path):
    text = "schema_version: 1\nname: x\nresourceful_stations: [a]\nlimited_stations: [a]\nlinks: [l]\n"
    assert "may stand once" in problems(tmp_path, text, RoadSession)[0].allowed


def test_hour_of_day_wraps():
    session = RoadSession(
        schema_version=1,
        name="x",
        resourceful_stations=("r",),
        limited_stations=("q",),
        links=("l",),
        start_hour=22,
        period_s=1800,
    )
    assert [session.hour_of_day(p) for p in (0, 1, 4, 5)] == [22.0, 22.5, 0.0, 0.5]


class Numbers(Config):
    count: int = 1
    share: float | None = 0.5
    energy_kwh: float | list[float] = 1.0
    waits_s: dict[str, float] = Field(default_factory=dict)
    worth_usd_by_hour: tuple[float, ...] = ()
    flag: bool = False
    size: Literal["auto"] | int = "auto"


@pytest.mark.parametrize(
    "value", ["true", "yes", "off", '"2_4"', "2_4", '"0x10"', "1:30", "0b1", ".nan", "1e300", "-1e300", "9" * 400]
)
@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("count: {}", "count"),
        ("share: {}", "share"),
        ("energy_kwh: {}", "energy_kwh"),
        ("energy_kwh: [1, {}]", "energy_kwh"),
        ("waits_s: {{q1: {}}}", "waits_s.q1"),
        ("worth_usd_by_hour: [3, {}]", "worth_usd_by_hour.1"),
        ("size: {}", "size"),
    ],
)
def test_what_is_no_sensible_number_is_refused_wherever_it_stands(tmp_path, key, field, value):
    found = problems(tmp_path, key.format(value), Numbers)
    assert all(problem.field.startswith(field) for problem in found)


def test_numbers_texts_of_numbers_and_truth_values_in_their_places_are_taken(tmp_path):
    (tmp_path / "c.yaml").write_text('count: "3"\nshare: 1e-3\nenergy_kwh: [1, 2.5]\nwaits_s: {q1: 60}\nflag: yes\nsize: 4\n')
    read = load_config(tmp_path / "c.yaml", Numbers)
    assert read == Numbers(count=3, share=0.001, energy_kwh=[1.0, 2.5], waits_s={"q1": 60.0}, flag=True, size=4)


@pytest.mark.parametrize(("key", "value"), [("energy_kwh", 1e8), ("energy_kwh", 1e-12), ("waits_s", {"q1": 1e-300})])
def test_a_unit_has_a_range(tmp_path, key, value):
    with pytest.raises(ConfigError, match=r"from 1e-09 to 1e\+07, as every number whose name ends in"):
        parse_config({key: value}, Numbers, "c.yaml")


@pytest.mark.parametrize("name", sorted(HAZARDS))
def test_dangerous_yaml_is_one_short_line(tmp_path, name):
    (problem,) = problems(tmp_path, HAZARDS[name])[:1]
    assert len(str(problem)) < 500
    assert "\n" not in str(problem)


def test_an_alias_is_read_and_what_nine_levels_of_them_stand_for_is_not(tmp_path):
    (tmp_path / "c.yaml").write_text("name: x\nstations: {q1: &s {power_kw: 3}, q2: *s}\n")
    assert load_config(tmp_path / "c.yaml", Outer).stations == {"q1": Inner(power_kw=3), "q2": Inner(power_kw=3)}
    assert "more than 200000 values" in problems(tmp_path, HAZARDS["bomb"])[0].value


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/dev/zero"), lambda p: p.symlink_to(p.name)])
def test_only_regular_files_are_opened(tmp_path, make):
    make(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="must be"):
        read_yaml(tmp_path / "c.yaml")


def test_a_rule_of_the_whole_names_its_field_and_not_the_file(tmp_path):
    found = problems(tmp_path, "schema_version: 1\ntick_s: 60\ntimeout_s: 2\n", BrokerConfig)
    assert [str(problem) for problem in found] == [
        "c.yaml: timeout_s = 2: must be more than tick_s = 60, how often partners are looked for"
    ]


class Ruled(Config):
    a: int = 1

    @model_validator(mode="after")
    def _rule(self):
        raise ValueError("a and b do not fit")


def test_a_rule_of_someone_elses_does_not_print_the_file(tmp_path):
    assert str(problems(tmp_path, "a: 12345", Ruled)[0]) == "c.yaml: (file) = keys that do not fit together: a and b do not fit"
