"""What fleets are worth together, from days that are run again, against the closed form of a small world."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from quick_runs import quick_run
from small_fleets import optimum, write_fleets
from typer.testing import CliRunner

from federates.boundary.errors import ConfigError, PortageError
from federates.cli.app import app
from federates.coalition.days import CoalitionDays, DayCosts, day_costs
from federates.coalition.recorded import RecordedDay
from federates.coalition.results import value_rows
from federates.coalition.study import make_study
from federates.reporting.tables import RunTables
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.costs import account

FLEETS = {"u": (1.0, 0.5), "c": (1.0, 1.0), "d": (2.0, 2.0)}
"""Energy of a vehicle, kWh, and slope of the costs. Some tens of vehicles go, so that whole ones make little difference."""
PLAYERS = ("c", "d")
"""Those that form coalitions; the third takes part in every day."""
NEEDS_KWH, CONGESTION = (60.0, 30.0), 0.001


def fleets_day_usd(*names):
    """Return what an hour costs all with these fleets, by the linear equations of the optimum at each station."""
    kwh, slopes = zip(*(FLEETS[name] for name in names), strict=True)
    return sum(optimum(need, 1.0, np.array(slopes), kwh, CONGESTION)[1] for need in NEEDS_KWH)


@pytest.fixture(scope="module")
def fleets_run(tmp_path_factory):
    one = {"periods": 1, "horizon_periods": 1}
    folder = tmp_path_factory.mktemp("fleets")
    return quick_run(write_fleets(folder, FLEETS, algorithm="admm", settings={"gap_target": 2e-4}, congestion=CONGESTION, **one))


@pytest.fixture(scope="module")
def days(fleets_run):
    return CoalitionDays(RecordedDay(fleets_run), PLAYERS, fleets_run / "coalition/days")


def test_a_day_of_two_fleets_by_hand(days):
    study = make_study(days, PLAYERS, None, 0, 0.95)
    none = fleets_day_usd("u")
    worth = {name: none - fleets_day_usd("u", name) for name in "cd"}
    together = none - fleets_day_usd("u", "c", "d")
    assert all(day.gap_usd < 0.3 for day in study.days.values())
    assert study.game.worth({"c"}) == pytest.approx(worth["c"], abs=0.5)
    assert study.game.worth({"d"}) == pytest.approx(worth["d"], abs=0.5)
    assert study.game.total_usd == pytest.approx(together, abs=0.5)
    # Both meet the same need, so together they save less than apart, and half of the loss is each one's.
    loss = sum(worth.values()) - together
    assert loss > 5
    assert [share.shapley_usd for share in study.shares.values()] == pytest.approx(
        [w - loss / 2 for w in worth.values()], abs=0.5
    )
    assert study.is_stable is False
    # Prices pay the marginal worth: reward less toll is slope d for each kWh, twice the cost of a quadratic.
    for share in study.shares.values():
        assert share.paid_usd == pytest.approx(2 * share.own_cost_usd, rel=0.02)
    # Without deliveries all is unmet: worth need^2 / 2 at each station.
    assert study.idle.total_usd == pytest.approx(sum(need**2 / 2 for need in NEEDS_KWH))


def test_without_other_fleets_nobody_is_the_day_without_deliveries(fleets_run, tmp_path):
    days = CoalitionDays(RecordedDay(fleets_run), tuple(FLEETS), tmp_path)
    assert days.day(frozenset()) == days.idle()
    assert days.worth(frozenset()) == 0.0


def test_business_that_is_missed_without_any_delivery_is_no_cost_of_them(fleets_run, days, tmp_path):
    """Two fleets that miss business whatever they deliver: worth, payment and doubt are those of fleets that miss none."""
    run = tmp_path / "run"
    shutil.copytree(fleets_run, run, ignore=shutil.ignore_patterns("coalition"))
    said = json.loads((run / "configuration.json").read_text())
    said["c"]["settings"]["missed_usd"], said["d"]["settings"]["missed_usd"] = 40.0, 300.0
    (run / "configuration.json").write_text(json.dumps(said))
    study = make_study(CoalitionDays(RecordedDay(run, fleets_run.parents[1]), ("d",), tmp_path / "days"), ("d",), None, 0, 0.95)
    none, alone, share = study.days[frozenset()], study.days[frozenset("d")], study.shares["d"]
    assert study.idle.cost_usd["d"] == 300.0
    assert (none.absent_usd, alone.absent_usd) == ({"d": 300.0}, {})
    together = days.day(frozenset("cd"))
    assert share.shapley_usd == pytest.approx(days.worth(frozenset("cd")) - days.worth(frozenset("c")), abs=1e-5)
    assert share.own_cost_usd == pytest.approx(together.cost_usd["d"], abs=1e-5)
    assert alone.empty_usd == pytest.approx(together.empty_usd, abs=1e-5)
    # The fleet is paid what all others save, and nothing for business that it misses anyway.
    saved = sum(none.cost_usd.values()) - sum(usd for name, usd in alone.cost_usd.items() if name != "d")
    assert share.shapley_payment_usd == pytest.approx(saved, abs=1e-5)


def test_the_command_says_it_and_uses_days_that_are_known(fleets_run, days, monkeypatch):
    make_study(days, PLAYERS, None, 0, 0.95)
    monkeypatch.setattr(RecordedDay, "run", lambda *_: pytest.fail("every day was known"))
    words = ["coalition", str(fleets_run), "--player", "d", "--player", "c"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.count("known before") == 5
    assert "The grand coalition {c, d} is not stable" in done.output
    said = json.loads((fleets_run / "coalition/coalition.json").read_text())
    assert (said["stable"], said["superadditive"], said["fleets"]) == (False, False, ["c", "d"])
    rows = list(csv.DictReader((fleets_run / "coalition/values.csv").open()))
    assert [row["fleets"] for row in rows] == ["", "c", "d", "c+d"]
    assert [float(row["worth_usd"]) for row in rows] == [row["worth_usd"] for row in said["values"]]
    saved = [float(row["saved_usd"]) for row in rows]
    assert [s - saved[0] for s in saved] == pytest.approx([float(row["worth_usd"]) for row in rows], abs=1e-5)
    shares = list(csv.DictReader((fleets_run / "coalition/shares.csv").open()))
    assert sum(float(row["shapley_usd"]) for row in shares) == pytest.approx(float(rows[-1]["worth_usd"]), abs=1e-5)


def test_another_day_is_run_anew(fleets_run, tmp_path, monkeypatch):
    monkeypatch.setattr(RecordedDay, "run", lambda *_: fleets_run)  # what came out is not looked at here
    seen = []
    for changes in ({}, {}, {"seed": "5"}, {"seed": "5"}):
        CoalitionDays(RecordedDay(fleets_run, changes=changes), PLAYERS, tmp_path, seen.append).day(frozenset(PLAYERS))
    CoalitionDays(RecordedDay(fleets_run), ("c", "d", "u"), tmp_path, seen.append).day(frozenset(PLAYERS))
    assert [step.known for step in seen if step.fleets is not None] == [False, True, False, True, False]
    assert [step.known for step in seen if step.fleets is None] == [False, False, False], "with every day that is run"
    # Of other players the same coalition is another day: who is not in it is away.
    assert RecordedDay(fleets_run).part(["d"]).fleets == ("u", "c")
    assert RecordedDay(fleets_run).part(["u", "d"]).fleets == ("c",)


def test_runs_that_have_no_coalitions(fleets_run, tmp_path):
    recorded = RecordedDay(fleets_run)
    with pytest.raises(PortageError, match="no company fleet"):
        recorded.fleets()
    with pytest.raises(PortageError, match="has no agent e; it has"):
        recorded.fleets(["e"])
    with pytest.raises(PortageError, match=r"there is no day with \{c\} alone: .*role power_operator"):
        CoalitionDays(recorded, ("c", "power_operator"), tmp_path).day(frozenset("c"))
    unfinished = tmp_path / "unfinished"
    shutil.copytree(fleets_run, unfinished)
    record = json.loads((unfinished / "run.json").read_text())
    (unfinished / "run.json").write_text(json.dumps(record | {"status": "failed", "failure": "c: no plan"}))
    with pytest.raises(PortageError, match=r"not whole \(c: no plan"):
        RecordedDay(unfinished)
    (unfinished / "run.json").write_text(json.dumps(record))
    with pytest.raises(ConfigError, match="must name the run's scenario"):
        RecordedDay(unfinished)
    assert RecordedDay(unfinished, fleets_run.parents[1]).fleets(["d"]) == ("d",)
    with pytest.raises(PortageError, match="no run's folder"):
        RecordedDay(tmp_path)
    for option, words in (("--pairs=1", "2 at least"), ("--level=1", "between 0 and 1")):
        with pytest.raises(PortageError, match=words):
            CliRunner().invoke(app, ["coalition", str(fleets_run), "--player", "c", option], catch_exceptions=False)


def test_company_fleets_are_told_by_their_class(fleets_run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(fleets_run, copy)
    said = json.loads((copy / "configuration.json").read_text())
    said["d"]["model"] = said["transport_operator"]["operator"] = "company"
    (copy / "configuration.json").write_text(json.dumps(said))
    assert RecordedDay(copy, fleets_run.parents[1]).fleets() == ("d",)


def test_room_that_goes_empty_is_in_what_a_day_may_be_dearer_by(fleets_run):
    recorded = RecordedDay(fleets_run)
    day = day_costs(fleets_run, recorded.session, recorded.world, 0.0)
    schedule = pd.read_parquet(fleets_run / "coordinator/schedule.parquet")
    sent = schedule.groupby("fleet")[["vehicles", "delivery_kwh"]].sum()
    empty = sum(
        day.cost_usd[name] * (1 - sent.delivery_kwh[name] / (sent.vehicles[name] * kwh)) for name, (kwh, _) in FLEETS.items()
    )
    assert 0 < day.empty_usd == pytest.approx(empty, abs=1e-5)
    assert day.slack_usd == day.gap_usd + day.empty_usd


def test_a_cost_that_is_not_recorded_is_no_zero(fleets_run, tmp_path):
    recorded, copy = RecordedDay(fleets_run), tmp_path / "copy"
    shutil.copytree(fleets_run, copy)
    (copy / "c/fleet_costs.parquet").unlink()  # a small fleet may keep it to itself
    assert "c" not in day_costs(copy, recorded.session, recorded.world, 0.0).cost_usd
    (copy / "power_operator/power_costs.parquet").unlink()
    with pytest.raises(PortageError, match="power_operator has left no table power_costs"):
        day_costs(copy, recorded.session, recorded.world, 0.0)
    (copy / "c/sent.parquet").rename(copy / "c/fleet_costs.parquet")
    with pytest.raises(PortageError, match="c: its table fleet_costs lacks driver_usd"):
        day_costs(
            copy,
            recorded.session,
            dataclasses.replace(recorded.world, costs={"mves_fleet": recorded.world.costs["mves_fleet"]}),
            0.0,
        )


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Return two hours of the Los Angeles day by formula traffic."""
    return quick_run(
        new_scenario(tmp_path_factory.mktemp("road") / "day", "la_gcs"),
        {"periods": 1, "start_hour": 8},
        use={"traffic_sumo": "bpr"},
    )


