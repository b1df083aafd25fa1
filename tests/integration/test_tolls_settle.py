"""Fleets and a company negotiate on the real road of Los Angeles: the settled toll is the marginal external cost."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from quick_runs import quick_run

from federates.boundary.config import read_yaml
from tests.support.small_fleets import write_fleets

LA = Path(__file__).parents[2] / "scenarios" / "la_gcs"
FLEETS = {"trucks": (40.0, 0.02), "cars": (2.5, 0.01)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    links = read_yaml(LA / "scenario.yaml")["links"]
    stations = {"resourceful_stations": ["r1", "r2"], "links": links, "periods": 1, "start_hour": 8}
    settings = {"update": "box_step", "plan": "mean", "gap_target": 1e-4, "max_iterations": 150}
    companies = {"power_operator": (0.05, [])}
    scenario = write_fleets(tmp_path_factory.mktemp("tolls"), FLEETS, companies, settings=settings, need_kwh=1600.0, **stations)
    folder = scenario / "transport_operator"
    shutil.copytree(LA / "transport_operator" / "data", folder / "data")
    raw = read_yaml(LA / "transport_operator" / "config.yaml")["settings"]
    at = {name: {"junction": station["junction"], "service_s": 100} for name, station in raw["stations"].items()}
    config = {"schema_version": 1, "operator": "toll_road", "settings": {"stations": at}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    found = quick_run(scenario)
    return lambda agent, name: pq.read_table(found / agent / f"{name}.parquet").to_pandas()


def test_the_settled_toll_is_the_external_cost_of_a_vehicle(run):
    schedule, tolls = run("coordinator", "schedule"), run("transport_operator", "tolls")
    negotiation = run("coordinator", "negotiations").iloc[0]
    assert negotiation["agreed"]
    assert negotiation["gap"] <= 1e-4
    pair = ["origin", "destination"]
    settled = schedule.groupby(pair)["toll_usd_per_veh"].first()
    formula = tolls.set_index(pair)["toll_usd"]
    sent = schedule.groupby(pair)["vehicles"].sum()
    assert (sent == tolls.set_index(pair)["vehicles"]).all()
    assert sent.sum() > 200
    # The formula is taken at whole vehicles, of which each fleet rounds up one a pair.
    np.testing.assert_allclose(settled[sent > 0], formula[settled.index][sent > 0], rtol=0.03)
    parts = tolls[["others_usd", "storages_usd", "gates_usd", "beyond_told_usd"]].sum(axis=1)
    np.testing.assert_allclose(parts, tolls["toll_usd"], atol=1e-8)


def test_a_fleet_of_large_batteries_pays_less_toll_for_a_kilowatt_hour(run):
    by_fleet = run("coordinator", "schedule").groupby("fleet")[["toll_usd", "delivery_kwh"]].sum()
    per_kwh = by_fleet["toll_usd"] / by_fleet["delivery_kwh"]
    assert per_kwh["cars"] > 10 * per_kwh["trucks"] > 0
