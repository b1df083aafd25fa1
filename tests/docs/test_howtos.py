"""The how-tos, executed as a reader would: their files are written, their changes made and their commands run, in order.

What is shortened: the day is two periods long, and the formula `bpr` stands in for SUMO where a page keeps SUMO.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from federates.boundary.names import ROAD
from federates.boundary.world import world_of
from federates.conformance import State, conform
from federates.conformance.find_target import Wanted, find_target

HOWTOS = Path(__file__).parents[2] / "docs" / "howto"
BLOCK = re.compile(r"^(<!-- run -->\n)?```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FORMULA = """schema_version: 1
model: bpr
settings:
  stations:
    r1: {junction: J110_101, passing_link: US101S_I110-ELA}
    r2: {junction: JELA, passing_link: I5S_ELA-I710}
    q1: {junction: J5_605, passing_link: I5S_I710-I605}
    q2: {junction: J105_605, passing_link: I105E_I710-I605}
"""


@dataclass
class Reader:
    """Somebody who follows a page in an empty folder."""

    folder: Path
    environment: dict

    def follow(self, page, *, only_write=False):
        """Do what the page says; return what its commands printed. ``only_write``: nothing of it is run."""
        said = []
        for run, language, title, body in BLOCK.findall((HOWTOS / page).read_text(encoding="utf-8")):
            if language == "diff":
                self.change(self.folder / title, body)
            elif title:
                (self.folder / title).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / title).write_text(body, encoding="utf-8")
            elif run and not (only_write and "portage run" in body):
                said.append(self.run(body))
        return said

    def change(self, path, body):
        before = "".join(line[1:] + "\n" for line in body.splitlines() if line[0] in "- ")
        after = "".join(line[1:] + "\n" for line in body.splitlines() if line[0] in "+ ")
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path.name} has not exactly once:\n{before}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, commands):
        if "pip install " in commands:
            # Into a folder of the test's own, not into the environment of whoever runs the tests.
            site = self.folder.parent / "site"
            commands = commands.replace("pip install ", f"pip install --quiet --target {site} ")
            self.environment = self.environment | {"PYTHONPATH": str(site)}
        words = ["bash", "-euo", "pipefail", "-c", commands]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        if "portage new " in commands:
            self.shorten()
        return done.stdout

    def shorten(self):
        agreement = self.folder / "mine/scenario.yaml"
        text = agreement.read_text().replace("periods: 24", "periods: 2").replace("start_hour: 0", "start_hour: 7")
        assert "\nperiods: 2\n" in text
        assert "\nstart_hour: 7\n" in text
        agreement.write_text(text)
        (self.folder / "mine/traffic_sumo/config.yaml").write_text(FORMULA)

    def logs(self):
        return "\n".join(f"--- {path}\n{path.read_text()}" for path in sorted(self.folder.glob("mine/results/*/logs/*.log")))


@pytest.fixture
def reader(tmp_path, environment):
    (tmp_path / "work").mkdir()
    return Reader(tmp_path / "work", environment)


def tables(run, agent):
    return {path.stem for path in (run / agent).glob("*.parquet")}


def runs(folder):
    return sorted(path for path in (folder / "mine/results").iterdir() if (path / "run.json").exists())


def vehicles(run):
    import pandas as pd

    return pd.read_parquet(run / "coordinator/schedule.parquet").groupby("period")["vehicles"].sum().tolist()


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
    commands = [body for run, _, _, body in BLOCK.findall((HOWTOS / "first_change.md").read_text()) if run]
    assert sum("conform" not in body for body in commands) <= 5


def test_a_city_of_ones_own(reader):
    _, checked = reader.follow("own_city.md", only_write=True)
    assert "nothing wrong" in checked


def test_a_class_of_every_role_from_a_file(reader):
    reader.follow("own_class.md")
    (run,) = runs(reader.folder)
    # Every origin's whole fleet goes where it pays best, which is one destination, and 12 vehicles are wanted there.
    assert vehicles(run) == [24, 24]
    for role in world_of(ROAD).roles:
        conform(find_target(role, str(reader.folder / "mine" / role / "config.yaml"), Wanted())).raise_if_broken()


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


@pytest.mark.parametrize("checks", [["wire"], pytest.param([], marks=pytest.mark.long)], ids=["wire", "all"])
@pytest.mark.parametrize("role", PROGRAMS)
def test_the_programs_pass_the_conformance_kit(reader, role, checks):
    reader.follow("own_executable.md", only_write=True)
    command = shlex.join([sys.executable, PROGRAMS[role]])
    with find_target(role, command, Wanted(reader.folder / "mine")) as target:
        report = conform(target, checks)
    report.raise_if_broken()
    assert report.count(State.HOLDS) > len(report.outcomes) / 2


def test_every_how_to_is_followed_by_a_test():
    followed = set(re.findall(r'reader\.follow\("(\w+\.md)"', Path(__file__).read_text()))
    assert followed == {path.name for path in HOWTOS.glob("*.md")}


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
