"""A small scenario whose sweeps have a method of their own, and the files of such sweeps."""

from pathlib import Path

import yaml
from small_scenario import write_small_scenario

SLOPE, NEED = "transport_operator.settings.slope", "power_operator.settings.need"

STUDY = """
import os, time
from pathlib import Path
import yaml

def settings(scenario, agent):
    return yaml.safe_load((scenario / agent / "config.yaml").read_text())["settings"]

def cost(scenario, *, wait_s=0.0, log=""):
    slope = settings(scenario, "transport_operator").get("slope", 1.0)
    need = settings(scenario, "power_operator").get("need", 12.0)
    if log:
        with open(log, "a") as stream:
            stream.write(f"{slope} {need}\\n")
    time.sleep(wait_s)
    if slope == 13:
        raise ValueError(f"thirteen in {scenario}/transport_operator")
    if slope == 66:
        os._exit(3)
    public = yaml.safe_load((scenario / "scenario.yaml").read_text())
    return {"total_cost_usd": slope * need, "seen": public["scheme"], "seed": public.get("seed", 0), "curve": [slope, need]}
"""


def write_study(folder: Path) -> Path:
    """Write the scenario with its method into ``folder``, and return that."""
    (write_small_scenario(folder) / "study.py").write_text(STUDY)
    return folder


def write(place: Path, name: str = "sweep.yaml", **changes) -> Path:
    """Write the file of a sweep, with ``changes`` of its keys, and return it."""
    base = {"schema_version": 1, "scenario": "small", "method": "study:cost", "vary": {SLOPE: [1, 2, 3]}, "output": "out"}
    (place / name).write_text(yaml.safe_dump(base | changes, sort_keys=False))
    return place / name
