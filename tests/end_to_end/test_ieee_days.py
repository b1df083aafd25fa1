"""The IEEE days by `helics run`, as a user starts them, checked from the tables they leave, with code of its own.

The 30-bus day runs in CI; the 118-bus day takes minutes: `python -m pytest -m long tests/end_to_end/test_ieee_days.py`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from private_values import leaks

from federates.boundary.names import RAIL
from federates.boundary.tables import tables_of

ROOT = Path(__file__).parents[2]
RAIL_TABLES = [table for table in tables_of(RAIL) if not table.exceptional]
GAP_TARGET = 0.005


def environment() -> dict[str, str]:
    return os.environ | {"PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}


def helics_run(top: Path, case: str, change=None) -> tuple[Path, str]:
    """Run a case in a copy of its scenario; return the run's folder and the broker's log."""
    scenario = top / "scenarios" / case
    shutil.copytree(ROOT / "scenarios" / case, scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    if change is not None:
        change(scenario)
    command = ["helics", "run", f"--path=scenarios/{case}/runner.json"]
    done = subprocess.run(command, cwd=top, env=environment(), capture_output=True, text=True, timeout=1200)
    logs = {path.stem: path.read_text() for path in scenario.glob("*.log")}
    assert done.returncode == 0, (done.stdout, logs)
    (folder,) = (scenario / "results").iterdir()
    return folder, logs["broker"]


@pytest.fixture(scope="module", params=["ieee30", pytest.param("ieee118", marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def day(request, tmp_path_factory):
    folder, log = helics_run(tmp_path_factory.mktemp(request.param), request.param)
    settings = yaml.safe_load((ROOT / "scenarios" / request.param / "power_operator/config.yaml").read_text())["settings"]
    return request.param, folder, log, settings


def read(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def test_the_run_is_complete(day):
    _, folder, log, _ = day
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete"
    assert set(record["agents"]) == {"coordinator", "power_operator", "transport_operator"}
    assert all(record["agents"].values())
    assert str(folder / "report.html") in log
    for name in ("capacity_and_routes", "dispatch", "bounds"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 10_000, name


def test_no_report_for_one_agent_shows_anothers_data(day):
    _, folder, _, _ = day
    agents = [path.parent.name for path in folder.glob("*/finished.json")]
    for agent in agents:
        assert leaks(folder / f"report-{agent}.html", folder, agent, [other for other in agents if other != agent]) == {}
    assert [path for path in folder.rglob("*") if path.stat().st_mode & 0o077] == []


def test_every_table_is_there_with_its_columns(day):
    _, folder, _, _ = day
    for table in RAIL_TABLES:
        frame = read(folder, f"{table.owner.value}/{table.name}")
        assert set(table.columns) <= set(frame.columns), table.name
        assert len(frame) > 0, table.name
        known = [name for name, meaning in table.columns.items() if "NaN" not in meaning]
        assert np.isfinite(frame[known].select_dtypes("number").to_numpy(float)).all(), table.name


def test_both_operators_agreed_within_the_certified_gap(day):
    _, folder, _, _ = day
    first = read(folder, "coordinator/negotiations").iloc[0]
    assert first["period"] == 0
    assert first["agreed"]
    assert first["lower_bound_usd"] <= first["upper_bound_usd"]
    assert (first["upper_bound_usd"] - first["lower_bound_usd"]) / first["upper_bound_usd"] <= GAP_TARGET
    planned = read(folder, "power_operator/plan_costs").query("phase == 'planned'").iloc[0]
    moves = read(folder, "transport_operator/train_moves").query("phase == 'planned' and planned_in == 0")
    # What the operators' own tables say adds up to what the coordinator believes, within the operator's own gap.
    assert planned["total_usd"] + moves["cost_usd"].sum() == pytest.approx(first["upper_bound_usd"], rel=2e-3)
    assert planned["slack_usd"] == pytest.approx(0.0, abs=1.0)


def test_mobile_storage_is_worth_its_transport(day):
    """The day without storage and the day with fixed storage cost more: the order of the paper's tables."""
    case, folder, _, _ = day
    from federates.centralised.solve import solve_centralised

    mobile = read(folder, "coordinator/negotiations").iloc[0]["upper_bound_usd"]
    without, fixed = (
        solve_centralised(ROOT / "scenarios" / case, overrides={"scheme": scheme}, gap=2e-4).bound_usd
        for scheme in ("no_storage", "fixed")
    )
    assert mobile < fixed < without