def test_what_a_day_on_the_road_costs_and_the_same_without_deliveries(road, fleets_run, tmp_path):
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
    with pytest.raises(ConfigError, match="u: took part in the run, and must be in its scenario"):
        RecordedDay(fleets_run, road.parents[1])
    with pytest.raises(PortageError, match="in the scheme no_mves nothing is moved"):
        RecordedDay(road, changes={"scheme": "no_mves"}).fleets()


class Said:
    """Days whose worth is said, in place of days that are run."""

    def __init__(self, worth, slack_usd=0.0):
        self.worth, self._slack_usd = worth, slack_usd

    def day(self, fleets):
        worth = self.worth(fleets) if fleets else 0.0
        return DayCosts({"power_operator": 1000.0 - worth}, dict.fromkeys(fleets, 7.0), self._slack_usd, 0.0, 24, 24, 0.0)

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
    assert "less than the 10.00 usd by which the plans may miss the best" in study.sentences[0]
    assert "less than the 10.00 usd by which the plans may miss the best" in study.sentences[1]


def test_of_a_day_of_which_nothing_is_proven_no_worth_is_called_certain():
    class OneOpen(Said):
        def day(self, fleets):
            day = super().day(fleets)
            return dataclasses.replace(day, gap_usd=None) if fleets == {"a"} else day

    study = make_study(OneOpen(lambda s: 10.0 * len(s) ** 2), ("a", "b"), None, 0, 0.95)
    assert study.slack_usd is None
    assert all("by how much the plans may miss the best is not known" in sentence for sentence in study.sentences[:2])
    assert study.sentences[-1].startswith("How far a worth may be off is not known: in 1 of 4 days")
    assert [row["gap_usd"] for row in value_rows(study)] == [0.0, None, 0.0, 0.0]


