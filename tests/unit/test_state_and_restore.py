"""A class that keeps its own state must know how to go on with it: said before a run starts, not after a crash."""

import pytest
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.runs.check import check_scenario

CLASSES = """
from small_agents import SmallPower

class Half(SmallPower):
    def state(self):
        return {}

class Whole(Half):
    def restore(self, state):
        pass
"""


def test_a_state_without_restore_is_refused_before_the_start(tmp_path):
    scenario = write_small_scenario(tmp_path)
    (scenario / "power_operator" / "own.py").write_text(CLASSES)
    with pytest.raises(ConfigError, match="the class must define: restore, for it has state"):
        check_scenario(scenario, use={"power_operator": "own:Half"})
    check_scenario(scenario, use={"power_operator": "own:Whole"})
