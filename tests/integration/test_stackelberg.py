"""Posted rewards in a real federation: a logit market, and the plan that is paid at what was posted."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from quick_runs import quick_run

from federates.boundary.errors import ConfigError
from federates.runs.check import check_scenario

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market


@pytest.fixture(scope="module", autouse=True)
def market_installed(tmp_path_factory):
    market.install(tmp_path_factory.mktemp("site"))


def table(folder, name):
    return pd.read_parquet(folder / "coordinator" / f"{name}.parquet")


def test_a_logit_market_is_posted_the_reward_of_lambert_s_w(tmp_path):
    traders = {"buyer_0": {"worth_usd_per_kwh": 4.0}, "seller_0": {"beta": 1.0, "threshold_usd_per_kwh": 3.0}}
    scenario = market.write_market(tmp_path, traders, "stackelberg", {"tolerance": 0.002})
    for name, cls in (("buyer_0", "LinearBuyer"), ("seller_0", "LogitSeller")):
        path = scenario / name / "config.yaml"
        config = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump(config | {"operator": f"price_followers:{cls}"}))
    folder = quick_run(scenario)
    (row,) = table(folder, "posted_prices").itertuples()
    assert 4.0 - row.price_usd_per_unit == pytest.approx(1.567143, abs=0.01)
    assert row.accepted_units == pytest.approx(0.361896, abs=0.005)
    assert row.paid_usd == pytest.approx(row.price_usd_per_unit * row.exchanged_units)
    gains = table(folder, "gains").set_index("agent")
    assert gains.surplus_usd["buyer_0"] == pytest.approx(0.567143, abs=1e-3)
    assert gains.received_usd.sum() == pytest.approx(0.0, abs=1e-9)
    (negotiation,) = table(folder, "negotiations").itertuples()
    (game,) = table(folder, "games").itertuples()
    assert game.settled
    assert negotiation.upper_bound_usd == pytest.approx(game.joint_cost_usd, abs=1e-6)
    assert not negotiation.agreed, "leading costs more than the best plan, and the run says so"
    assert "rewards posted after" in negotiation.reason


def test_leaders_of_the_same_entries_cannot_take_turns(tmp_path):
    scenario = market.write_market(tmp_path, market.traders(4), "stackelberg", {"leaders": "in_turn"})
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario)
    (problem,) = caught.value.problems
    assert problem.field == "settings.leaders"
    assert "ask for the same entries" in problem.allowed


def test_trains_are_posted_no_rewards(tmp_path, root):
    from federates.scaffold.scenario import new_scenario

    with pytest.raises(ConfigError) as caught:
        check_scenario(new_scenario(tmp_path / "rail", "ieee30"), use={"coordinator": "stackelberg"})
    (problem,) = caught.value.problems
    assert "can be divided" in problem.allowed
