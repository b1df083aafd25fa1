"""Sweeps as figures and directions, and the pages docs/ieee30.md and docs/ieee118.md made from results."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from load_file import load_file
from report_pages import check_self_contained, note_figure

from federates.boundary.errors import ConfigError
from federates.reporting.claims import Claim, Verdict
from federates.reporting.compare import write_comparison
from federates.reporting.published import keep_published
from federates.reporting.report import write_report
from federates.reporting.sweep_page import sweep_drawing, write_sweep_page
from federates.reporting.sweeps import SweepTable, sweep_claims

REPOSITORY = Path(__file__).parents[2]
COST, LINE = "transport_operator.settings.cost_usd_per_period", "power_operator.settings.line_limits_mw.12-13"


def write_sweep(folder: Path, key: str, rows: list[dict], points: int | None = None) -> Path:
    folder.mkdir(parents=True)
    pd.DataFrame([{"done": True, "gap": 0.0, **row} for row in rows]).to_parquet(folder / "sweep.parquet")
    values = sorted({row[key] for row in rows})
    schemes = list({row["scheme"]: 1 for row in rows})
    about = {"scenario": "x", "vary": {key: values}, "points": points or len(rows), "method": "centralised", "schemes": schemes}
    about |= {"failed": 0, "missing": 0, "period_s": 3600.0, "world": "road" if "proposed" in schemes else "rail"}
    (folder / "sweep.json").write_text(json.dumps(about))
    return folder


def cost_sweep(folder: Path, costs=(100.0, 110.0, 115.0), periods=(9, 4, 0), **more) -> Path:
    rows = [
        {"scheme": "mobile", COST: value, "total_cost_usd": cost, "moving_periods": moving, **more}
        for value, cost, moving in zip((0, 10, 20), costs, periods, strict=False)
    ]
    return write_sweep(folder, COST, rows[::-1])


def line_sweep(folder: Path, fixed=(130.0, 112.0)) -> Path:
    rows = [{"scheme": "mobile", LINE: value, "total_cost_usd": cost} for value, cost in ((30, 120.0), (60, 110.0))]
    rows += [{"scheme": "fixed", LINE: value, "total_cost_usd": cost} for value, cost in zip((30, 60), fixed, strict=True)]
    return write_sweep(folder, LINE, rows)


def test_points_come_in_order_of_the_key_and_those_without_result_are_counted(tmp_path):
    table = SweepTable.read(cost_sweep(tmp_path / "a"))
    assert table.key == COST
    assert table.scheme("mobile")[COST].tolist() == [0, 10, 20]
    assert table.without_result == 0
    rows = [{"scheme": "mobile", COST: v, "done": v == 0, "total_cost_usd": 1.0} for v in (0, 5)]
    assert SweepTable.read(write_sweep(tmp_path / "b", COST, rows, points=5)).without_result == 4


def test_only_a_sweep_over_one_key_is_taken(tmp_path):
    with pytest.raises(ConfigError, match="what portage sweep wrote"):
        SweepTable.read(tmp_path)
    folder = cost_sweep(tmp_path / "a")
    (folder / "sweep.json").write_text(json.dumps({"vary": {COST: [1, 2], LINE: [3, 4]}, "points": 4}))
    with pytest.raises(ConfigError, match="one key"):
        SweepTable.read(folder)


def claims_of(folder: Path, key: str, *statements: dict) -> list[Claim]:
    """Check statements about a sweep's curve, as a published.yaml with only them would."""
    figure = {"figure": "Fig. 6", "key": key, "label": "Key (USD)", "statements": list(statements)}
    content = {"schema_version": 1, "source": "a paper", "basis": [{"term": "Modelled", "text": "all"}], "sweeps": [figure]}
    (folder / "published.yaml").write_text(yaml.safe_dump(content))
    return sweep_claims(SweepTable.read(folder))


FALLS = {"paper": "less", "kind": "falls", "scheme": "mobile", "quantity": "moving_periods"}
RISES = {"paper": "more", "kind": "rises", "scheme": "mobile"}
BELOW = {"paper": "cheaper", "kind": "below", "scheme": "mobile", "other": "fixed"}
CROSSES = {"paper": "above 12", "kind": "crosses", "scheme": "mobile", "other": "fixed", "at": 12.0, "tolerance_share": 0.25}


def pair_sweep(folder: Path, mobile: list[tuple[float, float]], fixed: tuple[float, float], key: str = COST) -> Path:
    """Write a sweep of both schemes at 0, 10, 20, ...: bound and cost of each mobile point, and of the fixed scheme."""
    rows = [{"scheme": "mobile", key: 10 * k, "bound_usd": low, "total_cost_usd": high} for k, (low, high) in enumerate(mobile)]
    rows += [{"scheme": "fixed", key: 10 * k, "bound_usd": fixed[0], "total_cost_usd": fixed[1]} for k in range(len(mobile))]
    return write_sweep(folder, key, rows)