def test_the_realised_balance_closes(day):
    _, folder, _, _ = day
    balance = read(folder, "power_operator/power_balance").set_index("period")
    units = read(folder, "power_operator/unit_dispatch").groupby("period")["output_mw"].sum()
    supply = units + balance["renewable_mw"] + balance["storage_mw"] + balance["shed_mw"]
    assert np.allclose(supply, balance["load_mw"], atol=1e-4)
    assert (balance["renewable_mw"] <= balance["available_renewable_mw"] + 1e-6).all()
    assert balance["shed_mw"].max() <= 1e-6
    assert len(balance) == 24


def test_batteries_and_energy_are_neither_made_nor_lost(day):
    _, folder, _, settings = day
    battery = settings["storage"]["battery"]
    stations = read(folder, "power_operator/storage_state")
    trains = read(folder, "power_operator/train_storage")
    total = stations.groupby("period")[["capacity_mw", "energy_mwh", "charge_mw", "discharge_mw"]].sum()
    total[["capacity_mw", "energy_mwh"]] += trains.groupby("period")[["capacity_mw", "energy_mwh"]].sum()
    holders = [*settings["storage"]["mobile"].values(), *settings["storage"]["trains"].values()]
    start_mw = battery["start_capacity_share"] * sum(holder["capacity_mw"] for holder in holders)
    start_mwh = battery["start_energy_share"] * sum(holder["energy_mwh"] for holder in holders)
    assert np.allclose(total["capacity_mw"], start_mw, atol=1e-4)
    gained = battery["charge_efficiency"] * total["charge_mw"] - total["discharge_mw"] / battery["discharge_efficiency"]
    assert np.allclose(total["energy_mwh"], start_mwh + gained.cumsum(), atol=1e-3)
    assert total["energy_mwh"].iloc[-1] == pytest.approx(start_mwh, abs=1e-3)
    assert (np.minimum(stations["charge_mw"], stations["discharge_mw"]) <= 1e-4).all()


def test_lines_hold(day):
    _, folder, _, _ = day
    flow = read(folder, "power_operator/line_flow")
    assert (flow["flow_mw"].abs() <= flow["limit_mw"] + 1e-2).all()


def test_a_train_is_in_one_place_and_keeps_the_timetable(day):
    case, folder, _, _ = day
    session = yaml.safe_load((ROOT / "scenarios" / case / "scenario.yaml").read_text())
    station = {name: i for i, name in enumerate(session["rail_stations"])}
    moves = read(folder, "transport_operator/train_moves").query("phase == 'realised'")
    for train in session["trains"]:
        own = moves[moves["train"] == train["name"]].sort_values("period")
        assert own["period"].tolist() == list(range(24))
        assert own.iloc[0]["origin"] == train["home"]
        assert own.iloc[-1]["destination"] == train["home"]
        trip, left = 0, None
        for row in own.itertuples():
            if row.origin != row.destination:
                trip = trip + 1 if left == (row.origin, row.destination) else 1
                left = (row.origin, row.destination)
            elif left is not None:
                assert row.origin == left[1]
                assert trip >= session["trip_periods"][station[left[0]]][station[left[1]]]
                trip, left = 0, None


def test_the_late_train_of_the_30_bus_day_leads_to_a_new_plan(day):
    """By the scenario's seed a train is late, which breaks the plan: the operators negotiate again."""
    case, folder, log, _ = day
    if case == "ieee30":
        moves = read(folder, "transport_operator/train_moves").query("phase == 'realised'")
        negotiations = read(folder, "coordinator/negotiations")
        assert (moves["delay_periods"] > 0).any()
        assert len(negotiations) > 1
        assert negotiations.iloc[1]["cause"] != "day ahead"
        assert "negotiated again" in log


@pytest.mark.long
def test_late_trains_lead_to_new_plans(tmp_path):
    """Trains that are late by an hour break the plan: the operators negotiate again, and the day ends in order."""

    def shorten(scenario):
        path = scenario / "transport_operator/config.yaml"
        config = yaml.safe_load(path.read_text())
        late = [{"train": f"train{k}", "period": t, "by_periods": 1} for k in (1, 2) for t in (5, 8)]
        config["settings"]["lateness"] = {"listed": late}
        path.write_text(yaml.safe_dump(config))

    folder, log = helics_run(tmp_path, "ieee30", shorten)
    negotiations = read(folder, "coordinator/negotiations")
    moves = read(folder, "transport_operator/train_moves").query("phase == 'realised'")
    assert (moves["delay_periods"] > 0).any()
    assert len(negotiations) > 1
    assert negotiations["period"].is_monotonic_increasing
    assert negotiations.iloc[1]["cause"] != "day ahead"
    assert "negotiated again" in log
