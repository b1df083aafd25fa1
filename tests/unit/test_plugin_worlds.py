"""A class of the other world is one clear problem, not a list of settings that it does not know."""

import pytest
import yaml
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.runs.check import check_scenario
from federates.runs.in_process import run_in_process

CASES = {
    "the rail's power operator on the road": (write_small_scenario, "power_operator", "unit_commitment", "rail", "road"),
    "the rail's transport operator on the road": (
        write_small_scenario,
        "transport_operator",
        "time_space_network",
        "rail",
        "road",
    ),
    "the road's power operator by rail": (write_small_rail_scenario, "power_operator", "charging_station", "road", "rail"),
    "the road's transport operator by rail": (write_small_rail_scenario, "transport_operator", "joint_graph", "road", "rail"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_only_problem(tmp_path, case):
    write, agent, name, works, world = CASES[case]
    scenario = write(tmp_path)
    settings = {"one_key": 1, "another_key": 2}
    (scenario / agent / "config.yaml").write_text(yaml.safe_dump({"schema_version": 1, "operator": name, "settings": settings}))
    for attempt in (check_scenario, run_in_process):
        with pytest.raises(ConfigError) as caught:
            attempt(scenario)
        (problem,) = caught.value.problems
        assert (problem.field, problem.value) == ("operator", repr(name))
        assert problem.file.endswith(f"{agent}/config.yaml")
        assert problem.allowed == f"works in the world {works} only, not in this scenario, whose world is {world}"
    assert not (scenario / "results").exists()
