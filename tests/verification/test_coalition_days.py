"""What sellers of a market are worth together, from days that are run again, against the market's closed form."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from quick_runs import quick_run
from typer.testing import CliRunner

from federates.boundary.errors import ConfigError, PortageError
from federates.cli.app import app
from federates.coalition.days import CoalitionDays, DayCosts, day_costs
from federates.coalition.recorded import RecordedDay
from federates.coalition.study import make_study
from federates.reporting.tables import RunTables
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.costs import account

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market

SELLERS = ("seller_0", "seller_1")
TRADERS = market.traders(6)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run of three buyers and three sellers; the third seller takes part in every day."""
    market.install(tmp_path_factory.mktemp("site"))
    settings = {"update": "box_step", "gap_target": 1e-6}
    return quick_run(market.write_market(tmp_path_factory.mktemp("run"), TRADERS, "ocd", settings))


@pytest.fixture(scope="module")
def days(run):
    return CoalitionDays(RecordedDay(run), SELLERS, run / "coalition/days")


def joint_usd(*away):
    return market.clearing({name: settings for name, settings in TRADERS.items() if name not in away})[2]


def test_worths_are_those_of_the_cleared_market(run, days):
    study = make_study(days, SELLERS, None, 0, 0.95)
    alone = [joint_usd(*SELLERS) - joint_usd(other) for other in reversed(SELLERS)]
    both = joint_usd(*SELLERS) - joint_usd()
    assert [study.game.worth({name}) for name in SELLERS] == pytest.approx(alone, abs=study.slack_usd + 1e-3)
    assert study.game.total_usd == pytest.approx(both, abs=study.slack_usd + 1e-3)
    assert study.slack_usd < 1.0
    # Two players: each gets what it is worth alone, and half of what joining brings; here that is a loss.
    half = (both - sum(alone)) / 2
    assert half < 0
    for share, worth in zip(study.shares.values(), alone, strict=True):
        assert share.shapley_usd == pytest.approx(worth + half, abs=0.01)
        assert share.nucleolus_usd == pytest.approx(worth + half, abs=0.01)
        assert share.shapley_payment_usd == pytest.approx(share.shapley_usd + share.own_cost_usd)
    traded = pd.read_parquet(run / "seller_0/traded.parquet")
    assert study.shares["seller_0"].own_cost_usd == pytest.approx(traded.cost_usd.sum(), rel=1e-3)
    assert study.is_stable is False
    assert study.is_prenucleolus
    assert study.least.epsilon_usd == pytest.approx(-half, abs=0.01)
    assert "is not stable" in study.sentences[0]
    assert "not superadditive: {seller_1} and {seller_0}" in study.sentences[1]


