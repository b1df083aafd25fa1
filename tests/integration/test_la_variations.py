"""The operator of docs/howto/own_class.md, as it stands there, in the Los Angeles scenario with its other agents."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from quick_runs import quick_run

from federates.runs.in_process import run_in_process

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_operator_of_the_how_to_runs_in_the_la_scenario(tmp_path):
    page = (ROOT / "docs/howto/own_class.md").read_text()
    code = re.search(r"```python title=mine/power_operator/my_power.py\n(.*?)```", page, re.S).group(1)
    config = yaml.safe_load(re.search(r"```yaml title=mine/power_operator/config.yaml\n(.*?)```", page, re.S).group(1))
    shutil.copy(ROOT / "broker.yaml", tmp_path / "broker.yaml")
    scenario = tmp_path / "scenarios/la_gcs"
    shutil.copytree(ROOT / "scenarios/la_gcs", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    (scenario / "power_operator/my_power.py").write_text(code)
    (scenario / "power_operator/config.yaml").write_text(yaml.safe_dump(config))
    folder = run_in_process(scenario, {"periods": 1, "start_hour": 2}, {"traffic_sumo": {"engine": "libsumo"}})
    schedule = pd.read_parquet(folder / "coordinator/schedule.parquet")
    # It is worth 40 dollars a vehicle to it, and the road costs less: all 12 per pair are sent.
    assert schedule.vehicles.tolist() == [12, 12, 12, 12]
    assert (folder / "report.html").exists()


def test_quarter_hours_across_midnight(tmp_path):
    """Periods of 15 minutes, from 23 h on into the next day: same agents, same tables, no overload left to speak of."""
    shutil.copy(ROOT / "broker.yaml", tmp_path / "broker.yaml")
    scenario = tmp_path / "scenarios/la_gcs"
    shutil.copytree(ROOT / "scenarios/la_gcs", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    changes = {"period_s": 900, "periods": 8, "start_hour": 23, "horizon_periods": 6}
    folder = quick_run(scenario, changes, {"traffic_sumo": {"engine": "libsumo"}})
    links = pd.read_parquet(folder / "traffic_sumo/link_state.parquet")
    given = pd.read_csv(scenario / "traffic_sumo/data/la_links_hourly.csv").set_index(["link", "hour"]).flow_vph
    for (link, period), flow in links.set_index(["link", "period"]).flow_veh_per_h.items():
        hour = 23 if period < 4 else 0
        assert abs(flow - given[link, hour]) < 0.25 * given[link, hour] + 150, (link, period)
    load = pd.read_parquet(folder / "power_operator/feeder_load.parquet")
    assert load.duration_s.unique().tolist() == [225.0]
    assert load.time_s.max() == 8 * 900 - 225
    schedule = pd.read_parquet(folder / "coordinator/schedule.parquet")
    assert schedule.period.nunique() == 8
    assert schedule.groupby("period").agreed.first().mean() >= 0.7