def test_a_negotiation_without_a_gap_leaves_the_day_s_gap_open(fleets_run, tmp_path):
    recorded, copy = RecordedDay(fleets_run), tmp_path / "copy"
    shutil.copytree(fleets_run, copy)
    path = copy / "coordinator/negotiations.parquet"
    held = pd.read_parquet(path)
    assert len(held) == 1
    for gap, expected in ((np.nan, None), (0.1, 0.1 * sum(day_costs(copy, *_day(recorded)).cost_usd.values()))):
        held.assign(gap=gap).to_parquet(path)
        day = day_costs(copy, *_day(recorded))
        assert day.gap_usd == (None if expected is None else pytest.approx(expected))
        assert (day.slack_usd is None) == (expected is None)
    # Where nothing is moved there is one plan, whatever is proven of it.
    held.assign(gap=np.nan).to_parquet(path)
    assert day_costs(copy, recorded.part(scheme="no_mves"), recorded.world, 0.0).gap_usd == 0.0


def _day(recorded):
    return recorded.session, recorded.world, 0.0


def test_a_sample_that_has_seen_every_coalition_gives_the_exact_value():
    """One has a left glove and two a right one, a pair is worth 6: (2/3, 1/6, 1/6) of it. Ten pairs of orders miss that."""
    study = make_study(Said(lambda s: 6.0 * ("a" in s and len(s) > 1)), ("a", "b", "c"), 10, 1, 0.95)
    assert study.sample.seen.is_complete
    assert list(study.sample.value_usd) != pytest.approx([4.0, 1.0, 1.0], abs=0.01)
    assert [share.shapley_usd for share in study.shares.values()] == pytest.approx([4.0, 1.0, 1.0])
    assert [share.half_width_usd for share in study.shares.values()] == [0.0] * 3
    assert not any(sentence.startswith("Sampled") for sentence in study.sentences)


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
