"""Who takes part in a run: the broker reads it from runner.json, and the world follows from it."""

import json

import pytest
import yaml

from federates.boundary.errors import ConfigError
from federates.boundary.names import RAIL, ROAD
from federates.runs.scenario import agents_of
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity

NAMED = {
    "coordinator": "coordinator",
    "edison": "power_operator",
    "dwp": "power_operator",
    "transport_operator": "transport_operator",
    "traffic_sumo": "traffic_sumo",
}
OPERATORS = ("coordinator", "power_operator", "transport_operator")


def runner(tmp_path, names):
    path = tmp_path / "runner.json"
    path.write_text(json.dumps({"name": "x", "federates": [{"name": name} for name in names]}))
    return path


@pytest.mark.parametrize(("agents", "world"), [((*OPERATORS, "traffic_sumo"), ROAD), (OPERATORS, RAIL)])
def test_agents_are_counted_whatever_their_order(tmp_path, agents, world):
    # Another process, such as an observer of one's own, is no agent.
    found = agents_of(runner(tmp_path, ["broker", "observer", *reversed(agents)]))
    assert found == (world, dict(zip(agents, agents, strict=True)))
    assert tuple(found[1]) == agents
    identity = RunIdentity("id", str(tmp_path), str(tmp_path), 24000, "key", BrokerConfig(schema_version=1), *found)
    identity.write(tmp_path / "identity.json")
    assert RunIdentity.read(tmp_path / "identity.json") == identity


def test_the_public_agreement_says_who_takes_part(tmp_path):
    """Two power companies under names of their own; what the runner starts besides is no agent."""
    agents = [{"name": name, "role": role} for name, role in NAMED.items()]
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump({"world": "road", "agents": agents}))
    assert agents_of(runner(tmp_path, ["broker", "observer", *NAMED])) == (ROAD, NAMED)
    with pytest.raises(ConfigError, match=r"must be .*edison.*; edison is missing"):
        agents_of(runner(tmp_path, [name for name in NAMED if name != "edison"]))


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ([], "coordinator is missing, power_operator is missing, transport_operator is missing"),
        (["coordinator", "power_operator"], "transport_operator is missing"),
        (["power_operator", "transport_operator", "traffic_sumo"], "coordinator is missing"),
    ],
)
def test_agents_of_no_world_are_refused(tmp_path, names, missing):
    roles = OPERATORS + ("traffic_sumo",) * ("traffic_sumo" in names)
    with pytest.raises(ConfigError, match=f"must be .*: {', '.join(roles)}; {missing}"):
        agents_of(runner(tmp_path, names))


def test_a_missing_runner_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"day\.json: .* or named by --runner"):
        agents_of(tmp_path / "day.json")


def test_a_role_that_the_agreement_does_not_have_is_no_agent_of_it(tmp_path):
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump({"world": "rail"}))
    with pytest.raises(ConfigError, match="traffic_sumo is no agent there"):
        agents_of(runner(tmp_path, ["broker", *OPERATORS, "traffic_sumo"]))
