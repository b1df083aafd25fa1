"""Data of the unit commitment: curves, distribution factors, validation and the readers' messages."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from egret_reader import read_egret
from pglib_uc_reader import read_pglib_uc
from small_systems import DATA, planned, random_system, triangle_system

from federates.boundary.errors import ConfigError, ModelError
from federates.power_operator.models.unit_commitment.matpower import read_matpower
from federates.power_operator.models.unit_commitment.network import Network, ptdf, susceptance
from federates.power_operator.models.unit_commitment.schedule import slack_report
from federates.power_operator.models.unit_commitment.system import CostCurve, with_piecewise


def _ring(**changes) -> Network:
    line = Network(("1", "2", "3"), np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([100.0, 100.0, 100.0]), np.full(3, np.inf))
    return replace(line, **changes)


def test_piecewise_error_is_reached_and_not_exceeded():
    curve, error = with_piecewise((100.0, 16.0, 0.02), 50.0, 450.0, segments=8)
    output = np.linspace(50.0, 450.0, 4001)
    gap = curve.cost_usd_per_h(output) - (100.0 + 16.0 * output + 0.02 * output**2)
    assert gap.min() >= -1e-9
    assert gap.max() == pytest.approx(error)
    with pytest.raises(ValueError, match="convex"):
        with_piecewise((0.0, 1.0, -0.1), 0.0, 1.0)


def test_ptdf_of_a_ring_and_of_parallel_lines():
    assert ptdf(_ring(), 3)[:, 2] == pytest.approx([-1 / 3, -1 / 3, -2 / 3])
    double = Network(("a", "b"), np.array([0, 0]), np.array([1, 1]), np.array([100.0, 300.0]), np.full(2, np.inf))
    assert ptdf(double, 2)[:, 1] == pytest.approx([-0.25, -0.75])


def test_conventions_of_susceptance():
    r, x, tap = np.array([0.03, 0.0]), np.array([0.04, 0.1]), np.array([0.0, 0.5])
    assert susceptance(r, x, tap, "x_tap") == pytest.approx([25.0, 20.0])
    assert susceptance(r, x, tap, "series") == pytest.approx([16.0, 10.0])


def test_a_grid_in_two_parts_is_an_error():
    apart = Network(("1",), np.array([0]), np.array([1]), np.array([10.0]), np.array([np.inf]))
    with pytest.raises(ModelError, match="not connected"):
        ptdf(apart, 3)
    system = replace(triangle_system(), network=apart)
    with pytest.raises(ConfigError, match="1 buses apart: c"):
        system.validate()


def test_validation_finds_everything_at_once():
    system = random_system(0)
    units = replace(
        system.units,
        p_min_mw=system.units.p_max_mw + np.array([1.0, -1.0, -1.0]),
        shut_down_usd=np.array([-5.0, 0.0, np.nan]),
        initial_on_h=np.array([0.0, 1.0, 1.0]),
        cost_curves=(*system.units.cost_curves[:2], CostCurve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 6.0]))),
    )
    fields = {problem.field for problem in replace(system, units=units, shed_price_usd_per_mwh=-1.0).problems("day.yaml")}
    expected = {
        "units.unit 0.p_min_mw",
        "units.unit 0.shut_down_usd",
        "units.shut_down_usd",
        "units.unit 0.initial_on_h",
        "units.unit 2.cost_curve",
        "shed_price_usd_per_mwh",
    }
    assert expected <= fields
    short = replace(system, load_mw=system.load_mw[:, :2]).problems()
    assert {problem.field for problem in short} == {"renewables.available_mw", "renewables.lower_mw"}


def test_a_unit_that_must_run_but_is_held_off():
    system = random_system(0)
    units = replace(
        system.units,
        must_run=np.array([True, False, False]),
        initial_on_h=np.array([-1.0, 1.0, 1.0]),
        initial_output_mw=np.array([0.0, *system.units.p_min_mw[1:]]),
        min_down_h=np.array([4.0, 1.0, 1.0]),
    )
    assert [problem.field for problem in replace(system, units=units).problems()] == ["units.unit 0.must_run"]


def test_slacks_are_named():
    system = triangle_system()
    short = replace(system, load_mw=system.load_mw * 3, reserve_mw=system.reserve_mw * 0 + 500.0)
    report = slack_report(short, planned(short)[1])
    assert any(line.startswith("period 0: balance: load of") for line in report)
    assert any("reserve" in line for line in report)


def test_piecewise_costs_of_a_case(tmp_path):
    case = DATA / "case30.m"
    text = case.read_text()
    row = "\t2\t0\t0\t3\t0.02\t2\t0;"
    assert row in text
    for line in text.splitlines():
        if line.startswith("\t2\t0\t0\t3\t"):
            text = text.replace(line, "\t1\t0\t0\t3\t0\t0\t40\t100\t100\t400;")
    (tmp_path / "case.m").write_text(text)
    curve, error = read_matpower(tmp_path / "case.m").cost_curve(0, 20.0, 80.0)
    assert error == 0.0
    assert curve.mw.tolist() == [20.0, 40.0, 80.0]
    assert curve.usd_per_h.tolist() == pytest.approx([50.0, 100.0, 300.0])


BASE, COST, LINE = "mpc.baseMVA = 100;", "\t2\t0\t0\t3\t0.02\t2\t0;", "\t1\t2\t0.02\t0.06\t0.03\t130\t"
WRONG_CASES = {
    "no base": (BASE, "", r"baseMVA = missing: must be a number above 0"),
    "a base in words": (BASE, "mpc.baseMVA = 'hundred';", r"baseMVA = hundred: must be a number"),
    "a negative base": (BASE, "mpc.baseMVA = -100;", r"baseMVA = -100.*: must be a number above 0"),
    "an unknown cost model": (COST, COST.replace("2", "3", 1), r"gencost, row 1, MODEL = 3: must be 1 .* or 2"),
    "a negative rating": (LINE, LINE.replace("130", "-130"), r"branch, row 1, RATE_A = -130: must be MVA, 0 for no limit"),
    "no reactance": (LINE, LINE.replace("0.06", "0.0"), r"branch, row 1, BR_X = 0: must not be 0"),
    "a short branch": (LINE, "\t1\t2\t0.02\t0.06\t0.03\t", r"branch, row 1 = \d+ values: must have \d+, as the longest row has"),
    "points that are missing": (COST, "\t1\t0\t0\t3\t0\t0\t40\t100;", r"gencost, row 1, NCOST = 3: the row has fewer points"),
    "Latin-1": (BASE, f"{BASE} % caf\xe9", r"\(file\) = byte 0xe9 at \d+: must be a text file in UTF-8$"),
}


@pytest.mark.parametrize("name", WRONG_CASES)
def test_numbers_of_a_case_that_are_wrong_are_named(name, tmp_path):
    old, new, message = WRONG_CASES[name]
    text = (DATA / "case30.m").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "case.m").write_bytes(text.replace(old, new, 1).encode("latin-1"))
    with pytest.raises(ConfigError, match=r"case\.m: " + message):
        read_matpower(tmp_path / "case.m", shown_as="case.m")


def test_rows_of_costs_are_filled_with_zeros_as_matpower_does(tmp_path):
    """A case that mixes piecewise and polynomial costs, as written by hand: rows of six, three, two and four values."""
    text = (DATA / "case30.m").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("\t2\t0\t0\t3\t")]
    new = ("\t1\t0\t0\t3\t0\t0\t40\t100\t100\t400;", rows[1], "\t2\t0\t0\t2\t5\t7;", "\t2\t0\t0\t4\t0.001\t0.02\t2\t0;")
    for old, changed in zip(rows, new, strict=False):
        text = text.replace(old, changed, 1)
    (tmp_path / "case.m").write_text(text, encoding="utf-8")
    case, plain = read_matpower(tmp_path / "case.m"), read_matpower(DATA / "case30.m")
    assert case.cost_curve(0, 20.0, 80.0)[0].usd_per_h.tolist() == pytest.approx([50.0, 100.0, 300.0])
    assert case.quadratic(1) == plain.quadratic(1)
    assert case.quadratic(2) == (7.0, 5.0, 0.0)
    with pytest.raises(ValueError, match="not a polynomial of degree 2 or less"):
        case.cost_curve(3, 20.0, 80.0)


@pytest.mark.parametrize(
    ("points", "said"), [("0\t0\t40\t300\t100\t400", "not convex"), ("0\t0\t40\t100\t30\t400", "above the last")]
)
def test_points_of_a_cost_that_are_not_convex_are_refused(points, said, tmp_path):
    text = (DATA / "case30.m").read_text(encoding="utf-8").replace(COST, f"\t1\t0\t0\t3\t{points};", 1)
    (tmp_path / "case.m").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_matpower(tmp_path / "case.m").cost_curve(0, 20.0, 80.0)


def test_readers_say_what_is_wrong(tmp_path):
    for read in (read_matpower, read_egret, read_pglib_uc):
        with pytest.raises(ConfigError, match=r"nowhere\.x: \(file\) = missing"):
            read(tmp_path / "nowhere.x", shown_as="nowhere.x")
    (tmp_path / "bad.m").write_text("function mpc = bad\nmpc.version = '2';\n")
    with pytest.raises(ConfigError, match="must be a MATPOWER case"):
        read_matpower(tmp_path / "bad.m")
    data = json.loads((DATA / "rts_gmlc_2020-01-27.json").read_text())
    del data["reserves"]
    (tmp_path / "bad.json").write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="'reserves' = missing"):
        read_pglib_uc(tmp_path / "bad.json")
    with pytest.raises(ConfigError, match="regulation_up_requirement = given: not modelled"):
        read_egret(DATA / "tiny_uc_1.json")
