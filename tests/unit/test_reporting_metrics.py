"""Metrics of a tiny run whose numbers were worked out by hand.

Two periods of one hour from 3 h, two bins each; limit of q1 100 kW, of q2 50 kW.
q1 without: 80, 140 | 160, 180, i.e. means 110 | 170; with: 80, 120 | 90, 130, i.e. means 100 | 110.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import road_example_runs as example

from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.boundary.tables import table
from federates.reporting.formatting import missed_bounds
from federates.reporting.report import write_summary
from federates.reporting.tables import RunTables
from federates.worlds.road.report.delivery import delivery_by_period, same_pairs_by_period, vehicle_deliveries
from federates.worlds.road.report.load import overload, period_load, pushed_over
from federates.worlds.road.report.negotiation import agreement
from federates.worlds.road.report.summary import headline


def frame(name: str, rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(table(name).columns))


def load_row(p, b, station, without, mves, limit):
    time, chance = 3600.0 * p + 1800.0 * b, (0.0, 0.0, 0.1)
    return (p, b, time, 1800.0, station, 0.0, 0.0, without, mves, without - mves, limit, *chance)


def tiny_tables():
    q1 = [(0, 0, 80, 0), (0, 1, 140, 20), (1, 0, 160, 70), (1, 1, 180, 50)]
    loads = [load_row(p, b, "q1", float(own), float(mves), 100.0) for p, b, own, mves in q1]
    loads += [load_row(p, b, "q2", 40.0, 0.0, 50.0) for p in (0, 1) for b in (0, 1)]
    return {
        "feeder_load": frame("feeder_load", loads[::-1]),  # order must not matter
        "energy_plan": frame("energy_plan", [(0, "q1", 0, 12, 10, 2, False), (1, "q1", 0, 70, 60, 10, True)]),
        "schedule": frame(
            "schedule",
            [
                (0, "r1", "q1", 1, 14.0, True, "gap"),
                (1, "r1", "q1", 4, 14.0, False, "rounds"),
                (1, "r2", "q1", 2, 14.0, False, "rounds"),
            ],
        ),
        "rounds": frame(
            "rounds",
            [
                (0, 1, "solve", 5.0, 5.0, math.nan, math.nan, 1.0, 1.0, "linear + convex"),
                (0, 2, "evaluate", math.nan, 9.0, 10.0, 0.1, 0.0, 0.0, "linear + convex"),
                (1, 1, "solve", 6.0, 6.0, math.nan, math.nan, 2.0, 2.0, "linear + convex"),
            ],
        ),
        "negotiations": frame(
            "negotiations",
            [
                (0, "a new period", 2, True, "proven to 10%", 9.0, 10.0, 0.1, True, "gap", 9.0, 0.1, False),
                (1, "a new period", 1, False, "not told", 6.0, math.nan, math.nan, True, "rounds", math.nan, math.nan, False),
            ],
        ),
        "delivery_forecast": frame(
            "delivery_forecast",
            [
                (0, "r1", "q1", 1, 100, 900, 200, 1200),
                (1, "r1", "q1", 4, 150, 1000, 250, 1400),
                (1, "r2", "q1", 2, 50, 600, 350, 1000),
            ],
        ),
        "deliveries": frame(
            "deliveries",
            [
                ("a", 0, "r1", "q1", "A", 0, 1000, 1000),
                ("b", 1, "r1", "q1", "A", 3600, 4700, 1100),
                ("c", 1, "r1", "q1", "A", 3700, 5000, 1300),
                ("d", 1, "r2", "q1", "A", 3600, 4300, 700),
                ("e", 1, "r2", "q1", "A", 7000, -1, -1),
            ],
        ),
    }


def tiny(folder: Path, tables=None, **changes) -> RunTables:
    public = example.session(periods=2, start_hour=3, bins_per_period=2, horizon_periods=1, **changes)
    return RunTables.read(example.write_run(folder, tables or tiny_tables(), public))


def test_overload_by_hand(tmp_path):
    rows = overload(tiny(tmp_path)).set_index("station")
    q1 = rows.loc["q1"]
    # period means: (110-100) + (170-100) = 80 kWh without; 0 + 10 = 10 with
    assert (q1["period_without_kwh"], q1["period_with_kwh"]) == pytest.approx((80.0, 10.0))
    assert q1["period_ratio"] == pytest.approx(0.125)
    # bins of half an hour: (40 + 60 + 80) / 2 = 90 without; (20 + 30) / 2 = 25 with
    assert (q1["bin_without_kwh"], q1["bin_with_kwh"]) == pytest.approx((90.0, 25.0))
    assert q1["bin_ratio"] == pytest.approx(25.0 / 90.0)
    assert (q1["bins"], q1["bins_above_without"], q1["bins_above_with"]) == (4, 3, 2)
    assert (q1["peak_without_kw"], q1["peak_with_kw"]) == pytest.approx((180.0, 130.0))
    assert q1["received_kwh"] == pytest.approx((20 + 70 + 50) / 2)
    assert (q1["need_kwh"], q1["unmet_kwh"], q1["supply_limited_periods"]) == pytest.approx((82.0, 12.0, 1))
    assert rows.loc["q2", "period_without_kwh"] == 0.0
    assert math.isnan(rows.loc["q2", "period_ratio"])


def test_what_charging_pushes_over_a_limit_by_hand(tmp_path):
    """r1, limit 100 kW: 90 + 20 is pushed over by 10, 120 + 5 lies there by itself and is pushed by 5 more, 99 + 1 is not."""
    tables = tiny_tables()
    rows = [load_row(0, 0, "r1", 90.0, -20.0, 100.0), load_row(0, 1, "r1", 120.0, -5.0, 100.0)]
    rows += [load_row(1, 0, "r1", 99.0, -1.0, 100.0), load_row(1, 1, "r1", 130.0, 0.0, 100.0)]
    tables["feeder_load"] = pd.concat([tables["feeder_load"], frame("feeder_load", rows)])
    run = tiny(tmp_path, tables)
    row = pushed_over(run).iloc[0]
    assert (row["station"], row["bins"], row["bins_pushed"]) == ("r1", 4, 2)
    assert row["pushed_kwh"] == pytest.approx((10.0 + 5.0) / 2)
    assert row["peak_with_kw"] == 130.0
    assert (run.summary["pushed_over_limit_bins"], run.summary["pushed_over_limit_kwh"]) == pytest.approx((2, 7.5))
    assert "r1 in 2 of 4 half-hours, up to 130 of 100 kW" in " ".join(headline(run))


def test_companies_that_share_a_station_charge_together(tmp_path):
    """r1, limit 400 kW: 300 of its own, and 60 for each of two companies, of which each writes its own vehicles alone."""
    tables = tiny_tables()
    rows = [load_row(p, b, "r1", 300.0, -60.0, 400.0) for p in (0, 1) for b in (0, 1) for _company in range(2)]
    tables["feeder_load"] = pd.concat([tables["feeder_load"], frame("feeder_load", rows)])
    run = tiny(tmp_path, tables)
    row = pushed_over(run).iloc[0]
    assert (row["bins"], row["bins_pushed"], row["peak_with_kw"]) == (4, 4, 420.0)
    assert row["pushed_kwh"] == pytest.approx(20.0 * 2)
    means = period_load(run).set_index(["station", "period"])
    assert means.loc[("r1", 0), ["hours", "load_with_kw"]].tolist() == [1.0, 420.0]
    assert means.loc[("q1", 0), "load_with_kw"] == 100.0


def test_a_load_held_at_its_limit_is_not_above_it(tmp_path):
    tables = tiny_tables()
    load = tables["feeder_load"]
    load.loc[load["station"] == "q1", "load_with_kw"] = 100.0 + 1e-12
    assert overload(tiny(tmp_path, tables)).set_index("station").loc["q1", "bins_above_with"] == 0


def test_the_headline_counts_by_the_session_s_bins(tmp_path):
    (first, *_) = headline(tiny(tmp_path))
    assert "90 kWh lay above" in first
    assert "25 kWh did (27.8 % of it), counted by half-hours" in first


def test_period_mean_weighs_bins_by_their_length(tmp_path):
    tables = tiny_tables()
    load = tables["feeder_load"]
    first = (load["station"] == "q1") & (load["period"] == 0)
    load.loc[first & (load["bin"] == 0), "duration_s"] = 900.0
    load.loc[first & (load["bin"] == 1), "duration_s"] = 2700.0
    means = period_load(tiny(tmp_path, tables)).set_index(["station", "period"])
    assert means.loc[("q1", 0), "load_without_kw"] == pytest.approx((80 + 3 * 140) / 4)
    assert means.loc[("q1", 0), "hour"] == 3.0


def test_delivery_time_by_hand(tmp_path):
    run = tiny(tmp_path)
    table_ = delivery_by_period(run)
    # SUMO: road + gate of the pair's forecast; e never arrived
    assert table_["traffic_s"].tolist() == pytest.approx([1000 + 300, ((1100 + 400) + (1300 + 400) + (700 + 400)) / 3])
    assert table_["traffic_veh"].tolist() == [1, 3]
    # formula: weighted by vehicles
    assert table_["formula_s"].tolist() == pytest.approx([1200.0, (4 * 1400 + 2 * 1000) / 6])
    assert table_["formula_veh"].tolist() == [1, 6]
    assert len(vehicle_deliveries(run)) == 4


def test_same_pairs_take_out_the_effect_of_where_vehicles_go(tmp_path):
    tables = tiny_tables()
    forecast = tables["delivery_forecast"].copy()
    forecast.loc[forecast["period"] == 1, "vehicles"] = [1, 5]  # the mean falls although no pair became faster
    other = tiny(tmp_path / "other", tables | {"delivery_forecast": forecast})
    base = tiny(tmp_path / "base")
    assert delivery_by_period(other)["formula_s"][1] < delivery_by_period(base)["formula_s"][1]
    assert same_pairs_by_period(base, other)["formula_percent"].tolist() == pytest.approx([0.0, 0.0])


def test_agreement_is_what_the_negotiations_prove_not_what_is_claimed(tmp_path):
    table_ = agreement(tiny(tmp_path))
    assert table_["claimed_agreed"].tolist() == [True, True]
    assert table_["vehicles"].tolist() == [1, 6]
    assert table_["agreed"].tolist() == [True, False]
    assert table_["rounds"].tolist() == [2, 1]
    assert table_["gap"][0] == pytest.approx(0.1)
    assert np.isnan(table_["gap"][1])
    assert np.isnan(table_["upper_bound_usd"][1])


def test_bounds_that_cross_have_no_gap_and_the_headline_says_why(tmp_path):
    tables = tiny_tables()
    tables["negotiations"].loc[0, ["lower_bound_usd", "gap", "claimed_gap", "agreed"]] = 10.5, math.nan, math.nan, False
    run = tiny(tmp_path, tables)
    head = run.summary
    assert head["bounds_cross_periods"] == 1
    assert "gap_mean" not in head
    assert any("In 1 periods, left out of this gap, the bounds contradict each other" in sentence for sentence in headline(run))


def test_summary_by_hand(tmp_path):
    run = tiny(tmp_path)
    head = run.summary
    expected = {
        "above_limit_without_period_kwh": 80.0,
        "above_limit_period_ratio": 0.125,
        "unmet_kwh": 12.0,
        "supply_limited_periods": 1,
        "mves_sent_veh": 7,
        "mves_departed_veh": 5,
        "mves_arrived_veh": 4,
        "delivery_time_traffic_s": (1300 + 1500 + 1700 + 1100) / 4,
        "delivery_time_formula_s": (1200 + 4 * 1400 + 2 * 1000) / 7,
        "agreement_share": 0.5,
        "rounds_total": 3,
        "gap_mean": 0.1,
    }
    assert {name: head[name] for name in expected} == pytest.approx(expected)
    assert "q2_above_limit_period_ratio" not in head, "nothing above the limit: no ratio"
    assert json.loads(write_summary(run).read_text()) == head


def test_vehicles_without_forecast_are_counted_not_guessed(tmp_path):
    tables = tiny_tables()
    tables["delivery_forecast"] = tables["delivery_forecast"].iloc[:2]
    run = tiny(tmp_path, tables)
    assert run.summary["mves_without_gate_time_veh"] == 1
    assert delivery_by_period(run)["traffic_veh"].tolist() == [1, 2]


def test_every_reason_for_a_missing_table_is_kept(tmp_path):
    tables = tiny_tables()
    tables["rounds"] = tables["rounds"].iloc[:0]
    tables["energy_plan"] = tables["energy_plan"].drop(columns="unmet_kwh")
    tiny(tmp_path, tables)
    (tmp_path / "coordinator" / "schedule.parquet").write_bytes(b"PAR1 cut off")
    run = RunTables.read(tmp_path)
    assert run.missing["rounds"] == "has no rows"
    assert run.missing["energy_plan"] == "lacks the columns unmet_kwh"
    assert run.missing["schedule"].startswith("cannot be read")
    assert run.missing["link_plan"] == "was not written"
    assert "mves_sent_veh" not in run.summary
    assert "unmet_kwh" not in run.summary


def test_a_run_without_any_table_has_a_summary(tmp_path):
    assert tiny(tmp_path, {"rounds": tiny_tables()["rounds"].iloc[:0]}).summary["status"] == "not recorded"


def test_parts_of_a_killed_agent_are_read(tmp_path):
    tables = tiny_tables()
    schedule = tables.pop("schedule")
    tiny(tmp_path, tables)
    parts = tmp_path / "coordinator" / "schedule.parts"
    parts.mkdir()
    for period, part in schedule.groupby("period"):
        part.to_parquet(parts / f"{period:05d}.parquet")
    assert RunTables.read(tmp_path).summary["mves_sent_veh"] == 7


def test_status_without_a_record_is_never_complete(tmp_path):
    run = tiny(tmp_path)
    assert run.status == "not recorded"
    for role in Role:
        (tmp_path / role.value).mkdir(exist_ok=True)
        (tmp_path / role.value / "finished.json").write_text("{}")
    assert run.status == "finished"
    assert RunTables.read(tmp_path, {"status": "complete"}).status == "complete"


def test_a_folder_without_session_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"session\.json"):
        RunTables.read(tmp_path)
    (tmp_path / "session.json").write_text('{"schema_version": 1}')
    with pytest.raises(ConfigError, match="name"):
        RunTables.read(tmp_path)


def test_missed_bounds_of_both_operators_are_said(tmp_path):
    folder = example.day_run(tmp_path)
    assert missed_bounds(RunTables.read(folder)) == ""
    assert "bound_misses" not in RunTables.read(folder).missing
    for agent, agrees in (("power_operator", [True, False]), ("transport_operator", [True])):
        rows = [dict.fromkeys(table("bound_misses").columns, 0.0) | {"cold_agrees": each} for each in agrees]
        pd.DataFrame(rows).to_parquet(folder / agent / "bound_misses.parquet")
    assert missed_bounds(RunTables.read(folder)).startswith(" 3 answers of the operators' solver missed the bound")
    assert "solved again, 2 met it" in " ".join(headline(RunTables.read(folder)))
