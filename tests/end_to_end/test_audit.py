"""The audit in real processes: a clean run is clean, and every leak is caught by the check that is meant for it."""

import json
import shutil
import subprocess

import pandas as pd
import pytest
import yaml
from small_rail_scenario import write_small_rail_scenario
from small_scenario import HERE, write_small_scenario
from typer.testing import CliRunner

from federates.audit.audit import audit_run
from federates.boundary.errors import ConfigError, FederationError
from federates.cli.app import app
from federates.runs.in_process import run_in_process

COMMANDS = {
    "portage": lambda scenario: ["python", "-m", "federates.cli", "run", str(scenario)],
    "helics": lambda scenario: ["helics", "run", "--path", str(scenario / "runner.json")],
}


def run(scenario, environment, command="portage"):
    words = COMMANDS[command](scenario)
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout, next((scenario / "results").iterdir())


def audit(folder):
    """Return what `portage audit RUN --json` says of a run; the command itself has tests of its own."""
    return json.loads(json.dumps(audit_run(folder).as_json()))


def read(folder, name):
    return json.loads((folder / name).read_text())


def with_spy(scenario, mode):
    """Add a process that has the run's key and subscribes to what only the coordinator may read."""
    (scenario / "spy").mkdir()
    shutil.copy(HERE / "spy.py", scenario / "spy" / "spy.py")
    runner = json.loads((scenario / "runner.json").read_text())
    runner["federates"].append({"name": "spy", "directory": "spy", "host": "localhost", "exec": f"python -u spy.py {mode}"})
    (scenario / "runner.json").write_text(json.dumps(runner))
    return scenario


def leaky(tmp_path, leak, **broker):
    scenario = write_small_scenario(tmp_path, power={"leak": leak}, broker=broker)
    # One file, for an agent that imports a second one from the scenario would be noticed for that.
    parts = [(HERE / name).read_text() for name in ("small_agents.py", "leaky_agents.py")]
    text = "".join(parts).replace("from small_agents import PowerSettings, SmallPower\n", "")
    (scenario / "leaky_agents.py").write_text(text)
    config = scenario / "power_operator/config.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"operator": "leaky_agents:LeakyPower"}))
    return scenario


def expected_messages(periods, commands, world):
    """Count the messages of each topic from the commands of each negotiation, by the protocol of docs/boundary.md.

    ``commands`` has one row per round. Every period is opened and committed, and opened once more at the end, where all stop.
    """
    asked = commands.isin(["solve", "relax"]).sum()
    evaluated, rounds = (commands == "evaluate").sum(), len(commands)
    quantity, price, slope = {
        "road": ("delivery_veh", "delivery_price_usd_per_veh", "delivery_slope_usd_per_veh"),
        "rail": ("connection", "connection_price_usd", "connection_slope_usd"),
    }[world]
    operators = ("power_operator", "transport_operator")
    opened = {
        "power_operator": {"road": ("gate_time_s", "gate_spots"), "rail": ()}[world],
        "transport_operator": {"road": ("station_travel_time_s",), "rail": ("train_ready",)}[world],
    }
    counts = {"coordinator/command": rounds + periods + (periods + 1) + 1}
    for agent, partner in zip(operators, reversed(operators), strict=True):
        counts |= {f"coordinator/{agent}/session": 1, f"coordinator/{agent}/{price}": asked}
        counts |= {f"coordinator/{agent}/{quantity}": evaluated + periods}
        counts |= dict.fromkeys((f"{agent}/{name}" for name in (quantity, slope, "cost_usd")), rounds)
        counts |= dict.fromkeys((f"{agent}/{name}" for name in opened[agent]), periods + 1)
        counts |= dict.fromkeys((f"coordinator/{partner}/{name}" for name in opened[agent]), periods + 1)
    if world == "road":
        links = ("link_flow_veh_per_h", "link_density_veh_per_km", "link_speed_m_per_s", "link_travel_time_s")
        seen = (*links, "power_operator/station_passing_veh", "power_operator/station_arrivals_veh")
        counts |= {"coordinator/traffic_sumo/session": 1}
        counts |= dict.fromkeys(("transport_operator/departures", *(f"traffic_sumo/{name}" for name in seen)), periods)
    return {key: int(count) for key, count in counts.items() if count}


def test_a_clean_run_on_the_road_is_clean_and_every_message_is_counted(tmp_path, environment):
    code, output, folder = run(write_small_scenario(tmp_path), environment)
    assert code == 0, output
    rounds = pd.read_parquet(folder / "coordinator/rounds.parquet")
    expected = expected_messages(3, rounds["command"], "road")
    found = audit(folder)
    assert (found["outcome"], found["breaches"], found["not_recorded"]) == ("clean", [], [])
    assert {told["topic"]: told["messages"] for agent in found["agents"] for told in agent["told"]} == expected
    assert f"Audit: 4 agents, {len(expected)} topics, {sum(expected.values())} messages, nothing outside the table" in output
    assert read(folder, "run.json")["audit"]["clean"]
    # One price per pair of stations and period of the horizon: (1, 2, 2).
    prices = next(t for t in found["agents"][0]["told"] if t["topic"] == "coordinator/power_operator/delivery_price_usd_per_veh")
    assert prices["numbers"] == 4 * prices["messages"]
    assert prices["receivers"] == ["power_operator"]


