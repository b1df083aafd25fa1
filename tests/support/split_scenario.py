"""A shipped scenario with one of its agents split into two, each with a part of the session: by configuration alone."""

import json
import shutil
from pathlib import Path

import yaml


def split_agent(scenario: Path, agent: str, key: str, parts: dict[str, list[str]], settings: dict | None = None) -> None:
    """Replace ``agent`` by those of ``parts`` (name: entries of the session's ``key``), each with a copy of its folder."""
    session = yaml.safe_load((scenario / "scenario.yaml").read_text())
    runner = json.loads((scenario / "runner.json").read_text())
    names = [entry["name"] for entry in runner["federates"] if entry["name"] != "broker"]
    session["agents"] = [{"name": name, "role": name} for name in names if name != agent]
    session["agents"] += [{"name": name, "role": agent, "part": {key: own}} for name, own in parts.items()]
    (scenario / "scenario.yaml").write_text(yaml.safe_dump(session, sort_keys=False))
    for name in parts:
        shutil.copytree(scenario / agent, scenario / name)
        config = yaml.safe_load((scenario / name / "config.yaml").read_text())
        config["settings"] |= (settings or {}).get(name, {})
        (scenario / name / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    shutil.rmtree(scenario / agent)
    old = next(entry for entry in runner["federates"] if entry["name"] == agent)
    runner["federates"] = [entry for entry in runner["federates"] if entry is not old]
    runner["federates"] += [old | {"name": name, "directory": name} for name in parts]
    (scenario / "runner.json").write_text(json.dumps(runner, indent=1))
