"""Another class in an agent's place: settings of several classes side by side, and the option ``--use``."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from quick_runs import quick_run
from small_scenario import write_small_scenario
from typer.testing import CliRunner

from federates.boundary.config import Config
from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.cli.app import app
from federates.runs import launch as launching
from federates.runs.check import check_scenario
from federates.runtime.plugins import load_agent
from federates.runtime.set_aside import set_aside

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SWAPS = [
    ("la_gcs", Role.TRAFFIC, "bpr", {"engine", "resolution", "truck_share"}),
    ("la_gcs", Role.COORDINATOR, "admm", {"update", "box_usd_per_veh", "step_factor", "halve_after"}),
    ("la_gcs", Role.TRANSPORT_OPERATOR, "fastest_route", {"routing", "stations.r1.service_s", "stations.q2.service_s"}),
    ("la_gcs", Role.POWER_OPERATOR, "price_taker", {"stations", "mves"}),
    ("ieee30", Role.COORDINATOR, "bundle", set()),
    ("ieee30", Role.POWER_OPERATOR, "copperplate_dispatch", set()),
]


class Site(Config):
    junction: str
    lanes: int = 1


class Mine(Config):
    sites: dict[str, Site]
    spans: tuple[Site, ...] = ()


class TheirSite(Config):
    junction: str
    ramps: int = 2


class Theirs(Config):
    sites: dict[str, TheirSite]
    spans: tuple[TheirSite, ...] = ()
    speed: float = 1.0


@pytest.mark.parametrize(
    ("scenario", "role", "cls", "aside"), SWAPS, ids=lambda value: "" if isinstance(value, set) else str(value)
)
def test_one_line_swaps_a_class(scenario, role, cls, aside):
    config = SCENARIOS / scenario / role.value / "config.yaml"
    loaded = load_agent(role, role, config, use=cls)
    assert loaded.name == cls
    assert aside <= loaded.set_aside.keys()
    given = yaml.safe_load(config.read_text())["settings"]
    # What is left is what the class itself says that it knows, and is what the file says.
    assert loaded.settings.model_fields_set == given.keys() & type(loaded.settings).model_fields
    assert not any(key in type(loaded.settings).model_fields for key in loaded.set_aside)


def test_the_named_class_sets_nothing_aside():
    for scenario in ("la_gcs", "ieee30"):
        for config in (SCENARIOS / scenario).glob("*/config.yaml"):
            assert load_agent(config.parent.name, config.parent.name, config).set_aside == {}


def test_keys_inside_mappings_and_rows_are_set_aside_where_only_the_other_knows_them():
    given = {"sites": {"a": {"junction": "j", "lanes": 3, "ramps": 1}}, "spans": [{"junction": "k", "ramps": 4}], "speed": 2.0}
    kept, aside = set_aside(given, Mine, {"theirs": Theirs})
    assert kept == {"sites": {"a": {"junction": "j", "lanes": 3}}, "spans": [{"junction": "k"}]}
    assert aside.of_others == dict.fromkeys(("sites.a.ramps", "spans.0.ramps", "speed"), ("theirs",))
    assert aside.unknown == []


def test_a_key_that_no_class_knows_is_refused_as_ever(tmp_path):
    folder = tmp_path / "traffic_sumo"
    shutil.copytree(SCENARIOS / "la_gcs/traffic_sumo", folder)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("truck_share", "truk_share").replace("demand_scale", "demand_scal"))
    with pytest.raises(ConfigError) as caught:
        load_agent("traffic_sumo", Role.TRAFFIC, config, use="bpr")
    fields = {problem.field: problem.allowed for problem in caught.value.problems}
    assert fields.keys() == {"settings.truk_share", "settings.demand_scal"}
    assert "did you mean 'demand_scale'" in fields["settings.demand_scal"]


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ({"traffic_sumo": "small_agents:SmallTrafic"}, "it defines:"),
        ({"coordinator": "posted_prise"}, "did you mean 'posted_price'?"),
        ({"trafic_sumo": "bpr"}, "did you mean 'traffic_sumo'?"),
        ({"power_operator": "elsewhere.py:Mine"}, "an agent reads nothing else"),
        ({"power_operator": "ocd"}, "installed:"),
        ({"power_operator": ""}, "must be AGENT=CLASS"),
        ({"power_operator": f"{'a' * 5000}.py:Mine"}, "the file must lie in"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, use, said):
    with pytest.raises(ConfigError) as caught:
        check_scenario(write_small_scenario(tmp_path), use=use)
    (problem,) = caught.value.problems
    assert problem.file == "command line"
    assert problem.field.startswith("--use")
    assert said in problem.allowed


def test_a_file_of_the_agents_folder_can_be_named(tmp_path, monkeypatch):
    scenario = write_small_scenario(tmp_path)
    shutil.copy(scenario / "small_agents.py", scenario / "power_operator/mine.py")
    monkeypatch.chdir(tmp_path)
    for name in ("small/power_operator/mine.py:SmallPower", "mine.py:SmallPower", "mine:SmallPower"):
        assert check_scenario(scenario, use={"power_operator": name}).use == {Role.POWER_OPERATOR: "mine:SmallPower"}
    assert check_scenario(scenario, use={"power_operator": "small_agents.py:SmallPower"}).use == {
        Role.POWER_OPERATOR: "small_agents:SmallPower"
    }


def test_an_agent_is_told_and_nobody_else(tmp_path, monkeypatch):
    found = check_scenario(write_small_scenario(tmp_path), use={"coordinator": "posted_price"})
    told = {}

    def spawn(entry, extra, *_):
        told[entry.name] = extra
        if entry.name == "coordinator":
            raise OSError("enough for the test")

    monkeypatch.setattr(launching, "_spawn", spawn)
    run = launching.Launch(found, type("Identity", (), {"run_folder": str(tmp_path)})())
    launching.start_processes(run, tmp_path / "identity.json", {"periods": "2"})
    assert told.pop("coordinator") == ["--set=periods=2", "--use=posted_price"]
    assert set(map(tuple, told.values())) == {()}


def test_a_run_in_this_process_uses_it_and_says_so(tmp_path):
    scenario = write_small_scenario(tmp_path, session={"periods": 1}, coordinator={"box_usd_per_veh": 3.0})
    folder = quick_run(scenario, use={"coordinator": "posted_price"})
    config = json.loads((folder / "coordinator/config.json").read_text())
    assert config["algorithm"] == "posted_price"
    assert "box_usd_per_veh" not in config["settings"]


def test_check_notes_what_is_not_used(tmp_path):
    scenario = write_small_scenario(tmp_path, coordinator={"box_usd_per_veh": 3.0})
    shown = CliRunner().invoke(app, ["check", str(scenario), "--use", "coordinator=admm"]).output
    assert "note:" in shown
    assert "admm does not use these settings, which are of ocd: box_usd_per_veh" in shown
    assert "note:" not in CliRunner().invoke(app, ["check", str(scenario)]).output