def test_the_command_says_it_and_uses_days_that_are_known(run, days, monkeypatch):
    make_study(days, SELLERS, None, 0, 0.95)
    monkeypatch.setattr(RecordedDay, "run", lambda *_: pytest.fail("every day was known"))
    words = ["coalition", str(run), "--player", "seller_1", "--player", "seller_0"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.count("known before") == 4
    assert "The grand coalition {seller_0, seller_1} is not stable" in done.output
    said = json.loads((run / "coalition/coalition.json").read_text())
    assert (said["stable"], said["superadditive"], said["fleets"]) == (False, False, list(SELLERS))
    rows = list(csv.DictReader((run / "coalition/values.csv").open()))
    assert [row["fleets"] for row in rows] == ["", "seller_0", "seller_1", "seller_0+seller_1"]
    assert [float(row["worth_usd"]) for row in rows] == [row["worth_usd"] for row in said["values"]]
    shares = list(csv.DictReader((run / "coalition/shares.csv").open()))
    assert sum(float(row["shapley_usd"]) for row in shares) == pytest.approx(float(rows[-1]["worth_usd"]), abs=1e-5)


def test_another_day_is_run_anew(run, days):
    days.day(frozenset(SELLERS))
    seen = []
    other = RecordedDay(run, changes={"seed": "5"})
    CoalitionDays(other, SELLERS, run / "coalition/days", seen.append).day(frozenset(SELLERS))
    assert [step.known for step in seen] == [False]
    CoalitionDays(other, SELLERS, run / "coalition/days", seen.append).day(frozenset(SELLERS))
    assert [step.known for step in seen] == [False, True]


def test_runs_that_have_no_coalitions(run, tmp_path):
    recorded = RecordedDay(run)
    with pytest.raises(PortageError, match="no company fleet"):
        recorded.fleets()
    with pytest.raises(PortageError, match="has no agent seler_0; it has"):
        recorded.fleets(["seler_0"])
    everyone = [name for name in TRADERS if name.startswith("seller")]
    with pytest.raises(PortageError, match=r"there is no day with none of \{seller_0, seller_1, seller_2\}"):
        CoalitionDays(recorded, everyone, tmp_path).day(frozenset())
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished)
    record = json.loads((unfinished / "run.json").read_text())
    (unfinished / "run.json").write_text(json.dumps(record | {"status": "failed", "failure": "seller_0: no plan"}))
    with pytest.raises(PortageError, match=r"not whole \(seller_0: no plan"):
        RecordedDay(unfinished)
    (unfinished / "run.json").write_text(json.dumps(record))
    with pytest.raises(ConfigError, match="must name the run's scenario"):
        RecordedDay(unfinished)
    assert RecordedDay(unfinished, run.parents[1]).fleets(["seller_2"]) == ("seller_2",)
    with pytest.raises(PortageError, match="no run's folder"):
        RecordedDay(tmp_path)
    for option, words in (("--pairs=1", "2 at least"), ("--level=1", "between 0 and 1")):
        with pytest.raises(PortageError, match=words):
            CliRunner().invoke(app, ["coalition", str(run), "--player", "seller_0", option], catch_exceptions=False)


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Return two hours of the Los Angeles day by formula traffic."""
    return quick_run(
        new_scenario(tmp_path_factory.mktemp("road") / "day", "la_gcs"),
        {"periods": 1, "start_hour": 8},
        use={"traffic_sumo": "bpr"},
    )


def test_what_a_day_on_the_road_costs_and_the_same_without_deliveries(road, run, tmp_path):
    recorded = RecordedDay(road)
    costs = day_costs(road, recorded.session, recorded.world, 0.0)
    assert costs.total_usd == pytest.approx(account(RunTables.read(road)).social_usd, abs=1e-5)
    assert recorded.idle_scheme == "no_mves"
    days = CoalitionDays(recorded, (), tmp_path)
    # Nobody is taken away: the same day comes out, in its every cost.
    assert days.day(frozenset()).cost_usd == costs.cost_usd
    assert days.day(frozenset()).negotiations == 1
    idle = days.idle()
    assert idle.cost_usd["transport_operator"] == 0
    assert idle.total_usd > costs.total_usd
    with pytest.raises(ConfigError, match="buyer_0: took part in the run, and must be in its scenario"):
        RecordedDay(run, road.parents[1])
    with pytest.raises(PortageError, match="in the scheme no_mves nothing is moved"):
        RecordedDay(road, changes={"scheme": "no_mves"}).fleets()


class Said:
    """Days whose worth is said, in place of days that are run."""

    def __init__(self, worth, slack_usd=0.0):
        self.worth, self._slack_usd = worth, slack_usd

    def day(self, fleets):
        worth = self.worth(fleets) if fleets else 0.0
        return DayCosts({"power_operator": 1000.0 - worth}, dict.fromkeys(fleets, 7.0), self._slack_usd, 24, 24, 0.0)

    def idle(self):
        return None


def test_fleets_that_help_each_other_are_stable():
    study = make_study(Said(lambda s: 10.0 * len(s) ** 2), ("a", "b", "c"), None, 0, 0.95)
    assert study.is_stable is True
    assert study.sentences[0].startswith("The grand coalition {a, b, c} is stable")
    assert "is superadditive" in study.sentences[1]
    assert study.sentences[2] == "The Shapley value is in the core."
    assert [share.paid_usd for share in study.shares.values()] == [7.0] * 3


def test_a_verdict_that_the_gaps_could_turn_says_so():
    study = make_study(Said(lambda s: [10.0, 19.0][len(s) - 1], slack_usd=5.0), ("a", "b"), None, 0, 0.95)
    assert study.is_stable is False
    assert "less than the 10.00 usd by which the negotiated plans may miss the best" in study.sentences[0]
    assert "may miss the best by" in study.sentences[1]


def test_one_fleet_has_nobody_to_share_with():
    study = make_study(Said(lambda s: 42.0), ("only",), None, 0, 0.95)
    assert study.shares["only"].shapley_usd == study.shares["only"].nucleolus_usd == 42.0
    assert study.sentences[0].startswith("There is one company fleet, {only}: nobody to form a coalition with")
    assert len(study.sentences) == 2


def test_many_fleets_are_sampled():
    names = tuple(f"fleet_{i}" for i in range(8))
    study = make_study(Said(lambda s: sum(int(n[-1]) + 1.0 for n in s) ** 2), names, None, 3, 0.95)
    assert study.sample.pairs == 10
    assert not study.game.is_complete
    exact = [(i + 1.0) * 36 for i in range(8)]
    assert [share.shapley_usd for share in study.shares.values()] == pytest.approx(exact), "an order and its reverse: exact here"
    assert study.is_stable is None
    assert "cannot be told" in study.sentences[0]
    assert any("10 pairs of orders" in sentence for sentence in study.sentences)
    # What was seen of a game without a core may show that it has none.
    assert make_study(Said(lambda s: float(len(s) ** 0.5)), names, None, 3, 0.95).is_stable is False