def test_dearer_moving_is_shown_by_direction(tmp_path):
    moving, cost = claims_of(cost_sweep(tmp_path / "a"), COST, FALLS, RISES)
    assert (moving.verdict, cost.verdict) == (Verdict.SHOWN, Verdict.SHOWN)
    assert "First point 9 periods, last point 0 periods" in moving.words
    folder = cost_sweep(tmp_path / "b", costs=(100, 99, 115), periods=(9, 10, 0))
    moving, cost = claims_of(folder, COST, FALLS, RISES)
    assert (moving.verdict, cost.verdict) == (Verdict.NOT_SHOWN, Verdict.NOT_SHOWN)
    assert "1 of 2 steps go the other way" in cost.words


def test_while_points_are_missing_nothing_is_shown_of_all(tmp_path):
    folder = pair_sweep(tmp_path / "a", [(100, 101), (110, 111)], (120, 121))
    about = json.loads((folder / "sweep.json").read_text())
    about["vary"][COST] += [20, 30, 40]
    (folder / "sweep.json").write_text(json.dumps(about | {"points": 10}))
    below, rises = claims_of(folder, COST, BELOW, RISES)
    assert (below.verdict, rises.verdict) == (Verdict.NOT_SHOWN, Verdict.NOT_SHOWN)
    assert below.words.endswith("proven to cost more at none. 6 of 10 points have no result.")
    assert rises.words.endswith("3 of 5 points have no result.")


def test_a_step_within_the_bounds_decides_nothing(tmp_path):
    folder = cost_sweep(tmp_path / "a", costs=(100, 99, 115), periods=(9, 10, 0), bound_usd=98.0)
    moving, cost = claims_of(folder, COST, FALLS, RISES)
    assert cost.verdict is Verdict.UNDECIDED, "the last may cost 98 as well as 115"
    assert moving.verdict is Verdict.UNDECIDED, "within the gap another plan may move for longer"


def test_one_point_has_no_direction(tmp_path):
    rows = [{"scheme": "mobile", COST: 1, "total_cost_usd": 1.0, "moving_periods": 1}]
    rows.append({"scheme": "fixed", COST: 2, "total_cost_usd": 1.0, "moving_periods": 0})
    claims = claims_of(write_sweep(tmp_path / "a", COST, rows), COST, FALLS, RISES)
    assert [claim.verdict for claim in claims] == [Verdict.NOT_SHOWN] * 2
    assert "needs two" in claims[0].words


@pytest.mark.parametrize(
    ("mobile", "verdict"),
    [
        ([(90, 91), (95, 96), (99, 99.5), (101, 102)], Verdict.NOT_SHOWN),  # from 20 to 30, which is not about 12
        ([(90, 91), (101, 102), (103, 104)], Verdict.UNDECIDED),  # from 0 to 10, which reaches below 9
        ([(90, 91), (99, 101), (101, 102)], Verdict.UNDECIDED),  # anywhere from 0 to 20
    ],
)
def test_a_crossing_is_where_the_bounds_prove_it(tmp_path, mobile, verdict):
    (claim,) = claims_of(pair_sweep(tmp_path / "a", mobile, (100, 100)), COST, CROSSES)
    assert claim.verdict is verdict
    assert "9 to 15" in claim.yardstick


def test_a_crossing_between_points_inside_the_tolerance_is_shown(tmp_path):
    folder = pair_sweep(tmp_path / "a", [(90, 91), (99, 99.5), (101, 102)], (100, 100))
    (claim,) = claims_of(folder, COST, CROSSES | {"at": 15.0, "tolerance_share": 0.5})
    assert claim.verdict is Verdict.SHOWN
    assert claim.numbers == {"below_to": 10.0, "above_from": 20.0}
    (claim,) = claims_of(pair_sweep(tmp_path / "b", [(90, 91)] * 3, (100, 100)), COST, CROSSES)
    assert claim.verdict is Verdict.NOT_SHOWN, "below at 20: it does not cross from 9 to 15"


def test_cheaper_at_every_point_must_be_proven_at_every_point(tmp_path):
    # 30 usd a period on the 30-bus day: 14 373 to 14 444 against 14 392 usd.
    (claim,) = claims_of(pair_sweep(tmp_path / "a", [(14_000, 14_032), (14_373, 14_444)], (14_383, 14_392)), COST, BELOW)
    assert claim.verdict is Verdict.UNDECIDED
    assert "1 of 2 points" in claim.words
    (claim,) = claims_of(pair_sweep(tmp_path / "b", [(110, 119), (122, 123)], (120, 121)), COST, BELOW)
    assert claim.verdict is Verdict.NOT_SHOWN
    assert "proven to cost more at 10" in claim.words
    (claim,) = claims_of(pair_sweep(tmp_path / "c", [(110, 119), (110, 119)], (120, 121)), COST, BELOW)
    assert claim.verdict is Verdict.SHOWN


