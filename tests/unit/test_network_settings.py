"""What the key `network` of a scenario may be, and one clear line for what it may not."""

import json
from pathlib import Path

import pytest
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.boundary.network import CLASSES, NetworkSettings
from federates.runs.check import check_scenario
from federates.runtime.agent import load_session

LA = Path(__file__).parents[2] / "scenarios/la_gcs/scenario.yaml"

BAD = [
    ("pigeon", "network.everyone", "must be some of the classes fibre, cellular, satellite, air, vehicle_to_vehicle"),
    ("{uses: {power_operator: pigeon}}", "network.uses.power_operator", "must be some of the classes fibre"),
    ("{uses: {nobody: air}}", "network.uses.nobody", "must be some of coordinator, power_operator"),
    ("{classes: {bad: {loss: 1.2}}}", "network.classes.bad.loss", "less than 1"),
    ("{classes: {bad: {loss: 1}}}", "network.classes.bad.loss", "less than 1"),
    ("{classes: {bad: {latency_s: -0.1}}}", "network.classes.bad.latency_s", "greater than or equal to 0"),
    ("{classes: {bad: {duplication: 2}}}", "network.classes.bad.duplication", "less than or equal to 1"),
    ("{coverage: {air: {I5S_ELA-I710: [[0, 1.5]]}}}", "network.coverage.air.I5S_ELA-I710.0.1", "less than or equal to 1"),
    ("{coverage: {air: {I5S_ELA-I710: [[0.5, 0.2]]}}}", "network.coverage.air.I5S_ELA-I710", "from, below to"),
    ("{coverage: {air: {A1: [[0, 1]]}}}", "network.coverage.air.A1", "must be some of I110S_I5-US101"),
    ("{coverage: {pigeon: {}}}", "network.coverage.pigeon", "must be some of the classes"),
    ("{roads: {mars: {}}}", "network.roads.mars", "must be some of"),
    ("{deadline_s: 0}", "network.deadline_s", "greater than 0"),
    ("{late: perhaps}", "network.late", "'arrives' or 'lost'"),
    ("{clases: {}}", "network.clases", "did you mean 'classes'?"),
    ("{uses: [1", "network", "must be the name of a class"),
]


@pytest.mark.parametrize(("text", "field", "allowed"), BAD)
def test_what_is_wrong_is_said_in_one_line_with_file_field_value_and_what_is_allowed(text, field, allowed):
    with pytest.raises(ConfigError) as caught:
        load_session(LA, {"network": text}, shown_as="scenario.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.field) == ("scenario.yaml with --set", field)
    assert allowed in problem.allowed
    assert str(problem).count("\n") == 0


def test_a_session_without_a_network_reads_as_it_always_did():
    assert "network" not in load_session(LA).model_dump_json()
    assert "network" not in load_session(LA).view("power_operator").model_dump()
    assert load_session(LA, {"network": "satellite"}).view("power_operator").network.everyone == "satellite"


def test_who_is_not_named_uses_the_class_of_everyone_and_the_coordinator_fibre():
    network = NetworkSettings(everyone="air", uses={"a": "satellite"})
    assert [network.class_of(agent) for agent in ("a", "b", "coordinator")] == ["satellite", "air", "fibre"]
    assert NetworkSettings(uses={"coordinator": "air"}).class_of("coordinator") == "air"


def test_a_satellite_is_no_nearer_than_light_allows():
    assert CLASSES["satellite"].latency_s >= 2 * 35_786e3 / 299_792_458


def test_an_executable_hears_everything_so_it_takes_part_in_no_run_with_a_network(tmp_path):
    scenario = write_small_scenario(tmp_path)
    runner = json.loads((scenario / "runner.json").read_text())
    (entry,) = (e for e in runner["federates"] if e["name"] == "power_operator")
    entry["exec"] = "python -m federates.executable power_operator -- true"
    (scenario / "runner.json").write_text(json.dumps(runner))
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario, {"network": "air"})
    (problem,) = (p for p in caught.value.problems if p.field == "network")
    assert problem.file.endswith("scenario.yaml")
    assert "power_operator is an executable" in problem.allowed
