"""The how-tos, followed as a reader would, from top to bottom."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from code_blocks import blocks
from page_reader import Reader

from federates.boundary.names import ROAD
from federates.boundary.world import world_of
from federates.conformance import State, conform
from federates.conformance.find_target import Wanted, find_target

HOWTOS = Path(__file__).parents[2] / "docs" / "howto"


@pytest.fixture
def reader(tmp_path, environment):
    (tmp_path / "work").mkdir()
    return Reader(HOWTOS, tmp_path / "work", environment)


def tables(run, agent):
    return {path.stem for path in (run / agent).glob("*.parquet")}


def runs(folder):
    return sorted(path for path in (folder / "mine/results").iterdir() if (path / "run.json").exists())


def vehicles(run):
    import pandas as pd

    return pd.read_parquet(run / "coordinator/schedule.parquet").groupby("period")["vehicles"].sum().tolist()


@pytest.mark.long
def test_the_first_change(reader):
    said = reader.follow("first_change.md")
    before, after = runs(reader.folder)
    # Periods 0 and 1 are the hours from 7 to 9, in which the changed rule holds; something was sent without it.
    assert sum(vehicles(before)) > 0
    assert vehicles(after) == [0, 0]
    page = Path(re.search(r"Comparison: (\S+)", "".join(said)).group(1))
    assert (page.parent / "figures/runs.png").stat().st_size > 10_000
    assert said[-1].endswith("It conforms.\n")
    assert "does not apply" not in said[-1]  # in a second process too
    commands = [block.body for block in blocks(HOWTOS / "first_change.md") if block.runs]
    assert sum("conform" not in body for body in commands) <= 5


def test_a_city_of_ones_own(reader):
    _, checked = reader.follow("own_city.md", only_write=True)
    assert "nothing wrong" in checked


@pytest.mark.long
def test_a_morning_of_ones_own_city(reader):
    said = reader.follow("own_city.md")
    (run,) = runs(reader.folder)
    assert said[-1].startswith("('r1', 'r2')") or "q1" in said[-1]  # the page prints the stations
    assert sum(vehicles(run)) > 0


@pytest.mark.long
def test_a_class_of_every_role_from_a_file(reader):
    reader.follow("own_class.md")
    (run,) = runs(reader.folder)
    # Every origin's whole fleet goes where it pays best, which is one destination, and 12 vehicles are wanted there.
    assert vehicles(run) == [24, 24]
    for role in world_of(ROAD).roles:
        conform(find_target(role, str(reader.folder / "mine" / role / "config.yaml"), Wanted())).raise_if_broken()


@pytest.mark.long
def test_a_class_of_every_role_from_a_package(reader):
    reader.follow("installed_package.md")
    (run,) = runs(reader.folder)
    assert tables(run, "traffic_sumo") >= {"link_state"}
    configuration = (run / "configuration.json").read_text()
    assert all(name in configuration for name in ("rush_hour_taker", "slow_navigator", "rainy_day", "rounded_price"))


def test_programs_that_know_nothing_of_portage(reader):
    reader.follow("own_executable.md")
    (run,) = runs(reader.folder)
    # 12 vehicles are wanted and 30 offered for each of four pairs, at a price between the trip's cost and a vehicle's worth.
    assert vehicles(run) == [48, 48]
    programs = (
        "power_operator/power_operator.py",
        "power_operator/wire.py",
        "traffic_sumo/traffic.py",
        "coordinator/coordinator.py",
    )
    for program in programs:
        assert "federates" not in (reader.folder / "mine" / program).read_text()


@pytest.mark.long
def test_several_agents_of_a_role_by_configuration_alone(reader):
    said = reader.follow("several_agents.md")
    assert sum("nothing wrong" in text for text in said) == 2
    (run,) = runs(reader.folder)
    assert sum(vehicles(run)) > 0
    import pandas as pd

    for company, station in {"santa_fe": "q1", "norwalk": "q2"}.items():
        assert set(pd.read_parquet(run / company / "feeder_load.parquet").station) == {"r1", "r2", station}


PROGRAMS = {
    "power_operator": "power_operator.py",
    "transport_operator": "transport_operator.py",
    "traffic_sumo": "traffic.py",
    "coordinator": "coordinator.py",
}


@pytest.mark.parametrize(
    ("role", "checks"),
    [
        ("power_operator", ["wire"]),
        *(pytest.param(role, [], marks=pytest.mark.long) for role in PROGRAMS),
    ],
)
def test_the_programs_pass_the_conformance_kit(reader, role, checks):
    reader.follow("own_executable.md", only_write=True)
    command = shlex.join([sys.executable, PROGRAMS[role]])
    with find_target(role, command, Wanted(reader.folder / "mine")) as target:
        report = conform(target, checks)
    report.raise_if_broken()
    assert report.count(State.HOLDS) > len(report.outcomes) / 2


def delivered_kwh(run, fleet):
    import pandas as pd

    schedule = pd.read_parquet(run / "coordinator/schedule.parquet")
    return schedule.loc[schedule["fleet"] == fleet, "delivery_kwh"].sum()


@pytest.mark.long
def test_a_day_of_fleets(reader):
    said = reader.follow("fleets.md")
    before, after = runs(reader.folder)
    # An hour is worth twice as much to the residents, so they carry less.
    assert 0 <= delivered_kwh(after, "residents") < delivered_kwh(before, "residents")
    report = (before / "report.html").read_text(encoding="utf-8")
    for words in ("Rewards and tolls", "Acceptance against reward", "Who gains what", "Spots and waiting"):
        assert words in report
    assert Path(re.search(r"Comparison: (\S+)", "".join(said)).group(1)).is_file()
