"""A coordinator of fifteen lines gets true tables, a true headline and its figures in both worlds, whatever it claims.

By hand, on the road, per pair and period (need 12, worth 8, cost z^2 / 2, price 5): the power operator asks 12, the transport
operator offers 5; the bound is 12 x 5 + (5^2 / 2 - 5 x 5) = 47.5, the offer costs 8 x (12 - 5) + 12.5 = 68.5, the best plan 64.
By rail (price 5 for every stand, worth of standing at a 1, 0, 0, 1 and at b 0, 9, 9, 0, a trip 2): asked is b in periods 1 and 2
at a cost of 2; the train stays at a, four stands. Bound: 2 + 2 x 5 + (0 - 4 x 5) = -8; the offer costs 18, the best plan 6.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from small_rail_scenario import write_small_rail_scenario
from small_scenario import HERE, write_small_scenario

from federates.runs.in_process import run_in_process

ENTRIES = 4
"""Two pairs over a horizon of two periods."""


def run(tmp_path: Path, world: str, name: str) -> Path:
    scenario = (write_small_scenario if world == "road" else write_small_rail_scenario)(tmp_path, broker={"report": True})
    shutil.copy(HERE / "five_dollars.py", scenario / "five_dollars.py")
    config = {"schema_version": 1, "algorithm": f"five_dollars:{name}", "settings": {}}
    (scenario / "coordinator/config.yaml").write_text(yaml.safe_dump(config))
    return run_in_process(scenario)


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"coordinator/{name}.parquet")


def headline(folder: Path) -> str:
    return " ".join(json.loads((folder / "summary.json").read_text())["headline"])


def test_on_the_road_rounds_prices_and_answers_are_recorded(tmp_path):
    folder = run(tmp_path, "road", "FiveDollars")
    rounds = table(folder, "rounds")
    assert rounds[["period", "round", "command"]].values.tolist() == [[p, 1, "solve"] for p in range(3)]
    assert rounds.bound_usd.tolist() == rounds.lower_bound_usd.tolist() == pytest.approx([47.5 * ENTRIES] * 3)
    assert rounds.upper_bound_usd.isna().all(), "12 asked, 5 offered: no plan has a cost"
    assert rounds.residual_veh.tolist() == rounds.shortfall_veh.tolist() == pytest.approx([7.0 * ENTRIES] * 3)
    prices = table(folder, "prices")
    assert prices.price_usd_per_veh.unique().tolist() == [5.0]
    assert prices[prices.period == 1][["source", "station", "for_period"]].values.tolist() == [
        ["r1", "q1", 1],
        ["r1", "q1", 2],
        ["r1", "q2", 1],
        ["r1", "q2", 2],
    ]
    answers = table(folder, "answers").groupby("agent").connection_veh.unique()
    assert answers["power_operator"].tolist() == [12.0]
    assert answers["transport_operator"].tolist() == [5.0]
    costs = table(folder, "answer_costs").groupby("agent")[["cost_usd", "bound_usd"]].first()
    assert costs.loc["power_operator"].tolist() == pytest.approx([0.0, 60.0 * ENTRIES])
    assert costs.loc["transport_operator"].tolist() == pytest.approx([12.5 * ENTRIES, -12.5 * ENTRIES])


def test_on_the_road_a_claim_that_no_answer_shows_is_no_agreement(tmp_path):
    folder = run(tmp_path, "road", "FiveDollars")
    held = table(folder, "negotiations")
    assert held.claimed_agreed.all()
    assert not held.agreed.any()
    assert held.verdict.unique().tolist() == ["the answers do not tell what the committed plan costs"]
    assert not table(folder, "schedule").agreed.any()
    text = headline(folder)
    assert "agreed in 0 periods (0 %) after 1.0 rounds a period" in text
    assert "claims 3 agreements more, which the answers do not show" in text
    assert "gap" not in text
    report = (folder / "report.html").read_text()
    assert "no (the algorithm says yes)" in report
    assert (folder / "figures/bounds.png").exists()


def test_on_the_road_what_is_costed_is_told_with_its_gap(tmp_path):
    folder = run(tmp_path, "road", "FiveDollarsCosted")
    held = table(folder, "negotiations")
    assert held.rounds.tolist() == [2, 2, 2]
    assert held.lower_bound_usd.tolist() == pytest.approx([47.5 * ENTRIES] * 3)
    assert held.upper_bound_usd.tolist() == pytest.approx([68.5 * ENTRIES] * 3)
    assert held.gap.tolist() == held.claimed_gap.tolist() == pytest.approx([21.0 / 68.5] * 3)
    assert not held.agreed.any()
    assert "30.66% only, agreed means 1.00%" in held.verdict[0]
    assert "proven to within 30.66 % of the best" in headline(folder)


def test_by_rail_the_first_period_is_a_negotiation_and_so_is_every_one_in_which_somebody_was_asked(tmp_path):
    folder = run(tmp_path, "rail", "FiveDollars")
    held = table(folder, "negotiations")
    assert held.period.tolist() == [0, 1, 2, 3]
    assert held.cause.tolist() == ["day ahead"] + 3 * ["the algorithm asked again, though every train can follow the plan"]
    assert held.rounds.tolist() == [1] * 4
    assert held.lower_bound_usd[0] == pytest.approx(-8.0)
    assert not held.agreed.any()
    first = table(folder, "connections").query("negotiated_in == 0")
    assert first[["train", "station", "period"]].values.tolist() == [["k1", "a", t] for t in range(4)]
    asked = table(folder, "answers").query("period == 0 and agent == 'power_operator'")
    assert asked[["station", "for_period"]].values.tolist() == [["b", 1], ["b", 2]]
    assert len(table(folder, "prices").query("period == 2")) == 2 * 2, "the past has no price"
    assert "without the agreement they looked for after 1 round." in headline(folder)
    assert "claims 4 agreements more" in headline(folder)
    assert (folder / "figures/bounds.png").exists()


def test_by_rail_the_costed_offer_is_18_dollars_and_the_gap_is_told(tmp_path):
    folder = run(tmp_path, "rail", "FiveDollarsCosted")
    first = table(folder, "negotiations").iloc[0]
    assert first.upper_bound_usd == pytest.approx(18.0)
    assert first.gap == pytest.approx((18.0 + 8.0) / 18.0)
    assert "proven to be within 144.44 % of the best one" in headline(folder)


@pytest.mark.parametrize(("world", "cost"), [("road", 68.5 * ENTRIES), ("rail", 18.0)])
def test_a_lower_bound_above_the_cost_of_a_plan_claims_nothing(tmp_path, world, cost):
    held = table(run(tmp_path, world, "Boaster"), "negotiations").iloc[0]
    assert held.claimed_lower_bound_usd == 1e6
    assert not held.agreed
    assert f"lies above the cost of a plan, {cost:.6g} usd: the algorithm's bound is wrong" in held.verdict
    assert np.isfinite(held.gap)
    assert np.isnan(held.claimed_gap)
