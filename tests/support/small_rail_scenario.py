"""Writes a small scenario by rail around `small_rail_agents` into a folder."""

import json
import shutil
from pathlib import Path

from small_scenario import HERE, _agent, _dump, _entry

RAIL_AGENTS = ("power_operator", "transport_operator", "coordinator")


def write_small_rail_scenario(folder: Path, *, session=None, power=None, transport=None, broker=None) -> Path:
    """Return the folder of a runnable scenario; the keyword arguments change single keys; no reports, as `small_scenario`."""
    scenario = folder / "small_rail"
    for agent in RAIL_AGENTS:
        (scenario / agent).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "small_rail_agents.py", scenario / "small_rail_agents.py")
    base = {
        "schema_version": 1,
        "world": "rail",
        "name": "small_rail",
        "periods": 4,
        "period_s": 3600,
        "rail_stations": ["a", "b"],
        "trains": [{"name": "k1", "home": "a"}],
        "trip_periods": [[0, 1], [1, 0]],
    }
    _dump(scenario / "scenario.yaml", base | (session or {}))
    limits = {"join_s": 20, "begin_s": 20, "answer_s": 20, "finish_s": 60}
    _dump(scenario / "broker.yaml", {"schema_version": 1, "limits": limits, "report": False} | (broker or {}))
    _dump(scenario / "power_operator/config.yaml", _agent("operator", "small_rail_agents:SmallRailPower", power))
    _dump(scenario / "transport_operator/config.yaml", _agent("operator", "small_rail_agents:SmallRailTransport", transport))
    _dump(scenario / "coordinator/config.yaml", _agent("algorithm", "small_rail_agents:SmallRailAlgorithm", None))
    entries = [_entry("broker", ".", "--config broker.yaml")]
    entries += [_entry(agent, agent, "--config config.yaml") for agent in RAIL_AGENTS]
    (scenario / "runner.json").write_text(json.dumps({"name": "small_rail", "federates": entries}, indent=1))
    return scenario
