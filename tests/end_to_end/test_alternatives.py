"""The matrix of docs/alternatives.md, short: every class meets every kind of partner, and what holds for all runs holds for each.

In one process, on short days where the settings allow it. By default every class runs at least once in each of its worlds;
`-m long` runs all rows of the matrix. `sumo` and `unit_commitment` have end-to-end tests of their own.
"""

import itertools
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from load_file import load_file
from quick_runs import quick_run

from federates.boundary.names import RAIL, ROAD

ROOT = Path(__file__).parents[2]
matrix = load_file(ROOT / "studies/make_alternatives.py")

ROADS = ("power_operator", "transport_operator", "traffic_sumo", "coordinator")
RAILS = ("power_operator", "transport_operator", "coordinator")
TESTED_ELSEWHERE = {"sumo", "unit_commitment"}
BY_DEFAULT = {
    ("charging_station", "joint_graph", "bpr", "ocd"),
    ("price_taker", "fastest_route", "bpr", "admm"),
    ("charging_station", "joint_graph", "replay", "ocd"),
    ("price_taker", "timetable", "bpr", "posted_price"),
    ("price_taker", "fastest_route", "bpr", "stackelberg"),
    *(("price_taker", "time_space_network", algorithm) for algorithm in ("cuts", "bundle", "ocd", "admm", "posted_price")),
    ("copperplate_dispatch", "timetable", "posted_price"),
}
MONEY = 1e-6
"""Relative room for rounding in what are equal sums of dollars."""


def rows(scenario):
    """Return the rows of a scenario as parameters, those that are not run by default marked `long`."""
    classes = [tuple(name for _, name in row.classes) for row in matrix.combinations() if row.scenario == scenario]
    quick = [names for names in classes if not TESTED_ELSEWHERE & set(names)]
    return [pytest.param(n, id=" ".join(n), marks=[] if n in BY_DEFAULT else [pytest.mark.long]) for n in quick]


def run(scenario, agents, classes, folder, changes, recording=None, settings=None):
    combination = matrix.Combination(scenario, tuple(zip(agents, classes, strict=True)))
    made = matrix.prepare(combination, folder, recording)
    return made, quick_run(made, changes, settings)


def rounds_of(folder):
    return pd.read_parquet(folder / "coordinator/rounds.parquet").groupby("period").last()


def check_bounds(last):
    """A lower bound is one, and what is told as the gap is what lies between the bounds."""
    assert (last.lower_bound_usd <= last.upper_bound_usd + MONEY * last.upper_bound_usd.abs() + 1e-9).all(), last
    gap = (last.upper_bound_usd - last.lower_bound_usd) / last.upper_bound_usd.abs().clip(lower=1e-9)
    np.testing.assert_allclose(last.gap, gap, rtol=1e-6, atol=1e-9)


ROAD_DAY = {"periods": 2, "start_hour": 16}


