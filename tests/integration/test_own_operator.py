"""The operator of docs/own_operator.md, as it stands there, in the Los Angeles scenario."""

import re
import shutil
from pathlib import Path

import pandas as pd
import yaml

from federates.runs.in_process import run_in_process

ROOT = Path(__file__).parents[2]


def test_the_operator_of_the_how_to_runs_in_the_la_scenario(tmp_path):
    page = (ROOT / "docs/own_operator.md").read_text()
    code, notebook = re.findall(r"```python\n(.*?)```", page, re.S)
    config = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.S).group(1))
    shutil.copy(ROOT / "broker.yaml", tmp_path / "broker.yaml")
    scenario = tmp_path / "scenarios/la_gcs"
    shutil.copytree(ROOT / "scenarios/la_gcs", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    (scenario / "power_operator/my_operator.py").write_text(code)
    (scenario / "power_operator/config.yaml").write_text(yaml.safe_dump(config))
    assert "run_in_process" in notebook
    folder = run_in_process(scenario, {"periods": 1, "start_hour": 2}, {"traffic_sumo": {"engine": "libsumo"}})
    schedule = pd.read_parquet(folder / "coordinator/schedule.parquet")
    # It is worth 40 dollars a vehicle to it, and the road costs less: all 12 per pair are sent.
    assert schedule.vehicles.tolist() == [12, 12, 12, 12]
    assert (folder / "report.html").exists()
