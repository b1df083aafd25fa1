"""Several agents of a role, by configuration alone: two railways, two power companies, and traders of a world of a test's own."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from quick_runs import quick_run
from split_scenario import split_agent

from federates.reporting.tables import RunTables
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.energy import road_account
from federates.worlds.road.report.load import bin_load

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market


def negotiations(folder):
    return pd.read_parquet(folder / "coordinator/negotiations.parquet")


def check_same_optimum(one, other):
    """Plan and bound of either negotiation are of the same problem: neither bound may lie above the other's plan."""
    assert one.agreed.all()
    assert other.agreed.all()
    room = 1e-6 * one.upper_bound_usd.abs()
    assert (other.lower_bound_usd <= one.upper_bound_usd + room).all()
    assert (one.lower_bound_usd <= other.upper_bound_usd + room).all()


def test_two_railways_of_a_train_each_reach_the_cost_of_one_of_two(tmp_path):
    day, on_time = {"periods": 6}, {"lateness": {"listed": [], "probability": 0.0}}
    one = quick_run(new_scenario(tmp_path / "one", "ieee30"), day, {"transport_operator": on_time}, {"coordinator": "cuts"})
    scenario = new_scenario(tmp_path / "two", "ieee30")
    parts = {"railway_a": ["train1"], "railway_b": ["train2"]}
    split_agent(scenario, "transport_operator", "trains", parts, dict.fromkeys(parts, on_time))
    two = quick_run(scenario, day, use={"coordinator": "cuts"})
    check_same_optimum(negotiations(one), negotiations(two))
    moves = pd.concat(pd.read_parquet(two / name / "train_moves.parquet").assign(of=name) for name in parts)
    assert moves.groupby("of").train.unique().map(list).to_dict() == {"railway_a": ["train1"], "railway_b": ["train2"]}


def test_two_power_companies_reach_the_cost_of_one(tmp_path):
    # Charging at the resourceful stations is what the companies share; there is room for both, so that it couples nothing.
    scenario = new_scenario(tmp_path / "one", "la_gcs")
    config = yaml.safe_load((scenario / "power_operator/config.yaml").read_text())
    stations = config["settings"]["stations"]
    for name in ("r1", "r2"):
        stations[name] |= {"feeder_limit_kw": 50_000.0, "mves_spots": 600}
    (scenario / "power_operator/config.yaml").write_text(yaml.safe_dump(config))
    afternoon, use = {"periods": 2, "start_hour": 16}, {"traffic_sumo": "bpr"}
    close = {"coordinator": {"gap_target": 0.001, "max_iterations": 100}}
    one = quick_run(scenario, afternoon, close, use)
    parts = {"power_a": ["q1"], "power_b": ["q2"]}
    own = {name: {"stations": {s: stations[s] for s in ("r1", "r2", *limited)}} for name, limited in parts.items()}
    split_agent(scenario, "power_operator", "limited_stations", parts, own)
    two = quick_run(scenario, afternoon, close, use)
    check_same_optimum(negotiations(one), negotiations(two))
    delivered = pd.concat(pd.read_parquet(two / name / "energy_plan.parquet").assign(of=name) for name in parts)
    assert delivered.groupby("of").station.unique().map(list).to_dict() == {"power_a": ["q1"], "power_b": ["q2"]}


def test_two_power_companies_charge_their_own_vehicles_at_the_stations_that_they_share(tmp_path):
    scenario = new_scenario(tmp_path / "two", "la_gcs")
    stations = yaml.safe_load((scenario / "power_operator/config.yaml").read_text())["settings"]["stations"]
    parts = {"power_a": ["q1"], "power_b": ["q2"]}
    own = {name: {"stations": {s: stations[s] for s in ("r1", "r2", *limited)}} for name, limited in parts.items()}
    split_agent(scenario, "power_operator", "limited_stations", parts, own)
    run = RunTables.read(quick_run(scenario, {"periods": 2, "start_hour": 7}, use={"traffic_sumo": "bpr"}))
    assert road_account(run).closes
    energy = run.frame("mves_energy").groupby("station")["vehicles"].sum()
    sent = run.frame("schedule").groupby("origin")["vehicles"].sum()
    assert energy[["r1", "r2"]].to_numpy() == pytest.approx(sent[["r1", "r2"]].to_numpy())
    load = bin_load(run)
    at_r = load[load["station"].isin(["r1", "r2"])]
    assert (at_r["load_with_kw"] <= at_r[["limit_kw", "load_without_kw"]].max(axis=1) + 1e-6).all(), "room is shared out"
    assert run.frame("power_costs")["drawn_kwh"].sum() == pytest.approx(-(at_r["mves_kw"] * at_r["hours"]).sum())


@pytest.fixture(scope="module")
def market_installed(tmp_path_factory):
    market.install(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("algorithm", [("ocd", {"update": "box_step"}), ("ocd", {"update": "residual"}), ("admm", {})], ids=str)
@pytest.mark.parametrize("count", [4, 16, pytest.param(64, marks=pytest.mark.long)])
def test_any_number_of_agents_finds_the_price_that_clears_the_market(tmp_path, market_installed, algorithm, count):
    name, settings = algorithm
    traders = market.traders(count)
    price, amount, joint_usd = market.clearing(traders)
    if name == "admm":
        settings = {"penalty_usd_per_veh2": 0.2}
    folder = quick_run(market.write_market(tmp_path, traders, name, settings | {"gap_target": 0.001, "max_iterations": 100}))
    (found,) = negotiations(folder).itertuples()
    assert found.agreed
    assert found.gap <= 0.001
    assert found.lower_bound_usd <= joint_usd + 1e-6 <= found.upper_bound_usd + 2e-6
    sold = pd.read_parquet(folder / "coordinator/trades.parquet").sold.sum()
    assert sold == pytest.approx(amount, rel=0.05)
    best = pd.read_parquet(folder / "coordinator/rounds.parquet").query("command == 'solve'").bound_usd.idxmax()
    round_ = pd.read_parquet(folder / "coordinator/rounds.parquet")["round"][best]
    prices = pd.read_parquet(folder / "coordinator/prices.parquet")
    prices = prices[prices["round"] == round_]
    assert prices.price_usd_per_veh.to_list() == pytest.approx([price], rel=0.05)
    # Nobody was told of others: each trader has its own row and no more.
    traded = {trader: pd.read_parquet(folder / trader / "traded.parquet").amount.sum() for trader in traders}
    assert sum(v for k, v in traded.items() if k.startswith("buyer")) == pytest.approx(sold)
    assert sum(v for k, v in traded.items() if k.startswith("seller")) == pytest.approx(sold)