@pytest.mark.long
def test_a_clean_run_by_rail_is_clean_and_every_message_is_counted(tmp_path, environment):
    code, output, folder = run(write_small_rail_scenario(tmp_path), environment, "helics")
    assert code == 0, output
    # The small algorithm negotiates once: relax, solve, evaluate, solve, evaluate.
    commands = pd.Series(["relax", "solve", "evaluate", "solve", "evaluate"])
    found = audit(folder)
    assert found["breaches"] == []
    told = {told["topic"]: told["messages"] for agent in found["agents"] for told in agent["told"]}
    assert told == expected_messages(4, commands, "rail")


@pytest.mark.long
def test_a_spy_that_joins_with_the_agents_is_refused_before_anything_is_said(tmp_path, environment):
    scenario = with_spy(write_small_scenario(tmp_path), "start")
    code, _, folder = run(scenario, environment, "helics")
    assert code != 0
    said = ["spy has joined, but is no agent of this run", "spy listens to power_operator/cost_usd; only coordinator may"]
    seen = read(folder, "graph.json")["breaches"]
    # The broker may see it join before it sees what it listens to; either ends the run.
    assert seen in (said, said[:1])
    assert read(folder, "run.json")["failure"] == f"audit: {'; '.join(seen)}"
    assert "the spy is in" not in (scenario / "spy.log").read_text()
    # The start barrier was never opened: not even the public agreement was sent.
    assert not list(folder.glob("*/ledger*"))


def test_portage_run_starts_nothing_beside_the_agents(tmp_path):
    """It checks the scenario first, as `portage check` does."""
    scenario = with_spy(write_small_scenario(tmp_path), "start")
    said = CliRunner().invoke(app, ["run", str(scenario)])
    assert isinstance(said.exception, ConfigError)
    assert "federates = name 'spy'" in str(said.exception)
    assert not (scenario / "results").exists()


def test_a_spy_that_joins_late_ends_the_run(tmp_path, environment):
    """HELICS admits an observer at any time, whatever the publication allows; the broker sees it at its next look."""
    scenario = with_spy(write_small_scenario(tmp_path, session={"periods": 10_000}), "late")
    code, _, folder = run(scenario, environment, "helics")
    assert code != 0
    assert "the spy is in" in (scenario / "spy.log").read_text()
    assert "audit: spy has joined, but is no agent of this run" in (scenario / "broker.log").read_text()
    assert "spy has joined, but is no agent of this run" in read(folder, "graph.json")["breaches"]
    found = audit(folder)
    assert {(breach["check"], breach["agent"]) for breach in found["breaches"]} == {("wire", "spy")}


@pytest.mark.parametrize("leak", [pytest.param("topic_at_start", marks=pytest.mark.long), "topic_later"])
def test_an_extra_topic_ends_the_run(tmp_path, environment, leak):
    scenario = leaky(tmp_path, leak)
    session = yaml.safe_load((scenario / "scenario.yaml").read_text())
    (scenario / "scenario.yaml").write_text(yaml.safe_dump(session | {"periods": 10_000}))
    code, output, folder = run(scenario, environment)
    assert code == 1
    assert "audit: power_operator publishes power_operator/margin_usd, which is not in the topic table" in output
    found = audit(folder)
    assert {breach["check"] for breach in found["breaches"]} == {"wire"}
    assert any("traffic_sumo listens to power_operator/margin_usd" in b["said"] for b in found["breaches"])


@pytest.mark.long
def test_a_number_hidden_in_a_message_of_the_wrong_shape_ends_the_run(tmp_path, environment):
    code, output, folder = run(leaky(tmp_path, "shape"), environment)
    assert code == 1
    assert "power_operator sent what the topic table does not allow: power_operator/cost_usd: 4 values" in output
    found = audit(folder)
    assert [(b["check"], b["agent"]) for b in found["breaches"]] == [("ledger.shape", "power_operator")]
    assert "48 bytes" in found["breaches"][0]["said"]


def test_a_message_that_its_sender_did_not_write_down_is_found(tmp_path):
    scenario = leaky(tmp_path, "unwritten")
    said = "power_operator/gate_time_s: power_operator has 4 messages, coordinator 5"
    with pytest.raises(FederationError, match=said):
        run_in_process(scenario)
    folder = next((scenario / "results").iterdir())
    assert read(folder, "run.json")["status"] == "failed"
    assert [(b["check"], b["agent"]) for b in audit(folder)["breaches"]] == [("ledger.count", "power_operator")]


def test_opening_a_partners_file_is_found(tmp_path, environment):
    code, output, folder = run(leaky(tmp_path, "file", audit={"sandbox": "off"}), environment)
    assert code == 1
    assert "audit: power_operator read" in output
    found = audit(folder)
    assert [(b["check"], b["agent"]) for b in found["breaches"]] == [("files.outside", "power_operator")]
    assert "transport_operator/config.yaml, which is transport_operator's" in found["breaches"][0]["said"]


def test_what_was_not_recorded_is_said(tmp_path):
    off = {"audit": {"ledger": False, "files": False, "sandbox": "off"}}
    folder = run_in_process(write_small_rail_scenario(tmp_path, broker=off))
    assert "2 things were not recorded" in read(folder, "run.json")["headline"][-1]
    found = audit(folder)
    assert found["messages"] == 0
    assert [said.split(":")[0] for said in found["not_recorded"]] == ["messages", "opened files"]
    said = CliRunner().invoke(app, ["audit", str(folder)])
    assert said.exit_code == 0
    assert "not recorded: messages: no ledger was kept (audit.ledger is off in broker.yaml" in said.output
