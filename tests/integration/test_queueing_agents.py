"""Station agents and the company that plans by their reports in a real federation, with small fleets and a small road."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from power_days import FOLDER
from small_fleets import write_fleets
from station_days import station_settings

from federates.runs.in_process import run_in_process

FLEETS = {"u": (40.0, 0.02), "c": (10.0, 0.03)}
_CARS = '''
from small_fleets import SmallCars
from federates.worlds.road.messages import StationObservation, TrafficObservation
import numpy as np


class ArrivingCars(SmallCars):
    """Vehicles leave evenly, and are there in the last bin of their period; one of each pair and period comes a period late."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.late = np.zeros(len(session.stations))

    def run(self, period, departures):
        seen, s = super().run(period, departures), self.session
        passing = np.full((len(s.stations), s.bins_per_period), 6000.0 / s.bins_per_period)
        arrivals = np.zeros_like(passing)
        arrivals[:, 0], self.late = self.late, np.zeros(len(s.stations))
        for d in departures:
            r, q = s.stations.index(d.origin), s.stations.index(d.destination)
            arrivals[r] += d.vehicles / s.bins_per_period
            arrivals[q, -1] += d.vehicles - 1
            self.late[q] += 1
        return TrafficObservation(seen.links, StationObservation(passing, arrivals))
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    solver = {"update": "box_step", "plan": "mean", "gap_target": 5e-3}
    scenario = write_fleets(
        tmp_path_factory.mktemp("stations"), FLEETS, settings=solver, congestion=0.05, periods=2, start_hour=6
    )
    for name in ("r1", "q1", "q2"):
        settings = station_settings(name).model_dump(mode="json")
        _config(scenario / name, {"model": "queueing", "settings": settings})
        shutil.copytree(FOLDER / "data", scenario / name / "data")
    _config(scenario / "power_operator", {"operator": "station_reports", "settings": {}})
    _config(scenario / "traffic_sumo", {"model": "arriving_cars:ArrivingCars", "settings": {}})
    (scenario / "arriving_cars.py").write_text(_CARS)
    return run_in_process(scenario)


def _config(folder, content):
    (folder / "config.yaml").write_text(yaml.safe_dump({"schema_version": 1, **content}))


def _table(run, agent, name):
    return pq.read_table(run / agent / f"{name}.parquet").to_pandas()


def test_the_negotiation_agrees_on_energy_that_the_stations_have_asked_for(run):
    negotiations, schedule = _table(run, "coordinator", "negotiations"), _table(run, "coordinator", "schedule")
    assert negotiations["agreed"].all()
    assert (negotiations["gap"] <= 5e-3).all()
    plan = _table(run, "power_operator", "energy_plan")
    assert plan["need_kwh"].min() > 100.0
    assert schedule["delivery_kwh"].sum() > 100.0


def test_every_kwh_of_the_schedule_is_in_a_station_s_account(run):
    schedule = _table(run, "coordinator", "schedule")
    for name, side in (("r1", "origin"), ("q1", "destination"), ("q2", "destination")):
        account = _table(run, name, "station_energy").iloc[0]
        own = schedule[schedule[side] == name]
        assert account["announced_kwh"] == pytest.approx(own["delivery_kwh"].sum(), abs=1e-6)
        assert account["closure_kwh"] <= 1e-6
        receipts = _table(run, name, "station_receipts")
        vehicles = receipts.groupby("fleet")["vehicles"].sum()
        for fleet, sent in own.groupby("fleet")["vehicles"].sum().items():
            assert vehicles[fleet] <= sent + 1e-6
        if side == "destination":
            assert account["under_way_kwh"] > 0.0  # the late ones of the last period


def test_the_company_hears_what_its_stations_gave_and_drew(run):
    heard = _table(run, "power_operator", "power_receipts")
    for name in ("r1", "q1", "q2"):
        told = _table(run, name, "station_receipts").groupby("period")["feeder_kwh"].sum()
        own = heard[heard["station"] == name].set_index("period")["feeder_kwh"]
        np.testing.assert_allclose(own, told.loc[own.index], atol=1e-6)
    assert set(heard["period"]) == {0}
