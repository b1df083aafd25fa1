"""Numbers of the rail world, worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
import rail_example_runs as example

from federates.reporting.claims import Interval, Verdict
from federates.reporting.published import read_published
from federates.reporting.report import write_summary
from federates.reporting.tables import RunTables
from federates.worlds.rail.report.compare import check_rail_claims, intervals_by_scheme
from federates.worlds.rail.report.metrics import (
    batteries,
    economic_indicator_usd_per_mw,
    energy_limit_mwh,
    moves,
    total_capacity_mw,
    trips,
)
from federates.worlds.rail.report.narrative import headline
from federates.worlds.rail.session import RailScheme

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CASE = read_published(SCENARIOS / "ieee30", "rail").case


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return RunTables.read(example.rail_run(tmp_path_factory.mktemp("rail")))


def test_a_trip_is_counted_once_however_long_and_two_in_a_row_are_two():
    pairs = ["AA", "AB", "AB", "BB", "BA", "AC", "CC"]
    table = pd.DataFrame({"train": "k", "origin": [p[0] for p in pairs], "destination": [p[1] for p in pairs]})
    assert trips(table) == 3
    assert trips(pd.concat([table, table.assign(train="m")])) == 6


def test_plan_is_the_first_negotiation_and_the_day_what_was_carried_out(run):
    planned, realised = moves(run, "planned"), moves(run, "realised")
    assert len(planned) == len(realised) == 2 * example.T
    assert planned["moving"].sum() == 4
    assert realised["moving"].sum() == 5, "the second train's first trip took one period longer"
    head = run.summary
    assert (head["trips"], head["moving_periods"], head["transport_cost_usd"]) == (4, 4, 80.0)
    assert (head["realised_trips"], head["realised_moving_periods"], head["realised_transport_cost_usd"]) == (4, 5, 100.0)
    assert head["most_delay_periods"] == 1
    assert head["negotiations"] == 2


def test_costs_of_both_operators_are_added(run):
    head = run.summary
    assert head["operating_cost_usd"] == pytest.approx(14_000 * 0.93 + 300.3)
    assert head["total_cost_usd"] == pytest.approx(head["operating_cost_usd"] + 80.0)
    assert head["realised_total_cost_usd"] == pytest.approx(14_000 * 0.93 * 1.02 + 300.3 + 100.0)


def test_wind_is_energy_used_over_energy_available(run):
    used = sum(min(example.wind_mw(p), 40 / 0.93) for p in range(24))
    available = sum(example.wind_mw(p) for p in range(24))
    head = run.summary
    assert head["wind_used_share"] == pytest.approx(used / available)
    assert head["realised_wind_used_share"] == pytest.approx(used / available), "both deviate alike in this example"


def test_use_of_the_batteries_by_hand(run):
    table = batteries(run, "planned")
    assert table["capacity_mw"].tolist() == pytest.approx([90.0] * 24), "three stations and two trains"
    assert total_capacity_mw(run) == pytest.approx(90.0)
    assert energy_limit_mwh(run) == 3 * 60 + 2 * 90
    head = run.summary
    # 18 MW charging and 12 MW discharging, three hours each, of 90 MW over 24 h
    assert head["storage_utilisation"] == pytest.approx((3 * 18 + 3 * 12) / (24 * 90))
    assert head["storage_energy_utilisation"] == pytest.approx(table["energy_mwh"].mean() / 360)


def test_economic_indicator_reproduces_the_papers_own_table():
    # F_0 must come out alike from every model of a case, within the digits that the paper gives.
    for name, tolerance in (("ieee30", 0.6), ("ieee118", 10_000)):
        case = read_published(SCENARIOS / name, "rail").case
        capacity = case.storage_mw
        assert case.without_storage_usd == case.models["mobile"].total_cost_usd + case.models["mobile"].usd_per_mw * capacity
        for row in case.models.values():
            without = row.total_cost_usd + row.usd_per_mw * capacity
            assert without == pytest.approx(case.without_storage_usd, abs=tolerance)
            assert economic_indicator_usd_per_mw(without, row.total_cost_usd, capacity) == pytest.approx(row.usd_per_mw)


def test_no_batteries_have_no_worth_per_mw():
    assert math.isnan(economic_indicator_usd_per_mw(100.0, 100.0, 0.0))


@pytest.mark.parametrize("scheme", ["fixed", "central", "no_storage"])
def test_schemes_without_trains_have_no_transport_cost(tmp_path, scheme):
    head = RunTables.read(example.rail_run(tmp_path, scheme)).summary
    assert head["transport_cost_usd"] == 0.0
    assert head["total_cost_usd"] == head["operating_cost_usd"]
    assert ("storage_mw" in head) == (scheme != "no_storage")


def test_what_cannot_be_formed_is_left_out(tmp_path):
    run = RunTables.read(example.rail_run(tmp_path, without=("plan_costs", "negotiations", "storage_state", "train_moves")))
    head = run.summary
    assert not [name for name in head if "cost" in name or "utilisation" in name or "trip" in name or "gap" in name]
    assert "wind_used_share" in head
    assert set(run.missing) == {
        "plan_costs",
        "negotiations",
        "storage_state",
        "train_moves",
        "timings",
    }


def test_negotiation_that_never_had_a_plan_has_no_gap(tmp_path):
    folder = example.Folder(tmp_path, example.session())
    bounds = {"lower_bound_usd": 5.0, "upper_bound_usd": math.nan, "gap": math.nan}
    claims = {"ended_by_time": False, "claimed_agreed": True, "claimed_lower_bound_usd": 7.0, "claimed_gap": 0.0}
    outcome = {"agreed": False, "verdict": "not told", "reason": "rounds", **bounds, **claims}
    folder.add("negotiations", period=0, cause="day ahead", rounds=2, **outcome)
    head = RunTables.read(folder.finish(None)).summary
    assert head["bound_usd"] == 5.0
    assert "gap" not in head
    assert "upper_bound_usd" not in head


def test_a_day_that_ends_badly_is_said_in_words_and_money(tmp_path):
    """Why there is no agreement, what time ended, and what trains cost that did not come home."""
    folder = example.Folder(tmp_path, example.session())
    bounds = {"lower_bound_usd": 99.0, "upper_bound_usd": 100.0, "gap": 0.01}
    claims = {"ended_by_time": True, "claimed_agreed": False, "claimed_lower_bound_usd": 99.0, "claimed_gap": 0.01}
    outcome = {"agreed": False, "verdict": "the algorithm does not say so", **bounds, **claims}
    for period, reason in ((0, "no agreement: no progress in 50 rounds, gap 1.00%"), (3, "no agreement: stopped after 7 s")):
        folder.add("negotiations", period=period, cause="day ahead", rounds=62, reason=reason, **outcome)
    for phase, planned_in in (("planned", 0), ("realised", example.T)):
        for period in range(example.T):
            where = {"origin": "bus4", "destination": "bus4", "delay_periods": 0, "cost_usd": 10.0}
            folder.add("train_moves", phase=phase, planned_in=planned_in, train="train1", period=period, **where)
        costs = dict.fromkeys(
            ("production_usd", "start_up_usd", "shut_down_usd", "throughput_usd", "slack_usd", "total_usd"), 50.0
        )
        folder.add("plan_costs", phase=phase, period=planned_in, **costs)
    late = {"train": "train1", "end_station": "bus4", "next_station": "bus13", "ready_period": example.T + 1, "price_usd": 1e4}
    folder.add("late_ends", **late)
    run = RunTables.read(folder.finish(None))
    head, said = run.summary, " ".join(headline(run))
    assert head["realised_late_end_usd"] == 1e4
    assert head["realised_total_cost_usd"] == pytest.approx(head["total_cost_usd"] + 1e4)
    assert "after 62 rounds (no agreement: no progress in 50 rounds, gap 1.00%)" in said
    assert "within 1.00 % of the best one" in said
    assert "(no agreement: stopped after 7 s)" in said
    assert "A limit of time ended 2 negotiations" in said
    assert "train1 was on its way to bus13 instead of bus4" in said


def test_summary_file_is_the_summary(tmp_path):
    run = RunTables.read(example.rail_run(tmp_path, late=0))
    assert json.loads(write_summary(run, ["a sentence"]).read_text()) == run.summary | {"headline": ["a sentence"]}


EXACT = ("total_cost_usd", "wind_used_share", "usd_per_mw", "storage_utilisation")


def published_rows(case):
    found = {
        scheme: {key: Interval(getattr(row, key), getattr(row, key)) for key in EXACT} for scheme, row in case.models.items()
    }
    return found | {RailScheme.NO_STORAGE: {"total_cost_usd": Interval(case.without_storage_usd, case.without_storage_usd)}}


def verdicts(case, found):
    return {claim.key: claim.verdict for claim in check_rail_claims(case, found)}


def test_the_papers_own_numbers_show_its_claims():
    found = published_rows(CASE)
    assert set(verdicts(CASE, found).values()) == {Verdict.SHOWN}
    found[RailScheme.FIXED]["wind_used_share"] = Interval(0.4, 0.4)
    assert verdicts(CASE, found)["order_wind_used_share"] is Verdict.NOT_SHOWN
    del found[RailScheme.CENTRAL]["usd_per_mw"]
    claim = {c.key: c for c in check_rail_claims(CASE, found)}["order_usd_per_mw"]
    assert claim.verdict is Verdict.NOT_SHOWN
    assert "M3" in claim.words
    del found[RailScheme.NO_STORAGE]
    assert verdicts(CASE, found)["saving"] is Verdict.NOT_SHOWN, "without a run without storage nothing can be saved"


def test_an_order_is_open_where_the_bounds_overlap():
    found = published_rows(CASE)
    fixed = found[RailScheme.FIXED]["total_cost_usd"].low
    found[RailScheme.MOBILE]["total_cost_usd"] = Interval(fixed - 100.0, fixed + 1.0)
    assert verdicts(CASE, found)["order_total_cost_usd"] is Verdict.UNDECIDED
    found[RailScheme.MOBILE]["total_cost_usd"] = Interval(fixed, fixed + 1.0)
    assert verdicts(CASE, found)["order_total_cost_usd"] is Verdict.NOT_SHOWN, "the best M1 costs at least what M2 costs"


def test_a_saving_must_have_the_published_size():
    # Case 2 as it once came out: 0.7 and 0.1 % are no 1.01 and 0.25 %, though the direction is the paper's.
    case = read_published(SCENARIOS / "ieee118", "rail").case
    without = 4_023_321.0
    found = {
        RailScheme.NO_STORAGE: {"total_cost_usd": Interval(without - 6, without)},
        RailScheme.MOBILE: {"total_cost_usd": Interval(3_987_933.0, 3_993_883.0)},
        RailScheme.FIXED: {"total_cost_usd": Interval(4_020_242.0, 4_020_248.0)},
    }
    assert verdicts(case, found)["saving"] is Verdict.NOT_SHOWN
    found[RailScheme.FIXED]["total_cost_usd"] = Interval(4_010_000.0, 4_016_000.0)
    assert verdicts(case, found)["saving"] is Verdict.UNDECIDED


@pytest.mark.parametrize("low", [-math.inf, -5.0, 0.0])
def test_without_a_bound_of_the_cost_without_storage_no_saving_is_shown(low):
    found = published_rows(CASE)
    found[RailScheme.NO_STORAGE]["total_cost_usd"] = Interval(low, CASE.without_storage_usd)
    (claim,) = (c for c in check_rail_claims(CASE, found) if c.key == "saving")
    assert claim.verdict is Verdict.UNDECIDED
    assert "M1: at most " in claim.words
    assert "M1_saved_share_low" not in claim.numbers


def test_worth_is_an_interval_of_both_gaps(tmp_path):
    def run(scheme, low, high):
        folder = example.rail_run(tmp_path / scheme, scheme, without=("negotiations",))
        writer = example.ResultWriter(folder / "coordinator")
        bounds = {"lower_bound_usd": low, "upper_bound_usd": high, "gap": (high - low) / high}
        claimed = {"ended_by_time": False, "claimed_agreed": True, "claimed_lower_bound_usd": low, "claimed_gap": bounds["gap"]}
        writer.record(
            "negotiations", period=0, cause="day ahead", rounds=1, agreed=True, verdict="", reason="", **bounds, **claimed
        )
        writer.finish("coordinator")
        return RunTables.read(folder)

    with_usd, without_usd = 14_000 * 0.96 + 300.3, 14_300.3
    runs = {"fixed": run("fixed", with_usd - 45.0, with_usd), "no_storage": run("no_storage", without_usd - 9.0, without_usd)}
    worth = intervals_by_scheme(runs)["fixed"]["usd_per_mw"]
    middle = (without_usd - with_usd) / 90.0
    assert (worth.low, worth.high) == pytest.approx((middle - 0.1, middle + 0.5))
    crossed = {"no_storage": run("central", with_usd * 2, with_usd)}
    assert intervals_by_scheme(crossed)["no_storage"]["total_cost_usd"].low == -math.inf, "crossed bounds claim nothing"
    unknown = {"mobile": RunTables.read(example.rail_run(tmp_path / "mobile", without=("negotiations",)))}
    assert intervals_by_scheme(unknown)["mobile"]["total_cost_usd"].low == -math.inf, "nothing is proven"
