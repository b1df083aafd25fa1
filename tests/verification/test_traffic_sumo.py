"""Short SUMO runs against numbers from the data files and from theory."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federates.boundary.config import load_config, parse_config, read_yaml
from federates.boundary.errors import ModelError
from federates.boundary.tables import table
from federates.runtime.plain_state import from_json, to_json
from federates.traffic_sumo.settings import Settings
from federates.traffic_sumo.sumo import SumoTraffic
from federates.worlds.road.messages import Departure, TrafficObservation
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
FOLDER = SCENARIO / "traffic_sumo"
VIA_605 = ("I5S_ELA-I710", "I5S_I710-I605", "I605S_I5-I105")
VIA_710 = ("I5S_ELA-I710", "I710S_I5-I105", "I105E_I710-I605")
TO_Q1 = ("US101S_I110-ELA", "I5S_ELA-I710", "I5S_I710-I605")
MIXED = [Departure("r2", "q2", 12, VIA_605), Departure("r2", "q2", 8, VIA_710), Departure("r1", "q1", 10, TO_Q1)]


class Tables:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.last: dict[str, Any] = {}

    def record(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    def progress(self, **fields: Any) -> None:
        self.last = fields


def session(**changes: Any) -> RoadSession:
    return load_config(SCENARIO / "scenario.yaml", RoadSession).model_copy(update={"bins_per_period": 2, **changes})


def settings(**changes: Any) -> Settings:
    return parse_config({**read_yaml(FOLDER / "config.yaml")["settings"], **changes}, Settings, "config.yaml")


def simulate(day: RoadSession, departures: list[list[Departure]], **changes: Any) -> tuple[list[TrafficObservation], Tables]:
    tables = Tables()
    model = SumoTraffic(settings(**changes), FOLDER)
    try:
        model.begin(day, tables)
        seen = [model.run(period, departures[period]) for period in range(day.periods)]
    finally:
        model.close()
    return seen, tables


def column(file: str, value: str) -> dict[tuple[str, int], float]:
    with (FOLDER / "data" / file).open() as stream:
        return {(row["link"], int(row["hour"])): float(row[value]) for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def morning() -> tuple[list[TrafficObservation], Tables]:
    """Two half hours from 08:00 with mobile storages on three routes, over TraCI."""
    return simulate(session(periods=2, period_s=1800.0, start_hour=8), [MIXED, MIXED])


def test_tables_have_the_agreed_columns(morning: tuple[list[TrafficObservation], Tables]) -> None:
    _, tables = morning
    for name in ("link_state", "station_state", "deliveries"):
        for row in tables.rows[name]:
            assert list(row) == list(table(name).columns), name
    assert len(tables.rows["link_state"]) == 2 * 9
    assert len(tables.rows["station_state"]) == 2 * 2 * 4
    assert tables.last["waiting_to_enter"] == 0
    assert tables.last["teleports"] == 0


def test_every_storage_is_delivered_once_by_its_route(morning: tuple[list[TrafficObservation], Tables]) -> None:
    observations, tables = morning
    trips = tables.rows["deliveries"]
    assert len({trip["vehicle"] for trip in trips}) == len(trips) == 60
    wanted = Counter({"|".join(d.links): 2 * d.vehicles for d in MIXED})
    assert Counter(trip["route"] for trip in trips) == wanted
    arrived = [trip for trip in trips if trip["arrive_s"] >= 0]
    assert len(arrived) >= 30
    for trip in trips:
        assert 1800 * trip["period"] + 2 <= trip["depart_s"] < 1800 * (trip["period"] + 1)
        if trip["arrive_s"] < 0:
            assert trip["road_time_s"] == -1
        else:
            assert trip["road_time_s"] == pytest.approx(trip["arrive_s"] - trip["depart_s"])
    names = session().stations
    told = sum(o.stations.arrivals_veh for o in observations).sum(axis=1)
    for i, name in enumerate(names):
        seen = sum(t["origin"] == name for t in trips) + sum(t["destination"] == name for t in arrived)
        assert told[i] == seen


def test_longer_route_takes_its_observed_time(morning: tuple[list[TrafficObservation], Tables]) -> None:
    """Tuesday morning 2008: the links of both routes add up to 16.7 and 17.2 min; the ramps add some seconds."""
    target = column("link_times.csv", "target_s")
    for route in (VIA_605, VIA_710):
        expected = sum(target[link, 8] for link in route)
        times = [t["road_time_s"] for t in morning[1].rows["deliveries"] if t["route"] == "|".join(route) and t["arrive_s"] > 0]
        assert sum(times) / len(times) == pytest.approx(expected + 20, rel=0.07)


def test_flow_density_and_speed_agree(morning: tuple[list[TrafficObservation], Tables]) -> None:
    """Flow = density x speed, nearly, as flows change little within half an hour; time = length / speed."""
    with (FOLDER / "data" / "la_links.csv").open() as stream:
        length = {row["link"]: float(row["length_km"]) for row in csv.DictReader(stream)}
    for row in morning[1].rows["link_state"]:
        assert row["flow_veh_per_h"] == pytest.approx(row["density_veh_per_km"] * 3.6 * row["speed_m_per_s"], rel=0.08)
        assert row["travel_time_s"] == pytest.approx(1000 * length[row["link"]] / row["speed_m_per_s"])


def test_hourly_flows_are_the_given_ones(morning: tuple[list[TrafficObservation], Tables]) -> None:
    """GEH < 5 on at least 85 % of link-hours, counted against the csv file."""
    given = column("la_links_hourly.csv", "flow_vph")
    good = total = 0
    for i, link in enumerate(session().links):
        flow = sum(o.links.flow_veh_per_h[i] for o in morning[0]) / 2
        wanted = given[link, 8]
        good += (2 * (flow - wanted) ** 2 / (flow + wanted)) ** 0.5 < 5
        total += 1
    assert good / total >= 0.85


def test_passing_vehicles_leave_out_storages(morning: tuple[list[TrafficObservation], Tables]) -> None:
    """q1's detector counts I5S_I710-I605 without the storages that passed there."""
    day = session()
    link, station = day.links.index("I5S_I710-I605"), day.stations.index("q1")
    for seen in morning[0]:
        passed = seen.links.flow_veh_per_h[link] / 2
        counted = seen.stations.passing_veh[station].sum()
        assert 0 <= passed - counted <= 45


