"""Published optima of unit commitment and DC optimal power flow (tests/data/unit_commitment/PROVENANCE.md)."""

from __future__ import annotations

import numpy as np
import pytest
from egret_fuel import add_fuel
from egret_reader import read_egret
from egret_services import add_services
from pglib_uc_model import pglib_model
from pglib_uc_reader import read_pglib_uc
from schedule_checker import check_schedule
from small_systems import DATA, case_file, dispatch_of, planned, solved

from federates.boundary.errors import ConfigError
from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.commitment import LazyLines, add_commitment
from federates.power_operator.models.unit_commitment.matpower import read_matpower
from federates.power_operator.models.unit_commitment.schedule import schedule_of, slack_report

RTS = DATA / "rts_gmlc_2020-01-27.json"
RTS_RELAXED_48_H = 1205494.506
RTS_12_H = 148851.672
RTS_48_H = (1226601.5, 1227311.9)


@pytest.mark.parametrize(("case", "usd_per_h"), [("case30", 565.2059664), ("case118", 125947.881418)])
def test_matpower_dc_opf(case, usd_per_h):
    """200 segments a unit; their chords lie above the quadratic by no more than the stated error."""
    system, error_usd = dispatch_of(read_matpower(case_file(case), "x_tap"), segments=200)
    solution, _ = solved(system, relaxed=True)
    assert error_usd < 1e-5 * usd_per_h
    assert -1e-6 * usd_per_h <= solution.objective - usd_per_h <= error_usd


@pytest.mark.parametrize(
    ("case", "usd_per_h", "digits"),
    [
        ("case3_lmbd", 5695.9, 1),
        ("case5_pjm", 17480, 0),
        ("case24_ieee_rts", 61001, 0),
        ("case30_as", 767.60, 2),
        ("case118_ieee", 93101, 0),
    ],
)
def test_pglib_dc_opf(case, usd_per_h, digits):
    """BASELINE.md prints five significant digits, so half a unit of the last one is all that can be asked for."""
    system, error_usd = dispatch_of(read_matpower(case_file(f"pglib_opf_{case}"), "series"), segments=400)
    solution, lines = solved(system, relaxed=True)
    assert abs(solution.objective - usd_per_h) <= 0.5 * 10.0**-digits + error_usd
    assert lines.overload_mw(solution.values).max() < 0.01


def test_the_two_conventions_of_susceptance_differ():
    costs = [
        solved(dispatch_of(read_matpower(DATA / "pglib_opf_case118_ieee.m", how), 50)[0], relaxed=True)[0].objective
        for how in ("x_tap", "series")
    ]
    assert costs[0] - costs[1] == pytest.approx(31.9495, abs=0.1)


def test_egret_network():
    system = read_egret(DATA / "tiny_uc_tc_4.json")
    solution, schedule, _ = planned(system)
    assert solution.objective == pytest.approx(486110.33325143, rel=1e-8)
    assert check_schedule(system, schedule) == []
    assert any("Branch1" in line for line in slack_report(system, schedule))


def _egret_apart(name):
    """Return system, model and columns of an instance whose special parts are added by the check."""
    path = DATA / f"{name}.json"
    with pytest.raises(ConfigError) as refused:
        read_egret(path)
    system = read_egret(path, left_out=[problem.field for problem in refused.value.problems])
    model = LinearModel()
    return path, model, add_commitment(model, system)


@pytest.mark.long
def test_egret_ancillary_services():
    path, model, columns = _egret_apart("tiny_uc_1")
    assert model.solver().solve(gap_rel=1e-9).objective < 487389.24464
    add_services(model, columns, path)
    assert model.solver().solve(gap_rel=1e-9).objective == pytest.approx(487389.24464, rel=1e-8)


@pytest.mark.parametrize(("name", "usd"), [("tiny_uc_2", 158980.2698), ("tiny_uc_3", 103398.6464755)])
def test_egret_fuel(name, usd):
    path, model, columns = _egret_apart(name)
    add_fuel(model, columns, path)
    assert model.solver().solve(gap_rel=1e-9).objective == pytest.approx(usd, rel=1e-8)


@pytest.mark.long
def test_rts_relaxation_of_the_reference_model_and_ours():
    """The reference model's relaxation has the published value; ours is tighter and stays below the optimum."""
    reference = pglib_model(RTS, 48).solver().solve(relaxed=True).objective
    assert reference == pytest.approx(RTS_RELAXED_48_H, abs=1e-3)
    ours, _ = solved(read_pglib_uc(RTS), relaxed=True)
    assert reference < ours.objective < RTS_48_H[1]
    assert ours.objective == pytest.approx(1221074.89, abs=1.0)


def test_rts_first_12_hours():
    system = read_pglib_uc(RTS, 12)
    solution, schedule, columns = planned(system)
    assert solution.objective == pytest.approx(RTS_12_H, abs=2e-3)
    assert schedule.costs.total_usd == pytest.approx(solution.objective, abs=1e-3)
    assert schedule.costs.slack_usd == pytest.approx(0.0, abs=1e-3)
    assert check_schedule(system, schedule) == []
    events = solution.values[np.concatenate([columns.start, columns.stop])]
    assert np.abs(events - np.round(events)).max() < 1e-6


@pytest.mark.long
def test_rts_48_hours():
    """The interval of the solve must overlap the published one; how wide it is after minutes depends on the machine."""
    system = read_pglib_uc(RTS)
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system, integer_events=True))
    solution = lines.solve(model.solver(), gap_rel=5e-3, time_limit_s=500)
    assert solution.bound <= RTS_48_H[1]
    assert solution.objective >= RTS_48_H[0]
    assert solution.objective - solution.bound <= 2e-2 * solution.objective
    assert check_schedule(system, schedule_of(lines.commitment, lines, solution.values)) == []
