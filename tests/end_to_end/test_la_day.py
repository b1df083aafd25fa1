"""The Los Angeles day by `helics run`, as a user starts it, checked from what it wrote, with code of its own."""

import json
import os
import shutil
import signal
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from load_file import load_file
from private_values import leaks
from quick_runs import quick_run

from federates.boundary.names import ROAD
from federates.boundary.tables import tables_of

ROOT = Path(__file__).parents[2]
ROAD_TABLES = [table for table in tables_of(ROAD) if not table.exceptional]


def copy_scenario(folder: Path) -> Path:
    shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
    shutil.copytree(ROOT / "scenarios/la_gcs", folder / "scenarios/la_gcs", ignore=shutil.ignore_patterns("results", "*.log"))
    return folder / "scenarios/la_gcs"


def environment() -> dict[str, str]:
    import sys

    return os.environ | {"PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}


def portage(*words, timeout=300):
    return subprocess.run(["portage", *map(str, words)], env=environment(), capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Return scenario, run folder and the broker's log of one whole day."""
    top = tmp_path_factory.mktemp("la")
    scenario = copy_scenario(top)
    command = ["helics", "run", "--path=scenarios/la_gcs/runner.json"]
    done = subprocess.run(command, cwd=top, env=environment(), capture_output=True, text=True, timeout=500)
    logs = {path.stem: path.read_text() for path in scenario.glob("*.log")}
    assert done.returncode == 0, (done.stdout, logs)
    (folder,) = (scenario / "results").iterdir()
    return scenario, folder, logs["broker"]


def read(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def test_the_run_is_complete_and_says_where_the_report_is(day):
    _, folder, log = day
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete"
    assert all(record["agents"].values())
    assert log.rstrip().endswith(f"Report:  {folder / 'report.html'}")


def test_each_agent_is_left_what_it_may_see(day):
    """Results are the owner's alone; the coordinator is told how the run ended; no report for one agent shows another's data."""
    scenario, folder, _ = day
    assert [path for path in [folder, *folder.rglob("*"), *scenario.glob("*.log")] if path.stat().st_mode & 0o077] == []
    assert json.loads((folder / "coordinator/outcome.json").read_text()) == {"status": "complete"}
    agents = [path.parent.name for path in folder.glob("*/finished.json")]
    headline = json.loads((folder / "run.json").read_text())["headline"]
    for agent in agents:
        log = (scenario / f"{agent}.log").read_text()
        assert [line for line in headline if line in log] == []
        assert leaks(folder / f"report-{agent}.html", folder, agent, [other for other in agents if other != agent]) == {}


def test_the_readme_says_what_this_day_says(day):
    """On whatever computer: `python studies/make_readme.py RUN` has made the README's part from another run of the same day."""
    made = load_file(ROOT / "studies/make_readme.py")
    _, folder, log = day
    shown = made.shown().splitlines()
    assert [line for line in made.sentences(folder) if line not in shown] == []
    assert [line for line in made.sentences(folder) if line not in log.replace("\u202f", " ")] == []
    assert shown[-1].startswith("Made with portage-cosim ")


def test_every_table_is_there_with_its_columns(day):
    _, folder, _ = day
    for table in ROAD_TABLES:
        frame = read(folder, f"{table.owner.value}/{table.name}")
        assert set(table.columns) <= set(frame.columns), table.name
        assert len(frame) > 0
        known = [name for name, meaning in table.columns.items() if "NaN" not in meaning]
        numbers = frame[known].select_dtypes("number")
        assert np.isfinite(numbers.to_numpy(float)).all(), table.name


def test_the_report_is_one_file(day):
    _, folder, _ = day

    class Sources(HTMLParser):
        found: list

        def handle_starttag(self, tag, attrs):
            inside = ("#", "data:", "figures/")  # the last are links to the figures as files; the page has them itself
            self.found += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith(inside)]

    parser = Sources()
    parser.found = []
    parser.feed((folder / "report.html").read_text())
    assert parser.found == []
    assert len(list((folder / "figures").glob("*.png"))) >= 5


def test_overload_left_is_at_most_one_percent_by_quarter_hours(day):
    """Energy above the feeder limit bin by bin, with mobile storage against without; nothing is short on this day."""
    _, folder, _ = day
    load = read(folder, "power_operator/feeder_load")
    plan = read(folder, "power_operator/energy_plan")
    assert not plan.supply_limited.any()
    assert (load.duration_s == 900.0).all()
    for station in ("q1", "q2"):
        rows = load[load.station == station].sort_values("time_s")
        without = (rows.load_without_kw - rows.limit_kw).clip(lower=0).sum() / 4
        with_ = (rows.load_with_kw - rows.limit_kw).clip(lower=0).sum() / 4
        assert without > 5000
        assert with_ <= 0.01 * without
        # From 0 to 4 h the feeders carry the load by themselves (the paper's Fig. 5).
        assert (rows.load_without_kw[:16] <= rows.limit_kw[:16]).all()


def test_no_resourceful_station_is_pushed_over_its_limit(day):
    _, folder, _ = day
    load = read(folder, "power_operator/feeder_load").query("station in ['r1', 'r2']")
    assert (load.load_with_kw <= np.maximum(load.limit_kw, load.load_without_kw) + 1e-6).all()
    assert load.mves_kw.min() < -500


def test_charging_load_is_the_queue_s(day):
    """Mean load never exceeds all chargers, nor the energy of all who came, but for the charges under way at the start."""
    _, folder, _ = day
    load = read(folder, "power_operator/feeder_load").merge(
        read(folder, "power_operator/stations")[["station", "chargers", "charger_kw"]]
    )
    assert (load.load_without_kw <= load.chargers * load.charger_kw + 1e-6).all()
    np.testing.assert_allclose(load.pev_arrivals_per_h, 0.15 * 0.30 * 0.20 * load.passing_veh_per_h, rtol=1e-9)
    np.testing.assert_allclose(load.load_with_kw, load.load_without_kw - load.mves_kw, atol=1e-6)
    offered_kwh = (load.pev_arrivals_per_h * 20.0 * load.duration_s / 3600).sum()
    carried_kwh = (load.load_without_kw * load.duration_s / 3600).sum()
    assert 0.85 * offered_kwh < carried_kwh < 1.02 * offered_kwh


def test_delivered_energy_is_that_of_the_vehicles_that_arrived(day):
    """Batteries of all who arrived, at most 10 kWh less 1 %: given to the feeder through 95 %, or still parked."""
    _, folder, _ = day
    load = read(folder, "power_operator/feeder_load")
    stock = read(folder, "power_operator/mves_stock")
    arrived = (read(folder, "traffic_sumo/deliveries").arrive_s >= 0).sum()
    at_q, at_r = stock[stock.kind == "lcs"], stock[stock.kind == "rcs"]
    given_kwh = (load.mves_kw.clip(lower=0) * load.duration_s / 3600).sum()
    drawn_kwh = -(load.mves_kw.clip(upper=0) * load.duration_s / 3600).sum()
    parked_kwh = at_q[(at_q.period == 23) & (at_q.bin == 3)].stock_kwh.sum()
    assert at_q.vehicles.sum() == arrived
    assert given_kwh / 0.95 + parked_kwh == pytest.approx(at_q.into_kwh.sum(), abs=1e-6)
    assert drawn_kwh * 0.95 == pytest.approx(at_r.into_kwh.sum(), abs=1e-6)
    assert 0.995 * arrived * 9.9 <= at_q.into_kwh.sum() <= arrived * 9.9 + 1e-6
    assert at_q.into_kwh.sum() <= 0.99 * at_r.out_kwh.sum() + 1e-6
    assert parked_kwh <= 60 * 9.9


def test_simulated_flows_meet_the_given_ones(day):
    """GEH < 5 on at least 85 % of link-hours, mobile storage included in the simulated flow."""
    scenario, folder, _ = day
    given = pd.read_csv(scenario / "traffic_sumo/data/la_links_hourly.csv").set_index(["link", "hour"]).flow_vph
    seen = read(folder, "traffic_sumo/link_state").set_index(["link", "period"]).flow_veh_per_h
    pairs = pd.concat([given.rename_axis(["link", "period"]), seen], axis=1).dropna()
    assert len(pairs) == 9 * 24
    given, seen = pairs.iloc[:, 0], pairs.iloc[:, 1]
    geh = np.sqrt(2 * (seen - given) ** 2 / (seen + given))
    assert (geh < 5).mean() >= 0.85


def test_congestion_is_where_it_was_observed(day):
    """2008 Tuesday morning: both routes r2 -> q2 took about 17 min; free flow is 10.4 and 13.1 min."""
    _, folder, _ = day
    times = read(folder, "traffic_sumo/link_state").pivot(index="period", columns="link", values="travel_time_s")
    by_605 = times[["I5S_ELA-I710", "I5S_I710-I605", "I605S_I5-I105"]].sum(axis=1) / 60
    by_710 = times[["I5S_ELA-I710", "I710S_I5-I105", "I105E_I710-I605"]].sum(axis=1) / 60
    for route, free_min in ((by_605, 10.4), (by_710, 13.1)):
        assert route[[7, 8]].mean() == pytest.approx(16.9, rel=0.10)
        assert route[2] == pytest.approx(free_min, rel=0.06)


def test_every_committed_vehicle_drives_a_connected_route(day):
    scenario, folder, _ = day
    schedule = read(folder, "coordinator/schedule").groupby(["period", "origin", "destination"]).vehicles.sum()
    routes = read(folder, "transport_operator/route_flow").groupby(["period", "origin", "destination"]).vehicles.sum()
    trips = read(folder, "traffic_sumo/deliveries")
    driven = trips.groupby(["period", "origin", "destination"]).size()
    sent = schedule[schedule > 0]
    pd.testing.assert_series_equal(sent, routes[routes > 0], check_names=False, check_dtype=False)
    pd.testing.assert_series_equal(sent, driven, check_names=False, check_dtype=False)
    links = pd.read_csv(scenario / "traffic_sumo/data/la_links.csv").set_index("link")
    place = {"r1": "J110_101", "r2": "JELA", "q1": "J5_605", "q2": "J105_605"}
    for route, origin, destination in trips[["route", "origin", "destination"]].drop_duplicates().itertuples(index=False):
        here = place[origin]
        for link in route.split("|"):
            assert links.frm[link] == here
            here = links.to[link]
        assert here == place[destination]


def test_arrivals_are_what_the_power_operator_saw(day):
    _, folder, _ = day
    trips = read(folder, "traffic_sumo/deliveries")
    counted = read(folder, "traffic_sumo/station_state").groupby("station").arrivals_veh.sum()
    arrived = trips[trips.arrive_s >= 0].groupby("destination").size()
    assert counted["q1"] == arrived["q1"]
    assert counted["q2"] == arrived["q2"]


def test_bounds_are_in_order_and_agreement_is_earned(day):
    _, folder, _ = day
    rounds = read(folder, "coordinator/rounds")
    known = rounds[rounds.upper_bound_usd >= 0]
    assert (known.lower_bound_usd <= known.upper_bound_usd + 1e-6).all()
    last = rounds.groupby("period").gap.last()
    agreed = read(folder, "coordinator/schedule").groupby("period").agreed.first()
    assert ((last <= 0.005) == agreed).all()
    assert agreed.mean() >= 0.9


SHORT = ("--set", "periods=2", "--set", "start_hour=7")


@pytest.fixture(scope="module")
def short_runs(tmp_path_factory):
    """Return the folders of the same two hours run in processes, and in threads with libsumo."""
    scenario = copy_scenario(tmp_path_factory.mktemp("short"))
    done = portage("run", scenario, *SHORT)
    assert done.returncode == 0, done.stderr
    assert "Report:" in done.stdout
    (folder,) = (scenario / "results").iterdir()
    return folder, quick_run(scenario, {"periods": 2, "start_hour": 7}, {"traffic_sumo": {"engine": "libsumo"}})


def test_same_seed_same_tables_whatever_the_engine_or_the_processes(short_runs):
    first, other = short_runs
    names = sorted(p.relative_to(first) for p in first.glob("*/*.parquet") if p.stem != "timings")
    assert len(names) >= len(ROAD_TABLES) - 1
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(first / name), pd.read_parquet(other / name), obj=str(name))


@pytest.mark.long
def test_two_at_once_give_the_same(tmp_path, short_runs):
    """`helics run` twice at once in the same scenario: no port, file or result gets in another's way."""
    top = tmp_path
    scenario = copy_scenario(top)
    file = scenario / "scenario.yaml"
    file.write_text(file.read_text().replace("periods: 24", "periods: 2").replace("start_hour: 0", "start_hour: 7"))
    command = ["helics", "run", "--path=scenarios/la_gcs/runner.json"]
    running = [
        subprocess.Popen(command, cwd=top, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(timeout=200) for process in running] == [0, 0]
    folders = list((scenario / "results").iterdir())
    assert [json.loads((f / "run.json").read_text())["status"] for f in folders] == ["complete"] * 2
    # Hashes of every table but the wall-clock times, of all agents, in all runs and in the one of the other fixture.
    hashes = [
        [a["tables_sha256"] for a in json.loads((f / "run.json").read_text())["agents"].values()]
        for f in [*folders, short_runs[0]]
    ]
    assert all(found == hashes[0] for found in hashes)


def test_another_seed_is_another_day(short_runs):
    changes = {"periods": 1, "start_hour": 7, "seed": 2}
    newest = quick_run(short_runs[0].parents[1], changes, {"traffic_sumo": {"engine": "libsumo"}})
    name = "traffic_sumo/station_state.parquet"
    first, other = (pd.read_parquet(run / name).query("period == 0") for run in (short_runs[0], newest))
    assert first.shape == other.shape
    assert not first.equals(other)


@pytest.mark.long
def test_compare_makes_the_two_figures_of_the_case_study(tmp_path):
    scenario = copy_scenario(tmp_path)
    done = portage("compare", scenario, "--set", "periods=1", "--set", "start_hour=16")
    assert done.returncode == 0, done.stderr
    (folder,) = (scenario / "results").glob("compare-*")
    for name in ("fig5_feeder_load.png", "fig6_delivery_time.png", "link_flow_by_scheme.png"):
        assert (folder / "figures" / name).stat().st_size > 10_000
    claims = json.loads((folder / "comparison.json").read_text())["claims"]
    assert {claim["verdict"] for claim in claims} <= {"shown", "not shown", "follows from the input"}
    # Common random numbers: other traffic is the same, vehicle by vehicle, in all three runs.
    runs = [p for p in (scenario / "results").iterdir() if not p.name.startswith("compare")]
    background = {
        tuple(pd.read_parquet(r / "power_operator/energy_plan.parquet").query("period == 0").forecast_passing_veh_per_h)
        for r in runs
    }
    assert len(background) == 1


def test_a_dead_sumo_ends_the_run_and_is_named(tmp_path):
    scenario = copy_scenario(tmp_path)
    process = subprocess.Popen(
        ["portage", "run", str(scenario)], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    sumo = None
    deadline = time.monotonic() + 90
    while sumo is None and time.monotonic() < deadline:
        time.sleep(0.2)
        for child in psutil.Process(process.pid).children(recursive=True):
            if child.name() == "sumo":
                sumo = child
    assert sumo is not None
    time.sleep(5)
    killed = time.monotonic()
    os.kill(sumo.pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert time.monotonic() - killed < 15
    assert process.returncode == 1
    assert "traffic_sumo" in output
    assert "SUMO" in output
    (folder,) = (scenario / "results").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