@pytest.mark.parametrize("engine", [pytest.param("traci", marks=pytest.mark.long), "libsumo"])
def test_same_seed_gives_the_same_tables_in_both_engines(morning: tuple[list[TrafficObservation], Tables], engine: str) -> None:
    _, again = simulate(session(periods=2, period_s=1800.0, start_hour=8), [MIXED, MIXED], engine=engine)
    assert again.rows == morning[1].rows


def test_a_day_goes_on_from_a_state_and_nothing_else_is_needed() -> None:
    day, own = session(periods=3, period_s=900.0, start_hour=5), settings(period_states=True, demand_scale=0.5, warm_up_s=600)
    whole, tables, states = SumoTraffic(own, FOLDER), Tables(), []
    with contextlib.closing(whole):
        whole.begin(day, tables)
        seen = []
        for period in range(3):
            before = {name: len(rows) for name, rows in tables.rows.items()}
            seen.append(whole.run(period, MIXED))
            states.append(json.dumps(to_json(whole.state())))
    last = {name: rows[before.get(name, 0) :] for name, rows in tables.rows.items()}
    again, more = SumoTraffic(own, FOLDER), Tables()
    with contextlib.closing(again):
        again.begin(day, more)
        more.rows.clear()
        again.restore(from_json(json.loads(states[1])))
        found = again.run(2, MIXED)
    for name in ("flow_veh_per_h", "density_veh_per_km", "speed_m_per_s", "travel_time_s"):
        np.testing.assert_array_equal(getattr(found.links, name), getattr(seen[2].links, name))
    np.testing.assert_array_equal(found.stations.passing_veh, seen[2].stations.passing_veh)
    np.testing.assert_array_equal(found.stations.arrivals_veh, seen[2].stations.arrivals_veh)
    assert last["deliveries"]
    assert more.rows["deliveries"] == last["deliveries"]


def test_another_seed_gives_another_day(morning: tuple[list[TrafficObservation], Tables]) -> None:
    _, other = simulate(session(periods=1, period_s=1800.0, start_hour=8, seed=7), [MIXED])
    assert other.rows["link_state"] != morning[1].rows["link_state"][:9]


