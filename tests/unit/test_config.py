"""Configuration errors: all at once, with file, field, value and what is allowed."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from federates.boundary.config import Config, load_config, read_yaml
from federates.boundary.errors import ConfigError
from federates.boundary.session import RoadSession
from federates.runtime.broker_config import BrokerConfig


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
