"""Cases without a file of units: the rule by size, units that are not thermal, and the scenarios of benchmarks/scale.py."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace

import numpy as np
import pytest
from schedule_checker import check_schedule
from small_systems import DATA, case_file

from federates.boundary.errors import ConfigError
from federates.centralised.flow import build_flow_model
from federates.centralised.joint_data import read_joint_data
from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment import lazy_lines
from federates.power_operator.models.unit_commitment.commitment import add_commitment
from federates.power_operator.models.unit_commitment.day_data import read_day
from federates.power_operator.models.unit_commitment.lazy_lines import LazyLines
from federates.power_operator.models.unit_commitment.matpower import read_matpower
from federates.power_operator.models.unit_commitment.schedule import schedule_of
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.units_by_size import columns_by_size

PERIODS = 3


def _day(folder, case_text, **settings):
    (folder / "case.m").write_text(case_text)
    rows = [f"{t},{load_mw}" for t, load_mw in enumerate((120, 150, 180))]
    (folder / "load.csv").write_text("\n".join(["period,load_mw", *rows]) + "\n")
    given = {"case_file": "case.m", "units_file": "", "load": {"file": "load.csv"}} | settings
    return read_day(UnitCommitmentSettings.model_validate(given), folder, PERIODS, 1.0)


def _with_unit(text, p_max_mw, p_min_mw):
    """Return case30 with these limits in its first generator."""
    row = "\t1\t23.54\t0\t150\t-20\t1\t100\t1\t80\t0\t"
    assert text.count(row) == 1
    return text.replace(row, f"\t1\t23.54\t0\t150\t-20\t1\t100\t1\t{p_max_mw}\t{p_min_mw}\t")


@pytest.fixture
def case30():
    return (DATA / "case30.m").read_text()


def test_the_rule_gives_the_medians_of_the_table_of_118_buses(root):
    with (root / "scenarios/ieee118/calibration/public/iit_units.csv").open() as file:
        table = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    case = read_matpower(case_file("case118"))
    assert (case.start_up_usd == 0).all()
    for low_mw, high_mw in ((0, 50), (50, 100), (100, 400), (400, 1e9)):
        rows = [row for row in table if low_mw < row["p_max_mw"] <= high_mw]
        mine = np.flatnonzero((case.p_max_mw > low_mw) & (case.p_max_mw <= high_mw))
        columns = {name: values[mine] for name, values in columns_by_size(case).items()}
        for name, published in (("min_up_h", "min_on_h"), ("min_down_h", "min_off_h"), ("initial_on_h", "min_on_h")):
            assert columns[name] == pytest.approx(np.median([row[published] for row in rows]))
        start_usd = [row["start_up_mbtu"] * row["fuel_price_usd_per_mbtu"] / row["p_max_mw"] for row in rows]
        assert columns["start_up_usd"] == pytest.approx(np.median(start_usd) * case.p_max_mw[mine])
        assert columns["ramp_share_per_h"] == pytest.approx(np.median([row["ramp_mw_per_h"] / row["p_max_mw"] for row in rows]))


def test_a_day_without_a_file_of_units_can_be_planned(tmp_path, case30):
    system = _day(tmp_path, _with_unit(case30, 80, 30)).system
    assert system.units.count == 6
    assert system.units.p_min_mw.tolist() == [30.0, 0, 0, 0, 0, 0]
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system))
    solution = lines.solve(model.solver(), gap_rel=1e-6)
    schedule = schedule_of(lines.commitment, lines, solution.values)
    assert check_schedule(system, schedule) == []
    assert schedule.costs.slack_usd == pytest.approx(0.0, abs=1e-6)
    assert schedule.output_mw.sum(axis=0) == pytest.approx([120.0, 150.0, 180.0])


@pytest.mark.parametrize(("p_max_mw", "p_min_mw"), [(0, 0), (0, -40), (-10, -40)])
def test_a_unit_that_never_gives_power_is_left_out(tmp_path, case30, p_max_mw, p_min_mw):
    system = _day(tmp_path, _with_unit(case30, p_max_mw, p_min_mw)).system
    assert "g1" not in system.units.names
    assert system.units.count == 5


def test_a_unit_that_also_takes_power_begins_at_zero(tmp_path, case30):
    units = _day(tmp_path, _with_unit(case30, 80, -25)).system.units
    assert units.p_min_mw[0] == 0.0
    assert units.cost_curves[0].mw[[0, -1]].tolist() == [0.0, 80.0]


def test_a_start_up_cost_of_the_case_is_kept(tmp_path, case30):
    first = "\t2\t0\t0\t3\t0.02\t2\t0;"
    text = case30.replace(first, first.replace("\t2\t0\t0", "\t2\t777\t5"), 1)
    units = _day(tmp_path, text).system.units
    assert units.start_up[0].cost_usd.tolist() == [777.0]
    assert units.shut_down_usd[0] == 5.0
    assert units.start_up[1].cost_usd == pytest.approx(80 * 0.5)


def test_costs_that_are_not_convex_are_named(tmp_path, case30):
    text = case30.replace("\t2\t0\t0\t3\t0.02\t2\t0;", "\t2\t0\t0\t3\t-0.02\t2\t0;", 1)
    with pytest.raises(ConfigError, match=r"case\.m: gencost, row 1 = .*convex"):
        _day(tmp_path, text)


@pytest.mark.parametrize(("stations", "trains"), [(2, 1), (10, 8)])
def test_a_scenario_of_any_size_is_sound(tmp_path, monkeypatch, root, stations, trains):
    monkeypatch.setattr(sys, "path", [str(root / "benchmarks"), *sys.path])
    from scale_cases import Size, from_text, write_scenario

    size = Size("case118_ieee", stations, trains)
    assert size.buses == 118
    assert from_text('{"grid": "case118_ieee"}') == Size("case118_ieee")
    data = read_joint_data(write_scenario(tmp_path, size, DATA / "pglib_opf_case118_ieee.m"))
    assert data.session.connection_shape == (trains, stations, 24)
    assert data.system.units.count == 19  # 35 of the 54 are synchronous condensers
    trips = np.array(data.session.trip_periods)
    assert set(trips[~np.eye(stations, dtype=bool)]) <= {1, 2, 3, 4}
    assert (trips == trips.T).all()


def test_energy_that_trains_carry_is_limited_by_rows_only_where_nothing_else_does(tmp_path, monkeypatch, root):
    """Less energy than the batteries of a train can hold needs rows; the plan must not carry more."""
    monkeypatch.setattr(sys, "path", [str(root / "benchmarks"), *sys.path])
    from scale_cases import Size, write_scenario

    data = read_joint_data(write_scenario(tmp_path, Size("case118_ieee", 2, 1), DATA / "pglib_opf_case118_ieee.m"))
    rows = {}
    for share in (1.0, 0.5):
        fleet = replace(data.fleet, train_energy_mwh=share * data.fleet.train_energy_mwh)
        plan = build_flow_model(replace(data, fleet=fleet))
        rows[share] = plan.model.shape[0]
        values = plan.solve(relaxed=True).values
        over_mwh = values[plan.trains.load_mwh] - fleet.train_energy_mwh[0] * values[plan.trains.on_arc]
        assert over_mwh.max() < 1e-6
    assert rows[0.5] - rows[1.0] == plan.trains.on_arc.size


def test_a_restart_of_a_large_relaxation_changes_nothing(tmp_path, monkeypatch, root):
    monkeypatch.setattr(sys, "path", [str(root / "benchmarks"), *sys.path])
    from scale_cases import Size, write_scenario

    scenario = write_scenario(tmp_path, Size("case118_ieee", 2, 1), DATA / "pglib_opf_case118_ieee.m")
    data = read_joint_data(scenario)
    kept = build_flow_model(data).solve(relaxed=True).objective
    monkeypatch.setattr(lazy_lines, "_RESTART_ROWS", 0)
    again = build_flow_model(data)
    relaxed = again.solve(relaxed=True)
    assert relaxed.objective == pytest.approx(kept, rel=1e-9)
    assert again.lines.rounds > 1
    assert again.lines.overload_mw(relaxed.values).max() < 0.01
    assert relaxed.values[again.commitment.shed_mw].sum() == pytest.approx(0.0, abs=1e-6)