def test_bounds_that_cross_decide_nothing(tmp_path):
    (claim,) = claims_of(pair_sweep(tmp_path / "a", [(125, 119), (130, 119)], (120, 121)), COST, BELOW)
    assert claim.verdict is not Verdict.NOT_SHOWN
    table = SweepTable.read(tmp_path / "a")
    assert np.isneginf(table.scheme("mobile")["total_cost_usd_low"]).all()


def test_the_shipped_scenarios_judge_their_own_sweeps(tmp_path):
    keep_published(REPOSITORY / "scenarios/ieee30", line_sweep(tmp_path / "a"))
    table = SweepTable.read(tmp_path / "a")
    assert [claim.verdict for claim in sweep_claims(table)] == [Verdict.SHOWN] * 3
    assert (table.label, table.name("mobile"), table.name("other")) == ("Capacity of line 12-13 (MW)", "M1 (mobile)", "other")
    keep_published(REPOSITORY / "scenarios/ieee30", line_sweep(tmp_path / "b", fixed=(119.0, 121.0)))
    verdicts = [claim.verdict for claim in sweep_claims(SweepTable.read(tmp_path / "b"))]
    assert verdicts == [Verdict.SHOWN, Verdict.NOT_SHOWN, Verdict.NOT_SHOWN]


def test_the_band_reaches_from_the_bound_to_the_plan(tmp_path):
    table = SweepTable.read(pair_sweep(tmp_path / "a", [(90, 95), (100, 104)], (97, 98)))
    figure = sweep_drawing(table)
    (axes,) = figure.get_axes()
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.ymin, band.ymax) == (90.0, 104.0)
    for text in (axes.get_xlabel(), axes.get_ylabel()):
        assert text


def test_the_page_of_a_sweep_has_curve_claims_and_bounds(tmp_path):
    folder = pair_sweep(tmp_path / "a", [(14_000, 14_032), (14_373, 14_444)], (14_383, 14_392))
    claims_of(folder, COST, BELOW)
    text = write_sweep_page(folder).read_text(encoding="utf-8")
    check_self_contained(text)
    for words in ("not decided by the gap", "14\u202f373.00 to 14\u202f444.00", "proven bound", "a paper"):
        assert words in text, words
    assert {path.suffix for path in (folder / "figures").glob("curve.*")} == {".svg", ".png"}
    assert json.loads((folder / "claims.json").read_text())[0]["verdict"] == "not decided by the gap"


def test_the_page_of_a_sweep_without_a_curve_has_its_table(tmp_path):
    folder = cost_sweep(tmp_path / "a")
    about = json.loads((folder / "sweep.json").read_text()) | {"vary": {COST: [1, 2], LINE: [3, 4]}}
    (folder / "sweep.json").write_text(json.dumps(about))
    text = write_sweep_page(folder).read_text(encoding="utf-8")
    assert "There is no curve to draw" in text
    assert "total_cost_usd" in text
    rows = [{"scheme": "proposed", COST: v, "unmet_kwh": 3.0 - v} for v in (0, 1)]
    text = write_sweep_page(write_sweep(tmp_path / "b", COST, rows)).read_text(encoding="utf-8")
    assert "There is no curve" not in text, "any result that changes is drawn"