def test_night_is_free_flow() -> None:
    """At 02 h a link takes its length over 30 m/s, within 4 %."""
    with (FOLDER / "data" / "la_links.csv").open() as stream:
        free = {row["link"]: 1000 * float(row["length_km"]) / 30 for row in csv.DictReader(stream)}
    day = session(periods=1, start_hour=2)
    seen, _ = simulate(day, [[]])
    for name, time_s in zip(day.links, seen[0].links.travel_time_s, strict=True):
        assert time_s == pytest.approx(free[name], rel=0.04), name


@pytest.mark.long
def test_more_storages_slow_the_road_for_everyone() -> None:
    """By the law 300 veh/h on 5,211 raise the delay over I5S_I710-I605 by 1.058^4 - 1 = 25 %; SUMO's own queues add to it."""
    day = session(periods=2, start_hour=7)
    many = [[Departure("r2", "q1", 300, VIA_605[:2])]] * 2
    link = day.links.index("I5S_I710-I605")
    without = simulate(day, [[], []])[0][1].links.travel_time_s[link]
    loaded = simulate(day, many)[0][1].links.travel_time_s[link]
    free = 11_160 / 30
    assert 1.15 < (loaded - free) / (without - free) < 1.7


def test_without_delay_law_the_morning_is_fast() -> None:
    """The setting changes the result: the given flows alone never congest SUMO."""
    day = session(periods=1, period_s=900.0, start_hour=8)
    seen, _ = simulate(day, [[]], delay_law="none")
    assert seen[0].links.speed_m_per_s.min() > 24


def test_r1_north_of_downtown_reaches_q2_by_every_link() -> None:
    sites = {**read_yaml(FOLDER / "config.yaml")["settings"]["stations"]}
    sites["r1"] = {"junction": "J5_110", "passing_link": "I110S_I5-US101"}
    routes = [("I110S_I5-US101", "US101S_I110-ELA", *VIA_605), ("I110S_I5-US101", "I110S_US101-I10", "I10E_I110-ELA", *VIA_710)]
    sent = [Departure("r1", "q2", 3, route) for route in routes]
    _, tables = simulate(session(periods=2, period_s=1800.0, start_hour=2), [sent, []], stations=sites)
    assert sorted(t["route"] for t in tables.rows["deliveries"] if t["arrive_s"] > 0) == sorted(["|".join(r) for r in routes] * 3)


def test_microscopic_night_agrees_with_free_flow() -> None:
    day = session(periods=1, period_s=900.0, start_hour=2)
    seen, tables = simulate(day, [[]], resolution="microscopic", warm_up_s=900)
    times = dict(zip(day.links, seen[0].links.travel_time_s, strict=True))
    assert times["I5S_I710-I605"] == pytest.approx(11_160 / 30, rel=0.08)
    assert tables.last["teleports"] == 0


def test_a_killed_sumo_is_told_in_words_and_leaves_nothing() -> None:
    model = SumoTraffic(settings(warm_up_s=0), FOLDER)
    try:
        model.begin(session(periods=2, period_s=300.0, start_hour=2), Tables())
        scratch, process = model._scratch, model._sumo._process.pid
        os.kill(process, signal.SIGKILL)
        with pytest.raises(ModelError, match="SIGKILL"):
            model.run(0, [])
    finally:
        model.close()
    assert scratch is not None
    assert not scratch.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    model.close()
    with pytest.raises(ModelError, match="not running"):
        model.run(0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_sumo_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A federate killed without warning (out of memory) must not leave SUMO behind."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "import test_traffic_sumo as t\n"
        "model = t.SumoTraffic(t.settings(warm_up_s=0), t.FOLDER)\n"
        "model.begin(t.session(periods=1, period_s=300.0, start_hour=2), t.Tables())\n"
        "print(model._sumo._process.pid, model._scratch, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process, scratch = parent.stdout.readline().split()
        os.kill(int(process), 0)
        parent.kill()
        parent.wait()
    for _ in range(50):
        if not _is_alive(int(process)):
            break
        time.sleep(0.1)
    shutil.rmtree(scratch)
    assert not _is_alive(int(process))


def _is_alive(process: int) -> bool:
    """A zombie that nobody has waited for counts as dead."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
