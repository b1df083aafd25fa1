"""A federation in one process: order of events, results, and failures that name their culprit."""

import json
import threading
import time

import pandas as pd
import pytest
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError, FederationError
from federates.runs import in_process
from federates.runs.in_process import run_in_process
from federates.runs.reports import write_run_report


def test_a_run_leaves_its_tables_and_a_complete_record(tmp_path):
    folder = run_in_process(write_small_scenario(tmp_path, broker={"report": True}))
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete"
    assert set(record["agents"]) == {"coordinator", "power_operator", "transport_operator", "traffic_sumo"}
    assert (folder / "report.html").exists()
    assert sorted(path.stem for path in folder.glob("report-*.html")) == sorted(f"report-{agent}" for agent in record["agents"])
    assert [path for path in [folder, *folder.rglob("*")] if path.stat().st_mode & 0o077] == []
    assert json.loads((folder / "coordinator/outcome.json").read_text()) == {"status": "complete"}
    schedule = pd.read_parquet(folder / "coordinator/schedule.parquet")
    moved = pd.read_parquet(folder / "traffic_sumo/moved.parquet")
    assert schedule.groupby("period").vehicles.sum().tolist() == moved.vehicles.tolist()
    # Closed form: each pair sends min(need, worth / slope) = min(12, 8) vehicles.
    assert schedule.vehicles.tolist() == [8] * 6
    # At the optimum the settled price is the marginal cost of the eighth vehicle, slope x 8, which is its worth to the other.
    assert schedule.price_usd_per_veh.to_numpy() == pytest.approx(8.0, rel=0.05)


def test_every_observation_reaches_its_operator_in_order(tmp_path):
    folder = run_in_process(write_small_scenario(tmp_path, session={"periods": 5}))
    for agent in ("power_operator", "transport_operator"):
        assert pd.read_parquet(folder / agent / "seen.parquet").period.tolist() == [0, 1, 2, 3, 4]


def test_two_runs_are_identical_but_for_wall_times(tmp_path):
    scenario = write_small_scenario(tmp_path)
    first, second = (run_in_process(scenario) for _ in range(2))
    names = sorted(p.relative_to(first) for p in first.glob("*/*.parquet") if p.stem != "timings")
    assert len(names) >= 5
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(first / name), pd.read_parquet(second / name))


def test_an_operator_without_a_plan_ends_the_run_and_is_named(tmp_path):
    scenario = write_small_scenario(tmp_path, power={"fault": "raise", "fault_period": 2})
    with pytest.raises(FederationError, match="power_operator: no feasible plan"):
        run_in_process(scenario)
    folder = next((scenario / "results").iterdir())
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed"
    assert "power_operator: no feasible plan" in record["failure"]
    # What was written before the failure is still there.
    schedule = pd.read_parquet(folder / "coordinator/schedule.parts")
    assert schedule.period.unique().tolist() == [0, 1]


def test_an_agent_that_never_comes_back_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(in_process, "_GRACE_S", 0.5)
    scenario = write_small_scenario(tmp_path, power={"fault": "sleep"}, broker={"limits": {"answer_s": 1, "period_s": 1}})
    started_s = time.monotonic()
    with pytest.raises(FederationError, match=r"power_operator: .* took longer than 1 s"):
        run_in_process(scenario)
    assert time.monotonic() < started_s + 15.0, "it sleeps for longer"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "power_operator")


def test_a_scheme_is_one_setting(tmp_path):
    folder = run_in_process(write_small_scenario(tmp_path), {"scheme": "no_mves"})
    assert pd.read_parquet(folder / "coordinator/schedule.parquet").vehicles.sum() == 0
    folder = run_in_process(write_small_scenario(tmp_path), {"scheme": "fastest_route"})
    assert pd.read_parquet(folder / "coordinator/schedule.parquet").vehicles.tolist() == [12] * 6


def test_an_unknown_scheme_is_refused_before_anything_starts(tmp_path):
    scenario = write_small_scenario(tmp_path)
    with pytest.raises(ConfigError, match="scheme"):
        run_in_process(scenario, {"scheme": "fastest"})


def test_a_run_without_reports_has_its_tables_and_headline_and_can_be_reported(tmp_path):
    folder = run_in_process(write_small_scenario(tmp_path, broker={"report": False}))
    assert not list(folder.glob("*.html"))
    assert json.loads((folder / "run.json").read_text())["headline"]
    assert write_run_report(folder).stat().st_size > 10_000