@pytest.fixture(scope="module")
def results(rail_days, tmp_path_factory):
    """A results folder of case 1 with runs, a comparison and both sweeps; of figures only the names are there."""
    folder = tmp_path_factory.mktemp("results")
    runs = {scheme: shutil.copytree(run, folder / f"{scheme}-1") for scheme, run in rail_days.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("federates.reporting.page.save_figure", note_figure)
        write_report(runs["mobile"])
        write_comparison(runs, folder / "compare-1")
    rows = [
        {
            "scheme": "mobile",
            COST: value,
            "total_cost_usd": 13_300 + 5.0 * value,
            "moving_periods": 12 - value,
            "bound_usd": 13_290.0,
        }
        for value in (5, 10)
    ]
    for sweep in (write_sweep(folder / "sweep-cost", COST, rows), line_sweep(folder / "sweep-line")):
        keep_published(REPOSITORY / "scenarios/ieee30", sweep)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the script in a project of its own, so that it writes nowhere else."""
    for case in ("ieee30", "ieee118"):
        own = tmp_path / "scenarios" / case / "transport_operator"
        own.mkdir(parents=True)
        (own / "config.yaml").write_text("settings: {cost_usd_per_period: 10}")
        (own.parent / "power_operator").mkdir()
        (own.parent / "power_operator/config.yaml").write_text("settings: {}")
        keep_published(REPOSITORY / "scenarios" / case, own.parent)
    (tmp_path / "docs").mkdir()
    (tmp_path / "studies").mkdir()
    script = tmp_path / "studies/make_ieee.py"
    for name in (script.name, "page_parts.py"):
        (script.parent / name).write_text((REPOSITORY / "studies" / name).read_text())

    def make(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["make_ieee.py", *map(str, arguments)])
        load_file(script).main()
        return (tmp_path / f"docs/{arguments[1]}.md").read_text()

    return make


def test_page_has_every_table_and_figure_of_the_paper(project, results, tmp_path):
    given = ("--compare", results / "compare-1", "--sweeps", results / "sweep-cost", results / "sweep-line")
    text = project("--case", "ieee30", *given)
    assert text.count("Left out") == 1, "the indicators at the same cost"
    pictures = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert len(pictures) == 5
    assert all((tmp_path / "docs" / name).is_file() for name in pictures)
    for words in (
        "13 400 / 14 075 (-674) |",
        "(Figs. 4 and 8)",
        "(Fig. 5)",
        "(Fig. 6)",
        "(Fig. 7)",
        "(Fig. 10)",
        "14 074.57",
    ):
        assert words.replace(" ", "\u202f") in text.replace(" ", "\u202f"), words
    assert "run_id" not in text
    assert str(results) not in text, "no path of the machine"
    # 13 350 of the sweep's point at the scenario's own 10 USD against the run's plan
    assert f"{100 * (13_400.3 / 13_350 - 1):.2f} %" in text


def test_indicators_at_the_same_cost_stand_on_the_page(project, tmp_path):
    ends = {"least": 0.64, "most": 0.67, "proven_least": 0.63, "proven_most": 0.68}
    content = {"scheme": "mobile", "bound_usd": 90.0, "total_cost_usd": 100.0}
    content["ranges"] = dict.fromkeys(("wind_used_share", "storage_utilisation"), ends)
    (tmp_path / "scenarios/ieee30/results").mkdir()
    (tmp_path / "scenarios/ieee30/results/indicators-mobile.json").write_text(json.dumps(content))
    text = project("--case", "ieee30")
    assert "| M1 | 90 to 100 | 64.00 to 67.00 (63.00 to 68.00) | 64.00 to 67.00 (63.00 to 68.00) |" in text


def test_page_without_any_input_says_what_is_missing(project):
    text = project("--case", "ieee118")
    assert text.count("Left out: ") == len(re.findall("^## ", text, flags=re.M))
    assert "Fig. 7" not in text, "the line is case 1's"


def test_page_survives_folders_that_are_not_what_they_should_be(project, tmp_path):
    (tmp_path / "x").mkdir()
    text = project("--case", "ieee118", "--compare", tmp_path / "x", "--sweeps", tmp_path / "x", "--centralised", tmp_path / "x")
    assert "Left out: no comparison" in text
    assert "Left out: no sweep over this key" in text


def test_case_two_looks_for_the_crossing(project, tmp_path):
    sweep = pair_sweep(tmp_path / "sweep", [(90, 91), (99, 101), (101, 102)], (100, 100))
    keep_published(REPOSITORY / "scenarios/ieee118", sweep)
    text = project("--case", "ieee118", "--sweeps", sweep)
    line = next(row for row in text.splitlines() if "above about 4000" in row)
    assert "**not shown**" in line
    assert "up to 0, and more from 20 on; not decided at 10" in line
    assert "3 600 to 4 400" in line.replace("\u202f", " ")
    assert "| not decided by the gap |" in text, "the point itself says so too"


def test_what_rests_on_the_contrast_is_drawn_and_listed(project, tmp_path):
    calibration = tmp_path / "scenarios/ieee118/calibration"
    calibration.mkdir()
    (calibration / "contrast.json").write_text((REPOSITORY / "scenarios/ieee118/calibration/contrast.json").read_text())
    text = project("--case", "ieee118")
    assert "| 1.36 | 4 030 738 to 4 030 741 | 21.0 to 21.1 |" in text.replace("\u202f", " ")
    assert (tmp_path / "docs/figures/ieee118_contrast.png").is_file()
    assert "equal energy: all 4 h | M5" in text


def test_the_same_results_give_the_same_page(project, results):
    given = ("--case", "ieee30", "--compare", results / "compare-1", "--sweeps", results / "sweep-cost")
    assert project(*given) == project(*given)
