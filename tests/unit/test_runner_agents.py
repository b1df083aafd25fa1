"""Who takes part in a run: the broker reads it from runner.json, and the world follows from it."""

import json

import pytest

from federates.boundary.errors import ConfigError
from federates.boundary.names import RAIL, ROAD
from federates.runs.scenario import agents_of
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity

OPERATORS = ("coordinator", "power_operator", "transport_operator")


def runner(tmp_path, names):
    path = tmp_path / "runner.json"
    path.write_text(json.dumps({"name": "x", "federates": [{"name": name} for name in names]}))
    return path


@pytest.mark.parametrize(("agents", "world"), [((*OPERATORS, "traffic_sumo"), ROAD), (OPERATORS, RAIL)])
def test_agents_are_counted_whatever_their_order(tmp_path, agents, world):
    # Another process, such as an observer of one's own, is no agent.
    found = agents_of(runner(tmp_path, ["broker", "observer", *reversed(agents)]))
    assert found == agents
    identity = RunIdentity("id", str(tmp_path), str(tmp_path), 24000, "key", BrokerConfig(schema_version=1), found)
    identity.write(tmp_path / "identity.json")
    read = RunIdentity.read(tmp_path / "identity.json")
    assert read == identity
    assert read.world is world


@pytest.mark.parametrize(
    "names", [[], ["coordinator", "power_operator"], ["power_operator", "transport_operator", "traffic_sumo"]]
)
def test_agents_of_no_world_are_refused(tmp_path, names):
    with pytest.raises(
        ConfigError, match="must be coordinator, power_operator, transport_operator, and on the road traffic_sumo"
    ):
        agents_of(runner(tmp_path, names))


def test_a_missing_runner_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"day\.json: .* or named by --runner"):
        agents_of(tmp_path / "day.json")
