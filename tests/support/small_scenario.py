"""Writes a small scenario around `small_agents` into a folder."""

import json
import shutil
from pathlib import Path

import yaml

HERE = Path(__file__).parent
AGENTS = ("power_operator", "transport_operator", "traffic_sumo", "coordinator")


def write_small_scenario(folder: Path, *, session=None, power=None, coordinator=None, broker=None) -> Path:
    """Return the folder of a runnable scenario; the keyword arguments change single keys.

    Runs of it write no reports, whose figures take longer than the run: ``broker={"report": True}`` makes them.
    """
    scenario = folder / "small"
    for agent in AGENTS:
        (scenario / agent).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "small_agents.py", scenario / "small_agents.py")
    base = {
        "schema_version": 1,
        "name": "small",
        "periods": 3,
        "period_s": 3600,
        "horizon_periods": 2,
        "bins_per_period": 2,
        "resourceful_stations": ["r1"],
        "limited_stations": ["q1", "q2"],
        "links": ["a", "b"],
    }
    _dump(scenario / "scenario.yaml", base | (session or {}))
    limits = {"join_s": 20, "begin_s": 5, "answer_s": 20, "period_s": 20, "finish_s": 60}
    _dump(folder / "broker.yaml", {"schema_version": 1, "limits": limits, "report": False} | (broker or {}))
    _dump(scenario / "power_operator/config.yaml", _agent("operator", "small_agents:SmallPower", power))
    _dump(scenario / "transport_operator/config.yaml", _agent("operator", "small_agents:SmallTransport", None))
    _dump(scenario / "traffic_sumo/config.yaml", _agent("model", "small_agents:SmallTraffic", None))
    _dump(scenario / "coordinator/config.yaml", _agent("algorithm", "ocd", coordinator))
    entries = [_entry("broker", ".", "--config ../broker.yaml")]
    entries += [_entry(agent, agent, "--config config.yaml") for agent in AGENTS]
    (scenario / "runner.json").write_text(json.dumps({"name": "small", "federates": entries}, indent=1))
    return scenario


def _entry(name, directory, options):
    return {"name": name, "directory": directory, "host": "localhost", "exec": f"python -u -m federates.{name} {options}"}


def _agent(key, name, settings):
    return {"schema_version": 1, key: name, "settings": settings or {}}


def _dump(path: Path, data) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False))
