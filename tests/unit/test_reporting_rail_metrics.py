"""Numbers of the rail world, worked out by hand."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from federates.boundary.errors import ConfigError
from federates.boundary.session import RailScheme, World
from federates.reporting.rail.claims import CASES, case_of, check_rail_claims
from federates.reporting.rail.metrics import (
    batteries,
    economic_indicator_usd_per_mw,
    energy_limit_mwh,
    moves,
    rail_summary,
    total_capacity_mw,
    trips,
    write_rail_summary,
)
from federates.reporting.rail.report import read_rail_run
from federates.reporting.tables import RunTables

_spec = importlib.util.spec_from_file_location("rail_runs", Path(__file__).with_name("test_reporting_rail_example_runs.py"))
example = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_rail_run(example.rail_run(tmp_path_factory.mktemp("rail")))


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
    head = rail_summary(run)
    assert (head["trips"], head["moving_periods"], head["transport_cost_usd"]) == (4, 4, 80.0)
    assert (head["realised_trips"], head["realised_moving_periods"], head["realised_transport_cost_usd"]) == (4, 5, 100.0)
    assert head["most_delay_periods"] == 1
    assert head["negotiations"] == 2


def test_costs_of_both_operators_are_added(run):
    head = rail_summary(run)
    assert head["operating_cost_usd"] == pytest.approx(14_000 * 0.93 + 300.3)
    assert head["total_cost_usd"] == pytest.approx(head["operating_cost_usd"] + 80.0)
    assert head["realised_total_cost_usd"] == pytest.approx(14_000 * 0.93 * 1.02 + 300.3 + 100.0)


def test_wind_is_energy_used_over_energy_available(run):
    used = sum(min(example.wind_mw(p), 40 / 0.93) for p in range(24))
    available = sum(example.wind_mw(p) for p in range(24))
    head = rail_summary(run)
    assert head["wind_used_share"] == pytest.approx(used / available)
    assert head["realised_wind_used_share"] == pytest.approx(used / available), "both deviate alike in this example"


def test_use_of_the_batteries_by_hand(run):
    table = batteries(run, "planned")
    assert table["capacity_mw"].tolist() == pytest.approx([90.0] * 24), "three stations and two trains"
    assert total_capacity_mw(run) == pytest.approx(90.0)
    assert energy_limit_mwh(run) == 3 * 60 + 2 * 90
    head = rail_summary(run)
    # 18 MW charging and 12 MW discharging, three hours each, of 90 MW over 24 h
    assert head["storage_utilisation"] == pytest.approx((3 * 18 + 3 * 12) / (24 * 90))
    assert head["storage_energy_utilisation"] == pytest.approx(table["energy_mwh"].mean() / 360)


def test_economic_indicator_reproduces_the_papers_own_table():
    # F_0 must come out alike from every model of a case, within the digits that the paper gives.
    for case, capacity, tolerance in ((CASES["ieee30"], 90, 0.6), (CASES["ieee118"], 400, 10_000)):
        for row in case.models.values():
            without = row.total_cost_usd + row.usd_per_mw * capacity
            assert without == pytest.approx(case.without_storage_usd, abs=tolerance)
            assert economic_indicator_usd_per_mw(without, row.total_cost_usd, capacity) == pytest.approx(row.usd_per_mw)


def test_no_batteries_have_no_worth_per_mw():
    assert math.isnan(economic_indicator_usd_per_mw(100.0, 100.0, 0.0))


@pytest.mark.parametrize("scheme", ["fixed", "central", "no_storage"])
def test_schemes_without_trains_have_no_transport_cost(tmp_path, scheme):
    head = rail_summary(read_rail_run(example.rail_run(tmp_path, scheme)))
    assert head["transport_cost_usd"] == 0.0
    assert head["total_cost_usd"] == head["operating_cost_usd"]
    assert ("storage_mw" in head) == (scheme != "no_storage")


def test_what_cannot_be_formed_is_left_out(tmp_path):
    run = read_rail_run(example.rail_run(tmp_path, without=("plan_costs", "negotiations", "storage_state", "train_moves")))
    head = rail_summary(run)
    assert not [name for name in head if "cost" in name or "utilisation" in name or "trip" in name or "gap" in name]
    assert "wind_used_share" in head
    assert set(run.missing) - {"slacks", "stopped_by_time"} == {
        "plan_costs",
        "negotiations",
        "storage_state",
        "train_moves",
        "timings",
    }


def test_negotiation_that_never_had_a_plan_has_no_gap(tmp_path):
    folder = example.Folder(tmp_path, example.session())
    bounds = {"lower_bound_usd": 5.0, "upper_bound_usd": math.nan, "gap": math.nan}
    claims = {"claimed_agreed": True, "claimed_lower_bound_usd": 7.0, "claimed_gap": 0.0}
    outcome = {"agreed": False, "verdict": "not told", "reason": "rounds", **bounds, **claims}
    folder.add("negotiations", period=0, cause="day ahead", rounds=2, **outcome)
    head = rail_summary(read_rail_run(folder.finish(None)))
    assert head["bound_usd"] == 5.0
    assert "gap" not in head
    assert "upper_bound_usd" not in head


def test_summary_file_is_the_summary(tmp_path):
    run = read_rail_run(example.rail_run(tmp_path, late=0))
    assert json.loads(write_rail_summary(run, ["a sentence"]).read_text()) == rail_summary(run) | {"headline": ["a sentence"]}


def test_a_run_of_the_other_world_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"world = rail: must be road"):
        RunTables.read(example.rail_run(tmp_path))
    assert RunTables.read(tmp_path, world=World.RAIL).session.world is World.RAIL


def test_only_published_cases_have_a_published_column():
    assert case_of("ieee30").number == 1
    assert case_of("ieee118_wind").number == 2
    assert case_of("ieee300") is CASES["ieee30"], "a prefix, as agreed: name other scenarios otherwise"
    assert case_of("rts_gmlc") is None


def test_orders_are_shown_only_if_every_step_holds():
    case = CASES["ieee30"]
    found = {
        scheme: {
            "total_cost_usd": row.total_cost_usd,
            "wind_used_share": row.wind_used_share,
            "usd_per_mw": row.usd_per_mw,
            "storage_utilisation": row.storage_utilisation,
        }
        for scheme, row in case.models.items()
    }
    claims = {claim.key: claim for claim in check_rail_claims(case, found)}
    assert all(claims[f"order_{key}"].shown for key in found[RailScheme.MOBILE])
    assert not claims["saving"].shown, "without a run without storage nothing can be saved"
    found[RailScheme.NO_STORAGE] = {"total_cost_usd": case.without_storage_usd}
    assert {c.key: c for c in check_rail_claims(case, found)}["saving"].shown
    found[RailScheme.FIXED]["wind_used_share"] = 0.4
    assert not {c.key: c for c in check_rail_claims(case, found)}["order_wind_used_share"].shown
    del found[RailScheme.CENTRAL]["usd_per_mw"]
    claim = {c.key: c for c in check_rail_claims(case, found)}["order_usd_per_mw"]
    assert not claim.shown
    assert "M3" in claim.words
