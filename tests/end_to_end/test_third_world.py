"""A world that Portage does not know, from the test's own folder: it runs in processes, is audited, and reports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return the environment in which the world is installed."""
    site = market.install(tmp_path_factory.mktemp("site"))
    return os.environ | {"PYTHONPATH": str(site)}


def portage(environment, *words):
    command = [sys.executable, "-m", "federates.cli", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def conformed(environment, folder, role, name):
    """Return the exit code of ``portage conform`` in the market, and how each check came out."""
    done = portage(environment, "conform", role, name, "--world", "market", "--json", folder / "report.json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, {c["id"]: c["state"] for c in json.loads((folder / "report.json").read_text())["checks"]}


def test_a_market_of_four_runs_is_audited_and_reports(tmp_path, world):
    traders = market.traders(4)
    for number, settings in enumerate(traders.values()):
        settings["price_usd_per_kwh"] += 0.41737 + 0.01 * number  # texts that no other number on a page has
    scenario = market.write_market(tmp_path, traders, "ocd", {"update": "box_step", "gap_target": 0.001}, periods=2)
    assert portage(world, "check", scenario).returncode == 0
    done = portage(world, "run", scenario)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = next((scenario / "results").iterdir())
    assert portage(world, "audit", folder).returncode == 0
    _, amount, joint_usd = market.clearing(traders)
    negotiations = pd.read_parquet(folder / "coordinator/negotiations.parquet")
    assert negotiations.agreed.all()
    assert (negotiations.lower_bound_usd <= joint_usd + 1e-6).all()
    assert (negotiations.upper_bound_usd >= joint_usd - 1e-6).all()
    assert pd.read_parquet(folder / "coordinator/trades.parquet").sold.to_numpy() == pytest.approx([amount] * 2, rel=0.05)
    # The report names the agents; the report of one agent has nothing that only another knows.
    assert "buyer_1" in (folder / "report.html").read_text()
    own = (folder / "report-seller_0.html").read_text()
    for name, settings in traders.items():
        assert (f"{settings['price_usd_per_kwh']:.5f}" in own) == (name == "seller_0")


def test_what_is_wrong_with_its_agents_is_said_before_anything_starts(tmp_path, world):
    scenario = market.write_market(tmp_path, market.traders(4))
    session = scenario / "scenario.yaml"
    session.write_text(session.read_text().replace("role: buyer", "role: bidder", 1))
    done = portage(world, "check", scenario)
    assert done.returncode == 2
    assert "bidder" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert json.loads((scenario / "runner.json").read_text())["name"] == "market"


OF_OPERATORS, OF_ALGORITHMS = (
    ("answers.range", "bound.proven", "prices.best"),
    ("decisions.valid", "plan.feasible", "plan.agreed"),
)


@pytest.mark.parametrize(
    ("role", "name", "judged"),
    [
        ("buyer", "market_world:Buyer", OF_OPERATORS),
        ("seller", "market_world:Seller", OF_OPERATORS),
        ("coordinator", "ocd", OF_ALGORITHMS),
    ],
    ids=["buyer", "seller", "coordinator"],
)
def test_its_agents_play_by_the_rules(tmp_path, world, role, name, judged):
    code, states = conformed(world, tmp_path, role, name)
    assert code == 0, states
    assert {states[check] for check in judged} == {"holds"}


def test_one_that_does_not_is_found_out(tmp_path, world):
    (tmp_path / "mine.py").write_text(
        "from market_world import Buyer\n\n\n"
        "class Snob(Buyer):\n"
        "    def solve(self, prices, openings):\n"
        "        return super().solve({'trade': 12.0 - prices['trade']}, openings)\n"
    )
    code, states = conformed(world, tmp_path, "buyer", tmp_path / "mine.py:Snob")
    assert code == 1
    assert states["prices.monotone"] == "broken"
