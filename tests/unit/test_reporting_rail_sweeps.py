"""Sweeps as figures and directions, and the pages docs/ieee30.md and docs/ieee118.md made from results."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from federates.boundary.errors import ConfigError
from federates.reporting.rail.compare import write_rail_comparison
from federates.reporting.rail.figures import cost_by_parameter_figure, cost_of_moving_figure
from federates.reporting.rail.report import write_rail_report
from federates.reporting.rail.sweeps import SweepTable, crossing_claim, line_claims, moving_claims

REPOSITORY = Path(__file__).parents[2]
COST, LINE = "transport_operator.settings.cost_usd_per_period", "power_operator.settings.line_limits_mw.12-13"


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = _load(Path(__file__).with_name("test_reporting_rail_example_runs.py"))


def write_sweep(folder: Path, key: str, rows: list[dict], points: int | None = None) -> Path:
    folder.mkdir(parents=True)
    pd.DataFrame([{"done": True, "gap": 0.0, **row} for row in rows]).to_parquet(folder / "sweep.parquet")
    values = sorted({row[key] for row in rows})
    about = {"vary": {key: values}, "points": points or len(rows), "method": "centralised"}
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


def test_dearer_moving_is_shown_by_direction(tmp_path):
    moving, cost = moving_claims(SweepTable.read(cost_sweep(tmp_path / "a")), "M1")
    assert moving.shown
    assert cost.shown
    assert "From 9 to 0 periods" in moving.words
    moving, cost = moving_claims(SweepTable.read(cost_sweep(tmp_path / "b", costs=(100, 99, 115), periods=(9, 10, 0))), "M1")
    assert not moving.shown
    assert not cost.shown
    assert "1 of 2 steps go the other way" in cost.words


def test_a_step_within_the_gaps_does_not_count(tmp_path):
    _, cost = moving_claims(SweepTable.read(cost_sweep(tmp_path / "a", costs=(100, 99, 115), gap=0.01)), "M1")
    assert cost.shown


def test_one_point_has_no_direction(tmp_path):
    rows = [{"scheme": "mobile", COST: 1, "total_cost_usd": 1.0, "moving_periods": 1}]
    rows.append({"scheme": "fixed", COST: 2, "total_cost_usd": 1.0, "moving_periods": 0})
    claims = moving_claims(SweepTable.read(write_sweep(tmp_path / "a", COST, rows)), "M1")
    assert [claim.shown for claim in claims] == [False, False]
    assert "needs two" in claims[0].words


def test_crossing_is_found_or_said_to_be_missing(tmp_path):
    table = SweepTable.read(cost_sweep(tmp_path / "a"))
    assert crossing_claim(table, 112.5, "M4", "M5", "").numbers["crossing"] == pytest.approx(15.0)
    for level, side in ((500.0, "costs less"), (1.0, "costs more")):
        claim = crossing_claim(table, level, "M4", "M5", "")
        assert not claim.shown
        assert side in claim.words


def test_wider_line(tmp_path):
    assert [claim.shown for claim in line_claims(SweepTable.read(line_sweep(tmp_path / "a")), "M1", "M2")] == [True, True, True]
    claims = line_claims(SweepTable.read(line_sweep(tmp_path / "b", fixed=(119.0, 121.0))), "M1", "M2")
    assert [claim.shown for claim in claims] == [True, False, False]


def test_axes_of_sweep_figures_have_units(tmp_path):
    table = SweepTable.read(cost_sweep(tmp_path / "a"))
    part = table.scheme("mobile").assign(moving_h=1.0)
    line = SweepTable.read(line_sweep(tmp_path / "b"))
    for figure in (
        cost_of_moving_figure(part, table.key, table.label, {}, {"fixed": 111.0}),
        cost_by_parameter_figure(line.frame, line.key, line.label, {"mobile": "M1"}),
    ):
        found = [text for axes in figure.get_axes() for text in (axes.get_xlabel(), axes.get_ylabel()) if text]
        assert all(re.search(r"\([^)]+\)", text) for text in found)
    assert line.label == "Capacity of line 12-13 (MW)"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder of case 1 with runs, a comparison and both sweeps."""
    folder = tmp_path_factory.mktemp("results")
    runs = {scheme: example.rail_run(folder / f"{scheme}-1", scheme, name="ieee30") for scheme in example.COST_FACTOR}
    write_rail_report(runs["mobile"])
    write_rail_comparison(runs, folder / "compare-1")
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
    write_sweep(folder / "cost", COST, rows)
    line_sweep(folder / "line")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the script in a project of its own, so that it writes nowhere else."""
    for case in ("ieee30", "ieee118"):
        own = tmp_path / "scenarios" / case / "transport_operator"
        own.mkdir(parents=True)
        (own / "config.yaml").write_text("settings: {cost_usd_per_period: 10}")
        (own.parent / "scenario.yaml").write_text("period_s: 3600")
    (tmp_path / "docs").mkdir()
    script = tmp_path / "docs/make_ieee.py"
    script.write_text((REPOSITORY / "docs/make_ieee.py").read_text())

    def make(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["make_ieee.py", *map(str, arguments)])
        _load(script).main()
        return (tmp_path / f"docs/{arguments[1]}.md").read_text()

    return make


def test_page_has_every_table_and_figure_of_the_paper(project, results, tmp_path):
    given = ("--compare", results / "compare-1", "--sweep-cost", results / "cost", "--sweep-line", results / "line")
    text = project("--case", "ieee30", *given)
    assert "Left out" not in text
    pictures = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert len(pictures) == 5
    assert all((tmp_path / "docs" / name).is_file() for name in pictures)
    for words in (
        "| M1 | mobile | 13 400 / 14 075 (-674) |",
        "(Fig. 4)",
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


def test_page_without_any_input_says_what_is_missing(project):
    text = project("--case", "ieee118")
    assert text.count("Left out: ") == len(re.findall("^## ", text, flags=re.M))
    assert "Fig. 7" not in text, "the line is case 1's"


def test_page_survives_folders_that_are_not_what_they_should_be(project, tmp_path):
    (tmp_path / "x").mkdir()
    text = project(
        "--case", "ieee118", "--compare", tmp_path / "x", "--sweep-cost", tmp_path / "x", "--centralised", tmp_path / "x"
    )
    assert "Left out: no comparison" in text
    assert "must be what portage sweep wrote" in text


def test_case_two_looks_for_the_crossing(project, results, tmp_path):
    content = json.loads((results / "compare-1/comparison.json").read_text())
    content["indicators"]["fixed"]["total_cost_usd"] = 13_340.0
    (tmp_path / "compare").mkdir()
    (tmp_path / "compare/comparison.json").write_text(json.dumps(content))
    text = project("--case", "ieee118", "--compare", tmp_path / "compare", "--sweep-cost", results / "cost")
    assert "M4 begins to cost more than M5" in text
    assert "at about 8" in text


def test_the_same_results_give_the_same_page(project, results):
    given = ("--case", "ieee30", "--compare", results / "compare-1", "--sweep-cost", results / "cost")
    assert project(*given) == project(*given)