@pytest.fixture(scope="module")
def without_trade(tmp_path_factory):
    """Return the joint cost of period 0 by pair of operators if no vehicle is sent: at a price of 0 nobody offers one."""
    costs, folder = {}, tmp_path_factory.mktemp("without")

    def cost(power, transport):
        if (power, transport) not in costs:
            settings = {"coordinator": {"price_usd_per_veh": 0.0}}
            classes = (power, transport, "bpr", "posted_price")
            _, left = run("la_gcs", ROADS, classes, folder, {**ROAD_DAY, "periods": 1}, settings=settings)
            assert pd.read_parquet(left / "coordinator/schedule.parquet").vehicles.sum() == 0
            costs[power, transport] = rounds_of(left).upper_bound_usd[0]
        return costs[power, transport]

    return cost


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Return what the traffic model `bpr` left of the short day, for `replay`."""
    classes = ("price_taker", "timetable", "bpr", "posted_price")
    _, folder = run("la_gcs", ROADS, classes, tmp_path_factory.mktemp("day"), ROAD_DAY)
    return folder / "traffic_sumo"


@pytest.mark.parametrize("classes", rows("la_gcs"))
def test_by_road(classes, tmp_path, recorded, without_trade):
    scenario, folder = run("la_gcs", ROADS, classes, tmp_path, ROAD_DAY, recorded)
    last = rounds_of(folder)
    check_bounds(last)
    # The plan of period 0 costs no more than to send nobody, which both could always do.
    assert last.upper_bound_usd[0] <= without_trade(*classes[:2]) * (1 + MONEY) + 1e-6
    # What is committed was sent, whole, on roads of the session, within the fleets or the timetable.
    schedule = pd.read_parquet(folder / "coordinator/schedule.parquet")
    flow = pd.read_parquet(folder / "transport_operator/route_flow.parquet")
    keys = ["period", "origin", "destination"]
    sent = flow.groupby(keys).vehicles.sum()
    agreed = schedule.set_index(keys).vehicles
    assert agreed[agreed > 0].to_dict() == sent.to_dict() != {}
    fleet = 60 if classes[1] == "timetable" else 800  # of both origins, in an hour
    assert (schedule.groupby("period").vehicles.sum() <= fleet).all()
    links = set(yaml.safe_load((scenario / "scenario.yaml").read_text())["links"])
    assert {link for route in flow.route for link in route.split("|")} <= links
    # The traffic model saw them: whoever was committed has departed.
    moved = pd.read_parquet(folder / "traffic_sumo/deliveries.parquet")
    assert len(moved) == agreed.sum()


RAIL_DAY = {"periods": 10, "start_hour": 5}


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """Return the joint cost of the day by power operator if no train ever moves: at a price of 0 for a stand no trip is paid."""
    costs, folder = {}, tmp_path_factory.mktemp("home")

    def cost(power, changes):
        if power not in costs:
            settings = {"coordinator": {"price_usd_per_veh": 0.0}}
            classes = (power, "time_space_network", "posted_price")
            _, left = run("ieee30", RAILS, classes, folder, changes, settings=settings)
            moves = pd.read_parquet(left / "transport_operator/train_moves.parquet")
            assert (moves.origin == moves.destination).all()
            costs[power] = pd.read_parquet(left / "coordinator/negotiations.parquet").upper_bound_usd[0]
        return costs[power]

    return cost


@pytest.mark.parametrize("classes", rows("ieee30"))
def test_by_rail(classes, tmp_path, at_home):
    power, transport, algorithm = classes
    # A timetable is one of the whole day; so are the profiles of the copperplate.
    changes = RAIL_DAY if power == "price_taker" and transport == "time_space_network" else {}
    scenario, folder = run("ieee30", RAILS, classes, tmp_path, changes)
    check_bounds(rounds_of(folder))
    check_trains(scenario, folder, changes.get("periods", 24))
    upper = pd.read_parquet(folder / "coordinator/negotiations.parquet").upper_bound_usd[0]
    if power == "price_taker":
        assert upper == pytest.approx(cost_of_stands(scenario, folder, RAIL_DAY if changes else {"periods": 24, "start_hour": 0}))
    if transport == "time_space_network" and algorithm != "posted_price":
        # A posted price may send trains that are of no use; who negotiates can always stay at home.
        assert upper <= at_home(power, changes) * (1 + MONEY)


def cost_of_stands(scenario, folder, day):
    """Return what the day-ahead plan costs a price taker and its partner, from what was agreed and how the trains move."""
    settings = yaml.safe_load((scenario / "power_operator/config.yaml").read_text())["settings"]
    agreed = pd.read_parquet(folder / "coordinator/connections.parquet")
    stands = agreed[agreed.negotiated_in == 0].groupby(["station", "period"]).train.nunique()
    missed = 0.0
    for station, worth in settings["worth_usd_by_hour"].items():
        for period in range(day["periods"]):
            had = stands.get((station, period), 0)
            missed += worth[(day["start_hour"] + period) % 24] * max(0, settings["need"] - had)
    moves = pd.read_parquet(folder / "transport_operator/train_moves.parquet")
    return missed + moves[(moves.phase == "planned") & (moves.planned_in == 0)].cost_usd.sum()


def check_trains(scenario, folder, periods):
    """What is agreed is a course that trains can run: one place at a time, trips no shorter than in the public timetable."""
    session = yaml.safe_load((scenario / "scenario.yaml").read_text())
    stations, trips = session["rail_stations"], session["trip_periods"]
    agreed = pd.read_parquet(folder / "coordinator/connections.parquet")
    day_ahead = agreed[agreed.negotiated_in == 0].sort_values("period")
    assert set(day_ahead.train) == {train["name"] for train in session["trains"]}
    for train in session["trains"]:
        stands = day_ahead[day_ahead.train == train["name"]]
        home = stations.index(train["home"])
        # Before the first period the train is at home, and after the last one again.
        course = [(home, -1), *zip(map(stations.index, stands.station), stands.period, strict=True), (home, periods)]
        for (here, left), (there, back) in itertools.pairwise(course):
            # Standing on is no trip; in a trip of n periods, n periods pass without a stand.
            assert back - left >= 1 + trips[here][there] if here != there else back == left + 1


def test_the_page_has_every_row_with_the_settings_it_has_now():
    kept = yaml.safe_load((ROOT / "studies/alternatives.json").read_text())
    names = [row.name for row in matrix.combinations()]
    assert names == list(dict.fromkeys(names)) == list(kept)
    assert matrix.page(kept) == (ROOT / "docs/alternatives.md").read_text()
    for row in matrix.combinations():
        assert kept[row.name]["configs"] == row.configs, f"{row.name}: run `python studies/make_alternatives.py` again"


@pytest.mark.parametrize("agent", ROADS)
def test_no_class_that_ships_is_missing_from_the_matrix(agent):
    used = {matrix.shipped_class(name) for row in matrix.combinations() for role, name in row.classes if role == agent}
    ours = [entry for entry in entry_points(group=f"portage.{agent}") if entry.value.startswith("federates.")]
    # The matrix combines the four agents of the road and the three by rail; in the fleets' world there is one class for each.
    assert used == {entry.name for entry in ours if any(entry.load().works_in(world) for world in (ROAD, RAIL))}


@pytest.mark.parametrize("scenario", ["la_gcs", "ieee30"])
def test_every_class_runs_here_by_default(scenario):
    both = [[p for p in rows(scenario) if not p.marks], rows(scenario)]
    quick, every = ({matrix.shipped_class(name) for param in params for name in param.values[0]} for params in both)
    assert quick == every
