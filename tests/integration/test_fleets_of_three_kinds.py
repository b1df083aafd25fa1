"""Fleets of all three kinds in a whole day by HELICS, beside agents with closed forms: what is agreed is what leaves."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from federates.runs.in_process import run_in_process
from tests.support.small_fleets import write_fleets

VEHICLE_KWH = {"utility": 100.0, "company": 10.0, "private": 10.0}
SETTINGS = {
    "utility": {"vehicles": 2, "deliverable_kwh": 100.0},
    "company": {"vehicles": 20, "driver_usd_per_h": 4.0},
    "private": {"drivers": 3000, "value_of_time_median_usd_per_h": 8.0},
}


def _table(run, agent, name):
    return pq.read_table(run / agent / f"{name}.parquet").to_pandas()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    algorithm = {"update": "box_step", "plan": "mean", "gap_target": 0.005, "box_usd_per_veh": 1.0, "max_iterations": 80}
    folder = write_fleets(
        tmp_path_factory.mktemp("kinds"),
        {name: (kwh, 1.0) for name, kwh in VEHICLE_KWH.items()},
        companies={"power_operator": (0.02, [])},
        settings=algorithm,
        congestion=0.02,
        need_kwh=300.0,
        start_hour=17,
    )
    for name, own in SETTINGS.items():
        config = {"schema_version": 1, "model": name, "settings": own}
        (folder / name / "config.yaml").write_text(yaml.safe_dump(config))
    return run_in_process(folder)


def test_the_fleets_agree_with_company_and_road(run):
    negotiations = _table(run, "coordinator", "negotiations")
    assert negotiations["agreed"].all(), negotiations[["rounds", "gap", "reason"]]
    assert (negotiations["gap"] <= 0.005).all()
    schedule = _table(run, "coordinator", "schedule")
    assert schedule["delivery_kwh"].sum() > 100.0
    costs = _table(run, "coordinator", "answer_costs")
    kinds = dict(zip(costs["agent"], costs["bound_kind"], strict=True))
    assert kinds["utility"] == kinds["company"] == "linear"


def test_what_is_committed_leaves(run):
    schedule = _table(run, "coordinator", "schedule")
    for fleet in VEHICLE_KWH:
        committed = schedule[(schedule["fleet"] == fleet) & (schedule["vehicles"] > 0)]
        if committed.empty:
            continue
        trips = _table(run, fleet, "fleet_trips")
        assert trips["not_sent"].sum() == 0
        keys = ["period", "origin", "destination"]
        assert trips[[*keys, "vehicles"]].values.tolist() == committed[[*keys, "vehicles"]].values.tolist()
        np.testing.assert_allclose(trips["kwh"], committed["delivery_kwh"], atol=1e-5)


def test_a_driver_s_numbers_are_in_no_other_folder(run):
    acceptance = _table(run, "private", "acceptance")
    assert (acceptance["accepted_veh"] <= acceptance["near_veh"]).all()
    owned = {path.relative_to(run).parts[0] for path in run.rglob("*.parquet") if path.stem in ("acceptance", "fleet_costs")}
    assert owned <= set(VEHICLE_KWH)
    assert not list(run.glob("[!p]*/fleet_drivers.parquet"))
    assert len(_table(run, "private", "fleet_drivers")) == 4
