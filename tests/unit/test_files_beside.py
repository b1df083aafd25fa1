"""Python files of one's own in a scenario: a class in two files, names of libraries, and a class derived from a shipped one."""

import shutil
from pathlib import Path

import pytest
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.conformance.find_target import Wanted, find_target
from federates.runs.check import check_scenario
from federates.runs.scenario import load_scenario
from federates.runs.shadowing import shadowing_problems
from federates.runtime.plugins import load_agent
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator

LA = Path(__file__).parents[2] / "scenarios" / "la_gcs"


def split_in_two(scenario, agent, cls, share):
    folder = scenario / agent
    (folder / "helper.py").write_text(f"SHARE = {share}\n")
    (folder / "mine.py").write_text(
        f"from helper import SHARE\nfrom small_agents import {cls}\n\n\nclass Mine({cls}):\n    share = SHARE\n"
    )
    return folder / "config.yaml"


def test_a_class_may_import_a_file_beside_it_and_each_agent_has_its_own(tmp_path):
    scenario = write_small_scenario(tmp_path)
    power = split_in_two(scenario, "power_operator", "SmallPower", 1)
    transport = split_in_two(scenario, "transport_operator", "SmallTransport", 2)
    found = [
        load_agent("power_operator", Role.POWER_OPERATOR, power, use="mine:Mine"),
        load_agent("transport_operator", Role.TRANSPORT_OPERATOR, transport, use="mine:Mine"),
        load_agent("power_operator", Role.POWER_OPERATOR, power, use="mine:Mine"),
    ]
    assert [agent.cls.share for agent in found] == [1, 2, 1]
    with pytest.raises(ModuleNotFoundError):
        __import__("helper")  # nothing of it is left where others import


def test_a_file_that_is_not_there_is_named(tmp_path):
    scenario = write_small_scenario(tmp_path)
    config = split_in_two(scenario, "power_operator", "SmallPower", 1)
    (scenario / "power_operator/helper.py").unlink()
    with pytest.raises(ConfigError, match="No module named 'helper'"):
        load_agent("power_operator", Role.POWER_OPERATOR, config, use="mine:Mine")


@pytest.mark.parametrize(
    "path", ["csv.py", "power_operator/numpy.py", "coordinator/helics.py", "traffic_sumo/json/__init__.py", "federates.py"]
)
def test_a_module_with_the_name_of_a_library_is_named(tmp_path, path):
    scenario = write_small_scenario(tmp_path)
    (scenario / path).parent.mkdir(exist_ok=True)
    (scenario / path).write_text("")
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario)
    (problem,) = caught.value.problems
    assert problem.file.endswith(path.removesuffix("/__init__.py"))
    assert "in place of the library" in problem.allowed


def test_other_modules_are_fine(tmp_path):
    scenario = write_small_scenario(tmp_path)
    for name in ("my_operator.py", "helper.py", "power_operator/mine.py"):
        (scenario / name).write_text("")
    (scenario / "power_operator/json").mkdir()  # a folder without __init__.py hides nothing
    assert shadowing_problems(load_scenario(scenario).entries) == []


def test_a_subclass_of_a_shipped_class_is_tested_with_the_scenarios_settings(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from federates.transport_operator.models.joint_graph.operator import JointGraphOperator\n\n\n"
        "class Mine(JointGraphOperator):\n    pass\n"
    )
    scenario = tmp_path / "la"
    shutil.copytree(LA, scenario, ignore=shutil.ignore_patterns("results"))
    shutil.copy(LA.parents[1] / "broker.yaml", tmp_path / "broker.yaml")
    runner = scenario / "runner.json"
    runner.write_text(runner.read_text().replace("../../broker.yaml", "../broker.yaml"))
    target = find_target(Role.TRANSPORT_OPERATOR, f"{file}:Mine", Wanted(scenario))
    assert isinstance(target.settings, JointGraphOperator.Settings)
    assert target.settings.stations["q1"].junction == "J5_605"
